"""`smrep failback`: lead home what a failover promoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import ask
from smrep.cli.fleet_setup import announce, budget, carried, check_end, the_record
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.report import Progress
from smrep.rules.fleet.shards import WHOLE
from smrep.rules.hints import spell
from smrep.rules.recovery.failback_decision import Goal
from smrep.rules.recovery.failover_record import Pair, Record
from smrep.rules.recovery.recovery_summary import Line, failback_counts, failback_sheet
from smrep.rules.replication.replica_state import worst_first

if TYPE_CHECKING:
    from smrep.aws.client import Aws
    from smrep.service.fleet.fleet_run import Terms
    from smrep.service.fleet.scheduler import Crew
    from smrep.service.recovery.failback_task import Journey
    from smrep.service.steps.preflight import Health

EXAMPLES = """\b
Examples:
    smrep failback --record dr.jsonl --dry-run
    smrep failback --record dr.jsonl
    smrep failback --record dr.jsonl --return-primary --dry-run
    smrep failback --record dr.jsonl --return-primary --yes -o json"""

AGAIN = ("record", "return_primary", "rotation_handled", "rate", "wait", "timeout_s")
"""The options to type again, by their names in Python."""
_SHOWN = 300
"""So many characters of a line that was cut off are shown: its mark and its secret's name stand before."""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
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
def failback(**more: Any) -> None:
    """Lead home the secrets of a failover's record, step by step, each looked at before the next.

    Both sides are compared by their version ids first: what changed on both is left alone. Then the promoted secret
    becomes the primary of replicas in the old Region, in place of the old primary's copy, and in the third Regions.
    With --return-primary, the primary role goes back by the same steps. A run that was stopped is gone on with by the
    same command.
    """
    names = ("record", "return_primary", "rotation_handled", "rate", "wait", "timeout_s")
    own = {name: more.pop(name) for name in names}
    dry_run, yes = more.pop("dry_run"), more.pop("yes")
    app = App("failback", options.Shared(**more), dry_run=dry_run)

    def work(app: App) -> Iterator[None]:
        budget(own["rate"], WHOLE, 1)
        with ExitStack() as stack:
            book = the_record(app, own["record"], None, stack)
            pair, entries = book.known.pair, book.known.newest
            if pair is None or not entries:
                what = "names no secret that was promoted" if Path(own["record"]).exists() else "does not exist"
                raise UsageError(
                    f"--record {own['record']} {what}; nothing was sent",
                    "name the file that failover --record wrote",
                )
            _check_home(app, pair)
            app.found_homes({pair.source: "--record"})

            from smrep.service.failback import plan_all
            from smrep.service.fleet.fleet_run import WIDTH, Run
            from smrep.service.fleet.scheduler import Crew
            from smrep.service.recovery.failback_task import Journey

            crew = Crew(app.clock, WIDTH)
            terms, health, goal = _terms(app.connect(pair.target), crew, own)
            journeys = [
                Journey(each, pair, goal, own["rotation_handled"], terms, crew, health, book.write) for each in entries
            ]
            app.progress = lambda: Progress("comparing", sum(each.is_planned for each in journeys), len(journeys))
            plan_all(journeys, app.show)
            yield
            run = Run(journeys, crew, "leading home")
            app.secrets = lambda: worst_first(each.report(dry_run=dry_run) for each in journeys)
            app.summary = lambda: failback_counts(app.secrets(), dry_run=dry_run)
            app.progress = lambda: run.progress
            due = [each for each in journeys if each.sends]
            announce(app, _sheet(due, pair, goal))
            for each in due:
                for name, danger in each.stakes:
                    app.messages.warning(f"{name} is {danger}")
            if dry_run:
                app.messages.note("dry run: nothing was sent")
                return
            flags = options.typed(*AGAIN)
            agreed = spell("failback", [], flags=[*flags, "--yes"])
            if not yes:
                ask(app, [each.name for each in due], "failback", lambda: agreed)
            words = agreed if yes else spell("failback", [], flags=flags)
            yield from carried(app, run, words)
            if not own["wait"] and due:
                app.messages.warning(f"only the first step of each was asked for; to go on from there: {words}")
            run.check()
            check_end(run, own["timeout_s"], words)
            _check_whole(book.known, own["record"])

    conduct(app, work)


def _check_whole(record: Record, path: str) -> None:
    """Refuse to call that the whole way back where a line of the record was cut off, with whatever it named.

    Raises:
        NotWhole: one was.

    """
    if record.lost and record.pair is not None:
        lines = [f"line {number}: {text[:_SHOWN]}" for number, text in record.lost.items()]
        over = ["--from", record.pair.source, "--to", record.pair.target, "--all", "--record", path, "--dry-run"]
        raise NotWhole(
            f"the last line of {path} was cut off, so that the secret that it names may have been left where it is",
            f"see what the record does not name: {spell('failover', [], flags=over)}",
            Outcome.FAILED,
            tuple(lines),
        )


def _check_home(app: App, pair: Pair) -> None:
    """Refuse another primaries' Region than the record's.

    Raises:
        UsageError: it was typed.

    """
    if app.options.primary_region not in (None, pair.source):
        raise UsageError(
            f"the record is of primaries in {pair.source}, and --primary-region says {app.options.primary_region}",
            "leave --primary-region out",
            code="PrimaryRegionMismatch",
        )


def _terms(aws: Aws, crew: Crew, own: Mapping[str, Any]) -> tuple[Terms, Health, Goal]:
    """Return how all secrets are led home, and how far."""
    from smrep.service.fleet.fleet_run import Terms
    from smrep.service.steps.kms_keys import KeyCheck
    from smrep.service.steps.preflight import Health
    from smrep.service.steps.rate_limiter import Pace

    terms = Terms(aws, Pace(crew.clock, budget(own["rate"], WHOLE, 1)), own["timeout_s"], own["wait"])
    health = Health(aws, aws, KeyCheck(aws, crew.clock), "failback", versions=False)
    return terms, health, Goal.RETURN if own["return_primary"] else Goal.PROTECT


def _sheet(due: Sequence[Journey], pair: Pair, goal: Goal) -> list[Line]:
    """Return what is to be done for those that are due."""
    removals, replaced = sum(each.removals for each in due), sum(each.replaces for each in due)
    return failback_sheet([(each.name, each.truth) for each in due], pair, goal, removals=removals, replaced=replaced)
