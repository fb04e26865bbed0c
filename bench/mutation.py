"""The share of mutants of smrep/rules that the tests kill, from mutmut's own figures; fails where it is too small.

A mutant that runs out of time is killed; one that no test reaches, or that was not tried, has survived.

    mutmut run && mutmut export-cicd-stats && python bench/mutation.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

STATS = Path("mutants/mutmut-cicd-stats.json")
WANTED = 99.0
"""Percent; some changes make no difference that a test could see."""


def score(stats: dict[str, int]) -> tuple[int, int]:
    """Return how many mutants were killed, and how many survived."""
    killed = stats["killed"] + stats["timeout"]
    return killed, stats["total"] - killed


def main() -> None:
    """Print the score."""
    killed, survived = score(json.loads(STATS.read_text()))
    if not killed:
        raise SystemExit("no mutant was killed: did the tests run at all?")
    percent = 100 * killed / (killed + survived)
    print(f"mutation score: {percent:.1f} % ({killed} killed, {survived} survived)")
    if percent < WANTED:
        print(f"wanted: at least {WANTED:g} %; `mutmut results` names those that survived", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
