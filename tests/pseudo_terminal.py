"""smrep on a pseudo-terminal of its own."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable

from fixtures import BIN, Sandbox
from patience import LOOK_S, PATIENCE_S

ROWS = 40


class Terminal:
    """A process on a terminal of its own; `seen` is all that it wrote there, standard output included."""

    def __init__(self, sandbox: Sandbox, *words: str, columns: int = 80, **env: str | None) -> None:
        self.ours, theirs = pty.openpty()
        set_size(theirs, columns)
        given = {**sandbox.env, "TERM": "xterm-256color", **env}
        self.process = subprocess.Popen(
            [BIN / "smrep", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={name: value for name, value in given.items() if value is not None},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may come in two pieces

    def read(self, within_s: float = LOOK_S) -> bool:
        """Read what there is, or comes in time; return False when nothing will be written any more."""
        if not select.select([self.ours], [], [], within_s)[0]:
            return True
        try:
            piece = os.read(self.ours, 65_536)
        except OSError:  # the other side is closed
            piece = b""
        self.take(self.decoder.decode(piece))
        return bool(piece)

    def take(self, text: str) -> None:
        """Take what was written."""
        self.seen += text

    def read_until(self, words: str) -> None:
        """Read until the words have been written."""
        self.read_until_reached(lambda: words in self.seen, words)

    def read_until_reached(self, is_reached: Callable[[], object], state: str) -> None:
        """Read until a state is reached; a process that nobody reads would wait for its terminal."""
        until = time.monotonic() + PATIENCE_S
        while not is_reached():
            if time.monotonic() > until or not self.read():
                self.process.kill()
                assert is_reached(), f"not reached: {state}; seen: {self.seen}"

    def type(self, text: str) -> None:
        """Type the text at the keyboard."""
        os.write(self.ours, text.encode())

    def end(self) -> int:
        """Read to the end; return the exit code, negative where a signal ended the process."""
        until = time.monotonic() + PATIENCE_S
        while self.read():
            if time.monotonic() > until:
                self.process.kill()
                raise AssertionError(f"it does not end; seen: {self.seen}")
        os.close(self.ours)
        assert "Traceback" not in self.seen
        return self.process.wait(timeout=PATIENCE_S)


def set_size(file: int, columns: int) -> None:
    """Give a terminal so many columns; 0 is a terminal that does not know its size."""
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS if columns else 0, columns, 0, 0))
