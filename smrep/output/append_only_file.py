"""Files that grow by JSON lines, the journal of `apply` among them."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from smrep.errors import OutputError, UsageError
from smrep.files import appending, end_last_line
from smrep.output.events import moment, one_line, told
from smrep.regions import Region


@dataclass(slots=True)
class AppendOnlyFile:
    """Appends lines, from whichever thread."""

    file: TextIO
    path: str
    now: Callable[[], datetime]
    kind: str
    """What it is, in a word: `journal`, `record`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _torn: OSError | None = None
    """Why a line could not be written; after that there is no other, and nothing more is sent."""

    @classmethod
    def opened(
        cls, path: str, now: Callable[[], datetime], kind: str, take: Callable[[TextIO], None] = lambda _: None
    ) -> AppendOnlyFile:
        """Return the file to append to, its last line ended; `take` may refuse it before anything is written there.

        Raises:
            UsageError: it can't be written.

        """
        with ExitStack() as stack:
            try:
                _refuse_pipe(path)
                file = stack.enter_context(appending(path))
                take(file)
                end_last_line(file, path)
            except OSError as error:
                raise UsageError(f"--{kind} {path} can't be written: {error.strerror}; nothing was sent") from error
            stack.pop_all()
        return cls(file, path, now, kind)

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line, with the time.

        Raises:
            OutputError: it can't be written down, and what it announces must not be done.

        """
        with self._lock:
            try:
                if self._torn is None:
                    self.file.write(one_line({"ts": moment(self.now()), **line}))
                    self.file.flush()
            except OSError as error:
                self._torn = error
            torn = self._torn
        if torn is not None:
            raise OutputError(
                f"the {self.kind} {self.path} could not be written, so nothing more is sent: {torn.strerror}",
                code=f"{self.kind.capitalize()}NotWritten",
            ) from torn

    def close(self) -> None:
        """Close the file; a line that could not be written was complained of when it was to be."""
        with suppress(OSError):
            self.file.close()


def _refuse_pipe(path: str) -> None:
    """Refuse a pipe: to open it waits for a reader, and what nobody reads is lost.

    Raises:
        OSError: it is one, or can't be looked at.

    """
    with suppress(FileNotFoundError):
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 - as in smrep.files
            raise OSError(errno.EINVAL, "it is a pipe, not a file", path)


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes down what is about to be sent, from whichever thread, before it is sent."""

    ledger: AppendOnlyFile
    command: str

    def write(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Write down one write.

        Raises:
            OutputError: it can't be written down, and must not be sent.

        """
        secret = str(params.get("SecretId"))
        account = secret.split(":")[4] if secret.startswith("arn:") else None
        self.ledger.write({"command": self.command, "account": account, **told(operation, region, params)})
