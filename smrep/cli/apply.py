"""`smrep apply`: bring about what a manifest wants, or do a saved plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, TextIO

import click

from smrep.cli import options
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import ask
from smrep.cli.fleet import budget, drafted, paced, redrafted, shard_of, sharded
from smrep.cli.selecting import read_manifest
from smrep.errors import StillOpen, UsageError
from smrep.files import appending
from smrep.output.fleet_words import planned
from smrep.output.journal import Journal
from smrep.rules.commands import some, spell
from smrep.rules.shards import WHOLE

if TYPE_CHECKING:
    from smrep.service.applying import Application
    from smrep.service.drafting import Draft
    from smrep.service.redrafting import Redraft

EXAMPLES = """\b
Examples:
    smrep apply -f dr.toml
    smrep apply -f dr.toml --yes --max-removals 0 --journal dr.jsonl
    smrep apply --plan dr.plan --yes
    smrep apply -f dr.toml --yes --shard auto/4"""

AGAIN = ("file", "plan", "max_removals", "rate", "journal", "shard", "wait", "timeout_s")
"""The options to type again, by their names in Python."""


@click.command(context_settings=options.CONTEXT, short_help="Bring about what a manifest wants.", epilog=EXAMPLES)
@click.option("-f", "--file", metavar="FILE", help="Manifest of what is wanted; - is standard input.")
@click.option("--plan", metavar="FILE", help="Do exactly what plan --out wrote to FILE, or nothing.")
@click.option(
    "--max-removals", type=click.IntRange(0), metavar="N", help="Refuse a plan that removes more replicas than N."
)
@options.rate(20)
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
        draft: Draft | Redraft
        if file:
            manifest = read_manifest(file, app.stdin)
            rate = budget(own["rate"], shard_of(app, own["shard"]), len(manifest.accounts))
            draft = drafted(app, manifest, own["shard"], trusting=True)
            app.stdin_is_taken = file == "-"
        else:
            rate = budget(own["rate"], WHOLE, 1)
            draft = redrafted(app, str(plan))
        app.secrets, app.summary = draft.secrets, lambda: draft.summary
        app.progress = lambda: draft.progress
        yield from draft.act()
        app.close_screen()
        _announce(app, draft)
        again = spell("apply", [], flags=options.typed(*AGAIN))
        _check_removals(draft.removals, own["max_removals"], again, yes=yes)
        if dry_run:
            app.messages.note("dry run: nothing was sent")
            return
        if not yes:
            ask(app, [each.name for each in draft.changes], "apply", lambda: f"{again} --yes")
        yield from _act(app, draft, rate, own, again)

    conduct(app, work)


def _act(app: App, draft: Draft | Redraft, rate: float, own: dict[str, Any], again: str) -> Iterator[None]:
    """Do what was drafted, and say what is open at the end."""
    with ExitStack() as stack:
        path = own["journal"]
        if path:
            try:
                file = appending(path)
            except OSError as error:
                raise UsageError(f"--journal {path} can't be written: {error.strerror}; nothing was sent") from error
            stack.callback(_close, file)
            app.journal = Journal(file, path, app.clock.now, "apply")
        run = paced(app, draft, rate, own)
        app.interrupted = lambda: run.stopped(again)
        for _ in run.act():
            if app.events:
                app.events.show(run.news())
            yield
    _check_end(run, own["timeout_s"], again)


def _close(journal: TextIO) -> None:
    """Close the journal; a line that could not be written was complained of when it was to be."""
    with suppress(OSError):
        journal.close()


def _announce(app: App, draft: Draft | Redraft) -> None:
    """Show the plan to a person, and tell it to a program."""
    if app.events:
        app.events.plan()
    is_result = app.dry_run and app.output == "table"
    if not (is_result or app.options.quiet) and app.stderr is not None:
        from smrep.output.plan_table import draw

        app.stderr.write(draw(draft.secrets(), planned(draft.summary), app.paper(app.stderr)))
        app.stderr.flush()


def _check_removals(removals: int, most: int | None, again: str, *, yes: bool) -> None:
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
            f"if that is meant: {again} --yes --max-removals {removals}",
            code="TooManyRemovals",
        )


def _check_end(run: Application, timeout_s: float, again: str) -> None:
    """Say what is open at the end.

    Raises:
        StillOpen: something is.

    """
    left = run.open_names if run.waits else []
    if left:
        raise StillOpen(
            f"{len(left)} of {run.progress.total} secrets were not settled {timeout_s:g} s after their request: "
            + some(left),
            f"the same command goes on from there: {again}",
        )
