"""Prints one table: what smrep costs, beside peers and floors in the same run; exits with 1 where a bound is broken.

python bench/run.py [TURNS] [PART]...
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from figures import Figure

PARTS = {
    "startup": ("startup", 15),
    "calls": ("fleet", 9),
    "audit": ("fleet", 3),
    "apply": ("fleet", 1),
    "failover": ("fleet", 1),
    "plan": ("fleet", 3),
    "lists": ("estates", 5),
    "accounts": ("estates", 3),
    "huge": ("estates", 1),
    "page": ("page", 5),
    "function": ("continuous", 5),
    "births": ("continuous", 1),
}
"""The module of each part, loaded when its turn comes, since a process counts its parent's memory; and its turns."""


def main(turns: int | None, parts: Sequence[str]) -> int:
    """Measure and print; return the exit code."""
    figures: dict[str, list[Figure]] = {}
    for part in parts:
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        module, usual = PARTS[part]
        figures[part] = list(getattr(import_module(module), part)(turns or usual))
    _print(figures)
    return int(any(each.is_broken for lines in figures.values() for each in lines))


def _print(figures: Mapping[str, Sequence[Figure]]) -> None:
    """Print the table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption_justify="left")
    for heading in ("of", "figure", "beside", "measured", "bound", "note"):
        table.add_column(heading, justify="right" if heading == "measured" else "left")
    for lines in figures.values():
        above = ""
        for each in lines:
            bound = "" if each.most is None else f"{each.most:g} {each.verdict}"
            measured = f"{_shown(each.value)} {each.unit}"
            table.add_row("" if each.of == above else each.of, each.what, each.beside, measured, bound, each.note)
            above = each.of
        table.add_section()
    table.caption = f"load in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 160
    console.print(table)


def _shown(value: float) -> str:
    """Return three digits of it, or more where it has more before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


if __name__ == "__main__":
    typed = sys.argv[1:]
    count = int(typed.pop(0)) if typed and typed[0].isdigit() else None
    if unknown := set(typed) - set(PARTS):
        sys.exit(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}")
    sys.exit(main(count, typed or list(PARTS)))
