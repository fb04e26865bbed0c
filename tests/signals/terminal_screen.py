"""smrep on a pseudo-terminal, and what a person sees there: the screen and its scrollback."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import struct
import subprocess
import termios
import time

import pyte
from fixtures import BIN, Sandbox

ROWS = 40


class Screen:
    """A terminal that keeps what scrolled off it; a process writes to it, and `lines` is what one sees."""

    def __init__(self, sandbox: Sandbox, *words: str, columns: int = 80, **env: str | None) -> None:
        self.ours, theirs = pty.openpty()
        self._size(theirs, columns)
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
        self.width = columns or 80
        self.display = pyte.HistoryScreen(self.width, ROWS, history=5000)
        self.stream = pyte.Stream(self.display)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.seen = ""

    @staticmethod
    def _size(file: int, columns: int) -> None:
        fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS if columns else 0, columns, 0, 0))

    def resize(self, columns: int) -> None:
        """Make the terminal narrower or wider, which tells the process by SIGWINCH."""
        self._size(self.ours, columns)
        self.display.resize(ROWS, columns)
        self.width = columns

    def read(self) -> bool:
        """Take in what there is; return whether there may be more."""
        try:
            piece = os.read(self.ours, 65_536)
        except OSError:  # the other side is closed
            piece = b""
        text = self.decoder.decode(piece)
        self.seen += text
        self.stream.feed(text)
        return bool(piece)

    def read_until(self, words: str) -> None:
        """Read on until the words have been written, at most twenty seconds."""
        until = time.monotonic() + 20
        while words not in self.seen:
            assert time.monotonic() < until, self.seen
            assert self.read(), self.seen

    def type(self, text: str) -> None:
        """Type the text at the keyboard."""
        os.write(self.ours, text.encode())

    def end(self) -> int:
        """Read to the end; return the exit code, negative where a signal ended it."""
        while self.read():
            pass
        os.close(self.ours)
        assert "Traceback" not in self.seen
        assert "Error" not in self.seen, self.seen
        return self.process.wait(timeout=20)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen and above it, without empty lines."""
        above = ["".join(line[place].data for place in range(self.width)) for line in self.display.history.top]
        return [line.rstrip() for line in [*above, *self.display.display] if line.strip()]

    @property
    def text(self) -> str:
        """The same as one text, as it was before the terminal folded it."""
        return "".join(line.ljust(self.width) for line in self.lines)

    @property
    def cursor_is_shown(self) -> bool:
        """Whether one sees where one types."""
        return not self.display.cursor.hidden
