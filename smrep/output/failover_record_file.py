"""The failover record as a file: read whole, then extended by a line before each step."""

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
from smrep.rules.recovery.failover_record import Record, RecordEntry, RegionPair, header, read


@dataclass(slots=True)
class FailoverRecordFile:
    """A record that one run at a time may extend; the first line written creates a new one."""

    path: str
    now: Callable[[], datetime]
    record: Record
    """The record as this run found it."""
    _file: AppendOnlyFile | None = None
    _pair: RegionPair | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False
    _reread: tuple[int, Record] | None = None
    """The size and the content of the file when `entry` last read it."""

    @classmethod
    def opened(cls, path: str, now: Callable[[], datetime], *, writes: bool) -> FailoverRecordFile:
        """Return the record, locked for this run if it `writes` and the file exists.

        Raises:
            UsageError: the file cannot be read or written, is no record, or is in use by another run.

        """
        if not _exists(path):
            return cls(path, now, Record())
        record = _read(path)  # before the lock, so that a file that is no record stays as it is, to the byte
        if not writes:
            return cls(path, now, record)
        file = _lock(path, now)
        try:
            return cls(path, now, _read(path), file)  # again, as no other run can write now
        except UsageError:
            file.close()
            raise

    def set_regions(self, pair: RegionPair) -> None:
        """Set the two Regions of a new record."""
        self._pair = pair

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line and hand it to the system; a new record begins with its two Regions.

        Raises:
            UsageError: another run created the file meanwhile.
            OutputError: the line cannot be written, or the run has ended: what it announces must not happen.

        """
        with self._lock:
            if self._is_closed:
                raise OutputError(f"the run has ended, so the record {self.path} is closed", code="RecordNotWritten")
            if self._file is None:
                self._file = _lock(self.path, self.now, is_new=True)
            if self.record.pair is None and self._pair is not None:
                self.record.pair = self._pair
                self._file.write(header(self._pair))
            self._file.write(line)

    def entry(self, arn: str) -> RecordEntry | None:
        """Return the entry of a secret as the file has it now; another run may have written it."""
        with self._lock, suppress(OSError, UsageError):
            size = os.stat(self.path).st_size  # noqa: PTH116 - as in smrep.files
            if self._reread is None or self._reread[0] != size:
                self._reread = (size, _read(self.path))
            return self._reread[1].entries.get(arn)
        return None

    def close(self) -> None:
        """Release the file to other runs."""
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                self._file.close()


def _exists(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as in smrep.files
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"--record {path} could not be read: {error.strerror}", code="RecordError") from error
    if not stat.S_ISREG(mode):
        raise UsageError(f"--record {path} is not a file", "use a file", code="RecordError")
    return True


def _read(path: str) -> Record:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--record {path} could not be read: {why}", code="RecordError") from error
    return read(text.split("\n"), f"--record {path}")


def _lock(path: str, now: Callable[[], datetime], *, is_new: bool = False) -> AppendOnlyFile:
    """Open the file to append to, locked against other runs.

    Raises:
        UsageError: another run has the lock, or the file cannot be written.

    """

    def claim(file: TextIO) -> None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(path) from error
        if is_new and os.fstat(file.fileno()).st_size > 0:
            raise _in_use(path)

    return AppendOnlyFile.opened(path, now, "record", claim)


def _in_use(path: str) -> UsageError:
    hint = "wait until that has ended, and run the same command again"
    return UsageError(f"another run is writing to --record {path}; this one sent nothing", hint, code="RecordInUse")
