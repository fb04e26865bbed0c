"""What is still to happen, and when: the only place where time passes in the simulator."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from smrep.sandbox.simulator.stored_secret import Content


@dataclass(frozen=True, slots=True)
class SecretRef:
    """One secret of one Region for good: a later secret of that name, even of that ARN, has another number."""

    region: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class ReplicationEnd:
    """A replication to `target` comes to its end, InSync or Failed."""

    primary: SecretRef
    target: str
    attempt: int
    force: bool


@dataclass(frozen=True, slots=True)
class ChangeArrival:
    """A later state of the primary reaches its replica in `target`, which ends the attempt of that number, if any."""

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
    """A deleted secret is gone for good, unless it was restored."""

    secret: SecretRef
    deletion: int


Event: TypeAlias = ReplicationEnd | ChangeArrival | RemovalEnd | DeletionEnd


def list_regions(event: Event) -> set[str]:
    """Return the Regions that must be up for an event to happen."""
    match event:
        case DeletionEnd():
            return {event.secret.region}
        case ReplicationEnd() | ChangeArrival() | RemovalEnd():
            return {event.primary.region, event.target}


@dataclass(slots=True)
class EventQueue:
    """Events in the order of their time; events of the same time keep the order they were made in."""

    _heap: list[tuple[float, int, Event]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def add(self, due: float, event: Event) -> None:
        """Let `event` happen at the time `due`."""
        heapq.heappush(self._heap, (due, next(self._numbers), event))

    def list_coming(self) -> list[tuple[float, Event]]:
        """Return all that is still to happen, with its time, in its order."""
        return [(due, event) for due, _, event in sorted(self._heap, key=lambda item: item[:2])]

    def take_due(self, at: float, *, is_held: Callable[[Event], bool]) -> Iterator[tuple[float, Event]]:
        """Each event due by `at`, with its time, oldest first; those held back wait for the next look."""
        waiting = []
        while self._heap and self._heap[0][0] <= at:
            item = heapq.heappop(self._heap)
            if is_held(item[2]):
                waiting.append(item)
            else:
                yield item[0], item[2]
        for item in waiting:
            heapq.heappush(self._heap, item)
