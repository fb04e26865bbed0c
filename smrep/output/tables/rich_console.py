"""The one rich Console, and tables that fit its width."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import chain
from typing import TextIO

from rich import box
from rich.cells import cell_len, chop_cells
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from smrep.output.summary_line import summary_line
from smrep.output.terminal import Terminal
from smrep.report import RunReport

_WIDE = 500
"""Columns if there is no terminal: nothing is folded."""
_NARROW = 56
"""With fewer columns rich would cut words off, so the terminal folds the lines."""
_HEIGHT = 25
"""Lines of the screen; only a live table depends on them, and sets its own."""
INDENT = "  "
_PIECE = re.compile(r"[^/]*/|[^/]+")
_MIN_COLUMN = 12
"""The least room of a column that can be broken."""


def console(terminal: Terminal, file: TextIO, *, live: bool = False) -> Console:
    """Return a Console that prints words as they are: no markup, no emoji codes, no highlighting.

    It is given its size, as rich fails on COLUMNS=².
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


def to_text(parts: Sequence[RenderableType], terminal: Terminal, min_width: int = 0) -> str:
    """Return the parts as text; lines of words are not folded, so that they can be copied."""
    out = io.StringIO()
    screen = console(terminal, out)
    screen.width = max(screen.width, min_width)
    for part in parts:
        screen.print(part, soft_wrap=isinstance(part, Text))
    return trim(out.getvalue())


def trim(text: str) -> str:
    """Return printed text without trailing blanks and repeated empty lines."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)  # a table ends with an empty line


def summary_text(report: RunReport) -> Text:
    """Return the summary line in the color of the outcome."""
    styles = {"ok": "bold green", **dict.fromkeys(("pending", "interrupted", "drift"), "bold yellow")}
    return Text(summary_line(report), style=styles.get(report.outcome.word, "bold red"))


def empty_table(terminal: Terminal) -> Table:
    """Return a table without columns, in the style of all tables."""
    lines = box.SIMPLE_HEAD if terminal.unicode else box.ASCII2
    return Table(box=lines, header_style="dim", pad_edge=False, padding=(0, 1))


def add_rows(table: Table, rows: Sequence[Sequence[RenderableType]], width: int | None) -> None:
    """Add rows that begin with an indented name, and break names so that the table fits into that many columns."""
    if rows and width is not None:
        cells = list(zip(*rows, strict=True))
        first, *others = [
            (column, max(cell_len(str(cell)) for cell in (column.header, *cells[index])))
            for index, column in enumerate(table.columns)
        ]
        rest = width - 2 - sum(3 + (longest if column.no_wrap else 0) for column, longest in others)
        beside = sum(min(longest, max(_MIN_COLUMN, rest // 2)) for column, longest in others if not column.no_wrap)
        room = min(first[1], max(_MIN_COLUMN, rest - beside))
        names = [_break_name(str(name), room) for name in cells[0]]
        first[0].width = max(cell_len(str(line)) for line in (first[0].header, *chain(*names)))
        rows = [[Text("\n").join(name), *row[1:]] for name, row in zip(names, rows, strict=True)]
    for row in rows:
        table.add_row(*row)


def _break_name(name: str, width: int) -> list[Text]:
    """Return the indented lines of a name, broken after slashes where possible."""
    lines, room = [""], width - len(INDENT)
    for piece in _PIECE.findall(name.removeprefix(INDENT)):
        if lines[-1] and cell_len(lines[-1] + piece) > room:
            lines.append("")
        *full, rest = chop_cells(lines[-1] + piece, room)
        lines[-1:] = [*full, rest]
    return [Text(INDENT + line) for line in lines]
