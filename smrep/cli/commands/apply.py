"""`smrep apply`: bring about what a manifest wants, or do a saved plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import ask
from smrep.cli.fleet_setup import (
    budget,
    carried,
    check_end,
    check_no_dash,
    drafted,
    paced,
    read_manifest,
    read_plan,
    redrafted,
    shard_of,
    sharded,
)
from smrep.errors import UsageError
from smrep.output.append_only_file import Journal, Ledger
from smrep.output.summary_line import planned
from smrep.rules.hints import spell

if TYPE_CHECKING:
    from smrep.service.plan import Draft, Redraft

EXAMPLES = """\b
Examples:
    smrep apply -f dr.toml
    smrep apply -f dr.toml --yes --max-removals 0 --journal dr.jsonl
    smrep apply --plan dr.plan --yes
    smrep apply -f dr.toml --yes --shard auto/4"""

AGAIN = ("file", "plan", "rate", "journal", "shard", "wait", "timeout_s")
"""The options to type again, by their names in Python; what confirms is added where it is due."""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
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
def apply(file: str | None, plan: str | None, **more: Any) -> None:
    """Add, retry and, where the manifest says so, remove replicas until all is as it is wanted.

    The plan is shown and confirmed; requests go out at an even pace, and the deadline runs from each secret's own. A
    run that was stopped is gone on with by the same command, which looks first.
    """
    own = {name: more.pop(name) for name in ("max_removals", "rate", "journal", "shard", "wait", "timeout_s")}
    dry_run, yes = more.pop("dry_run"), more.pop("yes")
    app = App("apply", options.Shared(**more), dry_run=dry_run)

    def work(app: App) -> Iterator[None]:
        if bool(file) == bool(plan):
            raise UsageError("say what to apply: either -f FILE or --plan FILE", "smrep apply -f dr.toml")
        if plan and own["shard"]:
            raise UsageError("--plan is done as a whole", "make the plan with --shard instead")
        with ExitStack() as stack:
            draft, rate = _drafted(app, file, plan, own)
            if own["journal"] and not dry_run:
                app.journal = _journal(app, own["journal"], stack)
            app.secrets, app.summary = draft.secrets, lambda: draft.summary
            app.progress = lambda: draft.progress
            yield from draft.act()
            app.close_screen()
            _announce(app, draft, asking=not (yes or dry_run))
            if dry_run:
                app.messages.note("dry run: nothing was sent")
                draft.accounts.check(draft.count)
                return
            again = Again((*options.typed(*AGAIN), *app.home_flags), draft.removals)
            _check_removals(draft.removals, own["max_removals"], again, yes=yes)
            if not yes:
                ask(app, [each.name for each in draft.changes], "apply", lambda: again.confirmed)
            yield from _act(app, draft, rate, own, again.confirmed if yes else again.words)

    conduct(app, work)


@dataclass(frozen=True, slots=True)
class Again:
    """The same command, to be typed again."""

    flags: tuple[str, ...]
    removals: int
    """How many replicas it removes."""

    @property
    def words(self) -> str:
        """The command that asks."""
        return spell("apply", [], flags=self.flags)

    @property
    def confirmed(self) -> str:
        """The command that needs no answer."""
        most = ["--max-removals", str(self.removals)] if self.removals else []
        return spell("apply", [], flags=[*self.flags, "--yes", *most])


def _drafted(app: App, file: str | None, plan: str | None, own: dict[str, Any]) -> tuple[Draft | Redraft, float]:
    """Return what is to be found out, and how many writes a second the run may send to an account."""
    if file:
        manifest = read_manifest(file, app.stdin)
        rate = budget(own["rate"], shard_of(app, own["shard"]), len(manifest.accounts))
        app.stdin_is_taken = file == "-"
        return drafted(app, manifest, own["shard"], trusting=True), rate
    saved = read_plan(str(plan))
    return redrafted(app, saved), budget(own["rate"], saved.shard, saved.of_accounts)


def _journal(app: App, path: str, stack: ExitStack) -> Journal:
    """Return the journal, open until the run ends.

    Raises:
        UsageError: it can't be written.

    """
    check_no_dash("--journal", path)
    ledger = Ledger.opened(path, app.clock.now, "journal")
    stack.callback(ledger.close)
    return Journal(ledger, "apply")


def _act(app: App, draft: Draft | Redraft, rate: float, own: dict[str, Any], again: str) -> Iterator[None]:
    """Do what was drafted, and say what is open at the end."""
    run = paced(app, draft, rate, own)
    yield from carried(app, run, again)
    run.check_accounts(draft.accounts)
    draft.accounts.check(draft.count)
    check_end(run, own["timeout_s"], again)


def _announce(app: App, draft: Draft | Redraft, *, asking: bool) -> None:
    """Show the plan to a person, who must see all that is lost before an answer is asked for; tell it to a program."""
    if app.events:
        app.events.plan()
    shown = asking or not app.options.quiet
    if shown and not (app.dry_run and app.output == "table") and app.stderr is not None:
        from smrep.output.tables.plan_table import render_plan

        app.stderr.write(render_plan(draft.secrets(), planned(draft.summary), app.paper(app.stderr)))
        app.stderr.flush()
    if asking:
        for errand in draft.changes:
            for name, danger in errand.clearing.stakes if errand.clearing else ():
                app.messages.warning(f"{name} is {danger}")


def _check_removals(removals: int, most: int | None, again: Again, *, yes: bool) -> None:
    """Refuse to remove more than was allowed; what nobody is asked for must have been allowed by number.

    Raises:
        UsageError: it is more.

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
