"""Files of JSON lines that only grow, such as the journal of `apply`."""

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
from smrep.output.events import describe_write, one_line, timestamp
from smrep.regions import Region


@dataclass(slots=True)
class AppendOnlyFile:
    """Appends lines, from any thread."""

    file: TextIO
    path: str
    now: Callable[[], datetime]
    kind: str
    """The option that names it: `journal` or `record`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _failure: OSError | None = None
    """Why a line could not be written: no other is written after it, and nothing more is sent."""

    @classmethod
    def opened(
        cls, path: str, now: Callable[[], datetime], kind: str, claim: Callable[[TextIO], None] = lambda _: None
    ) -> AppendOnlyFile:
        """Open the file and end its last line; `claim` may refuse it before anything is written.

        Raises:
            UsageError: the file cannot be written.

        """
        with ExitStack() as stack:
            try:
                _refuse_pipe(path)
                file = stack.enter_context(appending(path))
                claim(file)
                end_last_line(file, path)
            except OSError as error:
                raise UsageError(f"--{kind} {path} cannot be written: {error.strerror}; nothing was sent") from error
            stack.pop_all()
        return cls(file, path, now, kind)

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line, with the time.

        Raises:
            OutputError: the line cannot be written, so what it announces must not happen.

        """
        with self._lock:
            try:
                if self._failure is None:
                    self.file.write(one_line({"ts": timestamp(self.now()), **line}))
                    self.file.flush()
            except OSError as error:
                self._failure = error
            failure = self._failure
        if failure is not None:
            raise OutputError(
                f"the {self.kind} {self.path} could not be written, so smrep sends nothing more: {failure.strerror}",
                code=f"{self.kind.capitalize()}NotWritten",
            ) from failure

    def close(self) -> None:
        """Close the file; `write` has already reported a failure."""
        with suppress(OSError):
            self.file.close()


def _refuse_pipe(path: str) -> None:
    """Refuse a pipe: opening it waits for a reader, and lines that nobody reads are lost.

    Raises:
        OSError: the path is a pipe, or cannot be checked.

    """
    with suppress(FileNotFoundError):
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 - as in smrep.files
            raise OSError(errno.EINVAL, "it is a pipe, not a file", path)


@dataclass(frozen=True, slots=True)
class Journal:
    """Records each write to AWS before it is sent, from any thread."""

    file: AppendOnlyFile
    command: str

    def write(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Record one write.

        Raises:
            OutputError: it cannot be recorded, so it must not be sent.

        """
        secret = str(params.get("SecretId"))
        account = secret.split(":")[4] if secret.startswith("arn:") else None
        self.file.write({"command": self.command, "account": account, **describe_write(operation, region, params)})
