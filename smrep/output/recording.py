"""The failover record as a file: read whole, then appended to line by line, each on its way before the next step."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from smrep.errors import UsageError
from smrep.files import appending
from smrep.output.ledger import Ledger
from smrep.rules.record import Pair, Record, header, read


@dataclass(slots=True)
class Book:
    """A record that is read and appended to by one run at a time; a new one is made when its first line is written."""

    path: str
    now: Callable[[], datetime]
    known: Record
    """What it held when this run began."""
    _ledger: Ledger | None = None
    _pair: Pair | None = None

    @classmethod
    def opened(cls, path: str, now: Callable[[], datetime], *, writes: bool) -> Book:
        """Return the record; one that is there is this run's from now on, if it `writes`.

        Raises:
            UsageError: it can't be read or written, is none, or another run has it.

        """
        is_there = _is_there(path)
        ledger = _held(path, now) if writes and is_there else None
        return cls(path, now, _read(path) if is_there else Record(), ledger)

    def is_of(self, pair: Pair) -> None:
        """Say which Regions a new one is of."""
        self._pair = pair

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line and have it out of our hands; a new record begins with its two Regions.

        Raises:
            UsageError: another run has made it meanwhile.
            OutputError: it can't be written down, and what it announces must not be done.

        """
        if self._ledger is None:
            self._ledger = _held(self.path, self.now, is_new=True)
        if self.known.pair is None and self._pair is not None:
            self.known.pair = self._pair
            self._ledger.write(header(self._pair))
        self._ledger.write(line)

    def close(self) -> None:
        """Leave it to others."""
        if self._ledger is not None:
            self._ledger.close()


def _is_there(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as in smrep.files
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"--record {path} could not be read: {error.strerror}", code="RecordError") from error
    if not stat.S_ISREG(mode):
        raise UsageError(f"--record {path} is no file", "name a file", code="RecordError")
    return True


def _read(path: str) -> Record:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--record {path} could not be read: {why}", code="RecordError") from error
    return read(text.split("\n"), f"--record {path}")


def _held(path: str, now: Callable[[], datetime], *, is_new: bool = False) -> Ledger:
    """Return the file to append to, which no other run may write to as long as it is open.

    Raises:
        UsageError: another run does, or it can't be written.

    """
    try:
        file = appending(path, whole_lines=True)
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = is_new and os.fstat(file.fileno()).st_size > 0
    except BlockingIOError as error:
        raise _in_use(path) from error
    except OSError as error:
        raise UsageError(f"--record {path} can't be written: {error.strerror}; nothing was sent") from error
    if taken:
        raise _in_use(path)
    return Ledger(file, path, now, "record")


def _in_use(path: str) -> UsageError:
    hint = "wait until that has ended, and run the same command again"
    return UsageError(
        f"another run is writing to --record {path}; nothing was sent by this one", hint, code="RecordInUse"
    )
