"""The process: words in, exit code out, every way in which a process can end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from smrep.errors import Outcome, Terminated

BROKEN_PIPE = 141


def process(words: Sequence[str]) -> int:
    """Run the words as a command and return the exit code of the process."""
    gc.set_threshold(50_000)  # a short process that loads much: a tenth of its CPU went into looking for garbage
    try:
        signal.signal(signal.SIGTERM, _terminate)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        from smrep.cli.entry import run

        code = run(words)
    except BrokenPipeError:
        code = BROKEN_PIPE
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Terminated:
        code = 128 + signal.SIGTERM
    return _flushed(code)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _flushed(code: int) -> int:
    """Write out what is still held back and return the exit code; what can't be written is dropped."""
    lost = _flush(sys.stdout)
    _flush(sys.stderr)
    if isinstance(lost, BrokenPipeError):
        return BROKEN_PIPE
    return code or Outcome.FAILED.exit_code if lost else code


def _flush(stream: TextIO | None) -> OSError | None:
    """Return why the stream could not be written out, None if it could; then it leads nowhere from now on."""
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # Python flushes once more at its end
        return error
    return None
