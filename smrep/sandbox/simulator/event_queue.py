"""Scheduled events: the only place where time passes in the simulator."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from smrep.sandbox.simulator.stored_secret import Content


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Identity of one secret in one Region; a later secret with its name, or even its ARN, has another number."""

    region: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class ReplicationEnd:
    """A replication to `target` ends, InSync or Failed."""

    primary: SecretRef
    target: str
    attempt: int
    force: bool


@dataclass(frozen=True, slots=True)
class ChangeArrival:
    """A change of the primary reaches its replica in `target` and ends `attempt`, if any."""

    primary: SecretRef
    target: str
    content: Content
    attempt: int | None


@dataclass(frozen=True, slots=True)
class RemovalEnd:
    """A removed replica is gone from `target`."""

    primary: SecretRef
    target: str
    removal: int


@dataclass(frozen=True, slots=True)
class DeletionEnd:
    """A deleted secret is gone, unless it was restored."""

    secret: SecretRef
    deletion: int


Event: TypeAlias = ReplicationEnd | ChangeArrival | RemovalEnd | DeletionEnd


def list_regions(event: Event) -> set[str]:
    """Return the Regions that an event needs to be up."""
    match event:
        case DeletionEnd():
            return {event.secret.region}
        case ReplicationEnd() | ChangeArrival() | RemovalEnd():
            return {event.primary.region, event.target}


@dataclass(slots=True)
class EventQueue:
    """Events by time; events at the same time in the order they were added."""

    _heap: list[tuple[float, int, Event]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def add(self, due: float, event: Event) -> None:
        """Schedule `event` at the time `due`."""
        heapq.heappush(self._heap, (due, next(self._numbers), event))

    def list_coming(self) -> list[tuple[float, Event]]:
        """Return all events with their times, in order."""
        return [(due, event) for due, _, event in sorted(self._heap, key=lambda item: item[:2])]

    def take_due(self, at: float, *, is_held: Callable[[Event], bool]) -> Iterator[tuple[float, Event]]:
        """Remove and yield the events due by `at` with their times, oldest first; those held stay."""
        waiting = []
        while self._heap and self._heap[0][0] <= at:
            item = heapq.heappop(self._heap)
            if is_held(item[2]):
                waiting.append(item)
            else:
                yield item[0], item[2]
        for item in waiting:
            heapq.heappush(self._heap, item)
