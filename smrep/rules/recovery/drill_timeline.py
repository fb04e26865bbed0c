"""A drill's steps and verdict, and when each secret could be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from smrep.regions import PARTITIONS, Region
from smrep.rules.hints import format_command, some_names
from smrep.rules.recovery.failover_record import RegionPair

_FAR = ("eu-west-1", "ap-southeast-2", "us-east-2")
"""Regions to have further replicas in: the first that is free."""
_SHORTEST_S = 0.05
"""What is shorter would be told as no time at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `words` are what is typed after `smrep`, none where the world changes by itself."""

    name: str
    what: str
    """What comes, as a sentence without its full stop."""
    words: tuple[str, ...] = ()

    @property
    def command(self) -> str | None:
        """The command line, to be pasted; None where there is none."""
        return format_command(self.words[0], [], flags=self.words[1:]) if self.words else None


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken: seconds since the time line's start, and for a command its exit code."""

    step: Step
    at_s: float
    took_s: float
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class DrillResult:
    """A whole one, or as much of it as there was."""

    pair: RegionPair
    third: Region | None
    """Where some of the secrets have another replica; None where the partition has no such Region."""
    started_at: datetime
    long_s: float
    """How long the time line is."""
    steps: tuple[Step, ...]
    taken: tuple[Taken, ...]
    courses: tuple[SecretTimeline, ...]
    problems: tuple[str, ...]
    """What went wrong, a sentence each; none where all is well."""
    interrupted: bool = False

    @property
    def unreadable_s(self) -> float:
        """The longest time for which the current value of any secret could be read in no Region."""
        return longest(gap for each in self.courses for gap in each.unreadable)

    @property
    def unwritable_s(self) -> float:
        """The longest time for which any secret could be written in no Region."""
        return longest(gap for each in self.courses for gap in each.unwritable)

    @property
    def twice_writable_s(self) -> float:
        """The longest time for which any secret could be written in several Regions."""
        return longest(gap for each in self.courses for gap in each.twice_writable)

    @property
    def none_writable_s(self) -> float:
        """The longest time for which no secret at all could be written in any Region."""
        return longest(common([each.unwritable for each in self.courses]))


def third_region(pair: RegionPair) -> Region | None:
    """Return a third Region of the same partition, None where it has none."""
    known = next((each.regions for each in PARTITIONS if pair.source in each.regions), ())
    free = [each for each in (*_FAR, *known) if each in known and each not in (pair.source, pair.target)]
    return Region(free[0]) if free else None


def steps(pair: RegionPair, record: str) -> tuple[Step, ...]:
    """Return the steps of a rehearsal; `record` is the file that failover writes and failback reads."""
    old, new = pair.source, pair.target
    return (
        Step("outage", f"{old} goes down; nothing reaches or leaves it"),
        Step(
            "failover",
            f"the replicas in {new} are promoted, so that they can be written",
            ("failover", "--from", old, "--to", new, "--all", "--record", record, "--yes"),
        ),
        Step("write", f"each secret gets a new value in {new}, and only there"),
        Step("recovery", f"{old} is back, with the values of before"),
        Step(
            "failback",
            f"what was promoted gets replicas in {old} and in third Regions",
            ("failback", "--record", record, "--yes"),
        ),
        Step(
            "return",
            f"the primaries go home to {old}; {new} has replicas again",
            ("failback", "--record", record, "--return-primary", "--yes"),
        ),
    )


def verdict(
    every: Sequence[Step], taken: Sequence[Taken], found: Sequence[SecretTimeline], not_home: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Return what went wrong, the causes before what came of them.

    `not_home` has the secrets that do not stand as they did before, each with how it stands.
    """
    return (*_broken(every, taken), *_unread(found), *_astray(not_home))


def astray(
    pair: RegionPair,
    before: Mapping[str, tuple[str, str]],
    after: Mapping[str, tuple[str, str]],
    found: Sequence[SecretTimeline],
) -> Iterator[tuple[str, str]]:
    """Yield each secret that does not stand at home as before, with its ARN or in words, or lags in some Region."""
    home, ends = pair.source, {each.name: each for each in found}
    for name, (arn, words) in before.items():
        arn_now, now = after.get(name, ("", "no secret"))
        lagging = [track.region for track in ends[name].tracks if _lags(track)] if name in ends else []
        if now != words:
            yield name, f"{home} shows {now}, and before it was {words}"
        elif arn_now != arn:
            yield name, f"{home} has another ARN than before"
        elif lagging:
            yield name, f"the current value can't be read in {' and '.join(lagging)}"


def _lags(track: Track) -> bool:
    """Tell whether a Region where there was something to read at the start has no current value at the end."""
    return track.spans[0].readable is Readable.CURRENT and track.spans[-1].readable is not Readable.CURRENT


def _broken(every: Sequence[Step], taken: Sequence[Taken]) -> Iterator[str]:
    for number, each in enumerate(taken, 1):
        if each.exit_code:
            yield f"step {number}, {each.step.command}, ended with exit code {each.exit_code}"
    left = every[len(taken) :]
    if left:
        yield f"not done for that: {', '.join(each.name for each in left)}"


def _unread(found: Sequence[SecretTimeline]) -> Iterator[str]:
    """Yield how long current values could not be read, and whether an older one could be meanwhile."""
    for course in found:
        for gap in course.unreadable:
            old = all(each.readable is Readable.STALE for each in course.anywhere if _meet(each.from_s, each.to_s, gap))
            what = "only an old value could be read, in any Region," if old else "no Region had its current value"
            yield f"{course.name}: {what} for {seconds(gap.long_s)}, from {seconds(gap.from_s)} on"


def _meet(start: float, end: float, gap: Gap) -> bool:
    return start < gap.to_s and end > gap.from_s


def _astray(not_home: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield how secrets stand at the end that are not as they were, those that stand alike in one sentence."""
    alike: dict[str, list[str]] = {}
    for name, how in not_home:
        alike.setdefault(how, []).append(name)
    for how, names in alike.items():
        yield f"at the end {how}: {some_names(names, 3)}"


def seconds(long_s: float) -> str:
    """Return a length of time as it is told: 0 s, <0.1 s, 12.3 s."""
    if not long_s:
        return "0 s"
    return f"{long_s:.1f} s" if long_s >= _SHORTEST_S else "<0.1 s"


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
class SecretTimeline:
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


def courses(sightings: Iterable[Sighting], start: float, end: float) -> tuple[SecretTimeline, ...]:
    """Return the course of each secret from `start` to `end`, both of the sightings' clock, in the order of sighting.

    What was seen first is taken to have been so from the start; what was seen for no time at all is left out.
    """
    seen: dict[str, dict[str, list[Sighting]]] = {}
    for each in sightings if end > start else ():
        seen.setdefault(each.name, {}).setdefault(each.region, []).append(each)
    return tuple(
        SecretTimeline(name, tuple(Track(region, _spans(row, start, end)) for region, row in regions.items()))
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
