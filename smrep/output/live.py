"""Progress that redraws itself: a table of Regions, or a bar for many secrets."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.spinner import Spinner
from rich.text import Text

from smrep.output.progress import Phase, next_phase
from smrep.output.safe import safe
from smrep.output.summary_line import state_word
from smrep.output.tables.rich_console import INDENT, console, empty_table
from smrep.output.tables.status_table import FOLDED_ABOVE, Row, grid, is_well, rank, title
from smrep.output.terminal import Terminal, terminal_size
from smrep.report import Progress, SecretReport
from smrep.rules.hints import duration
from smrep.rules.run_outcome import is_open

_AROUND = 7
"""Lines of the screen that are no rows: title, blank line, header, rule, blank line, other rows, footer."""
_MIN_MESSAGE = 16
"""Columns that a message is worth."""
_MIN_NAME = 12
"""Columns that a name keeps on any screen."""
_BETWEEN = 3
"""Columns between two columns of a table, and about those at its edges."""


class _Live(Live):
    """A display that rich's own thread refreshes at the size of the terminal; it vanishes when stopped."""

    def __init__(self, screen: Console, render: Callable[[], RenderableType]) -> None:
        """Show nothing before the first `update_soon`."""
        super().__init__(
            console=screen,
            get_renderable=render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def update_soon(self) -> None:
        """Have the current state rendered, by this thread if the system has no other."""
        with contextlib.suppress(OSError):  # the terminal is gone; the result may go elsewhere
            try:
                self.start()
            except RuntimeError:  # no new thread: `start` has done all else by then
                self.auto_refresh = False
            if not self.auto_refresh:
                self.refresh()

    def refresh(self) -> None:
        """Render at the current size of the terminal."""
        self.console.size = terminal_size(self.console.file, os.environ)
        super().refresh()

    def stop(self) -> None:
        """Clear the display."""
        with contextlib.suppress(OSError):
            super().stop()


class LiveTable:
    """Shows the progress of a few secrets on a terminal, until it is closed."""

    def __init__(self, stream: TextIO, terminal: Terminal, timeout_s: float | None = None) -> None:
        """Show nothing before the first `show`."""
        self._terminal = terminal
        self._timeout_s = timeout_s
        self._secrets: tuple[SecretReport, ...] = ()
        self._elapsed_s, self._shown_at = 0.0, 0.0
        self._spinner = Spinner("dots" if terminal.unicode else "line")
        self._console = console(terminal, stream, live=True)
        self._live = _Live(self._console, self._render)

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Have the state rendered by rich's thread: a signal in this one would leave half of it on the screen."""
        self._secrets = tuple(secrets)
        self._elapsed_s, self._shown_at = elapsed_s, time.monotonic()
        self._live.update_soon()

    def close(self) -> None:
        """Clear the table."""
        self._live.stop()

    def _render(self) -> RenderableType:
        elapsed_s = self._elapsed_s + time.monotonic() - self._shown_at
        foot = f"watching, {elapsed_s:.0f} s; Ctrl-C ends it"
        if self._timeout_s is not None:
            limit = duration(self._timeout_s)
            foot = f"waiting, {elapsed_s:.0f} s of {limit}; Ctrl-C stops the waiting, not AWS"
        lines: list[RenderableType] = [Text(foot, style="dim", no_wrap=True, overflow="ellipsis")]
        if self._secrets:
            head = title(self._secrets)
            head.no_wrap, head.overflow = True, "ellipsis"
            lines = [head, *self._table(self._console.width), *lines]
        return Group(*lines)

    def _table(self, width: int) -> list[RenderableType]:
        """Return the rows that fit, each on one line, and a line that counts the others."""
        rows, others = fit_rows(self._secrets, self._console.height - _AROUND)
        headers, cells = grid(rows, several=len(self._secrets) > 1)
        for (_, row), line in zip(rows, cells, strict=True):
            if row and is_open(row):
                line[headers.index("STATUS")].append(f" {self._spinner.render(self._console.get_time())}")
        widths = [max(cell_len(str(word)) for word in column) for column in zip(headers, *cells, strict=True)]
        if headers[-1] == "MESSAGE":
            room = width - sum(widths[:-1]) - _BETWEEN * len(headers)
            widths[-1] = min(widths[-1], room)
            if room < _MIN_MESSAGE:
                headers, widths, cells = headers[:-1], widths[:-1], [line[:-1] for line in cells]
        widths[0] = min(widths[0], max(width - sum(widths[1:]) - _BETWEEN * len(headers), _MIN_NAME))
        table = empty_table(self._terminal)
        for header, columns in zip(headers, widths, strict=True):
            table.add_column(header, no_wrap=True, overflow="ellipsis", width=columns)
        for line in cells:
            table.add_row(*line)
        count = Text(f"{INDENT}{'and ' if rows else ''}{others}", style="dim")
        return [*([table] if rows else []), *([count] if others else [])]


def fit_rows(secrets: Sequence[SecretReport], room: int) -> tuple[list[Row], str]:
    """Return all rows if they fit, else what failed and what is in progress, and the count of the others in words."""
    rows: list[Row] = [(secret, row) for secret in secrets for row in secret.replicas or (None,)]
    if len(rows) <= (room if len(secrets) == 1 else min(room, FOLDED_ABOVE)):
        return rows, ""
    rows.sort(key=lambda item: (item[1] is not None and is_well(item[1]), rank(item)))
    unwell = sum(row is None or not is_well(row) for _, row in rows)
    count = min(unwell, max(room, 0))
    words = [state_word(row) if row else "in trouble" if secret.error else "without replicas" for secret, row in rows]
    shown, others = set(words[:count]), Counter(words[count:])
    return rows[:count], ", ".join(
        f"{number} {'more ' if word in shown else ''}{word}" for word, number in others.items()
    )


_SHORTEST, _LONGEST = 6, 40
"""Columns of a bar: fewer show nothing, more leave no room for words."""
_SPINNER = 2
"""Columns of the spinner and of the space after it."""
_MINUTE, _HOUR = 60, 3600


class ProgressBar:
    """Shows the progress of a run over many secrets on a terminal, until it is closed."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        """Show nothing before the first `show`."""
        self._terminal = terminal
        self._state: tuple[Phase, float] | None = None
        self._spinner = Spinner("dots" if terminal.unicode else "line")
        self._live = _Live(console(terminal, stream, live=True), self._render)

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Have the state rendered by rich's thread, which also counts the time until the next."""
        before = self._state[0] if self._state else None
        self._state = next_phase(before, progress, elapsed_s), time.monotonic()
        self._live.update_soon()

    def close(self) -> None:
        """Clear the bar."""
        self._live.stop()
        self._state = None

    def _render(self) -> RenderableType:
        if self._state is None:
            return Text("")
        phase, shown_at = self._state
        now_s = phase.now_s + time.monotonic() - shown_at
        return _BarLine(replace(phase, now_s=now_s), self._spinner, self._terminal)


@dataclass(frozen=True, slots=True)
class BarText:
    """The words on both sides of a bar, and the columns of the bar."""

    doing: str
    words: str
    trouble: str
    bar: int
    """0 if there is no room for one."""


def fit_bar(phase: Phase, columns: int) -> BarText:
    """Return what fits into that many columns: the speed is left out first, then the time left, then the bar."""
    progress = phase.progress
    doing = safe(progress.doing)
    total = f"/{progress.total}" if progress.total is not None else ""
    counts = f"{progress.done}{total} {safe(progress.unit)}"
    speed, remaining = phase.speed, time_left(phase)
    words, room = counts, 0
    for extras in ((speed, remaining), (remaining,), (speed,), ()):
        words = ", ".join(filter(None, (counts, *extras)))
        beside = ", ".join(filter(None, (words, phase.trouble)))
        room = columns - cell_len(doing) - cell_len(beside) - len("  ")
        if room >= _SHORTEST:
            break
    return BarText(doing, words, phase.trouble, min(room, _LONGEST) if room >= _SHORTEST else 0)


def time_left(phase: Phase) -> str:
    """Return how long the rest takes, rounded as far as it is uncertain; empty if unknown."""
    left_s = phase.remaining_s
    if left_s is None:
        return ""
    if left_s <= 1.5 * _MINUTE:
        return f"about {math.ceil(left_s)} s left"
    if left_s <= 1.5 * _HOUR:
        return f"about {left_s / _MINUTE:.0f} min left"
    return f"about {left_s / _HOUR:.0f} h left"


@dataclass(frozen=True, slots=True)
class _BarLine:
    """One line that fits the width of the terminal whenever rich renders it."""

    phase: Phase
    spinner: Spinner
    terminal: Terminal

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> RenderResult:
        if not self.terminal.unicode:
            options = replace(options, encoding="ascii")
        line = fit_bar(self.phase, options.max_width - _SPINNER)
        progress = self.phase.progress
        yield _words(f"{self.spinner.render(screen.get_time())} {line.doing} ")
        if line.bar:
            bar = Bar(progress.total, progress.done, line.bar, complete_style="green", finished_style="green")
            yield from screen.render(bar, options)
            yield Text(" ", end="")
        yield _words(f"{line.words}{', ' if line.trouble else ''}", (line.trouble, "red"))


def _words(*parts: str | tuple[str, str]) -> Text:
    """Return words that are cut rather than folded, without a line end."""
    return Text.assemble(*parts, no_wrap=True, overflow="crop", end="")
