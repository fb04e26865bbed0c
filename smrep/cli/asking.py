"""A moment for AWS while a line is typed: what it answers in time, and silence in place of everything else."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

COMPLETE_AWS = "SMREP_COMPLETE_AWS"
"""The variable that lets completion ask AWS, for so many seconds in all: 1, or more where a line is slow."""
END_S = 0.05
"""What of this time is kept for the end of the process."""
START_S = 0.15
"""How long a start takes, where the system does not tell when the process began."""


def ask(question: Callable[[], Iterable[str]]) -> list[str]:
    """Return what a question to AWS yields; nothing where it is not to be asked, fails or takes too long.

    The question runs in a process of its own, without a terminal: nobody can be asked there for an MFA code, nothing
    can be said into the line being typed, and it ends whatever it waits for, a name server or a credential_process.
    """
    seconds = os.environ.get(COMPLETE_AWS, "")
    if not re.fullmatch(r"[1-9]\d?", seconds, re.ASCII):
        return []
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _answer(question, writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        answer = json.loads(_read(reading, time.monotonic() + int(seconds) - END_S - _age_s()))
        return [str(each) for each in answer]
    except ValueError:
        return []
    finally:
        os.close(reading)
        _end(child)


def _age_s() -> float:
    """Return how long ago this process began. Source: proc(5), starttime."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return START_S


def _answer(question: Callable[[], Iterable[str]], writing: int) -> None:
    """Write the answer as JSON, from a session without a terminal and without any stream."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    with open(writing, "w", encoding="ascii") as pipe:
        json.dump(list(question()), pipe)


def _read(reading: int, until: float) -> bytes:
    """Return all that comes through the pipe by then; what is cut short is no JSON."""
    found = b""
    while select.select([reading], [], [], max(until - time.monotonic(), 0))[0]:
        part = os.read(reading, 65536)
        if not part:
            break
        found += part
    return found


def _end(child: int) -> None:
    """End the process with all that it has started."""
    for kill in (os.killpg, os.kill):  # it may not lead a group of its own yet
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
