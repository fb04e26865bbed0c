"""`sandbox drill`: a disaster and the way back, step by step, in a world that can be broken at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from smrep.rules.recovery.drill_timeline import (
    DrillResult,
    Sighting,
    Step,
    Taken,
    astray,
    courses,
    steps,
    third_region,
    verdict,
)
from smrep.rules.recovery.failover_record import RegionPair

CALM_S = 1.0
"""How long all is well before the disaster and after the way back, so that it is seen on the time line."""


class Stage(Protocol):
    """A world with a fleet of secrets, whose Regions can be taken down."""

    @property
    def names(self) -> Sequence[str]:
        """The secrets' names."""
        ...

    @property
    def sightings(self) -> Sequence[Sighting]:
        """What readers and writers of the secrets got, up to the last call of another method but `now` and `sleep`."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """Lets so many seconds pass."""
        ...

    def now(self) -> float:
        """Return the time in epoch seconds, by the clock of the sightings."""
        ...

    def set_outage(self, region: str | None) -> None:
        """Take this Region down, and none besides; None brings all back."""
        ...

    def write(self, region: str) -> None:
        """Give each secret that can be written in the Region a new value."""
        ...

    def standing(self, region: str) -> Mapping[str, tuple[str, str]]:
        """Return the ARN that each secret has in a Region, and in words how it stands there, by its name."""
        ...


@dataclass(slots=True)
class Drill:
    """One rehearsal; it ends early where a command does not end with exit code 0."""

    stage: Stage
    pair: RegionPair
    record: str
    """The path of the failover record, as the commands are to name it."""
    run: Callable[[Sequence[str]], int]
    """Runs smrep with these words to its end and returns its exit code."""
    taken: list[Taken] = field(default_factory=list)
    _started_at: float = 0.0
    _has_ended: bool = False
    _before: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in their order."""
        return steps(self.pair, self.record)

    def act(self) -> Iterator[Step]:
        """Yield each step before it is taken; whoever asks for the next has this one taken."""
        stage = self.stage
        self._before, self._started_at = stage.standing(self.pair.source), stage.now()
        stage.sleep(CALM_S)
        for step in self.steps:
            yield step
            begun, code = stage.now(), None
            try:
                code = self._take(step)
            finally:
                self.taken.append(Taken(step, begun - self._started_at, stage.now() - begun, code))
            if code:
                break
        else:
            stage.sleep(CALM_S)
        self._has_ended = True

    def report(self) -> DrillResult:
        """Return what came of it; what has not come to its end is told as interrupted, and not judged."""
        stage, pair, every, taken = self.stage, self.pair, self.steps, tuple(self.taken)
        end = stage.now()
        after = stage.standing(pair.source)  # up to this call the sightings reach, and so to the end
        found = courses(stage.sightings, self._started_at, end)
        return DrillResult(
            pair,
            third_region(pair),
            datetime.fromtimestamp(self._started_at, UTC),
            end - self._started_at,
            every,
            taken,
            found,
            verdict(every, taken, found, astray(pair, self._before, after, found)) if self._has_ended else (),
            interrupted=not self._has_ended,
        )

    def _take(self, step: Step) -> int | None:
        """Take one step and return the exit code of a command, None of what is none."""
        if step.words:
            return self.run(step.words)
        if step.name == "write":
            self.stage.write(self.pair.target)
        else:
            self.stage.set_outage(self.pair.source if step.name == "outage" else None)
        return None
