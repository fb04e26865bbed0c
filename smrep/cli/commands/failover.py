"""`smrep failover`: promote many replicas while their primaries' Region is down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    announce,
    budget,
    carry_out,
    check_end,
    chosen_selection,
    open_record,
    read_manifest,
    selector,
    typed_choice,
)
from smrep.cli.params import HomeRegion
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.fleet.shards import WHOLE
from smrep.rules.hints import format_command
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.rules.primary_region import check_regions
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.recovery.recovery_summary import SheetLine, failover_sheet, promotion_row

if TYPE_CHECKING:
    from smrep.output.failover_record_file import FailoverRecordFile
    from smrep.service.failover import FailoverSelection
    from smrep.service.fleet.scheduler import Scheduler
    from smrep.service.recovery.failover_task import FailoverTask

EXAMPLES = """\b
Examples:
    smrep failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --dry-run
    smrep failover --from us-east-1 --to us-west-2 --prefix prod/ --record dr.jsonl
    smrep failover --from us-east-1 --to us-west-2 -f dr.toml --record dr.jsonl --yes
    smrep failover --from us-east-1 --to us-west-2 - --record dr.jsonl --yes < names"""

AGAIN = ("source", "target", "file", "record", "rate", "wait", "timeout_s")
"""Python names of the options to repeat."""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.argument("secrets", metavar="[SECRET...]", nargs=-1)
@click.option(
    "--from",
    "source",
    type=HomeRegion(),
    required=True,
    metavar="REGION",
    help="Region of the primaries: the lost one.",
)
@click.option(
    "--to", "target", type=HomeRegion(), required=True, metavar="REGION", help="Region whose replicas are promoted."
)
@click.option(
    "--record", required=True, metavar="FILE", help="Append what is promoted to FILE, which failback reads (mode 0600)."
)
@click.option("-f", "--file", metavar="FILE", help="Manifest whose rules with the Region choose; - is standard input.")
@chosen_selection
@options.rate(40)
@options.changing("Wait until each secret is seen to stand alone (default: wait).", "the promotions")
@options.shared
def failover(
    secrets: tuple[str, ...],
    *,
    source: Region,
    target: Region,
    record: str,
    file: str | None,
    rate: float,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
    **choice: Any,
) -> int:
    """Promote the replicas of one Region's primaries in another, which is the only one that is called.

    Each replica becomes a standalone secret that can be written; its name, ARN and key stay. Choose with --prefix,
    --tag, --owning-service, --all, -f, or by names. With -n, the go / no-go sheet. A run that was stopped is gone on
    with by the same command.
    """
    with Run("failover", shared, dry_run=dry_run, yes=yes) as run:
        pair = _pair(run, source, target)
        paced = budget(rate, WHOLE, 1)
        selectors = _selectors(run, secrets, file, choice, pair)
        run.remember_homes({pair.source: "--from"})
        flags = [*options.typed(*AGAIN), *typed_choice(choice)]
        again = format_command("failover", secrets, flags=flags)
        confirmed = format_command("failover", secrets, flags=[*flags, "--yes"])
        arguments = Arguments(pair, selectors, paced, timeout_s, wait, again, confirmed, by_tags=bool(choice["tags"]))
        with ExitStack() as stack:
            record_file = open_record(run, record, pair, stack)
            _fail_over(run, arguments, record_file)
        run.close_screen()
        if record_file.record.pair is not None:  # the record has content
            back = format_command("failback", [], flags=["--record", record, "--dry-run"])
            run.messages.note(f"when {pair.source} is back: {back}")
    return run.exit_code


@dataclass(frozen=True, slots=True)
class Arguments:
    """Checked command line."""

    pair: RegionPair
    selectors: Sequence[Selector]
    rate: float
    """Requests per second."""
    timeout_s: float
    wait: bool
    again: str
    """Command that resumes the run."""
    confirmed: str
    """Same command with --yes."""
    by_tags: bool
    """Whether tags select."""


def _fail_over(run: Run, arguments: Arguments, record_file: FailoverRecordFile) -> None:
    """Select, show the go/no-go sheet, promote."""
    from smrep.service.failover import Failover, FailoverSelection
    from smrep.service.fleet.fleet_run import WIDTH
    from smrep.service.fleet.region_lister import RegionLister
    from smrep.service.fleet.scheduler import Scheduler

    pair = arguments.pair
    aws = run.connect(pair.target, sole=True)
    credentials = SheetLine("credentials", *aws.session.dependence(pair.source, pair.target))
    selection = FailoverSelection(
        aws, RegionLister(aws, run.clock), pair, arguments.selectors, record_file.record, run.options.expect_account
    )
    run.state.track(selection)
    selection.look(run.state)
    _check_selection(selection, by_tags=arguments.by_tags)
    scheduler = Scheduler(run.clock, WIDTH)
    tasks = _tasks(selection, scheduler, record_file, arguments)
    fleet = Failover(tasks, scheduler, refused=selection.refused, rate=arguments.rate, dry_run=run.dry_run)
    run.state.track(fleet)
    listed = [selection.secrets[arn] for arn in selection.to_promote]
    rows = [
        promotion_row(secret, pair, selection.findings.get(secret.arn, ()), is_due=True, dry_run=True)
        for secret in listed
    ]
    announce(run, failover_sheet(rows, pair, arguments.rate, credentials) if rows else [])
    if run.dry_run:
        for task in [task for task in tasks if task.is_due][:1]:
            task.rehearse()
        run.note_dry_run()
        return
    words = arguments.confirmed if run.yes else arguments.again
    if not run.yes:
        run.ask([secret.name for secret in listed], "failover", arguments.confirmed)
    carry_out(run, fleet, words)
    fleet.check()
    check_end(fleet, arguments.timeout_s, words)


def _pair(run: Run, source: Region, target: Region) -> RegionPair:
    """Return the two Regions as a pair.

    Raises:
        UsageError: they cannot be a pair, or --primary-region differs from --from.

    """
    if source == target:
        raise UsageError(
            f"--from and --to are both {source}", "--from is the Region that is lost, --to the one that takes over"
        )
    check_regions([source], [target])
    if run.options.primary_region not in (None, source):
        raise UsageError(
            f"--primary-region {run.options.primary_region} contradicts --from {source}", "leave --primary-region out"
        )
    return RegionPair(source, target)


def _selectors(
    run: Run, secrets: Sequence[str], file: str | None, choice: dict[str, Any], pair: RegionPair
) -> Sequence[Selector]:
    """Return the selectors.

    Raises:
        UsageError: there are none, or two ways to select contradict each other.

    """
    chosen = selector(**choice)
    ways = [bool(secrets), bool(file), chosen != EVERY or choice["every"]]
    if sum(ways) != 1:
        between = ("--from", pair.source, "--to", pair.target)
        raise UsageError(
            "say which secrets, in one way: --prefix and --tag, --all, -f FILE, or their names",
            f"every one: {format_command('failover', [], flags=[*between, '--all', '--record', 'FILE', '--dry-run'])}",
        )
    if secrets:
        names = run.secrets_in(secrets, pair.target)
        for name in names:
            if name.startswith("arn:") and parse_arn(name, "secretsmanager").region not in (pair.source, pair.target):
                raise UsageError(
                    f"{name} is neither of {pair.source} nor of {pair.target}", "name it by its name alone"
                )
        return [Selector(names=frozenset(names))] if names else []
    return _of_manifest(run, file, pair) if file else [chosen]


def _of_manifest(run: Run, file: str, pair: RegionPair) -> Sequence[Selector]:
    """Return the selectors of the rules that want the Region.

    Raises:
        UsageError: no rule does, or the manifest is for other primaries or another account.

    """
    manifest = read_manifest(file, run.stdin)
    run.stdin_is_taken = file == "-"
    if manifest.accounts:
        raise UsageError(
            f"{file} names several accounts, and a failover is of one",
            "take its [[account]] tables out, and name the role with --role-arn",
        )
    if manifest.primary_region not in (None, pair.source):
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, and --from says {pair.source}",
            code="PrimaryRegionMismatch",
        )
    expected = run.options.expect_account
    if manifest.account_id and expected not in (None, manifest.account_id):
        raise UsageError(
            f"the manifest is for account {manifest.account_id}, and --expect-account says {expected}",
            "check which of the two is right",
            code="AccountMismatch",
        )
    run.options = replace(run.options, expect_account=expected or manifest.account_id)
    rules = [rule for rule in manifest.rules if any(target.region == pair.target for target in rule.targets)]
    if not rules:
        raise UsageError(
            f"no rule of {file} wants {pair.target}", "name another --to, or choose with --prefix or --all"
        )
    return [rule.selector for rule in rules]


def _check_selection(selection: FailoverSelection, *, by_tags: bool) -> None:
    """Refuse a selection without secrets.

    Raises:
        UsageError: it is empty, and the record does not show that everything is done.

    """
    if selection.secrets or selection.refused:
        return
    pair = selection.pair
    raise UsageError(
        f"the choice matches no replica of {pair.source} in {pair.target}; nothing was sent",
        "a replica need not show its primary's tags: choose by --prefix or by names"
        if by_tags
        else f"what {pair.target} holds: {format_command('list', [], primary_region=pair.target)}",
    )


def _tasks(
    selection: FailoverSelection, scheduler: Scheduler, record_file: FailoverRecordFile, arguments: Arguments
) -> list[FailoverTask]:
    """Return the tasks, which share one rate limit."""
    from smrep.service.fleet.fleet_run import AccountRun
    from smrep.service.recovery.failover_task import FailoverTask
    from smrep.service.steps.rate_limiter import RateLimiter

    account_run = AccountRun(
        selection.aws, RateLimiter(scheduler.clock, arguments.rate), arguments.timeout_s, arguments.wait
    )
    return [
        FailoverTask(
            secret,
            selection.pair,
            account_run,
            scheduler,
            record_file.write,
            selection.record.entries.get(arn),
            record_file.entry,
            selection.findings.get(arn, ()),
            selection.selectors,
            is_due=arn in selection.to_promote,
        )
        for arn, secret in selection.secrets.items()
    ]
