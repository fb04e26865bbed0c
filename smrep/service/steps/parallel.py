"""Run calls in parallel, each with a time limit."""

from __future__ import annotations

import math
import mmap
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from smrep.service.ports import Clock

A = TypeVar("A")
B = TypeVar("B")

WIDTH = 8
"""Number of parallel calls."""
LOOK_S = 5.0
"""Seconds that a look may outlast the deadline: enough for a last look, not for a Region that hangs."""
_PULSE_S = 1.0


def do_nothing() -> None:
    """Do nothing while waiting."""


def time_left(clock: Clock, deadline: float) -> float:
    """Return how many seconds to wait for looks that begin now."""
    return max(deadline - clock.monotonic(), LOOK_S)


def parallel(  # noqa: PLR0913 - how patient, and how many at once
    call: Callable[[A], B],
    items: Sequence[A],
    *,
    late: Callable[[A], B] | None = None,
    patience_s: float | None = None,
    pulse: Callable[[], None] | None = None,
    width: int = WIDTH,
) -> list[B]:
    """Call in parallel, at most `width` at once, and return the answers in the order of the items.

    After `patience_s`, `late` supplies the missing answers; `pulse` is called about once a second meanwhile. Daemon
    threads keep an interrupt or the end of the process from waiting for a Region that does not answer. The first error
    of a call is raised here. If the system has no threads left, the calls run one by one in this thread, and those not
    begun after `patience_s` are late.
    """
    if not items or (len(items) == 1 and patience_s is None and pulse is None):
        return [call(item) for item in items]
    calls = _Calls(call, len(items), deque(enumerate(items)))
    until = time.monotonic() + patience_s if late and patience_s is not None else float("inf")
    next_pulse = time.monotonic() + _PULSE_S
    try:
        calls.is_alone = not start_threads(calls.work, min(width, len(items)))
        while not calls.is_over(min(next_pulse, until)) and time.monotonic() < until:
            if time.monotonic() >= next_pulse:
                (pulse or do_nothing)()
                next_pulse = time.monotonic() + _PULSE_S
    finally:
        calls.over.set()
    for error in calls.errors:
        raise error
    answers = dict(calls.answers)
    return [answers[place] if place in answers or late is None else late(item) for place, item in enumerate(items)]


@dataclass(slots=True)
class _Calls(Generic[A, B]):
    """Calls in progress until all have answered, one has failed, or the caller stops waiting; then none begins."""

    call: Callable[[A], B]
    count: int
    waiting: deque[tuple[int, A]]
    answers: dict[int, B] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    is_alone: bool = False

    def is_over(self, until: float) -> bool:
        """Return whether the calls end by then; without threads, make one more call first."""
        if self.is_alone:
            self.work(most=1)
            return self.over.is_set()
        return self.over.wait(max(0.0, until - time.monotonic()))

    def work(self, most: float = math.inf) -> None:
        """Make calls until none is left, or `most` were made."""
        while most > 0 and not self.over.is_set():
            most -= 1
            try:
                place, item = self.waiting.popleft()
            except IndexError:
                return
            try:
                self.answers[place] = self.call(item)
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                self.errors.append(error)
                self.over.set()
            if len(self.answers) == self.count:
                self.over.set()


RESERVE = 64 * 1024 * 1024
"""Bytes of address space kept free for the threads' work; under `ulimit -v` their stacks would take it all."""


def start_threads(work: Callable[[], None], wanted: int) -> int:
    """Start up to `wanted` daemon threads that do the work; return how many started.

    A small machine (a container's `pids.max`, `ulimit -v`) gets fewer, possibly none, and takes longer. No thread
    begins before all are started.
    """
    started, all_started = 0, threading.Event()

    def begin() -> None:
        all_started.wait()
        work()

    try:
        with mmap.mmap(-1, RESERVE):  # no page of it is touched
            for started in range(wanted):  # noqa: B007 - it is returned
                threading.Thread(target=begin, daemon=True).start()
    except (RuntimeError, MemoryError, OSError):  # can't start new thread, can't allocate memory
        return started
    finally:
        all_started.set()
    return wanted
