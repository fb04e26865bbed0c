"""`smrep failback`: return promoted secrets to their original Region."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from smrep.cli import options
from smrep.cli.fleet_setup import budget, open_record
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.rules.fleet.shards import WHOLE
from smrep.rules.hints import format_command, step
from smrep.rules.recovery.failback_decision import FailbackGoal
from smrep.rules.recovery.failover_record import Record, RegionPair

EXAMPLES = """\b
Examples:
    smrep failback --record dr.jsonl --dry-run
    smrep failback --record dr.jsonl
    smrep failback --record dr.jsonl --return-primary --dry-run
    smrep failback --record dr.jsonl --return-primary --yes -o json"""

AGAIN = ("record", "return_primary", "rotation_handled", "rate", "wait", "timeout_s")
"""Python names of the options to repeat."""
_SHOWN = 300
"""Number of characters to show of a truncated line; its mark and its secret's name come first."""


@command(epilog=EXAMPLES)
@click.option("--record", required=True, metavar="FILE", help="Record that failover wrote; failback appends to it.")
@click.option(
    "--return-primary",
    is_flag=True,
    help="Also return the primary role to the original Region (default: it gets replicas).",
)
@click.option(
    "--rotation-handled",
    is_flag=True,
    help="Also fail back secrets that rotate: you made sure that no rotation runs on one side only.",
)
@options.rate(40)
@options.changing("Wait until each step is done or failed (default: wait).", "what failback destroys")
@options.shared
def failback(
    *,
    record: str,
    return_primary: bool,
    rotation_handled: bool,
    rate: float,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Fail back: return promoted secrets to their original Region.

    smrep first compares both sides by their version ids, and skips a secret that changed on both. It then replaces the
    old primary with a replica of the promoted secret, adds the replicas in third Regions again, and checks each step
    before the next. With --return-primary, the primary role moves back by the same steps. To resume, run the same
    command again. It checks the current state first.
    """
    with Run("failback", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        paced = budget(rate, WHOLE, 1)
        record_file = open_record(run, record, None, stack)
        pair, entries = record_file.record.pair, record_file.record.newest
        if pair is None or not entries:
            trouble = "names no promoted secret" if Path(record).exists() else "does not exist"
            raise UsageError(
                f"--record {record} {trouble}; nothing was sent", "use the file that failover --record wrote"
            )
        _check_home(run, pair)
        run.remember_homes({pair.source: "--record"})

        from smrep.service import failback as service

        def again(*extra: str) -> str:
            return format_command("failback", [], flags=options.typed(*AGAIN, "yes") + extra)

        goal = FailbackGoal.RETURN if return_primary else FailbackGoal.PROTECT
        request = service.FailbackRequest(
            paced, timeout_s, wait, again, pair, entries, goal, rotation_handled, record_file.write
        )
        run.finish(service.failback(run.connect(pair.target), request, run.state))
        if not wait and run.state.tracked.was_sent:
            run.messages.warning("--no-wait sent only the first step of each secret")
            run.suggest(step("for the next steps", again()))
        if (run.state.tracked.summary or {}).get("led") and not return_primary:
            back = format_command("failback", [], flags=[*options.typed(*AGAIN), "--return-primary"])
            run.next_step = step(f"{pair.target} stays the primary; to move the role back", back)
        if not dry_run:
            _check_whole(record_file.record, record)
    return run.exit_code


def _check_whole(record: Record, path: str) -> None:
    """Refuse a complete failback if a line of the record is incomplete, and with it the secret that it names.

    Raises:
        NotWhole: a line is incomplete.

    """
    if record.lost and record.pair is not None:
        lines = [f"line {number}: {text[:_SHOWN]}" for number, text in record.lost.items()]
        over = ["--from", record.pair.source, "--to", record.pair.target, "--all", "--record", path, "--dry-run"]
        raise NotWhole(
            f"the last line of {path} is incomplete, so failback may have skipped the secret it names",
            step("see which secrets the record does not name", format_command("failover", [], flags=over)),
            Outcome.FAILED,
            tuple(lines),
        )


def _check_home(run: Run, pair: RegionPair) -> None:
    """Refuse a primary Region other than the record's.

    Raises:
        UsageError: another one was typed.

    """
    if run.options.primary_region not in (None, pair.source):
        raise UsageError(
            f"the record is for primaries in {pair.source}, not in --primary-region {run.options.primary_region}",
            "omit --primary-region",
            code="PrimaryRegionMismatch",
        )
