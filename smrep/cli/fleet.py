"""What the commands about many secrets have in common: the accounts, each with its door to AWS and its estate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

import click

from smrep.cli.app import App
from smrep.cli.options import Shared
from smrep.cli.selecting import read_plan
from smrep.errors import ConfigurationError, UsageError
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.asked import check_account, check_regions
from smrep.rules.manifest import AccountRole, Manifest, Rule
from smrep.rules.shards import WHOLE, Shard, parse_shard

if TYPE_CHECKING:
    from smrep.service.applying import Application
    from smrep.service.drafting import Draft
    from smrep.service.estate import Estate
    from smrep.service.redrafting import Redraft

sharded = click.option(
    "--shard",
    metavar="I/N",
    help="Take the I-th of N parts of the work; auto/N asks AWS Batch or Kubernetes which one this is.",
)


def drafted(app: App, manifest: Manifest, shard: str | None, *, trusting: bool = False) -> Draft:
    """Return the draft of what a manifest wants, nothing looked at yet; see `estates` for what it raises."""
    from smrep.service.drafting import Draft
    from smrep.service.planning import Planner

    found = estates(app, manifest, shard)
    planners = [Planner(each, app.clock, app.show, trusting) for each in found]
    whole = len(manifest.accounts) <= 1 or len(found) == len(manifest.accounts)
    return Draft(planners, manifest.rules, whole)


def redrafted(app: App, path: str) -> Redraft:
    """Return what a saved plan comes to, nothing looked at yet.

    Raises:
        UsageError: the file is no plan, or one for another account or Region.

    """
    from smrep.service.planning import Planner
    from smrep.service.redrafting import Redraft

    plan = read_plan(path)
    homes = {each.account: each.region for each in plan.secrets}
    planners = []
    for place, role in enumerate(plan.accounts):
        own = [each for each in plan.secrets if each.account == place]
        expected = _expected(app.options.expect_account, role.account if role else None, "the plan's role")
        for each in own:
            check_account(parse_arn(each.arn, "secretsmanager").account, expected, each.arn)
        if not own:
            continue
        app.found_home(homes[place], "plan")
        options = replace(app.options, role_arn=role.role_arn, external_id=role.external_id) if role else app.options
        planners.append((place, Planner(_estate(app, homes[place], (), WHOLE, options), app.clock, app.show)))
    app.several_accounts = len(planners) > 1
    return Redraft(plan, dict(planners), app.show)


def shard_of(app: App, shard: str | None) -> Shard:
    """Return the part of the work that is this run's; see `parse_shard` for what it raises."""
    return parse_shard(shard, app.env) if shard else WHOLE


AWS_QUOTA = 50
"""Writes a second that AWS allows an account in a Region, everybody's together. Source: aws-behaviour.md 5."""


def budget(rate: float, part: Shard, accounts: int) -> float:
    """Return how many writes a second this run may send to an account in a Region.

    Raises:
        UsageError: it is none, or all shards together would send an account more than AWS takes.

    """
    together = max(1, ceil(part.count / max(1, accounts)))
    most = AWS_QUOTA * part.count / together
    if not 0 < rate <= most:
        raise UsageError(
            f"--rate {rate:g} is not possible: it must be more than 0 and at most {most:g}",
            f"AWS takes {AWS_QUOTA} writes a second from an account in a Region, everybody's together",
        )
    return rate / part.count


def paced(app: App, draft: Draft | Redraft, rate: float, own: Mapping[str, Any]) -> Application:
    """Return what was drafted as a run, each account at its own pace; the app tells of it from now on."""
    from smrep.rules.settle import worst_first
    from smrep.rules.tally import done
    from smrep.service.applying import WIDTH, Application, Assignment, Terms
    from smrep.service.crew import Crew
    from smrep.service.drafting import joined, kept_rows
    from smrep.service.pace import Pace

    crew = Crew(app.clock, WIDTH)
    terms: dict[int, Terms] = {}
    assignments = []
    for planner, errand in draft.errands:
        aws = planner.estate.aws
        own_terms = terms.setdefault(id(aws), Terms(aws, Pace(app.clock, rate), own["timeout_s"], own["wait"]))
        assignments.append(Assignment(errand, own_terms, crew))
    run = Application(assignments, crew)
    app.secrets = lambda: joined(worst_first(run.reports()), draft.kept)
    app.summary = lambda: done(run.reports(), kept_rows(draft.kept), len(draft.kept))
    app.progress = lambda: run.progress
    return run


def estates(app: App, manifest: Manifest, shard: str | None = None) -> list[Estate]:
    """Return what each account holds of what is wanted, nothing listed yet; none for an account of other shards.

    Raises:
        UsageError: the manifest is for another Region or account, or contradicts the command line.
        ConfigurationError: nobody names a Region.

    """
    home = _home(app, manifest)
    part = shard_of(app, shard)
    app.several_accounts = len(manifest.accounts) > 1
    if not manifest.accounts:
        check_regions([home], _regions(manifest.rules))
        expected = _expected(app.options.expect_account, manifest.account_id, "account_id")
        return [_estate(app, home, manifest.rules, part, replace(app.options, expect_account=expected))]
    if app.options.role_arn:
        raise UsageError("--role-arn and [[account]] contradict each other", "leave one of them out")
    found = []
    for place, role in enumerate(manifest.accounts):
        region = role.region or home
        check_regions([region], _regions(manifest.rules))
        _expected(app.options.expect_account, role.account, f"{role.place}.role_arn")
        mine = part.share(place, len(manifest.accounts))
        if mine is not None:
            options = replace(app.options, role_arn=role.role_arn, external_id=role.external_id)
            options = replace(options, expect_account=role.account)
            found.append(_estate(app, region, manifest.rules, mine, options, role))
    return found


def _estate(  # noqa: PLR0917 - each of them tells one estate from another
    app: App, home: Region, rules: tuple[Rule, ...], part: Shard, options: Shared, role: AccountRole | None = None
) -> Estate:
    """Return the estate behind a connection."""
    from smrep.service.estate import Estate, Scope
    from smrep.service.keys import KeyCheck
    from smrep.service.sweeping import Sweeper

    aws = app.connect(home, options)
    scope = Scope(home, rules, None if part == WHOLE else part, options.expect_account, role)
    return Estate(aws, Sweeper(aws, app.clock), KeyCheck(aws), scope, app.show)


def _home(app: App, manifest: Manifest) -> Region:
    """Return the primaries' Region; what the manifest says is a guard first, and counts where nothing else does."""
    try:
        region = next(iter(app.find_home((), _regions(manifest.rules), needed=True).sources))
    except ConfigurationError:
        if manifest.primary_region is None:
            raise
        app.found_home(manifest.primary_region, "manifest")
        return manifest.primary_region
    if manifest.primary_region not in (None, region):
        source = app.where.source if app.where else "?"
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, and {source} says {region}; nothing was sent",
            f"if the manifest is right: --primary-region {manifest.primary_region}",
            code="PrimaryRegionMismatch",
        )
    return region


def _expected(typed: str | None, written: str | None, where: str) -> str | None:
    """Return the account that is expected; the command line and the manifest may not disagree."""
    if typed and written and typed != written:
        raise UsageError(
            f"{where} of the manifest is account {written}, and --expect-account says {typed}; nothing was sent",
            "check which of the two is right",
            code="AccountMismatch",
        )
    return typed or written


def _regions(rules: Iterable[Rule]) -> Sequence[Region]:
    return tuple(dict.fromkeys(target.region for rule in rules for target in rule.targets))
