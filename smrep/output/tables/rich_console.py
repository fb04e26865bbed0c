"""The one Console that rich draws on: words as they are, no wider than the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import TextIO

from rich.cells import cell_len, chop_cells
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.output.terminal import Terminal

_WIDE = 500
"""Columns where there is no terminal: nothing is folded."""
_NARROW = 56
"""Fewer columns than this cut words off, so the terminal is left to fold the lines."""
_HEIGHT = 25
"""Lines, of which a table that is printed once needs no number."""
INDENT = "  "
_PIECE = re.compile(r"[^/]*/|[^/]+")
_LEAST = 12
"""So much room has a column that can be broken, at least."""


def console(terminal: Terminal, file: TextIO, *, live: bool = False) -> Console:
    """Return a Console that prints words as they are: no markup, no emoji codes, no highlighting.

    It has a size from the start, else rich takes it from COLUMNS and LINES, and COLUMNS=² is more than it can bear.
    """
    return Console(
        file=file,
        width=max(terminal.width or _WIDE, _NARROW),
        height=_HEIGHT,
        force_terminal=terminal.color or live,
        color_system="standard" if terminal.color else None,
        no_color=not terminal.color,
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
    )


def trimmed(text: str) -> str:
    """Return what a Console has printed without blanks at the ends of lines and repeated empty lines."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)  # a table ends with an empty line of its own


def closing_style(outcome: Outcome) -> str:
    """Return the style of the closing line."""
    if outcome is Outcome.OK:
        return "bold green"
    return "bold yellow" if outcome.word in ("pending", "interrupted", "drift") else "bold red"


def add_rows(table: Table, rows: Sequence[Sequence[RenderableType]], width: int | None) -> None:
    """Add the rows, whose first cells are indented names; on a screen of so many columns a name has its share."""
    if rows and width is not None:
        cells = list(zip(*rows, strict=True))
        first, *others = [
            (column, max(cell_len(str(each)) for each in (column.header, *cells[place])))
            for place, column in enumerate(table.columns)
        ]
        rest = width - 2 - sum(3 + (longest if column.no_wrap else 0) for column, longest in others)
        beside = sum(min(longest, max(_LEAST, rest // 2)) for column, longest in others if not column.no_wrap)
        room = min(first[1], max(_LEAST, rest - beside))
        names = [_broken(str(name), room) for name in cells[0]]
        first[0].width = max(cell_len(str(each)) for each in (first[0].header, *chain(*names)))
        rows = [[Text("\n").join(name), *row[1:]] for name, row in zip(names, rows, strict=True)]
    for row in rows:
        table.add_row(*row)


def _broken(name: str, width: int) -> list[Text]:
    """Return a cell's lines, each behind the indent."""
    lines, room = [""], width - len(INDENT)
    for piece in _PIECE.findall(name.removeprefix(INDENT)):
        if lines[-1] and cell_len(lines[-1] + piece) > room:
            lines.append("")
        *full, rest = chop_cells(lines[-1] + piece, room)
        lines[-1:] = [*full, rest]
    return [Text(INDENT + line) for line in lines]
