"""The one Console that rich draws on: words as they are, no wider than the terminal."""

from __future__ import annotations

import contextlib
import os
import re
from itertools import chain
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.output.terminal import Paper, fits

if TYPE_CHECKING:
    from rich.live import Live

_WIDE = 500
"""Columns where there is no terminal: nothing is folded."""
_NARROW = 56
"""Fewer columns than this cut words off, so the terminal is left to fold the lines."""
_SIZES = ("COLUMNS", "LINES")
"""Variables that rich trusts: COLUMNS=² is more than it can bear."""


INDENT = "  "
_PIECE = re.compile(r"[^/]*/|[^/]+")
_LEAST = 12
"""So much room has a column that can be broken, at least."""


def console(paper: Paper, file: TextIO, *, live: bool = False) -> Console:
    """Return a Console that prints words as they are: no markup, no emoji codes, no highlighting.

    A live one asks the terminal for its width at every redraw, so that a resize is seen.
    """
    return Console(
        file=file,
        width=None if live else max(paper.width or _WIDE, _NARROW),
        _environ={name: os.environ[name] for name in os.environ if name not in _SIZES or fits(os.environ[name])},
        force_terminal=paper.colour or live,
        color_system="standard" if paper.colour else None,
        no_color=not paper.colour,
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
    )


def redraw(live: Live) -> None:
    """Have the newest state drawn, by rich's own thread; by this one where the system has none to give."""
    with contextlib.suppress(OSError):  # the terminal is gone, the result is still wanted
        try:
            live.start()
        except RuntimeError:  # can't start new thread, which is the last that it does
            live.auto_refresh = False
        if not live.auto_refresh:
            live.refresh()


def trimmed(text: str) -> str:
    """Return what a Console has printed without blanks at the ends of lines and repeated empty lines."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)  # a table ends with an empty line of its own


def closing_style(outcome: Outcome) -> str:
    """Return the style of the closing line."""
    if outcome is Outcome.OK:
        return "bold green"
    return "bold yellow" if outcome.word in ("pending", "interrupted", "drift") else "bold red"


def fit(table: Table, width: int | None) -> None:
    """Give the first column, whose cells are indented names, its share of a screen of so many columns."""
    if width is None:
        return
    first, *others = table.columns
    rest = width - 2 - sum(3 + (_longest(each) if each.no_wrap else 0) for each in others)
    beside = sum(min(_longest(each), max(_LEAST, rest // 2)) for each in others if not each.no_wrap)
    width = min(_longest(first), max(_LEAST, rest - beside))
    lines = [_broken(str(cell), width) for cell in first.cells]
    first.width = max(cell_len(str(each)) for each in (first.header, *chain(*lines)))
    first._cells[:] = [Text("\n").join(each) for each in lines]  # noqa: SLF001 - rich has no way to change a cell


def _longest(column: Column) -> int:
    return max(cell_len(str(each)) for each in [column.header, *column.cells])


def _broken(name: str, width: int) -> list[Text]:
    """Return a cell's lines, each behind the indent."""
    lines, room = [""], width - len(INDENT)
    for piece in _PIECE.findall(name.removeprefix(INDENT)):
        if lines[-1] and cell_len(lines[-1] + piece) > room:
            lines.append("")
        *full, rest = chop_cells(lines[-1] + piece, room)
        lines[-1:] = [*full, rest]
    return [Text(INDENT + line) for line in lines]
