"""A smooth budget of calls: one after another at even distances, slower after throttling, and back again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from smrep.service.ports import Clock

_CALM_S = 1.0
"""Throttling that comes in so short a time is one sign, since calls that were under way meet it together."""
_RECOVERY_S = 10.0
"""How long the way back takes from a standstill to the full rate."""
_NAP_S = 0.5
"""How long a run that is stopped may go on sleeping for its turn."""
_SLOWEST = 0.05
"""The least that is left of the rate."""


@dataclass(slots=True)
class RateLimiter:
    """Lets calls pass at so many a second, whichever thread makes them, and never two at once to catch up."""

    clock: Clock
    rate: float
    """Calls a second at most."""
    _next: float = 0.0
    _slowed_at: float | None = None
    _slowed_to: float = 1.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Come back when the next call may go out."""
        left = self._reserve()
        if left > 0:
            self.clock.sleep(left)

    def throttled(self) -> None:
        """Go at half the rate from now on, and then gradually faster."""
        with self._lock:
            now = self.clock.monotonic()
            if self._slowed_at is not None and now - self._slowed_at < _CALM_S:
                return
            self._slowed_to = max(self._share_at(now) / 2, _SLOWEST)
            self._slowed_at = now
            self._next = max(self._next, now + 1 / self._rate_at(now))

    def ahead(self, is_stopped: Callable[[], bool]) -> ReservedSlot:
        """Wait for a call's turn before it is made, unless stopped; return a pace at which that call waits no more."""
        left = self._reserve()
        while left > 0 and not is_stopped():
            nap = min(left, _NAP_S)
            self.clock.sleep(nap)
            left -= nap
        return ReservedSlot(self)

    @property
    def present_rate(self) -> float:
        """How many calls a second pass now."""
        with self._lock:
            return self._rate_at(self.clock.monotonic())

    def _reserve(self) -> float:
        """Take the next turn; return in how many seconds it is."""
        with self._lock:
            now = self.clock.monotonic()
            slot = max(now, self._next)
            self._next = slot + 1 / self._rate_at(slot)
        return slot - now

    def _rate_at(self, moment: float) -> float:
        return self.rate * self._share_at(moment)

    def _share_at(self, moment: float) -> float:
        if self._slowed_at is None:
            return 1.0
        return min(1.0, self._slowed_to + (moment - self._slowed_at) / _RECOVERY_S)


@dataclass(slots=True)
class ReservedSlot:
    """A pace whose next call has waited already."""

    pace: RateLimiter
    _is_left: bool = True

    def wait(self) -> None:
        """Come back when the next call may go out."""
        if not self._is_left:
            self.pace.wait()
        self._is_left = False

    def throttled(self) -> None:
        """Go at half the rate from now on."""
        self.pace.throttled()
