"""`sandbox drill`: rehearse a disaster and the failback, step by step, in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from smrep.rules.recovery.drill_timeline import (
    DrillResult,
    Sighting,
    Step,
    StepResult,
    build_timelines,
    differences,
    steps,
    third_region,
    verdict,
)
from smrep.rules.recovery.failover_record import RegionPair

CALM_S = 1.0
"""Seconds of calm before the disaster and after the failback, visible on the timeline."""


class DrillSandbox(Protocol):
    """Sandbox with a fleet of secrets and Regions that can go down."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the secrets."""
        ...

    @property
    def sightings(self) -> Sequence[Sighting]:
        """Results of readers and writers, up to the last call of any method except `now` and `sleep`."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """Lets that many seconds pass."""
        ...

    def now(self) -> float:
        """Return the time of the sightings' clock in epoch seconds."""
        ...

    def set_outage(self, region: str | None) -> None:
        """Take down only this Region; None restores all."""
        ...

    def write(self, region: str) -> None:
        """Write a new value to each secret that is writable in the Region."""
        ...

    def standing(self, region: str) -> Mapping[str, tuple[str, str]]:
        """Return, by name, each secret's ARN in a Region and its role in words."""
        ...


@dataclass(slots=True)
class Drill:
    """One rehearsal; it ends early if a command does not exit with 0."""

    stage: DrillSandbox
    pair: RegionPair
    record: str
    """Path of the failover record, as the commands name it."""
    run: Callable[[Sequence[str]], int]
    """Runs smrep with these arguments and returns its exit code."""
    taken: list[StepResult] = field(default_factory=list)
    _started_at: float = 0.0
    _has_ended: bool = False
    _before: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return steps(self.pair, self.record)

    def act(self) -> Iterator[Step]:
        """Yield each step before taking it; asking for the next one takes it."""
        stage = self.stage
        self._before, self._started_at = stage.standing(self.pair.source), stage.now()
        stage.sleep(CALM_S)
        for step in self.steps:
            yield step
            begun, code = stage.now(), None
            try:
                code = self._take(step)
            finally:
                self.taken.append(StepResult(step, begun - self._started_at, stage.now() - begun, code))
            if code:
                break
        else:
            stage.sleep(CALM_S)
        self._has_ended = True

    def report(self) -> DrillResult:
        """Return the result; an unfinished drill is reported as interrupted and not judged."""
        stage, pair, every, taken = self.stage, self.pair, self.steps, tuple(self.taken)
        end = stage.now()
        after = stage.standing(pair.source)  # ends the sightings at this call
        timelines = build_timelines(stage.sightings, self._started_at, end)
        return DrillResult(
            pair,
            third_region(pair),
            datetime.fromtimestamp(self._started_at, UTC),
            end - self._started_at,
            every,
            taken,
            timelines,
            verdict(every, taken, timelines, differences(pair, self._before, after, timelines))
            if self._has_ended
            else (),
            interrupted=not self._has_ended,
        )

    def _take(self, step: Step) -> int | None:
        """Take one step; return a command's exit code, None for other steps."""
        if step.words:
            return self.run(step.words)
        if step.name == "write":
            self.stage.write(self.pair.target)
        else:
            self.stage.set_outage(self.pair.source if step.name == "outage" else None)
        return None
