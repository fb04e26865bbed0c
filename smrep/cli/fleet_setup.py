"""Set up a run over many secrets: accounts, connections, rates, the manifest, the failover record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.files import check_folder
from smrep.model import SecretId, parse_arn
from smrep.output.failover_record_file import FailoverRecordFile
from smrep.regions import Region
from smrep.report import EventReport, SecretReport
from smrep.rules.fleet.organization import FoundAccount, choose_accounts, idle_exclusions
from smrep.rules.fleet.saved_plan import Saved, parse_saved
from smrep.rules.fleet.shards import WHOLE, Shard, parse_shard
from smrep.rules.hints import step
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Home, Manifest, Rule, check_homes, common_home, expected_account, homes_of
from smrep.rules.primary_region import account_in, check_account, check_regions
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.trigger import Schedule, SecretEvent, read_trigger

if TYPE_CHECKING:
    from smrep.service.event import EventPlan
    from smrep.service.fleet.inventory import Inventory
    from smrep.service.plan import FleetPlan, RevalidatedPlan


sharded = click.option(
    "--shard",
    metavar="I/N",
    help="Process part I of N; auto/N takes I from AWS Batch or Kubernetes.",
)
PARALLEL_ACCOUNTS = 8
several_accounts = click.option(
    "--parallel-accounts",
    type=click.IntRange(1, 32),
    default=PARALLEL_ACCOUNTS,
    metavar="N",
    help=f"Work on at most N accounts of the manifest at once (default: {PARALLEL_ACCOUNTS}).",
)

reported = click.option(
    "--report",
    "reports",
    metavar="FILE",
    multiple=True,
    help="Also write the result to FILE.html, FILE.xml (JUnit), FILE.prom (Prometheus) or FILE.ocsf.json (OCSF).",
)


def manifest_plan(
    run: Run,
    manifest: Manifest,
    part: Shard = WHOLE,
    *,
    width: int = PARALLEL_ACCOUNTS,
    trusting: bool = False,
    detailed: bool = False,
    standing: bool = False,
) -> FleetPlan:
    """Return the plan of a manifest before any look; raises like `open_inventories`.

    `standing` accepts rules without a secret, which is yet to be born.
    """
    from smrep.service.fleet.multi_account import Accounts
    from smrep.service.fleet.secret_plan import AccountPlanner
    from smrep.service.plan import FleetPlan

    inventories = open_inventories(run, manifest, part)
    planners = [AccountPlanner(inventory, run.clock, trusting) for inventory in inventories]
    rules, whole = () if standing else manifest.rules, is_whole(manifest, inventories)
    return FleetPlan(planners, rules, whole, accounts=Accounts(width), detailed=detailed)


def absent_names(inventories: Sequence[Inventory]) -> tuple[SecretReport, ...] | None:
    """Return the named secrets that none of these accounts has, by name; None without accounts.

    After an interrupt, threads still list: sets and dicts are copied at once, as they may grow during a loop.
    """
    if not inventories:
        return None
    present = set[str]().union(*(inventory.present for inventory in inventories))
    reports: dict[str, SecretReport] = {}
    for inventory in reversed(inventories):
        reports.update(inventory.absent)
    return tuple(reports[name] for name in sorted(reports) if name not in present)


def unmatched_places(inventories: Sequence[Inventory], rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the rules that match no secret of these accounts: their places, names and conditions."""
    from smrep.service.fleet.inventory import unmatched_rules

    rules = unmatched_rules(inventories, rules)
    return tuple(f"{rule.place}: {rule.name}: {rule.selector.conditions}" for rule in rules)


def event_plan(run: Run, manifest: Manifest, event: SecretEvent) -> EventPlan | SecretReport | str:
    """Return the plan for an event's secret, its report after an event that changes nothing, or why it is ignored.

    Raises:
        SmrepError: the secret could not be described; and like `open_inventories`.

    """
    from smrep.service.event import find_event_secret
    from smrep.service.fleet.secret_plan import AccountPlanner

    manifest = with_found_accounts(run, manifest.without_removals if event.adds else manifest)
    inventories = open_inventories(run, manifest, event=event)
    if not inventories:
        account = f" of account {event.account}" if event.account else ""
        return f"the manifest has no primaries in {event.region}{account}"
    return find_event_secret(event, AccountPlanner(inventories[0], run.clock))


def is_whole(manifest: Manifest, inventories: Sequence[Inventory]) -> bool:
    """Return whether no other shard's accounts may contain a rule's secrets."""
    return len(inventories) == max(1, len(manifest.accounts))


def find_accounts(run: Run, manifest: Manifest) -> tuple[FoundAccount, ...]:
    """Return the accounts of the manifest and its organization, covered or not; warn of idle exclusions.

    Raises:
        UsageError: as `open_inventories`; or the caller is in no organization, or an OU does not exist.
        AwsError: AWS denied a call or did not answer.

    """
    from smrep.service.fleet.account_discovery import find_members

    organization = manifest.organization
    if organization is None:
        return tuple(FoundAccount(role.account, role=role) for role in manifest.accounts)
    _check_role_arn(run, manifest)
    home, _ = _home(run, manifest)
    role_arn = organization.lookup_role_arn
    external_id = organization.external_id if role_arn else None
    aws = run.connect(home, replace(run.options, role_arn=role_arn, external_id=external_id))
    members = find_members(aws, home, organization)
    for exclusion in idle_exclusions(organization, members):
        run.messages.warning(f"organization.exclude: {exclusion} matches no account")
    return choose_accounts(organization, members, manifest.accounts)


def with_found_accounts(run: Run, manifest: Manifest) -> Manifest:
    """Return the manifest with the accounts that its organization has; without an organization, the same manifest.

    Raises:
        UsageError, AwsError: as `find_accounts`; or there are no accounts to cover.

    """
    if manifest.organization is None:
        return manifest
    found = find_accounts(run, manifest)
    covered = tuple(account.role for account in found if account.role is not None)
    check_covered(len(covered), len(found), step("see why", "smrep accounts -f FILE"))
    run.note(f"organization: {len(covered)} accounts covered, {len(found) - len(covered)} skipped")
    return replace(manifest, accounts=covered)


def check_covered(covered: int, found: int, hint: str) -> None:
    """Refuse a manifest whose organization has no account to cover: smrep would use the current credentials.

    Raises:
        UsageError: there is none.

    """
    if not covered:
        raise UsageError(f"[organization] covers none of {found} accounts", hint)


def revalidated_plan(run: Run, plan: Saved) -> RevalidatedPlan:
    """Return a saved plan to check against AWS, before any look.

    Raises:
        UsageError: the plan is for another account or Region than the command line.

    """
    from smrep.service.fleet.secret_plan import AccountPlanner
    from smrep.service.plan import RevalidatedPlan

    if run.options.role_arn and any(plan.accounts):
        raise UsageError("--role-arn contradicts the roles in the plan", "omit --role-arn")
    run.several_accounts = len(plan.accounts) > 1
    run.shard = None if plan.shard == WHOLE else str(plan.shard)
    homes = {secret.account: secret.region for secret in plan.secrets}
    typed = run.options.primary_region
    other = next((region for region in homes.values() if typed not in (None, region)), None)
    if other:
        raise UsageError(
            f"the plan is for primaries in {other}, not in --primary-region {typed}; nothing was sent",
            "omit --primary-region",
            code="PrimaryRegionMismatch",
        )
    run.remember_homes(dict.fromkeys(homes.values(), "plan"))
    planners = {}
    for place, role in enumerate(plan.accounts):
        accounts = [
            parse_arn(secret.arn, "secretsmanager").account for secret in plan.secrets if secret.account == place
        ]
        written = role.account if role else None
        expected = expected_account(run.options.expect_account, written, "the plan is for account")
        for account in accounts:
            check_account(account, expected, "the plan")
        if accounts:
            inventory = _inventory(run, Home(homes[place], expected or accounts[0], role), (), WHOLE)
            planners[place] = AccountPlanner(inventory, run.clock)
    return RevalidatedPlan(plan, planners)


def dealt_accounts(manifest: Manifest, part: Shard) -> int:
    """Return the number of accounts to assume for the rate: no two shards share an account of an organization."""
    return part.count if manifest.organization else max(1, len(manifest.accounts))


def shard_of(run: Run, shard: str | None) -> Shard:
    """Return this run's shard, and remember it for the report; raises like `parse_shard`."""
    part = parse_shard(shard, run.env) if shard else WHOLE
    run.shard = None if part == WHOLE else str(part)
    return part


AWS_QUOTA = 50
"""AWS's limit of writes per second for an account in a Region, for all its users. Source: aws-behavior.md 5."""


def budget(rate: float, part: Shard = WHOLE, accounts: int = 1) -> float:
    """Return this run's limit of writes per second for an account in a Region.

    Raises:
        UsageError: it is zero, or all shards together would exceed AWS's limit.

    """
    together = max(1, ceil(part.count / max(1, accounts)))
    most = AWS_QUOTA * part.count / together
    if not 0 < rate <= most:
        raise UsageError(
            f"--rate {rate:g} is not possible: it must be more than 0 and at most {most:g}",
            f"AWS accepts {AWS_QUOTA} writes a second for an account and Region, from all callers together",
        )
    return rate / part.count


def check_no_dash(option: str, path: str) -> None:
    """Refuse `-` as an output file.

    Raises:
        UsageError: the path is `-`.

    """
    if path == "-":
        raise UsageError(f"{option} - is not a file; standard output has the result", f"use {option} ./- for that name")


def check_writable(option: str, path: str) -> None:
    """Refuse, before any call, an output file that cannot be written.

    Raises:
        UsageError: its folder does not exist or is not writable.

    """
    check_no_dash(option, path)
    try:
        check_folder(path)
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror}") from error


def open_inventories(
    run: Run, manifest: Manifest, part: Shard = WHOLE, event: SecretEvent | None = None
) -> list[Inventory]:
    """Return each account's inventory before listing; none for an account of other shards or events.

    Raises:
        UsageError: the manifest is for another Region or account, or contradicts the command line.
        ConfigurationError: no Region is known.

    """
    run.several_accounts = len(manifest.accounts) > 1
    _check_role_arn(run, manifest)
    homes = find_homes(run, manifest)
    if any(not rule.name for rule in manifest.rules):  # rules from the command line have no place
        check_regions([home.region for home in homes], _regions(manifest.rules))
    check_homes(manifest.rules, homes)
    shares = [
        part.share_of_found(home.role.account) if manifest.organization and home.role else part.share(place, len(homes))
        for place, home in enumerate(homes)
    ]
    inventories = [
        _inventory(run, home, manifest.rules, mine)
        for home, mine in zip(homes, shares, strict=True)
        if mine is not None and (event is None or event.belongs_to(home))
    ]
    if event is None and not is_whole(manifest, inventories):
        run.absent = partial(absent_names, inventories)
        run.unmatched = partial(unmatched_places, inventories, manifest.rules)
    return inventories


def _check_role_arn(run: Run, manifest: Manifest) -> None:
    """Refuse --role-arn beside the manifest's own roles."""
    table = "[organization]" if manifest.organization else "[[account]]" if manifest.accounts else None
    if table and run.options.role_arn:
        raise UsageError(f"--role-arn and {table} contradict each other", "omit one of them")


def find_homes(run: Run, manifest: Manifest) -> list[Home]:
    """Return the accounts with their primaries' Regions, from the manifest or else from the run.

    Raises:
        UsageError, ConfigurationError: as `open_inventories`.

    """
    homes, sources = homes_of(manifest, run.options.expect_account, lambda: _home(run, manifest))
    run.remember_homes(sources)
    return homes


def _inventory(run: Run, home: Home, rules: tuple[Rule, ...], part: Shard) -> Inventory:
    """Return the inventory behind a connection whose flags appear in hints."""
    from smrep.service.fleet.inventory import FleetScope, Inventory
    from smrep.service.fleet.region_lister import LISTS_A_SECOND, RegionLister
    from smrep.service.steps.kms_keys import KmsKeys

    options = replace(run.options, expect_account=home.account)
    if home.role:
        options = replace(options, role_arn=home.role.role_arn, external_id=home.role.external_id)
        run.connections[home.role.account] = options.connection
    aws = run.connect(home.region, options)
    scope = FleetScope(home.region, rules, None if part == WHOLE else part, home.account, home.role)
    sweeper = RegionLister(aws, run.clock, LISTS_A_SECOND / part.count)
    return Inventory(aws, sweeper, KmsKeys(aws, run.clock), scope)


def _home(run: Run, manifest: Manifest) -> tuple[Region, str]:
    """Return the primaries' Region and its source, located once."""
    if run.where and run.where.region:  # where smrep asked for the accounts
        return next(iter(run.where.sources.items()))

    def locate() -> tuple[Region, str]:
        return next(iter(run.locate((), _regions(manifest.rules), needed=True).sources.items()))

    region, source = common_home(manifest, locate)
    run.remember_homes({region: source})
    return region, source


def _regions(rules: Iterable[Rule]) -> Sequence[Region]:
    return tuple(dict.fromkeys(target.region for rule in rules for target in rule.targets))


def open_record(run: Run, path: str, pair: RegionPair | None, stack: ExitStack) -> FailoverRecordFile:
    """Return the record, locked by this run until the stack ends, unless it is a dry run.

    Raises:
        UsageError: it cannot be read or written, is for other Regions or another account, or another run has it.

    """
    check_writable("--record", path)
    record_file = FailoverRecordFile.opened(path, run.clock.now, writes=not run.dry_run)
    stack.callback(record_file.close)
    record = record_file.record
    if record.pair is not None and pair not in (None, record.pair):
        raise UsageError(
            f"--record {path} is for a failover from {record.pair.source} to {record.pair.target}; nothing was sent",
            "use another file",
            code="RecordError",
        )
    for number in record.torn:
        run.messages.warning(f"line {number} of {path} is incomplete, as after a killed run, and was skipped")
    for arn in record.entries:
        check_account(account_in(SecretId(arn)), run.options.expect_account, f"{path} names {arn}, which")
    if pair is not None:
        record_file.set_regions(pair)
    return record_file


def read_manifest(path: str, stdin: TextIO | None) -> Manifest:
    """Return the manifest in a file; - is standard input.

    Raises:
        UsageError: it cannot be read, or is not a manifest.

    """
    return parse(read_text(path, stdin), file_name(path))


def read_event(path: str, stdin: TextIO | None) -> SecretEvent | Schedule | EventReport:
    """Return what the event in a file asks for; - is standard input.

    Raises:
        UsageError: it cannot be read, or smrep does not take it.

    """
    try:
        event = json.loads(read_text(path, stdin))
    except (ValueError, RecursionError) as error:
        message = f"{file_name(path)} is not JSON: {error}"
        raise UsageError(message, "name a file with one event", code="MalformedEvent") from error
    return read_trigger(event)


def read_plan(path: str) -> Saved:
    """Return the plan in a file.

    Raises:
        UsageError: it cannot be read, or is not a plan.

    """
    return parse_saved(read_text(path, None), path)


def file_name(path: str) -> str:
    """Return how messages call a file to read; - is standard input."""
    return "standard input" if path == "-" else path


def read_text(path: str, stdin: TextIO | None) -> str:
    """Return the text of a file; - is standard input.

    Raises:
        UsageError: it cannot be read.

    """
    try:
        if path != "-":
            return Path(path).read_text(encoding="utf-8-sig")
        if stdin is None or stdin.closed:
            raise UsageError("standard input is closed", "name a file")
        return stdin.read().removeprefix("\ufeff")  # some editors write a BOM
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file_name(path)} could not be read: {why}", "name an existing file") from error
