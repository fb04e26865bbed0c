"""Simulated time loses no notification, however late a thread gets its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable

from simulated_time import SharedClock, SimulatedWait

SAFETY_S = 60.0


class LateLock:
    """A lock that a thread whose wait is over gets back only when something else has happened."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._happens = [happens]
        self.acquire, self.release = self._lock.acquire, self._lock.release
        self.locked = self._lock.locked

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _release_save(self) -> None:
        self.release()

    def _acquire_restore(self, _: None) -> None:
        while self._happens:
            self._happens.pop()()
        self.acquire()


def test_a_notification_that_comes_when_a_look_has_just_ended_is_not_lost() -> None:
    waits = SimulatedWait(SharedClock())
    woken: list[bool] = []

    def notify() -> None:
        with condition:
            waits.notify(condition)

    class Waiter(threading.Thread):
        def run(self) -> None:
            with condition:
                woken.append(waits.wait(condition, 1.0))

    condition = threading.Condition(LateLock(notify))  # type: ignore[arg-type]
    waiter = Waiter(daemon=True)
    waiter.start()
    waiter.join(SAFETY_S)  # the test's own thread waits for no simulated moment, so none is skipped to
    assert woken == [True]
