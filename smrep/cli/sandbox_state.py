"""The file in which a sandbox's state outlives it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smrep.errors import OutputError, UsageError
from smrep.files import check_folder, replacing
from smrep.output.safe import safe

if TYPE_CHECKING:
    from smrep.sandbox.simulator import Simulator

EVERY_S = 1.0
"""How often what has changed is written down: as much as a sandbox that is killed loses."""
SHARE = 4.0
"""How much longer than a writing the pause after it is at least: of a large state more is lost, and no call slow."""


class StateFile:
    """One file, which nobody else writes to: as soon as somebody has, it is left as it is."""

    def __init__(self, path: str) -> None:
        """Take the path; nothing is read or made yet."""
        self._path = path
        self._text: str | None = None
        self._left: tuple[int, ...] | None = None

    def read(self, simulator: Simulator) -> bool:
        """Let a new simulator go on from what the file keeps; return whether there is one.

        Raises:
            UsageError: it is no state of a sandbox, or can't be read.

        """
        from smrep.sandbox.kept_text import parse_kept

        try:
            self._left = self._stamp()
            if self._left is None:
                return False
            simulator.put_back(parse_kept(Path(self._path).read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(
                f"--state {self._path}: {error.strerror}", "name a file that a sandbox has kept"
            ) from error
        except ValueError as error:
            raise UsageError(
                f"--state {self._path} keeps no state of a sandbox: {error}",
                "name another file; this one stays as it is",
            ) from error
        return True

    @contextlib.contextmanager
    def kept_up(self, simulator: Simulator) -> Iterator[None]:
        """Write the state now, while it changes, and at the end.

        Raises:
            OSError: it can't be written to begin with.
            OutputError: it can't be written at the end.

        """
        check_folder(self._path)
        self._write(simulator)
        ending = threading.Event()
        writer = threading.Thread(target=self._write_on, args=(simulator, ending), name="smrep-state", daemon=True)
        writer.start()
        try:
            yield
        finally:
            ending.set()
            writer.join()
            try:
                self._write(simulator)
            except OSError as error:
                message = f"the sandbox's state could not be written to {self._path}: {error.strerror}"
                raise OutputError(message, "what it held since is lost") from error

    def _write_on(self, simulator: Simulator, ending: threading.Event) -> None:
        """Write what calls have changed until the end; what can't be written is told once, and tried again."""
        seen, told, pause = -1, False, EVERY_S
        while not ending.wait(pause):
            calls = len(simulator.log)  # only a call changes what is held, and lets happen what is due
            if calls == seen:
                continue
            begun = time.monotonic()
            try:
                self._write(simulator)
            except OSError as error:
                if not told:
                    click.echo(f"warning: --state {safe(self._path)} can't be written: {error.strerror}", err=True)
                told = True
            else:
                seen = calls
            pause = max(EVERY_S, SHARE * (time.monotonic() - begun))

    def _write(self, simulator: Simulator) -> None:
        from smrep.sandbox.kept_text import as_text

        text = as_text(simulator.keep())
        found = self._stamp()
        if found not in (None, self._left):
            raise OSError(errno.EEXIST, "something else has written to it since")
        if found is not None and text == self._text:
            return
        with replacing(self._path) as file:
            file.write(text)
        self._text, self._left = text, self._stamp()

    def _stamp(self) -> tuple[int, ...] | None:
        """Return what tells the file from one that another has written, None where there is none.

        Raises:
            OSError: it is no file, or can't be looked at.

        """
        try:
            found = os.stat(self._path)  # noqa: PTH116 - its links are followed as `replacing` does
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", self._path)
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
