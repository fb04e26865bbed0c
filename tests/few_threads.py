"""A system that has few threads to give."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest import mock

_TRUE_START = threading.Thread.start


@dataclass
class FewThreads:
    """Lets so many of the threads started meanwhile be alive at once; any other cannot be started."""

    most: int
    alive: list[threading.Thread] = field(default_factory=list)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, thread: threading.Thread) -> None:
        with self._lock:
            self.alive = [each for each in self.alive if each.is_alive()]
            if len(self.alive) >= self.most:
                self.refused += 1
                raise RuntimeError("can't start new thread")
            _TRUE_START(thread)
            self.alive.append(thread)


@contextlib.contextmanager
def few_threads(most: int) -> Iterator[FewThreads]:
    """Let the process have no more threads than that besides those that it has; a server's go on to be started."""
    few = FewThreads(most)

    def start(thread: threading.Thread) -> None:
        target = getattr(thread, "_target", None)
        if "process_request_thread" in getattr(target, "__qualname__", ""):
            _TRUE_START(thread)
        else:
            few.start(thread)

    with mock.patch("threading.Thread.start", start):
        yield few
