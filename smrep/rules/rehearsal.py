"""A rehearsed disaster: its steps, what came of them, and whether it ended well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smrep.regions import PARTITIONS, Region
from smrep.rules.commands import some, spell
from smrep.rules.record import Pair
from smrep.rules.timeline import Course, Gap, Readable, Track, common, longest

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
        return spell(self.words[0], [], flags=self.words[1:]) if self.words else None


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken: seconds since the time line's start, and for a command its exit code."""

    step: Step
    at_s: float
    took_s: float
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A whole one, or as much of it as there was."""

    pair: Pair
    third: Region | None
    """Where some of the secrets have another replica; None where the partition has no such Region."""
    started_at: datetime
    long_s: float
    """How long the time line is."""
    steps: tuple[Step, ...]
    taken: tuple[Taken, ...]
    courses: tuple[Course, ...]
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


def third_region(pair: Pair) -> Region | None:
    """Return a third Region of the same partition, None where it has none."""
    known = next((each.regions for each in PARTITIONS if pair.source in each.regions), ())
    free = [each for each in (*_FAR, *known) if each in known and each not in (pair.source, pair.target)]
    return Region(free[0]) if free else None


def steps(pair: Pair, record: str) -> tuple[Step, ...]:
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
    every: Sequence[Step], taken: Sequence[Taken], found: Sequence[Course], not_home: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Return what went wrong, the causes before what came of them.

    `not_home` has the secrets that do not stand as they did before, each with how it stands.
    """
    return (*_broken(every, taken), *_unread(found), *_astray(not_home))


def astray(
    pair: Pair, before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]], found: Sequence[Course]
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


def _unread(found: Sequence[Course]) -> Iterator[str]:
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
        yield f"at the end {how}: {some(names, 3)}"


def seconds(long_s: float) -> str:
    """Return a length of time as it is told: 0 s, <0.1 s, 12.3 s."""
    if not long_s:
        return "0 s"
    return f"{long_s:.1f} s" if long_s >= _SHORTEST_S else "<0.1 s"
