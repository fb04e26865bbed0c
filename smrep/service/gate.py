"""When a write may be begun, and how often it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from smrep.errors import AwsError, NotFound, NotSent, Refused, Throttled
from smrep.service.abreast import LOOK_S, abreast, nothing
from smrep.service.pace import Pace, Turn
from smrep.service.polling import past_throttling
from smrep.service.ports import Clock

T = TypeVar("T")


class Stop(Protocol):
    """What tells threads to begin nothing more."""

    def is_set(self) -> bool:
        """Tell whether it was said."""
        ...

    def set(self) -> None:
        """Say it."""
        ...


SENDING = 4
"""How many secrets are sent for at once: AWS's 50 writes a second are shared with everybody's.
Source: aws-behavior.md 5.
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """The one gate through which writes go; times in the clock's seconds."""

    clock: Clock
    deadline: float
    begin_until: float
    """No request is begun later than this."""
    stop: Stop = field(default_factory=threading.Event)
    """Once set, nothing more is sent: the run has ended, and its threads must not go on."""
    pace: Pace | Turn | None = None
    """The budget that the requests of many secrets share."""

    @classmethod
    def until(cls, clock: Clock, deadline: float) -> Gate:
        """Return a gate that closes at the deadline, but not before what a slow look has held up is sent."""
        return cls(clock, deadline, max(deadline, clock.monotonic() + LOOK_S))

    def __enter__(self) -> Self:
        """Open the gate for one run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it for good, also for threads that are still at work."""
        self.stop.set()

    @property
    def closed(self) -> str | None:
        """Why nothing may be sent any more; None where something may."""
        if self.stop.is_set():
            return "the run was stopped"
        return "the deadline had passed" if self.clock.monotonic() >= self.begin_until else None

    @property
    def may_repeat(self) -> bool:
        """Whether what was not seen to be taken may be sent again: not where the deadline cut the looking short."""
        return not self.stop.is_set() and self.clock.monotonic() < self.deadline

    def send(self, request: Callable[[], T], check: Callable[[], None] = nothing) -> T:
        """Send a request: again only where AWS says that it was asked too often; `check` looks right before each time.

        Raises:
            AwsError: what came of it.
            NotSent: the run was stopped meanwhile.

        """

        def once() -> T:
            if self.pace:
                self.pace.wait()
            self._let()
            check()
            self._let()  # a look takes its time
            try:
                return request()
            except Throttled:
                if self.pace:
                    self.pace.throttled()
                raise

        return past_throttling(once, clock=self.clock, deadline=self.deadline)

    def _let(self) -> None:
        if self.stop.is_set():
            raise NotSent("not sent, since the run was stopped")


def is_moot(error: AwsError, *, again: bool) -> bool:
    """Tell whether a refusal fails nothing: of a second request, since the first may have been carried out."""
    return again and isinstance(error, Refused | NotFound)


def in_turn(send: Callable[[T], None], items: Sequence[T], pulse: Callable[[], None]) -> Iterator[None]:
    """Send for a few secrets at a time, and yield after each few."""
    for first in range(0, len(items), SENDING):
        abreast(send, items[first : first + SENDING], pulse=pulse)
        yield
