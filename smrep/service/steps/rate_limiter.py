"""Space calls evenly; slow down after throttling, then recover."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from smrep.service.ports import Clock

WRITES_A_SECOND = 20.0
"""Default limit of writes, of AWS's 50 for an account in a Region, because others write too."""
_CALM_S = 1.0
"""Seconds within which throttling counts once, because concurrent calls meet it together."""
_RECOVERY_S = 10.0
"""Seconds from a standstill back to the full rate."""
_NAP_S = 0.5
"""Longest sleep in seconds before a stopped run notices."""
_SLOWEST = 0.05
"""Smallest fraction of the rate."""


@dataclass(slots=True)
class RateLimiter:
    """Spaces calls from all threads at a fixed rate, without bursts to catch up."""

    clock: Clock
    rate: float
    """Maximum calls per second."""
    _next: float = 0.0
    _slowed_at: float | None = None
    _slowed_to: float = 1.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Wait until the next call may go out."""
        remaining_s = self._reserve()
        if remaining_s > 0:
            self.clock.sleep(remaining_s)

    def throttled(self) -> None:
        """Halve the rate, then speed up gradually."""
        with self._lock:
            now = self.clock.monotonic()
            if self._slowed_at is not None and now - self._slowed_at < _CALM_S:
                return
            self._slowed_to = max(self._rate_at(now) / self.rate / 2, _SLOWEST)
            self._slowed_at = now
            self._next = max(self._next, now + 1 / self._rate_at(now))

    def ahead(self, is_stopped: Callable[[], bool]) -> ReservedSlot:
        """Wait for a call's turn unless stopped; return a slot with which that call need not wait again."""
        remaining_s = self._reserve()
        while remaining_s > 0 and not is_stopped():
            nap = min(remaining_s, _NAP_S)
            self.clock.sleep(nap)
            remaining_s -= nap
        return ReservedSlot(self)

    @property
    def present_rate(self) -> float:
        """Current calls per second."""
        with self._lock:
            return self._rate_at(self.clock.monotonic())

    def _reserve(self) -> float:
        """Reserve the next turn; return the seconds until then."""
        with self._lock:
            now = self.clock.monotonic()
            slot = max(now, self._next)
            self._next = slot + 1 / self._rate_at(slot)
        return slot - now

    def _rate_at(self, moment: float) -> float:
        if self._slowed_at is None:
            return self.rate
        return self.rate * min(1.0, self._slowed_to + (moment - self._slowed_at) / _RECOVERY_S)


@dataclass(slots=True)
class ReservedSlot:
    """A turn already waited for."""

    pace: RateLimiter
    _is_left: bool = True

    def wait(self) -> None:
        """Wait until the next call may go out."""
        if not self._is_left:
            self.pace.wait()
        self._is_left = False

    def throttled(self) -> None:
        """Halve the rate."""
        self.pace.throttled()
