"""What a person must know before she says go: a label and a sentence each."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from smrep.output.paper import Paper
from smrep.output.safe import safe
from smrep.output.table import console, trimmed
from smrep.rules.crossing import Line


def draw(lines: Sequence[Line], paper: Paper) -> str:
    """Return the lines beside their labels, folded at words where the paper has a width."""
    out = io.StringIO()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", no_wrap=paper.width is None)
    for line in lines:
        style = "yellow" if line.is_warning else "bold"
        mark = f"{line.label} !" if line.is_warning else line.label
        grid.add_row(Text(mark, style), Text(safe(line.text)))
    console(paper, out).print(grid, soft_wrap=paper.width is None)
    return trimmed(out.getvalue())
