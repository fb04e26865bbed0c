"""Simulated time for whole runs of smrep in this process: sleeps and waits pass at once, whatever the machine does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

from fakes import Clock

_TRUE_WAIT = threading.Condition.wait
_TRUE_NOTIFY = threading.Condition.notify
_LOOK_S = 0.02
"""Real seconds after which a waiting thread looks at the simulated time again."""


@dataclass
class SharedClock(Clock):
    """A clock on which concurrent sleeps take as long as the longest of them."""

    started: float = field(default_factory=time.time)
    """The date at which the simulated time begins, in seconds since 1970."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _real_since: float | None = None

    def run_in_real_time(self) -> None:
        """Advance with the machine's time from now on, since a process of its own takes part."""
        if self._real_since is None:
            self._real_since = time.monotonic()

    def monotonic(self) -> float:
        return self.time if self._real_since is None else self.time + time.monotonic() - self._real_since

    def wall(self) -> float:
        return self.started + self.monotonic()

    def sleep(self, seconds: float) -> None:
        if self._real_since is not None:
            time.sleep(seconds)
            return
        until = self.time + seconds
        with self.lock:
            self.time = max(self.time, until)

    def skip_to(self, moment: float) -> None:
        with self.lock:
            self.time = max(self.time, moment)

    @property
    def is_simulated(self) -> bool:
        return self._real_since is None


_NOTIFICATIONS = "notifications"
"""The attribute of a condition that counts how often it was notified; whoever reads or writes it holds its lock."""


def _notifications(condition: threading.Condition) -> int:
    return int(vars(condition).get(_NOTIFICATIONS, 0))


class SimulatedWait:
    """Replaces Condition.wait and notify: when every thread of smrep waits, the clock skips to the next deadline."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock
        self._others = {thread for thread in threading.enumerate() if thread is not threading.current_thread()}
        self._waiting: dict[threading.Thread, tuple[threading.Condition, float]] = {}
        self._notified: list[threading.Condition] = []
        self._lock = threading.Lock()

    def wait(self, condition: threading.Condition, timeout: float | None = None) -> bool:
        """Wait as the condition would; waits without a timeout, and those of other threads, take real time."""
        thread = threading.current_thread()
        if timeout is None or not self._is_ours(thread):
            return _TRUE_WAIT(condition, timeout)
        until = self._clock.time + timeout
        before = _notifications(condition)
        try:
            while True:
                if self._skip(thread, condition, until):
                    _TRUE_NOTIFY(condition, len(condition._waiters))
                elif _TRUE_WAIT(condition, _LOOK_S) or _notifications(condition) > before:
                    return True  # a notification that comes between two looks finds nobody waiting
                if self._clock.time >= until:
                    return False
        finally:
            with self._lock:  # else another thread, which goes through them, may bring it back
                self._waiting.pop(thread, None)

    def notify(self, condition: threading.Condition, count: int = 1) -> None:
        """Notify as the condition would; whoever may be woken is not waiting until it says so again."""
        vars(condition)[_NOTIFICATIONS] = _notifications(condition) + 1
        self._notified.append(condition)  # takes no lock, since the garbage collector may call this anywhere
        _TRUE_NOTIFY(condition, count)

    def _is_ours(self, thread: threading.Thread) -> bool:
        """Return whether the thread is the test's own or one that smrep has started, the sandbox's server left out."""
        if thread in self._others:
            return False
        work = getattr(thread, "_target", None)
        return work is None or (work.__module__.startswith("smrep.") and "sandbox" not in work.__module__)

    def _skip(self, thread: threading.Thread, condition: threading.Condition, until: float) -> bool:
        """Skip to the earliest moment that a thread waits for, if all of smrep's threads wait; return whether."""
        with self._lock:
            while self._notified:
                woken = self._notified.pop()
                self._waiting = {each: wait for each, wait in self._waiting.items() if wait[0] is not woken}
            self._waiting[thread] = condition, until
            if not all(each in self._waiting for each in threading.enumerate() if self._is_ours(each)):
                return False
            self._clock.skip_to(min(moment for _, moment in self._waiting.values()))
            self._waiting.clear()
            return True


@contextlib.contextmanager
def simulated(clock: SharedClock) -> Iterator[None]:
    """Let the waits of smrep's threads, and botocore's pauses, pass on the clock; a container's take none."""
    waits = SimulatedWait(clock)
    with (
        mock.patch("threading.Condition.wait", lambda condition, timeout=None: waits.wait(condition, timeout)),
        mock.patch("threading.Condition.notify", lambda condition, n=1: waits.notify(condition, n)),
        mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=clock.sleep)),
        mock.patch("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0),
    ):
        yield
