"""`smrep apply`: apply a manifest or a saved plan."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    budget,
    check_no_dash,
    dealt_accounts,
    event_plan,
    manifest_plan,
    read_event,
    read_manifest,
    read_plan,
    revalidated_plan,
    several_accounts,
    shard_of,
    sharded,
    with_found_accounts,
)
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.output.append_only_file import AppendOnlyFile, Journal
from smrep.report import SecretReport, SecretsReport
from smrep.rules.hints import format_command, step
from smrep.rules.trigger import Schedule, SecretEvent

if TYPE_CHECKING:
    from smrep.service.event import EventPlan
    from smrep.service.plan import FleetPlan, RevalidatedPlan

EXAMPLES = """\b
Examples:
    smrep apply -f dr.toml
    smrep apply -f dr.toml --yes --max-removals 0 --journal dr.jsonl
    smrep apply --plan dr.plan --yes
    smrep apply -f dr.toml --yes --shard auto/4
    smrep apply -f dr.toml --event created.json"""

AGAIN = ("file", "plan", "event", "rate", "journal", "shard", "parallel_accounts", "wait", "timeout_s")
"""Python names of the options to repeat; the confirming option is added where needed."""


@command(epilog=EXAMPLES)
@click.option("-f", "--file", metavar="FILE", help="Manifest to apply; - is standard input.")
@click.option("--plan", metavar="FILE", help="Carry out exactly the plan that plan --out wrote to FILE, or nothing.")
@click.option(
    "--event",
    metavar="FILE",
    help="Apply only what the event in FILE asks for, as the Lambda function does; - is standard input.",
)
@click.option(
    "--max-removals", type=click.IntRange(0), metavar="N", help="Refuse a plan that removes more than N replicas."
)
@options.rate(20, " in all shards together")
@click.option("--journal", metavar="FILE", help="Append a JSON line to FILE before each write.")
@sharded
@several_accounts
@options.changing("Wait until each Region is in sync or failed (default: wait).", "the changes")
@options.shared
def apply(
    file: str | None,
    plan: str | None,
    *,
    event: str | None,
    max_removals: int | None,
    rate: float,
    journal: str | None,
    shard: str | None,
    parallel_accounts: int,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Apply a manifest: add, retry and, with remove_extra, remove replicas.

    smrep shows the plan and asks for confirmation, then sends requests at an even rate. The timeout counts from each
    secret's request. To resume, run the same command again. It checks the current state first.

    With --event, smrep describes the secret of an EventBridge event and applies the manifest to it alone. It never
    removes a replica then, and only reports what a removal or a removed tag left.
    """
    with Run("apply", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        if bool(file) == bool(plan):
            raise UsageError("apply needs either -f FILE or --plan FILE", step("for example", "smrep apply -f dr.toml"))
        if plan and shard:
            raise UsageError("--plan and --shard contradict each other", "use --shard when you make the plan")
        if event and (plan or shard or (file == "-" == event)):
            other = "--plan" if plan else "--shard" if shard else "-f -"
            raise UsageError(f"--event and {other} contradict each other", "omit one of them")
        fleet_plan, paced = (
            _event_plan(run, str(file), event, rate)
            if event
            else _plan(run, file, plan, rate, shard=shard, width=parallel_accounts)
        )
        if journal and not dry_run:
            run.observers.append(_journal(run, journal, stack).write)

        from smrep.service import apply as service

        def again(*extra: str) -> str:
            return format_command("apply", [], flags=[*options.typed(*AGAIN), *run.home_flags, *extra])

        request = service.ApplyRequest(paced, timeout_s, wait, again, yes, max_removals)
        if fleet_plan:
            run.finish(service.apply(fleet_plan, request, run.state))
    return run.exit_code


def _plan(
    run: Run, file: str | None, plan: str | None, rate: float, *, shard: str | None, width: int
) -> tuple[FleetPlan | RevalidatedPlan, float]:
    """Return the plan, not yet looked at, and the writes per second allowed to an account."""
    if file:
        manifest = read_manifest(file, run.stdin)
        part = shard_of(run, shard)
        paced = budget(rate, part, dealt_accounts(manifest, part))
        run.stdin_is_taken = file == "-"
        manifest = with_found_accounts(run, manifest)
        return manifest_plan(run, manifest, part, width=width, trusting=True), paced
    saved = read_plan(str(plan))
    return revalidated_plan(run, saved), budget(rate, saved.shard, saved.of_accounts)


def _event_plan(run: Run, file: str, event: str, rate: float) -> tuple[FleetPlan | EventPlan | None, float]:
    """Return the plan of an event, None if nothing may be changed, and the writes per second.

    Raises:
        UsageError: the event is for `smrep audit`.

    """
    trigger = read_event(event, run.stdin)
    if trigger is Schedule.AUDIT:
        audit = format_command("audit", [], flags=["-f", file, "--deep"])
        raise UsageError("the event asks for an audit, which apply does not do", step("run it", audit))
    manifest = read_manifest(file, run.stdin)
    run.stdin_is_taken = "-" in (file, event)
    if trigger is Schedule.APPLY:
        manifest = with_found_accounts(run, manifest.without_removals)
        return manifest_plan(run, manifest, trusting=True, standing=True), budget(rate)
    if isinstance(trigger, SecretEvent):
        run.event = trigger.report()
        result = event_plan(run, manifest, trigger)
        if isinstance(result, SecretReport):
            run.finish(SecretsReport((result,)))
            return None, rate
        if not isinstance(result, str):
            return result, budget(rate)
        trigger = trigger.report(result)
    run.event = trigger
    run.note(f"ignored the event {trigger.name}: {trigger.ignored}")
    return None, rate


def _journal(run: Run, path: str, stack: ExitStack) -> Journal:
    """Return the journal, open until the run ends.

    Raises:
        UsageError: it cannot be written.

    """
    check_no_dash("--journal", path)
    ledger = AppendOnlyFile.opened(path, run.clock.now, "journal")
    stack.callback(ledger.close)
    return Journal(ledger, "apply")
