"""`smrep apply`: apply a manifest or a saved plan."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    budget,
    carry_out,
    check_end,
    check_no_dash,
    manifest_plan,
    read_manifest,
    read_plan,
    revalidated_plan,
    shard_of,
    sharded,
)
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.output.append_only_file import AppendOnlyFile, Journal
from smrep.output.summary_line import plan_counts
from smrep.rules.hints import format_command

if TYPE_CHECKING:
    from smrep.service.plan import FleetPlan, RevalidatedPlan

EXAMPLES = """\b
Examples:
    smrep apply -f dr.toml
    smrep apply -f dr.toml --yes --max-removals 0 --journal dr.jsonl
    smrep apply --plan dr.plan --yes
    smrep apply -f dr.toml --yes --shard auto/4"""

AGAIN = ("file", "plan", "rate", "journal", "shard", "wait", "timeout_s")
"""Python names of the options to repeat; the confirming option is added where needed."""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.option("-f", "--file", metavar="FILE", help="Manifest of what is wanted; - is standard input.")
@click.option("--plan", metavar="FILE", help="Do exactly what plan --out wrote to FILE, or nothing.")
@click.option(
    "--max-removals", type=click.IntRange(0), metavar="N", help="Refuse a plan that removes more replicas than N."
)
@options.rate(20, ", all shards together")
@click.option("--journal", metavar="FILE", help="Append a JSON line to FILE for each write, before it is sent.")
@sharded
@options.changing("Wait until each Region has settled (default: wait).", "the changes")
@options.shared
def apply(
    file: str | None,
    plan: str | None,
    *,
    max_removals: int | None,
    rate: float,
    journal: str | None,
    shard: str | None,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Add, retry and, where the manifest says so, remove replicas until all is as it is wanted.

    The plan is shown and confirmed; requests go out at an even pace, and the deadline runs from each secret's own. A
    run that was stopped is gone on with by the same command, which looks first.
    """
    with Run("apply", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        if bool(file) == bool(plan):
            raise UsageError("say what to apply: either -f FILE or --plan FILE", "smrep apply -f dr.toml")
        if plan and shard:
            raise UsageError("--plan is done as a whole", "make the plan with --shard instead")
        fleet_plan, paced = _plan(run, file, plan, rate, shard)
        if journal and not dry_run:
            run.journal = _journal(run, journal, stack)
        run.state.track(fleet_plan)
        fleet_plan.look(run.state)
        run.close_screen()
        _announce(run, fleet_plan, asking=not (yes or dry_run))
        if dry_run:
            run.note_dry_run()
            fleet_plan.accounts.check(fleet_plan.count)
        else:
            again = Again((*options.typed(*AGAIN), *run.home_flags), fleet_plan.removals)
            _check_removals(fleet_plan.removals, max_removals, again, yes=yes)
            if not yes:
                run.ask([change.name for change in fleet_plan.changes], "apply", again.confirmed)
            words = again.confirmed if yes else again.words
            _act(run, fleet_plan, paced, timeout_s, words, wait=wait)
    return run.exit_code


@dataclass(frozen=True, slots=True)
class Again:
    """Command line to run again."""

    flags: tuple[str, ...]
    removals: int
    """Number of replicas that it removes."""

    @property
    def words(self) -> str:
        """Command that asks for confirmation."""
        return format_command("apply", [], flags=self.flags)

    @property
    def confirmed(self) -> str:
        """Command that needs no answer."""
        most = ["--max-removals", str(self.removals)] if self.removals else []
        return format_command("apply", [], flags=[*self.flags, "--yes", *most])


def _plan(
    run: Run, file: str | None, plan: str | None, rate: float, shard: str | None
) -> tuple[FleetPlan | RevalidatedPlan, float]:
    """Return the plan, not yet looked at, and the writes per second allowed to an account."""
    if file:
        manifest = read_manifest(file, run.stdin)
        paced = budget(rate, shard_of(run, shard), len(manifest.accounts))
        run.stdin_is_taken = file == "-"
        return manifest_plan(run, manifest, shard, trusting=True), paced
    saved = read_plan(str(plan))
    return revalidated_plan(run, saved), budget(rate, saved.shard, saved.of_accounts)


def _journal(run: Run, path: str, stack: ExitStack) -> Journal:
    """Return the journal, open until the run ends.

    Raises:
        UsageError: it cannot be written.

    """
    check_no_dash("--journal", path)
    ledger = AppendOnlyFile.opened(path, run.clock.now, "journal")
    stack.callback(ledger.close)
    return Journal(ledger, "apply")


def _act(
    run: Run, fleet_plan: FleetPlan | RevalidatedPlan, rate: float, timeout_s: float, again: str, *, wait: bool
) -> None:
    """Carry out the plan, and report what is open at the end."""
    from smrep.service.apply import Application

    application = Application.of(fleet_plan, run.clock, rate, timeout_s, wait=wait)
    carry_out(run, application, again)
    application.check_accounts(fleet_plan.accounts)
    fleet_plan.accounts.check(fleet_plan.count)
    check_end(application, timeout_s, again)


def _announce(run: Run, fleet_plan: FleetPlan | RevalidatedPlan, *, asking: bool) -> None:
    """Show the plan, with everything that is lost, before asking; send it to programs as an event."""
    if run.events:
        run.events.plan()
    shown = asking or not run.options.quiet
    if shown and not (run.dry_run and run.output == "table") and run.stderr is not None:
        from smrep.output.tables.plan_table import render_plan

        run.stderr.write(render_plan(fleet_plan.reports(), plan_counts(fleet_plan.summary), run.paper(run.stderr)))
        run.stderr.flush()
    if asking:
        for plan in fleet_plan.changes:
            for name, danger in plan.removal.stakes if plan.removal else ():
                run.messages.warning(f"{name} is {danger}")


def _check_removals(removals: int, most: int | None, again: Again, *, yes: bool) -> None:
    """Refuse to remove more than allowed; without a prompt, the number must have been allowed explicitly.

    Raises:
        UsageError: it removes more.

    """
    if most is None and not (yes and removals):
        return
    if most is None or removals > most:
        allowed = "none was allowed" if most is None else f"--max-removals allows {most}"
        raise UsageError(
            f"the plan removes {removals} replica{'s' if removals > 1 else ''}, and {allowed}; nothing was sent",
            f"if that is meant: {again.confirmed}",
            code="TooManyRemovals",
        )
