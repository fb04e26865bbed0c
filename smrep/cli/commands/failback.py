"""`smrep failback`: return promoted secrets to their original Region."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from smrep.cli import options
from smrep.cli.fleet_setup import budget, open_record
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.rules.fleet.shards import WHOLE
from smrep.rules.hints import format_command
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


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.option(
    "--record", required=True, metavar="FILE", help="What failover wrote down; the way back is written there too."
)
@click.option(
    "--return-primary",
    is_flag=True,
    help="Go all the way: the old Region has the primaries again (default: it gets replicas).",
)
@click.option(
    "--rotation-handled",
    is_flag=True,
    help="Lead home also what rotates: nobody will change the password on one side only.",
)
@options.rate(40)
@options.changing("Wait until each step has settled (default: wait).", "what is destroyed on the way")
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
    """Lead home the secrets of a failover's record, step by step, each looked at before the next.

    Both sides are compared by their version ids first: what changed on both is left alone. Then the promoted secret
    becomes the primary of replicas in the old Region, in place of the old primary's copy, and in the third Regions.
    With --return-primary, the primary role goes back by the same steps. A run that was stopped is gone on with by the
    same command.
    """
    with Run("failback", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        paced = budget(rate, WHOLE, 1)
        record_file = open_record(run, record, None, stack)
        pair, entries = record_file.record.pair, record_file.record.newest
        if pair is None or not entries:
            trouble = "names no secret that was promoted" if Path(record).exists() else "does not exist"
            raise UsageError(
                f"--record {record} {trouble}; nothing was sent", "name the file that failover --record wrote"
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
            run.messages.warning(f"only the first step of each was asked for; to go on from there: {again()}")
        if not dry_run:
            _check_whole(record_file.record, record)
    return run.exit_code


def _check_whole(record: Record, path: str) -> None:
    """Refuse a complete failback if a line of the record was cut off, along with the secret it names.

    Raises:
        NotWhole: a line was cut off.

    """
    if record.lost and record.pair is not None:
        lines = [f"line {number}: {text[:_SHOWN]}" for number, text in record.lost.items()]
        over = ["--from", record.pair.source, "--to", record.pair.target, "--all", "--record", path, "--dry-run"]
        raise NotWhole(
            f"the last line of {path} was cut off, so that the secret that it names may have been left where it is",
            f"see what the record does not name: {format_command('failover', [], flags=over)}",
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
            f"the record is of primaries in {pair.source}, and --primary-region says {run.options.primary_region}",
            "leave --primary-region out",
            code="PrimaryRegionMismatch",
        )
