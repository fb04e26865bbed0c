"""How long a test waits for a state: long enough for any busy machine, since no test measures speed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

PATIENCE_S = 180.0
"""The safety net of every wait: only what hangs takes that long."""
LOOK_S = 0.02
"""The pause between two looks."""


def wait_until(is_reached: Callable[[], object], state: str) -> None:
    """Return when a state is reached; fail, naming it, when that takes longer than anything does that works."""
    until = time.monotonic() + PATIENCE_S
    while not is_reached():
        assert time.monotonic() < until, f"not reached: {state}"
        time.sleep(LOOK_S)


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what else a process writes to its pipes until it has ended."""
    try:
        return process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
