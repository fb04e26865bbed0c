"""What a person sees of smrep on a pseudo-terminal: the screen and its scrollback."""

from __future__ import annotations

import signal

import pyte
from fixtures import Sandbox
from pseudo_terminal import ROWS, Terminal, set_size

QUIET_S = 0.02
"""A process that has written nothing for so long has drawn its frame: it draws a few in a second."""


class Screen(Terminal):
    """A terminal that keeps what scrolled off it; a process writes to it, and `lines` is what one sees."""

    def __init__(self, sandbox: Sandbox, *words: str, columns: int = 80, **env: str | None) -> None:
        self.width = columns or 80
        self.display = pyte.HistoryScreen(self.width, ROWS, history=5000)
        self.stream = pyte.Stream(self.display)
        super().__init__(sandbox, *words, columns=columns, **env)

    def take(self, text: str) -> None:
        super().take(text)
        self.stream.feed(text)

    def resize(self, columns: int) -> None:
        """Make the terminal narrower or wider between two frames, which tells the process by SIGWINCH."""
        while self._writes(QUIET_S) or self._writes_when_stopped():
            pass
        set_size(self.ours, columns)
        self.display.resize(ROWS, columns)
        self.width = columns
        self.process.send_signal(signal.SIGCONT)

    def _writes(self, within_s: float) -> bool:
        """Read; return whether there was anything to read."""
        before = len(self.seen)
        self.read(within_s)
        return len(self.seen) > before

    def _writes_when_stopped(self) -> bool:
        """Stop the process; let it go on if it was in the middle of a frame."""
        self.process.send_signal(signal.SIGSTOP)
        if was_writing := self._writes(0):
            self.process.send_signal(signal.SIGCONT)
        return was_writing

    def end(self) -> int:
        """Read to the end; return the exit code, negative where a signal ended the process."""
        code = super().end()
        assert "Error" not in self.seen, self.seen
        return code

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
