"""What the commands about many secrets have in common: the accounts, each with its door to AWS and its estate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

import click

from smrep.cli.app import App
from smrep.errors import ConfigurationError, UsageError
from smrep.files import check_folder
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.asked import check_account, check_regions
from smrep.rules.manifest import Manifest, Rule
from smrep.rules.manifest_homes import Home, check_homes
from smrep.rules.saved import Saved
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
    return Draft(planners, manifest.rules, is_whole(manifest, found))


def is_whole(manifest: Manifest, found: Sequence[Estate]) -> bool:
    """Tell whether no other shard has accounts in which a rule may find its secrets."""
    return len(manifest.accounts) <= 1 or len(found) == len(manifest.accounts)


def redrafted(app: App, plan: Saved) -> Redraft:
    """Return what a saved plan comes to, nothing looked at yet.

    Raises:
        UsageError: the plan is for another account or Region than the command line says.

    """
    from smrep.service.planning import Planner
    from smrep.service.redrafting import Redraft

    if app.options.role_arn and any(plan.accounts):
        raise UsageError("--role-arn contradicts the roles in the plan", "leave --role-arn out")
    app.several_accounts = len(plan.accounts) > 1
    homes = {each.account: each.region for each in plan.secrets}
    typed = app.options.primary_region
    other = next((region for region in homes.values() if typed not in (None, region)), None)
    if other:
        raise UsageError(
            f"the plan is for primaries in {other}, and --primary-region says {typed}; nothing was sent",
            "leave --primary-region out",
            code="PrimaryRegionMismatch",
        )
    app.found_homes(dict.fromkeys(homes.values(), "plan"))
    planners = {}
    for place, role in enumerate(plan.accounts):
        own = [parse_arn(each.arn, "secretsmanager").account for each in plan.secrets if each.account == place]
        expected = _expected(app.options.expect_account, role.account if role else None, "the plan is for account")
        for account in own:
            check_account(account, expected, "the plan")
        if own:
            estate = _estate(app, Home(homes[place], expected or own[0], role), (), WHOLE)
            planners[place] = Planner(estate, app.clock, app.show)
    return Redraft(plan, planners, app.show)


def shard_of(app: App, shard: str | None) -> Shard:
    """Return the part of the work that is this run's; see `parse_shard` for what it raises."""
    return parse_shard(shard, app.env) if shard else WHOLE


AWS_QUOTA = 50
"""Writes a second that AWS allows an account in a Region, everybody's together. Source: aws-behavior.md 5."""


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


def check_no_dash(option: str, path: str) -> None:
    """Refuse `-` for a file to write.

    Raises:
        UsageError: it is that.

    """
    if path == "-":
        raise UsageError(f"{option} - is no file, and standard output has the result", f"{option} ./- means that name")


def check_writable(option: str, path: str) -> None:
    """Refuse, before any call, a file that could not be written at the end.

    Raises:
        UsageError: it has no folder, or none in which we may make it.

    """
    check_no_dash(option, path)
    try:
        check_folder(path)
    except OSError as error:
        raise UsageError(f"{option} {path} can't be written: {error.strerror}") from error


def paced(app: App, draft: Draft | Redraft, rate: float, own: Mapping[str, Any]) -> Application:
    """Return what was drafted as a run, each account at its own pace; the app tells of it from now on."""
    from smrep.rules.settle import worst_first
    from smrep.rules.tally import done
    from smrep.service.applying import Application, Assignment
    from smrep.service.crew import Crew
    from smrep.service.drafting import joined, kept_rows
    from smrep.service.pace import Pace
    from smrep.service.running import WIDTH, Terms

    crew = Crew(app.clock, WIDTH)
    terms: dict[int, Terms] = {}
    assignments = []
    for planner, errand in draft.errands:
        pace = Pace(app.clock, rate)
        fresh = Terms(planner.estate.aws, pace, own["timeout_s"], wait=own["wait"], estate=planner.estate)
        assignments.append(Assignment(errand, terms.setdefault(id(planner), fresh), crew))
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
    part = shard_of(app, shard)
    app.several_accounts = len(manifest.accounts) > 1
    if manifest.accounts and app.options.role_arn:
        raise UsageError("--role-arn and [[account]] contradict each other", "leave one of them out")
    homes = _homes(app, manifest)
    if any(not rule.name for rule in manifest.rules):  # typed, and without a place
        check_regions([home.region for home in homes], _regions(manifest.rules))
    check_homes(manifest.rules, homes)
    shares = [part.share(place, len(homes)) for place in range(len(homes))]
    return [
        _estate(app, home, manifest.rules, mine) for home, mine in zip(homes, shares, strict=True) if mine is not None
    ]


def _homes(app: App, manifest: Manifest) -> list[Home]:
    """Return the accounts with the Regions of their primaries, said by the manifest or else by the run."""
    typed = app.options.expect_account
    if not manifest.accounts:
        return [Home(_home(app, manifest), _expected(typed, manifest.account_id, "the manifest is for account"))]
    common = None if all(role.region for role in manifest.accounts) else _home(app, manifest)
    sources = {common: app.where.sources[common]} if common and app.where else {}
    found = []
    for role in manifest.accounts:
        region = role.region or common
        assert region is not None  # noqa: S101 - else there is a common one
        sources.setdefault(region, f"{role.place}.region")
        account = _expected(typed, role.account, f"{role.place} is of account")
        found.append(Home(region, account, role))
    app.found_homes(sources)
    return found


def _estate(app: App, home: Home, rules: tuple[Rule, ...], part: Shard) -> Estate:
    """Return the estate behind a connection, whose flags hints have to repeat."""
    from smrep.service.estate import Estate
    from smrep.service.keys import KeyCheck
    from smrep.service.scope import Scope
    from smrep.service.sweeping import LISTS_A_SECOND, Sweeper

    options = replace(app.options, expect_account=home.account)
    if home.role:
        options = replace(options, role_arn=home.role.role_arn, external_id=home.role.external_id)
        app.connections[home.role.account] = options.connection
    aws = app.connect(home.region, options)
    scope = Scope(home.region, rules, None if part == WHOLE else part, home.account, home.role)
    sweeper = Sweeper(aws, app.clock, LISTS_A_SECOND / part.count)
    return Estate(aws, sweeper, KeyCheck(aws, app.clock), scope, app.show)


def _home(app: App, manifest: Manifest) -> Region:
    """Return the primaries' Region; what the manifest says is a guard first, and counts where nothing else does."""
    try:
        region = next(iter(app.find_home((), _regions(manifest.rules), needed=True).sources))
    except ConfigurationError:
        if manifest.primary_region is None:
            raise
        app.found_homes({manifest.primary_region: "manifest"})
        return manifest.primary_region
    if manifest.primary_region not in (None, region):
        source = app.where.source if app.where else "?"
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, and {source} says {region}; nothing was sent",
            f"if the manifest is right: --primary-region {manifest.primary_region}",
            code="PrimaryRegionMismatch",
        )
    return region


def _expected(typed: str | None, written: str | None, what: str) -> str | None:
    """Return the account that is expected; the command line and what is written down may not disagree."""
    if typed and written and typed != written:
        raise UsageError(
            f"{what} {written}, and --expect-account says {typed}; nothing was sent",
            "check which of the two is right",
            code="AccountMismatch",
        )
    return typed or written


def _regions(rules: Iterable[Rule]) -> Sequence[Region]:
    return tuple(dict.fromkeys(target.region for rule in rules for target in rule.targets))
