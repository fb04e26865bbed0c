"""The fault matrix as docs/fault-matrix.md: `python -m matrix.matrix_page` runs every case and prints the page."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from matrix.case_run import SHORT, Run, check, in_process
from matrix.command_cases import COMMAND_CASES
from matrix.faults import FAULTS, Fault
from matrix.faulty_endpoint import CallSite
from matrix.scenes import CommandCase

PATH = Path(__file__).parents[2] / "docs/fault-matrix.md"
NONE = "·"
"""Stands where a fault never comes to pass."""
HEAD = """\
# What smrep does when a call fails

Each command below runs while one of its calls fails. A cell shows the exit code and the result of that run
(`smrep help exit-codes`); `{none}` means that the fault cannot happen. `make test-all` runs all {count} cases, on a
clock that only sleeps move. `make test` runs a sample, some of it over HTTP too. `make fault-matrix` writes this page.

In every case:

- the JSON document is valid and reports AWS's state;
- smrep never sends a request again that AWS carried out, and never changes a secret that you did not select;
- standard error says what to do next;
- neither a traceback nor a secret's value appears;
- the journal has every request that AWS received, and no report looks better than the run's end.

"""


def _can(fault: Fault, seen: Sequence[CallSite], where: CallSite) -> bool:
    """Tell whether the fault may befall that call; whether it does is seen in the run."""
    lists = where[0] in ("DescribeSecret", "ReplicateSecretToRegions", "RemoveRegionsFromReplication")
    return (lists or not fault.lists) and fault.befalls(seen, seen.index(where))


@functools.cache
def healthy(case: CommandCase) -> Run:
    """Return the run in which nothing goes wrong."""
    run = in_process(case)
    check(case, run, None)
    return run


def targets(case: CommandCase, seen: Iterable[CallSite]) -> list[CallSite]:
    """Return the calls that go wrong in that play."""
    return sorted({where for where in seen if where[0] in case.tries or not case.tries})


def cells(
    case: CommandCase, well: Run, where: CallSite, faults: Iterable[Fault] = FAULTS
) -> Iterator[tuple[Fault, str]]:
    """Yield what each fault makes of the command, after the checks that hold in every case; `well` is the healthy run.

    A run that ends as the healthy one reports the same Regions.
    """
    for fault in faults:
        if _can(fault, well.seen, where):
            run = in_process(case, where, fault)
            try:
                check(case, run, fault)
                if run.cell == well.cell and not fault.lists and (case.name, fault.name) not in SHORT:
                    assert run.places == well.places, run.out
            except AssertionError as error:
                raise AssertionError(f"{case.name}, {' '.join(where)}, {fault.name}: {error}") from error
            if run.struck:
                yield fault, run.cell


def read() -> dict[tuple[str, CallSite], dict[str, str]]:
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
    for case in COMMAND_CASES:
        well = healthy(case)
        for where in targets(case, well.seen):
            known = {fault.name: cell for fault, cell in cells(case, well, where)}
            count += len(known)
            rows.append([f"`{case.name}`", " in ".join(where), *(known.get(fault.name, NONE) for fault in FAULTS)])
    text = HEAD.format(none=NONE, count=count)
    text += _line(["fault", "what happens"]) + _line(["---"] * 2)
    text += "".join(_line([fault.name, fault.what]) for fault in FAULTS) + "\n"
    text += _line(["command", "call", *(fault.name for fault in FAULTS)]) + _line(["---"] * (len(FAULTS) + 2))
    return text + "".join(_line(row) for row in rows)


if __name__ == "__main__":
    sys.stdout.write(page())
