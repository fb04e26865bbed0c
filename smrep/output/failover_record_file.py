"""The failover record as a file: read whole, then appended to line by line, each on its way before the next step."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from smrep.errors import OutputError, UsageError
from smrep.output.append_only_file import AppendOnlyFile
from smrep.rules.recovery.failover_record import Entry, Pair, Record, header, read


@dataclass(slots=True)
class FailoverRecordFile:
    """A record that is read and appended to by one run at a time; a new one is made when its first line is written."""

    path: str
    now: Callable[[], datetime]
    known: Record
    """What it held when this run began."""
    _ledger: AppendOnlyFile | None = None
    _pair: Pair | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False
    _reread: tuple[int, Record] | None = None
    """The file's size and what it held when it was last looked at again."""

    @classmethod
    def opened(cls, path: str, now: Callable[[], datetime], *, writes: bool) -> FailoverRecordFile:
        """Return the record; one that is there is this run's from now on, if it `writes`.

        Raises:
            UsageError: it can't be read or written, is none, or another run has it.

        """
        if not _is_there(path):
            return cls(path, now, Record())
        known = _read(path)  # before it is touched: what is no record stays as it is, to the byte
        if not writes:
            return cls(path, now, known)
        ledger = _held(path, now)
        try:
            return cls(path, now, _read(path), ledger)  # nobody else writes to it from here on
        except UsageError:
            ledger.close()
            raise

    def is_of(self, pair: Pair) -> None:
        """Say which Regions a new one is of."""
        self._pair = pair

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line and have it out of our hands; a new record begins with its two Regions.

        Raises:
            UsageError: another run has made it meanwhile.
            OutputError: it can't be written down, or the run has ended; what it announces must not be done.

        """
        with self._lock:
            if self._is_closed:
                raise OutputError(f"the run has ended, and the record {self.path} with it", code="RecordNotWritten")
            if self._ledger is None:
                self._ledger = _held(self.path, self.now, is_new=True)
            if self.known.pair is None and self._pair is not None:
                self.known.pair = self._pair
                self._ledger.write(header(self._pair))
            self._ledger.write(line)

    def entry(self, arn: str) -> Entry | None:
        """Return what the file says of a secret by now, which may be the word of another run."""
        with self._lock, suppress(OSError, UsageError):
            size = os.stat(self.path).st_size  # noqa: PTH116 - as in smrep.files
            if self._reread is None or self._reread[0] != size:
                self._reread = (size, _read(self.path))
            return self._reread[1].entries.get(arn)
        return None

    def close(self) -> None:
        """Leave it to others."""
        with self._lock:
            self._is_closed = True
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
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--record {path} could not be read: {why}", code="RecordError") from error
    return read(text.split("\n"), f"--record {path}")


def _held(path: str, now: Callable[[], datetime], *, is_new: bool = False) -> AppendOnlyFile:
    """Return the file to append to, which no other run may write to as long as it is open.

    Raises:
        UsageError: another run does, or it can't be written.

    """

    def take(file: TextIO) -> None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(path) from error
        if is_new and os.fstat(file.fileno()).st_size > 0:
            raise _in_use(path)

    return AppendOnlyFile.opened(path, now, "record", take)


def _in_use(path: str) -> UsageError:
    hint = "wait until that has ended, and run the same command again"
    return UsageError(
        f"another run is writing to --record {path}; nothing was sent by this one", hint, code="RecordInUse"
    )
