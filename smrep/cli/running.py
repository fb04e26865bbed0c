"""How a run over many secrets goes, is stopped and ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from smrep.cli.app import App
from smrep.errors import StillOpen
from smrep.rules.commands import some
from smrep.rules.crossing import Line

if TYPE_CHECKING:
    from smrep.service.running import Run


def announce(app: App, lines: Sequence[Line]) -> None:
    """Show a person what she must know before she says go, and tell the plan to a program."""
    app.close_screen()
    if app.events:
        app.events.plan()
    shown = [line for line in lines if line.is_warning or not app.options.quiet]
    if shown and app.stderr is not None:
        from smrep.output.sheet import draw

        with suppress(OSError):  # nobody reads, and nothing is left to tell it to
            app.stderr.write(draw(shown, app.paper(app.stderr)))
            app.stderr.flush()


def carried(app: App, run: Run, again: str) -> Iterator[None]:
    """Do it, telling the events as they come; `again` is the command that goes on where it is stopped."""
    app.interrupted = lambda: run.stopped(again)
    for _ in run.act():
        if app.events:
            app.events.show(run.news())
        yield


def check_end(run: Run, timeout_s: float, again: str) -> None:
    """Say what is open at the end.

    Raises:
        StillOpen: something is.

    """
    left = run.open_names
    if left:
        raise StillOpen(
            f"{len(left)} of {run.progress.total} secrets were not settled {timeout_s:g} s after their request: "
            + some(left),
            f"the same command goes on from there: {again}",
        )
