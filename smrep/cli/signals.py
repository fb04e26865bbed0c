"""Handle signals that end a run, broken pipes, and the final flush of the streams."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TextIO

from smrep.errors import Outcome, Terminated

BROKEN_PIPE = 141
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a run: Ctrl-C, `kill` and schedulers, a closed terminal or connection."""
LAST_WORDS_S = 0.5
"""Seconds in which a stopped run may report its state."""
SIGNALS_HEEDED_S = 0.5
"""Seconds in which a prompt ends after a signal."""
AGAIN_S = 0.05
"""Seconds until a signal is repeated if Python could not raise it, as in a finalizer."""


def find_signal(error: BaseException | None) -> BaseException | None:
    """Return the signal behind an error, None if there is none.

    Before 3.12, Python wraps exceptions raised during class creation, for example by an import within a run.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__cause__
    return error


def number_of(error: BaseException) -> int:
    """Return the number of the signal raised as this error."""
    return error.number if isinstance(error, Terminated) else signal.SIGINT


def stopped_by(error: BaseException) -> int:
    """Return the exit code of a run ended by a signal."""
    return 128 + number_of(error)


def finish_quietly(code: int) -> None:
    """Exit with this code on any further signal: the result is already written."""
    answer_signals_with(lambda _number, _frame: os._exit(code))


def answer_signals_with(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Replace the handlers that `install_handlers` set; ignored signals stay ignored."""
    for number in ENDING:
        if getattr(signal.getsignal(number), "__module__", None) == __name__:
            signal.signal(number, handler)


def install_handlers() -> None:
    """Let the first signal of `ENDING` end the run with a report; ignored signals stay ignored.

    Further signals during the report change nothing: make and timeout send several. If the report hangs, because nobody
    reads it, the next signal ends it, and another one the process. A parent may block signals until now, and a signal
    that Python would only print is repeated.
    """
    since: list[float] = []
    others = sys.unraisablehook

    def handler(number: int, _frame: FrameType | None) -> None:
        if since and time.monotonic() - since[0] < LAST_WORDS_S:
            return
        if since:
            signal.signal(number, signal.SIG_DFL)
        since.append(time.monotonic())
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    def ignored(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt | Terminated):
            others(unraisable)
            return
        since.clear()
        number = number_of(unraisable.exc_value)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))  # not a thread, which may be unavailable
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)

    sys.unraisablehook = ignored
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


def flush_streams(code: int) -> int:
    """Flush the streams and return the exit code; drop what cannot be written."""
    lost = _flush(sys.stdout)
    _flush(sys.stderr)
    if isinstance(lost, BrokenPipeError):
        return BROKEN_PIPE
    return code or Outcome.FAILED.exit_code if lost else code


def _flush(stream: TextIO | None) -> OSError | None:
    """Flush a stream; on failure, drop it and return the error."""
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        drop(stream)  # Python flushes again at exit
        return error
    return None


def drop(stream: TextIO | None) -> None:
    """Discard everything written to the stream from now on."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def typed_line(question: str, stdin: TextIO | None, stderr: TextIO | None) -> str:
    """Ask on the terminal and return the typed line with its line end; empty at the end of input.

    A signal interrupts neither a read about to begin nor one in another thread, so Ctrl-C would also need Enter. The
    line is therefore read only once it is complete.
    """
    assert stdin is not None  # noqa: S101 - a terminal, as was checked
    assert stderr is not None  # noqa: S101
    stderr.write(question)
    stderr.flush()
    while not select.select([stdin], [], [], SIGNALS_HEEDED_S)[0]:
        pass
    return stdin.readline()
