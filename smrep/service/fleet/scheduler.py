"""Scheduler for the work on many secrets: due steps first, jobs in progress before new ones."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from smrep.service.ports import Clock
from smrep.service.steps.parallel import start_threads

Job = Callable[[], float | None]
"""Does one step; returns when the next one is due, in the clock's seconds, or None after the last."""

PULSE_S = 0.25
"""Seconds between progress updates."""
LAST_STEPS_S = 15.0
"""Seconds to wait for steps in progress after a stop: longer than AWS may take to answer."""


@dataclass(slots=True)
class Scheduler:
    """Runs jobs in parallel until all are done; a width of one runs them in the caller's thread, in order.

    At most half of the workers start new jobs, so that slow calls cannot starve the ones in progress. If the system has
    fewer threads, the width shrinks.
    """

    clock: Clock
    width: int
    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, steps in progress finish and no other begins."""
    _fresh: deque[Job] = field(default_factory=deque)
    _later: list[tuple[float, int, Job]] = field(default_factory=list)
    _numbers: int = 0
    _busy: int = 0
    _beginning: int = 0
    _failure: BaseException | None = None
    _turn: threading.Condition = field(default_factory=threading.Condition)

    def run(self, jobs: Iterable[Job], tell: Callable[[], None]) -> None:
        """Run all jobs; `tell` is called now and then.

        Raises any error of a step or of `tell`; then nothing more is begun.
        """
        self._fresh.extend(jobs)
        try:
            if self._start():
                self._watch(tell)
            else:
                self._alone(tell)
        finally:
            self.finish()

    def _start(self) -> int:
        """Start the threads, which begin once the width is known; return their number."""
        if self.width == 1:
            return 0
        with self._turn:
            wanted = min(self.width, len(self._fresh))  # a job does one step at a time
            started = start_threads(self._work, wanted)
            if started < wanted:
                self.width = max(started, 1)
        return started

    def _watch(self, tell: Callable[[], None]) -> None:
        while not self._is_over():
            with self._turn:
                self._turn.wait(PULSE_S)
            tell()
        if self._failure:
            raise self._failure

    def finish(self) -> None:
        """Begin nothing more; return when the steps in progress end, or their time is up."""
        self.stop.set()
        with self._turn:
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._busy == 0, timeout=LAST_STEPS_S)

    def _alone(self, tell: Callable[[], None]) -> None:
        while not self.stop.is_set() and (self._fresh or self._later):
            job, due_at = self._next(self.clock.monotonic())
            if job is None:
                self.clock.sleep(max(0.0, due_at - self.clock.monotonic()))
                continue
            self._put_back(job, job())
            tell()

    def _is_over(self) -> bool:
        with self._turn:
            done = not (self._fresh or self._later or self._busy)
            return done or self._failure is not None or self.stop.is_set()

    def _next(self, now: float) -> tuple[Job | None, float]:
        """Return a job with a due step, oldest first; else None, and when to look again."""
        if self._later and self._later[0][0] <= now:
            return heapq.heappop(self._later)[2], now
        if self._fresh and (self.width == 1 or self._beginning < max(1, self.width // 2)):
            return self._fresh.popleft(), now
        return None, self._later[0][0] if self._later else now + PULSE_S

    def _put_back(self, job: Job, due_at: float | None) -> None:
        if due_at is not None:
            self._numbers += 1
            heapq.heappush(self._later, (due_at, self._numbers, job))

    def _work(self) -> None:
        while True:
            with self._turn:
                fresh, now = len(self._fresh), self.clock.monotonic()
                if self.stop.is_set() or self._failure or not (fresh or self._later or self._busy):
                    self._turn.notify_all()
                    return
                job, due_at = self._next(now)
                if job is None:
                    self._turn.wait(max(0.001, min(PULSE_S, due_at - now)))
                    continue
                begins = len(self._fresh) < fresh
                self._busy += 1
                self._beginning += begins
            due_again, failure = _step(job)
            with self._turn:
                self._busy -= 1
                self._beginning -= begins
                self._failure = self._failure or failure
                self._put_back(job, due_again)
                self._turn.notify()


def _step(job: Job) -> tuple[float | None, BaseException | None]:
    try:
        return job(), None
    except BaseException as error:  # noqa: BLE001 - it is raised in the thread of the run
        return None, error
