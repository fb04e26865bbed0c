"""Progress that redraws itself: a table of Regions, or a bar for many secrets."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.spinner import Spinner
from rich.text import Text

from smrep.output.progress import Phase, onward
from smrep.output.safe import safe
from smrep.output.summary_line import counts
from smrep.output.tables.rich_console import console
from smrep.output.tables.status_table import body
from smrep.output.terminal import Terminal, terminal_size
from smrep.report import Progress, SecretReport
from smrep.rules.hints import duration
from smrep.rules.run_outcome import is_open

_AROUND = 9
"""Lines of the screen that are not rows: title, head, keys, foot and the prompt above."""


class _Live(Live):
    """What vanishes when it is stopped, redrawn by rich's own thread as large as the terminal is then."""

    def __init__(self, screen: Console, render: Callable[[], RenderableType]) -> None:
        """Draw nothing before the first `redraw`."""
        super().__init__(
            console=screen,
            get_renderable=render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def redraw(self) -> None:
        """Have the newest state drawn, by this thread where the system has no other to give."""
        with contextlib.suppress(OSError):  # the terminal is gone, the result is still wanted
            try:
                self.start()
            except RuntimeError:  # can't start new thread, which is the last that it does
                self.auto_refresh = False
            if not self.auto_refresh:
                self.refresh()

    def refresh(self) -> None:
        """Draw, by whichever thread."""
        self.console.size = terminal_size(self.console.file, os.environ)
        super().refresh()

    def stop(self) -> None:
        """Take it off the screen."""
        with contextlib.suppress(OSError):
            super().stop()


class LiveTable:
    """Shows progress on a terminal; what is drawn vanishes when it is closed."""

    def __init__(self, stream: TextIO, terminal: Terminal, timeout_s: float | None = None) -> None:
        """Draw nothing before the first `show`."""
        self._terminal = terminal
        self._timeout_s = timeout_s
        self._secrets: tuple[SecretReport, ...] = ()
        self._elapsed_s, self._shown_at = 0.0, 0.0
        self._spinner = Spinner("dots" if terminal.unicode else "line")
        self._console = console(terminal, stream, live=True)
        self._live = _Live(self._console, self._render)

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Have the newest state drawn by rich's own thread: a signal that met us while drawing would leave it there."""
        self._secrets = tuple(secrets)
        self._elapsed_s, self._shown_at = elapsed_s, time.monotonic()
        self._live.redraw()

    def close(self) -> None:
        """Take the table off the screen."""
        self._live.stop()

    def _render(self) -> RenderableType:
        elapsed_s = self._elapsed_s + time.monotonic() - self._shown_at
        foot = f"watching, {elapsed_s:.0f} s; Ctrl-C ends it"
        if self._timeout_s is not None:
            limit = duration(self._timeout_s)
            foot = f"waiting, {elapsed_s:.0f} s of {limit}; Ctrl-C stops the waiting, not AWS"
        shown = fitting(self._secrets, self._console.height - _AROUND)
        if shown != self._secrets:
            foot = f"{counts(self._secrets)}; {foot}"
        table = body(shown, self._terminal, self._spinner) if shown else []
        return Group(*table, Text(foot, style="dim"))


def fitting(secrets: tuple[SecretReport, ...], rows: int) -> tuple[SecretReport, ...]:
    """Return the secrets if they fit into so many rows, else as many of those with open Regions as do."""
    if sum(max(len(each.replicas), 1) for each in secrets) <= rows:
        return secrets
    shown: list[SecretReport] = []
    for secret in secrets:
        open_rows = tuple(row for row in secret.replicas if is_open(row))
        rows -= len(open_rows)
        if rows < 0:
            break
        if open_rows:
            shown.append(replace(secret, replicas=open_rows, error=None))
    return tuple(shown)


_SHORTEST, _LONGEST = 6, 40
"""Columns of a bar: with fewer it shows nothing, with more nothing else."""
_SPINNER = 2
"""Columns of the spinner and of the space after it."""
_MINUTE, _HOUR = 60, 3600


class ProgressBar:
    """Shows on a terminal how far a run has come; what is drawn vanishes when it is closed."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        """Draw nothing before the first `show`."""
        self._terminal = terminal
        self._seen: tuple[Phase, float] | None = None
        self._spinner = Spinner("dots" if terminal.unicode else "line")
        self._live = _Live(console(terminal, stream, live=True), self._render)

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Have the newest state drawn by rich's own thread, which also keeps the time between two states."""
        before = self._seen[0] if self._seen else None
        self._seen = onward(before, progress, elapsed_s), time.monotonic()
        self._live.redraw()

    def close(self) -> None:
        """Take the bar off the screen."""
        self._live.stop()
        self._seen = None

    def _render(self) -> RenderableType:
        if self._seen is None:
            return Text("")
        phase, shown_at = self._seen
        now_s = phase.now_s + time.monotonic() - shown_at
        return _BarLine(replace(phase, now_s=now_s), self._spinner, self._terminal)


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on either side of a bar, and the columns of the bar itself."""

    doing: str
    words: str
    trouble: str
    bar: int
    """0 where there is no room for one."""


def fitting_bar(phase: Phase, columns: int) -> Line:
    """Return as much as so many columns have room for: first the speed goes, then the time left, then the bar."""
    here = phase.progress
    doing = safe(here.doing)
    whole = f"/{here.total}" if here.total is not None else ""
    counts = f"{here.done}{whole} {safe(here.unit)}"
    speed, left = phase.speed, time_left(phase)
    words, room = counts, 0
    for more in ((speed, left), (left,), (speed,), ()):
        words = ", ".join(filter(None, (counts, *more)))
        every = ", ".join(filter(None, (words, phase.trouble)))
        room = columns - cell_len(doing) - cell_len(every) - len("  ")
        if room >= _SHORTEST:
            break
    return Line(doing, words, phase.trouble, min(room, _LONGEST) if room >= _SHORTEST else 0)


def time_left(phase: Phase) -> str:
    """Return how long the rest takes, as coarsely as it is known; empty where nobody can tell."""
    left_s = phase.left_s
    if left_s is None:
        return ""
    if left_s <= 1.5 * _MINUTE:
        return f"about {math.ceil(left_s)} s left"
    if left_s <= 1.5 * _HOUR:
        return f"about {left_s / _MINUTE:.0f} min left"
    return f"about {left_s / _HOUR:.0f} h left"


@dataclass(frozen=True, slots=True)
class _BarLine:
    """The bar as rich draws it: one line, however wide the terminal is at that moment."""

    phase: Phase
    spinner: Spinner
    terminal: Terminal

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> RenderResult:
        if not self.terminal.unicode:
            options = replace(options, encoding="ascii")
        line = fitting_bar(self.phase, options.max_width - _SPINNER)
        here = self.phase.progress
        yield _words(f"{self.spinner.render(screen.get_time())} {line.doing} ")
        if line.bar:
            bar = Bar(here.total, here.done, line.bar, complete_style="green", finished_style="green")
            yield from screen.render(bar, options)
            yield Text(" ", end="")
        yield _words(f"{line.words}{', ' if line.trouble else ''}", (line.trouble, "red"))


def _words(*parts: str | tuple[str, str]) -> Text:
    """Return words that neither fold nor end the line."""
    return Text.assemble(*parts, no_wrap=True, overflow="crop", end="")
