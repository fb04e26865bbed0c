"""The column of names in a table: as wide as they need where there is room, else broken behind a slash."""

from __future__ import annotations

import re
from itertools import chain

from rich.cells import cell_len, chop_cells
from rich.table import Column, Table
from rich.text import Text

INDENT = "  "
_LEAST = 12
"""So much room has a column that can be broken, at least."""
_PIECE = re.compile(r"[^/]*/|[^/]+")


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
