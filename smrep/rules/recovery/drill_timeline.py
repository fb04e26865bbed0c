"""A drill's steps and verdict, and the times when each secret was readable and writable."""

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

_THIRD_REGIONS = ("eu-west-1", "ap-southeast-2", "us-east-2")
"""Candidates for the third Region; the first free one is used."""
_SHORTEST_S = 0.05
"""Shorter times print as <0.1 s."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `words` follow `smrep` on the command line, none for an event outside smrep."""

    name: str
    what: str
    """The coming event, as a sentence without a period."""
    words: tuple[str, ...] = ()

    @property
    def command(self) -> str | None:
        """The command line to paste; None for an event."""
        return format_command(self.words[0], [], flags=self.words[1:]) if self.words else None


@dataclass(frozen=True, slots=True)
class StepResult:
    """A finished step: seconds since the start of the timeline, and the exit code of a command."""

    step: Step
    at_s: float
    took_s: float
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class DrillResult:
    """The result of a whole or interrupted drill."""

    pair: RegionPair
    third: Region | None
    """The Region of some secrets' second replica; None if the partition has none."""
    started_at: datetime
    long_s: float
    """The length of the timeline."""
    steps: tuple[Step, ...]
    taken: tuple[StepResult, ...]
    courses: tuple[SecretTimeline, ...]
    problems: tuple[str, ...]
    """One sentence for each problem; none on success."""
    interrupted: bool = False

    @property
    def unreadable_s(self) -> float:
        """The longest time when no Region had some secret's current value."""
        return longest(gap for course in self.courses for gap in course.unreadable)

    @property
    def unwritable_s(self) -> float:
        """The longest time when some secret was writable in no Region."""
        return longest(gap for course in self.courses for gap in course.unwritable)

    @property
    def twice_writable_s(self) -> float:
        """The longest time when some secret was writable in several Regions."""
        return longest(gap for course in self.courses for gap in course.twice_writable)

    @property
    def none_writable_s(self) -> float:
        """The longest time when no secret was writable in any Region."""
        return longest(shared_gaps([course.unwritable for course in self.courses]))


def third_region(pair: RegionPair) -> Region | None:
    """Return a third Region of the same partition, None if it has none."""
    partition_regions = next((partition.regions for partition in PARTITIONS if pair.source in partition.regions), ())
    free = [
        region
        for region in (*_THIRD_REGIONS, *partition_regions)
        if region in partition_regions and region not in (pair.source, pair.target)
    ]
    return Region(free[0]) if free else None


def steps(pair: RegionPair, record: str) -> tuple[Step, ...]:
    """Return the steps of a drill; failover writes the file `record`, and failback reads it."""
    old, new = pair.source, pair.target
    return (
        Step("outage", f"{old} goes down"),
        Step(
            "failover",
            f"promote the replicas in {new}, so that they accept new values",
            ("failover", "--from", old, "--to", new, "--all", "--record", record, "--yes"),
        ),
        Step("write", f"put a new value into each secret in {new}"),
        Step("recovery", f"{old} comes back, with its old values"),
        Step(
            "failback",
            f"replicate the promoted secrets to {old} and to third Regions",
            ("failback", "--record", record, "--yes"),
        ),
        Step(
            "return",
            f"make {old} the primary Region again, with replicas in {new}",
            ("failback", "--record", record, "--return-primary", "--yes"),
        ),
    )


def verdict(
    planned: Sequence[Step],
    taken: Sequence[StepResult],
    timelines: Sequence[SecretTimeline],
    not_home: Iterable[tuple[str, str]],
) -> tuple[str, ...]:
    """Return the problems, causes before effects.

    `not_home` pairs each secret that differs from its original state with that difference.
    """
    return (*_step_problems(planned, taken), *_read_problems(timelines), *_difference_sentences(not_home))


def differences(
    pair: RegionPair,
    before: Mapping[str, tuple[str, str]],
    after: Mapping[str, tuple[str, str]],
    timelines: Sequence[SecretTimeline],
) -> Iterator[tuple[str, str]]:
    """Yield each secret that differs from its original state or ARN, or lacks its current value in a Region."""
    home, ends = pair.source, {timeline.name: timeline for timeline in timelines}
    for name, (arn, words) in before.items():
        arn_now, now = after.get(name, ("", "no secret"))
        lagging = [track.region for track in ends[name].tracks if _lags(track)] if name in ends else []
        if now != words:
            yield name, f"{home} shows {now} instead of {words}"
        elif arn_now != arn:
            yield name, f"{home} has a different ARN"
        elif lagging:
            yield name, f"the current value cannot be read in {' and '.join(lagging)}"


def _lags(track: Track) -> bool:
    """Return whether a Region that had the current value at the start lacks it at the end."""
    return track.spans[0].readable is Readable.CURRENT and track.spans[-1].readable is not Readable.CURRENT


def _step_problems(planned: Sequence[Step], taken: Sequence[StepResult]) -> Iterator[str]:
    for number, result in enumerate(taken, 1):
        if result.exit_code:
            yield f"step {number}, {result.step.command}, ended with exit code {result.exit_code}"
    skipped = planned[len(taken) :]
    if skipped:
        yield f"skipped after that: {', '.join(step.name for step in skipped)}"


def _read_problems(timelines: Sequence[SecretTimeline]) -> Iterator[str]:
    """Yield how long current values were unreadable, and whether an older value was readable."""
    for course in timelines:
        for gap in course.unreadable:
            old = all(
                span.readable is Readable.STALE for span in course.anywhere if _overlap(span.from_s, span.to_s, gap)
            )
            problem = "every Region had only an old value" if old else "no Region had the current value"
            yield f"{course.name}: {problem} for {seconds(gap.long_s)}, from {seconds(gap.from_s)} on"


def _overlap(start: float, end: float, gap: Gap) -> bool:
    return start < gap.to_s and end > gap.from_s


def _difference_sentences(not_home: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield one sentence for each difference at the end, with the secrets that share it."""
    alike: dict[str, list[str]] = {}
    for name, difference in not_home:
        alike.setdefault(difference, []).append(name)
    for difference, names in alike.items():
        yield f"at the end, {difference}: {some_names(names, 3)}"


def seconds(long_s: float) -> str:
    """Return a length of time as printed: 0 s, <0.1 s, 12.3 s."""
    if not long_s:
        return "0 s"
    return f"{long_s:.1f} s" if long_s >= _SHORTEST_S else "<0.1 s"


class Readable(StrEnum):
    """The result of a read, the best first."""

    CURRENT = "current"
    """The newest value written anywhere."""
    STALE = "stale"
    """An older value."""
    NONE = "none"
    """A refusal: the Region answers and has no value."""
    DOWN = "down"
    """No answer."""


_RANK = {word: rank for rank, word in enumerate(Readable)}


class Sighting(Protocol):
    """An observation of one secret in one Region, valid until the next one."""

    @property
    def at(self) -> float:
        """The time in seconds, of any clock."""
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
        """A value of `Readable`."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the Region would accept a new value."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A time without changes, in seconds since the start of the timeline; never empty."""

    from_s: float
    to_s: float
    readable: Readable
    writable: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of an outage, in seconds since the start of the timeline."""

    from_s: float
    to_s: float

    @property
    def long_s(self) -> float:
        """Its length in seconds."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True)
class Track:
    """One secret in one Region: one or more adjacent spans, from the start to the end."""

    region: str
    spans: tuple[Span, ...]

    @property
    def without_s(self) -> float:
        """The total time without a readable current value, in seconds."""
        return sum(span.to_s - span.from_s for span in self.spans if span.readable is not Readable.CURRENT)


@dataclass(frozen=True, slots=True)
class SecretTimeline:
    """One secret in all Regions."""

    name: str
    tracks: tuple[Track, ...]

    @property
    def anywhere(self) -> tuple[Span, ...]:
        """The best of all Regions at each moment."""
        moments = sorted(
            {moment for track in self.tracks for span in track.spans for moment in (span.from_s, span.to_s)}
        )
        remaining = [list(track.spans) for track in self.tracks]
        merged: list[Span] = []
        for start, end in pairwise(moments):
            for spans in remaining:
                while spans and spans[0].to_s <= start:
                    spans.pop(0)
            current = [spans[0] for spans in remaining if spans and spans[0].from_s <= start]
            best = min((span.readable for span in current), key=_RANK.__getitem__)
            merged.append(Span(start, end, best, any(span.writable for span in current)))
        return _merge(merged)

    @property
    def twice_writable(self) -> tuple[Gap, ...]:
        """Times when several Regions were writable, so that a new value could get lost."""
        edges = sorted((moment, turn) for track in self.tracks for moment, turn in _writable_edges(track.spans))
        gaps: list[Gap] = []
        count = 0
        for (moment, turn), (following, _) in pairwise(edges):
            count += turn
            if count > 1 and following > moment:
                gaps.append(Gap(moment, following))
        return _gaps(gaps)

    @property
    def unreadable(self) -> tuple[Gap, ...]:
        """Times when no Region had the current value."""
        return _gaps(span for span in self.anywhere if span.readable is not Readable.CURRENT)

    @property
    def unwritable(self) -> tuple[Gap, ...]:
        """Times when no Region was writable."""
        return _gaps(span for span in self.anywhere if not span.writable)


@dataclass(frozen=True, slots=True)
class Cell:
    """The worst state in a stretch of a timeline."""

    readable: Readable
    writable: bool


def build_timelines(sightings: Iterable[Sighting], start: float, end: float) -> tuple[SecretTimeline, ...]:
    """Return the timeline of each secret, in order of first sighting; `start` and `end` use the sightings' clock.

    The first sighting also counts for the time before it. Sightings that last no time are left out.
    """
    seen: dict[str, dict[str, list[Sighting]]] = {}
    for sighting in sightings if end > start else ():
        seen.setdefault(sighting.name, {}).setdefault(sighting.region, []).append(sighting)
    return tuple(
        SecretTimeline(name, tuple(Track(region, _spans(row, start, end)) for region, row in regions.items()))
        for name, regions in seen.items()
    )


def longest(gaps: Iterable[Gap]) -> float:
    """Return the seconds of the longest gap, 0 without any."""
    return max((gap.long_s for gap in gaps), default=0.0)


def shared_gaps(secrets: Sequence[Sequence[Gap]]) -> tuple[Gap, ...]:
    """Return the times that are gaps of every secret."""
    if not secrets:
        return ()
    shared = tuple(secrets[0])
    for gaps in secrets[1:]:
        shared = tuple(
            Gap(max(one.from_s, other.from_s), min(one.to_s, other.to_s))
            for one in shared
            for other in gaps
            if max(one.from_s, other.from_s) < min(one.to_s, other.to_s)
        )
    return shared


def cells(spans: Sequence[Span], count: int, long_s: float) -> tuple[Cell, ...]:
    """Return `count` cells of equal length, `long_s` in all, each as bad as its worst moment.

    Even the shortest gap stays visible.
    """
    row = []
    for number in range(count):
        start, end = long_s * number / count, long_s * (number + 1) / count
        overlapping = [span for span in spans if span.from_s < end and span.to_s > start]
        row.append(_worst([Cell(span.readable, span.writable) for span in overlapping or spans[-1:]]))
    return tuple(row)


def worst(rows: Iterable[Sequence[Cell]]) -> tuple[Cell, ...]:
    """Return the worst of several rows, cell by cell."""
    return tuple(_worst(column) for column in zip(*rows, strict=True))


def _worst(column: Sequence[Cell]) -> Cell:
    return Cell(max((cell.readable for cell in column), key=_RANK.__getitem__), all(cell.writable for cell in column))


def _spans(row: Sequence[Sighting], start: float, end: float) -> tuple[Span, ...]:
    begins = [start, *(min(max(sighting.at, start), end) for sighting in row[1:])]
    return _merge(
        Span(begin - start, until - start, Readable(sighting.readable), sighting.writable)
        for sighting, begin, until in zip(row, begins, [*begins[1:], end], strict=True)
        if until > begin
    )


def _merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans with equal neighbors merged."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (last.readable, last.writable) == (span.readable, span.writable):
            merged[-1] = Span(last.from_s, span.to_s, span.readable, span.writable)
        else:
            merged.append(span)
    return tuple(merged)


def _writable_edges(spans: Iterable[Span]) -> Iterator[tuple[float, int]]:
    """Yield when writability begins (1) and ends (-1)."""
    for span in spans:
        if span.writable:
            yield span.from_s, 1
            yield span.to_s, -1


def _gaps(spans: Iterable[Span | Gap]) -> tuple[Gap, ...]:
    """Return the spans as gaps, with adjacent ones merged."""
    gaps: list[Gap] = []
    for span in spans:
        if gaps and gaps[-1].to_s == span.from_s:
            gaps[-1] = Gap(gaps[-1].from_s, span.to_s)
        else:
            gaps.append(Gap(span.from_s, span.to_s))
    return tuple(gaps)
