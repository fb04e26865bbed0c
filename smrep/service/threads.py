"""Threads for work side by side: as many as the system has to give."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable

RESERVE = 64 * 1024 * 1024
"""Bytes of address space that threads leave for what they do: under `ulimit -v` their stacks take it all otherwise."""


def start(work: Callable[[], None], wanted: int) -> int:
    """Start so many daemon threads that do the work, or fewer, down to none; return how many.

    A small machine (a container's `pids.max`, `ulimit -v`) has few: then the work takes longer, and gets done. None
    begins before all are started.
    """
    started, all_started = 0, threading.Event()

    def begin() -> None:
        all_started.wait()
        work()

    try:
        with mmap.mmap(-1, RESERVE):  # of which no page is touched
            for started in range(wanted):  # noqa: B007 - it is returned
                threading.Thread(target=begin, daemon=True).start()
    except (RuntimeError, MemoryError, OSError):  # can't start new thread, can't allocate memory
        return started
    finally:
        all_started.set()
    return wanted
