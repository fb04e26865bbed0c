"""Condition.wait on a simulated clock: when every thread of smrep waits, the clock jumps to the next deadline."""

from __future__ import annotations

import threading

from fakes import Clock

TRUE_WAIT = threading.Condition.wait
_LOOK_S = 0.05
"""Real seconds after which a thread that waits sees what the time is."""


class SimulatedWait:
    """Stands for Condition.wait: a wait takes no real time, and ends when something comes or its time has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._strangers = {each for each in threading.enumerate() if each is not threading.current_thread()}
        self._until: dict[threading.Thread, float] = {}
        self._lock = threading.Lock()

    def wait(self, condition: threading.Condition, timeout: float | None = None) -> bool:
        """Wait as the condition would; what waits for good, or is none of smrep's, waits in real time."""
        thread = threading.current_thread()
        if timeout is None or thread in self._strangers:
            return TRUE_WAIT(condition, timeout)
        until = self._clock.time + timeout
        try:
            while True:
                if self._goes_on(thread, until):
                    condition.notify_all()
                elif TRUE_WAIT(condition, _LOOK_S):
                    return True
                if self._clock.time >= until:
                    return False
        finally:
            self._until.pop(thread, None)

    def _goes_on(self, thread: threading.Thread, until: float) -> bool:
        """Move the clock to the next moment that somebody waits for, if nobody does anything else."""
        with self._lock:
            self._until[thread] = until
            if not all(each in self._until for each in threading.enumerate() if each not in self._strangers):
                return False
            self._clock.time = max(self._clock.time, min(self._until.values()))
            self._until.clear()
            return True
