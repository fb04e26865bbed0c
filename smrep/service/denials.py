"""When to stop asking: where AWS denies each of the first calls, it will deny the others too."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from smrep.errors import Denied

ENOUGH = 10
"""After so many calls all of which were denied, no more are made."""


@dataclass(slots=True)
class Denials:
    """Counts what was denied, from whichever thread, until anything is allowed."""

    _denied: int = 0
    _allowed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, denied: bool) -> None:
        """Take in how a call ended."""
        with self._lock:
            self._denied += denied
            self._allowed = self._allowed or not denied

    @property
    def are_enough(self) -> bool:
        """Whether everything was denied, and often enough."""
        return self._denied >= ENOUGH and not self._allowed

    def check(self, where: str) -> None:
        """Let a look at `where` be made.

        Raises:
            Denied: every look before it was denied.

        """
        if self.are_enough:
            raise Denied("not looked at, since every look before it was denied", where)
