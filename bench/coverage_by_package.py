"""Branch coverage by package, from coverage's own figures; fails where smrep without the sandbox has too little.

coverage json -o FILE && python bench/coverage_by_package.py FILE
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WANTED = 95.0
"""Percent of lines and branches of smrep without the sandbox."""
SANDBOX = "smrep/sandbox"


def package(path: str) -> str:
    """Return the folder of a module."""
    return Path(path).parent.as_posix()


def by_package(files: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """Return package -> counts of lines and branches, of all and of those that ran."""
    packages: dict[str, Counter[str]] = {}
    for path, entry in files.items():
        counts, summary = packages.setdefault(package(path), Counter()), entry["summary"]
        counts["all"] += summary["num_statements"] + summary["num_branches"]
        counts["ran"] += summary["covered_lines"] + summary["covered_branches"]
    return packages


def percent(counts: Counter[str]) -> float:
    """Return what share ran; of nothing, all did."""
    return 100 * counts["ran"] / counts["all"] if counts["all"] else 100.0


def main(path: str) -> None:
    """Print the table, and fail where there is too little."""
    packages = by_package(json.loads(Path(path).read_text())["files"])
    for name, counts in sorted(packages.items()):
        print(f"{name:<16}{percent(counts):7.1f} %")
    whole = sum((counts for name, counts in packages.items() if name != SANDBOX), Counter[str]())
    print(f"{'without sandbox':<16}{percent(whole):7.1f} %  (wanted: {WANTED:g})")
    sys.exit(percent(whole) < WANTED)


if __name__ == "__main__":
    main(sys.argv[1])
