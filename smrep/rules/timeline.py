"""A time line: what a reader and a writer of each secret got in each Region and when, and how long it was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol


class Readable(StrEnum):
    """What a reader got, the best first."""

    CURRENT = "current"
    """The newest value that was written anywhere."""
    STALE = "stale"
    """An older one."""
    NONE = "none"
    """A refusal: the Region answers and has nothing to read."""
    DOWN = "down"
    """No answer."""


_RANK = {word: rank for rank, word in enumerate(Readable)}


class Sighting(Protocol):
    """What was seen of one secret in one Region, and lasts until the next that is seen there."""

    @property
    def at(self) -> float:
        """When, in seconds of whatever clock."""
        ...

    @property
    def name(self) -> str:
        """The secret's name."""
        ...

    @property
    def region(self) -> str:
        """The Region's name."""
        ...

    @property
    def readable(self) -> str:
        """A word of `Readable`."""
        ...

    @property
    def writable(self) -> bool:
        """Whether a new value would have been taken."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which nothing changed, in seconds since the time line's start; never of no length."""

    from_s: float
    to_s: float
    readable: Readable
    writable: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something was missing, in seconds since the time line's start."""

    from_s: float
    to_s: float

    @property
    def long_s(self) -> float:
        """How long it was."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True)
class Track:
    """One secret in one Region; its spans, one at least, follow on each other from the start to the end."""

    region: str
    spans: tuple[Span, ...]

    @property
    def without_s(self) -> float:
        """How long there was no current value to be read here, in all."""
        return sum(each.to_s - each.from_s for each in self.spans if each.readable is not Readable.CURRENT)


@dataclass(frozen=True, slots=True)
class Course:
    """One secret in all Regions."""

    name: str
    tracks: tuple[Track, ...]

    @property
    def anywhere(self) -> tuple[Span, ...]:
        """What could be had in the best of the Regions at each moment."""
        moments = sorted(
            {moment for track in self.tracks for span in track.spans for moment in (span.from_s, span.to_s)}
        )
        left = [list(track.spans) for track in self.tracks]
        found: list[Span] = []
        for start, end in pairwise(moments):
            for spans in left:
                while spans and spans[0].to_s <= start:
                    spans.pop(0)
            here = [spans[0] for spans in left if spans and spans[0].from_s <= start]
            best = min((each.readable for each in here), key=_RANK.__getitem__)
            found.append(Span(start, end, best, any(each.writable for each in here)))
        return _joined(found)

    @property
    def twice_writable(self) -> tuple[Gap, ...]:
        """When it could be written in several Regions, where one's new value is lost to the other's."""
        edges = sorted((moment, turn) for track in self.tracks for moment, turn in _turns(track.spans))
        found: list[Gap] = []
        count = 0
        for (moment, turn), (following, _) in pairwise(edges):
            count += turn
            if count > 1 and following > moment:
                found.append(Gap(moment, following))
        return _gaps(found)

    @property
    def unreadable(self) -> tuple[Gap, ...]:
        """When its current value could be read in no Region."""
        return _gaps(each for each in self.anywhere if each.readable is not Readable.CURRENT)

    @property
    def unwritable(self) -> tuple[Gap, ...]:
        """When it could be written in no Region."""
        return _gaps(each for each in self.anywhere if not each.writable)


@dataclass(frozen=True, slots=True)
class Cell:
    """The worst of a stretch of a time line."""

    readable: Readable
    writable: bool


def courses(sightings: Iterable[Sighting], start: float, end: float) -> tuple[Course, ...]:
    """Return the course of each secret from `start` to `end`, both of the sightings' clock, in the order of sighting.

    What was seen first is taken to have been so from the start; what was seen for no time at all is left out.
    """
    seen: dict[str, dict[str, list[Sighting]]] = {}
    for each in sightings if end > start else ():
        seen.setdefault(each.name, {}).setdefault(each.region, []).append(each)
    return tuple(
        Course(name, tuple(Track(region, _spans(row, start, end)) for region, row in regions.items()))
        for name, regions in seen.items()
    )


def longest(gaps: Iterable[Gap]) -> float:
    """Return the seconds of the longest gap, 0 where there is none."""
    return max((each.long_s for each in gaps), default=0.0)


def common(every: Sequence[Sequence[Gap]]) -> tuple[Gap, ...]:
    """Return the times that are gaps of all: those in which none of several secrets could be had."""
    if not every:
        return ()
    found = tuple(every[0])
    for more in every[1:]:
        found = tuple(
            Gap(max(one.from_s, other.from_s), min(one.to_s, other.to_s))
            for one in found
            for other in more
            if max(one.from_s, other.from_s) < min(one.to_s, other.to_s)
        )
    return found


def cells(spans: Sequence[Span], count: int, long_s: float) -> tuple[Cell, ...]:
    """Return the spans as so many cells of equal length, `long_s` in all, each as bad as its worst moment.

    So no gap is too short to be seen.
    """
    found = []
    for number in range(count):
        start, end = long_s * number / count, long_s * (number + 1) / count
        here = [each for each in spans if each.from_s < end and each.to_s > start]
        found.append(_worst([Cell(each.readable, each.writable) for each in here or spans[-1:]]))
    return tuple(found)


def worst(rows: Iterable[Sequence[Cell]]) -> tuple[Cell, ...]:
    """Return the worst of several rows of cells, cell by cell."""
    return tuple(_worst(column) for column in zip(*rows, strict=True))


def _worst(every: Sequence[Cell]) -> Cell:
    return Cell(max((each.readable for each in every), key=_RANK.__getitem__), all(each.writable for each in every))


def _spans(row: Sequence[Sighting], start: float, end: float) -> tuple[Span, ...]:
    begins = [start, *(min(max(each.at, start), end) for each in row[1:])]
    return _joined(
        Span(begin - start, until - start, Readable(each.readable), each.writable)
        for each, begin, until in zip(row, begins, [*begins[1:], end], strict=True)
        if until > begin
    )


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans with those made one that follow on each other and say the same."""
    found: list[Span] = []
    for each in spans:
        last = found[-1] if found else None
        if last and (last.readable, last.writable) == (each.readable, each.writable):
            found[-1] = Span(last.from_s, each.to_s, each.readable, each.writable)
        else:
            found.append(each)
    return tuple(found)


def _turns(spans: Iterable[Span]) -> Iterator[tuple[float, int]]:
    """Yield when it begins to be writable (1), and when that ends (-1)."""
    for each in spans:
        if each.writable:
            yield each.from_s, 1
            yield each.to_s, -1


def _gaps(spans: Iterable[Span | Gap]) -> tuple[Gap, ...]:
    """Return the times of spans, those that touch made one."""
    found: list[Gap] = []
    for each in spans:
        if found and found[-1].to_s == each.from_s:
            found[-1] = Gap(found[-1].from_s, each.to_s)
        else:
            found.append(Gap(each.from_s, each.to_s))
    return tuple(found)
