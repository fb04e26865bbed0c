"""The signals that end a run, broken pipes, and the last flush of the streams."""

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
"""The signals that end a run: Ctrl-C, `kill` and schedulers, a terminal or a connection that closes."""
LAST_WORDS_S = 0.5
"""For how long a run that was told to end may tell how it stands."""
SIGNALS_HEEDED_S = 0.5
"""At the latest so long after a signal, a question ends."""
AGAIN_S = 0.05
"""After how long a signal comes again that met Python where no exception gets out, as in a finalizer."""


def find_signal(error: BaseException | None) -> BaseException | None:
    """Return the signal behind an error, None where there is none.

    Before 3.12, Python wraps what comes while a class is being made, as by an import in the midst of a run.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__cause__
    return error


def number_of(error: BaseException) -> int:
    """Return the number of the signal that was raised as this error."""
    return error.number if isinstance(error, Terminated) else signal.SIGINT


def stopped_by(error: BaseException) -> int:
    """Return the exit code of a run that a signal has ended."""
    return 128 + number_of(error)


def finish_quietly(code: int) -> None:
    """Let a signal from now on end the process with this code: the result that says so is out."""
    answer_signals_with(lambda _number, _frame: os._exit(code))


def answer_signals_with(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Answer otherwise what `heed` answers; what it left alone is left alone."""
    for number in ENDING:
        if getattr(signal.getsignal(number), "__module__", None) == __name__:
            signal.signal(number, handler)


def install_handlers() -> None:
    """Let the first signal of `ENDING` end the run, which tells how it stands; one that we are to ignore stays ignored.

    Those that come while it tells change nothing: make and timeout send several. Where that hangs, since nobody reads,
    the next one ends it too, and one more the process. Who started us may hold them back until now, and where Python
    would only print what the first one raises, it comes again.
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

    def ignored(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, KeyboardInterrupt | Terminated):
            others(what)
            return
        since.clear()
        number = number_of(what.exc_value)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))  # no thread, which may not be had
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)

    sys.unraisablehook = ignored
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


def flush_streams(code: int) -> int:
    """Write out what is still held back and return the exit code; what can't be written is dropped."""
    lost = _flush(sys.stdout)
    _flush(sys.stderr)
    if isinstance(lost, BrokenPipeError):
        return BROKEN_PIPE
    return code or Outcome.FAILED.exit_code if lost else code


def _flush(stream: TextIO | None) -> OSError | None:
    """Return why the stream could not be written out, None if it could; then it is dropped."""
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        drop(stream)  # Python flushes once more at its end
        return error
    return None


def drop(stream: TextIO | None) -> None:
    """Let the stream lead nowhere from now on."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def typed_line(question: str, stdin: TextIO | None, stderr: TextIO | None) -> str:
    """Ask on the terminal and return the line that was typed, with its line end; empty at the end of all input.

    A signal does not end a read that has not quite begun, nor one in another thread: whoever pressed Ctrl-C would have
    to press Enter too. So the line is read only once it is there.
    """
    assert stdin is not None  # noqa: S101 - a terminal, as was checked
    assert stderr is not None  # noqa: S101
    stderr.write(question)
    stderr.flush()
    while not select.select([stdin], [], [], SIGNALS_HEEDED_S)[0]:
        pass
    return stdin.readline()
