"""The matrix as it is kept in docs/fault-matrix.md: `python -m matrix.book` tries every case and prints it anew."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from matrix.commands import PLAYS, Play
from matrix.desk import Where
from matrix.faults import FAULTS, Fault
from matrix.trial import check, in_process

PATH = Path(__file__).parents[2] / "docs/fault-matrix.md"
NONE = "·"
"""Stands where a fault does not apply to a call."""
HEAD = """\
# What smrep does when a call goes wrong

Each command below runs with one of its calls going wrong; a cell is the exit code and the result of that run
(`smrep help exit-codes`), `{none}` a fault that does not apply. {count} cases, tried by `make test` on a clock that
only sleeps move, and some of them as processes over HTTP too; `make fault-matrix` prints this page anew.

In every case the JSON document is valid and says what AWS's state is, no request that was carried out is sent a second
time, nothing that was not named is touched, what is said on standard error names what to do next, and neither a
traceback nor a secret's value appears.

"""


def applies(fault: Fault, where: Where) -> bool:
    """Tell whether the fault can befall that call."""
    lists = where[0] in ("DescribeSecret", "ReplicateSecretToRegions", "RemoveRegionsFromReplication")
    return lists or not fault.lists


def calls(play: Play) -> tuple[Where, ...]:
    """Return the calls that the command makes where nothing goes wrong, each once."""
    run = in_process(play)
    check(play, run, None)
    return tuple(dict.fromkeys(run.seen))


def cells(play: Play, where: Where) -> Iterator[tuple[Fault, str]]:
    """Yield what each fault that applies makes of the command, having checked what holds in every case."""
    for fault in FAULTS:
        if applies(fault, where):
            run = in_process(play, where, fault)
            try:
                check(play, run, fault)
            except AssertionError as error:
                raise AssertionError(f"{play.name}, {' '.join(where)}, {fault.name}: {error}") from error
            yield fault, run.cell


def read() -> dict[tuple[str, Where], dict[str, str]]:
    """Return (command, call) -> fault -> cell, as the page has it."""
    found = {}
    for line in PATH.read_text().splitlines():
        words = [each.strip().strip("`") for each in line.strip("|").split("|")]
        if line.startswith("|") and len(words) == len(FAULTS) + 2 and " in " in words[1]:
            operation, _, region = words[1].partition(" in ")
            entries = zip(FAULTS, words[2:], strict=True)
            found[words[0], (operation, region)] = {fault.name: cell for fault, cell in entries if cell != NONE}
    return found


def _line(words: Iterable[str]) -> str:
    return f"| {' | '.join(words)} |\n"


def page() -> str:
    """Return the page, every case tried."""
    rows, count = [], 0
    for play in PLAYS:
        for where in calls(play):
            known = {fault.name: cell for fault, cell in cells(play, where)}
            count += len(known)
            rows.append([f"`{play.name}`", " in ".join(where), *(known.get(fault.name, NONE) for fault in FAULTS)])
    text = HEAD.format(none=NONE, count=count)
    text += _line(["fault", "what happens"]) + _line(["---"] * 2)
    text += "".join(_line([fault.name, fault.what]) for fault in FAULTS) + "\n"
    text += _line(["command", "call", *(fault.name for fault in FAULTS)]) + _line(["---"] * (len(FAULTS) + 2))
    return text + "".join(_line(row) for row in rows)


if __name__ == "__main__":
    sys.stdout.write(page())
