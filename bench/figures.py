"""What a measurement yields: one line of the table, with the bound that it must keep."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    of: str
    """What is measured."""
    what: str
    value: float
    unit: str
    most: float | None = None
    """The bound; None where there is none."""
    note: str = ""
    beside: str = ""
    """What it is measured beside, in the same run, where the value is a ratio: a peer, or a floor."""

    @property
    def is_broken(self) -> bool:
        """Whether the value is beyond its bound."""
        return self.most is not None and self.value > self.most

    @property
    def verdict(self) -> str:
        """What the bound says: nothing where there is none."""
        return "" if self.most is None else "BROKEN" if self.is_broken else "ok"


def middle(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(list(values))


def spread(values: Iterable[float], digits: int = 2) -> str:
    """Return the least and the most, as text."""
    ordered = sorted(values)
    return f"{ordered[0]:.{digits}f} to {ordered[-1]:.{digits}f}, {len(ordered)} turns"


def ratio(of: str, what: str, beside: str, pairs: Iterable[tuple[float, float]], most: float | None = None) -> Figure:
    """Return the median of the ratios of what ran in the same turn."""
    ratios = [ours / theirs for ours, theirs in pairs]
    return Figure(of, what, middle(ratios), "times", most, spread(ratios), beside)
