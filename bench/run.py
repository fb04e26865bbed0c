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
    "page": ("page", 5),
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
    for heading in ("what", "beside"):
        table.add_column(heading)
    table.add_column("measured", justify="right")
    for heading in ("unit", "at most", "", "turns, or more of it"):
        table.add_column(heading)
    for lines in figures.values():
        for each in lines:
            most = "" if each.most is None else f"{each.most:g}"
            table.add_row(each.what, each.beside, f"{each.value:.3g}", each.unit, most, each.verdict, each.note)
        table.add_section()
    table.caption = f"load in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 160
    console.print(table)


if __name__ == "__main__":
    typed = sys.argv[1:]
    count = int(typed.pop(0)) if typed and typed[0].isdigit() else None
    if unknown := set(typed) - set(PARTS):
        sys.exit(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}")
    sys.exit(main(count, typed or list(PARTS)))
