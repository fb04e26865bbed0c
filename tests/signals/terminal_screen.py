"""What a person sees of smrep on a pseudo-terminal: the screen and its scrollback."""

from __future__ import annotations

import pyte
from fixtures import Sandbox
from pseudo_terminal import ROWS, Terminal, set_size


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
        """Make the terminal narrower or wider, which tells the process by SIGWINCH."""
        set_size(self.ours, columns)
        self.display.resize(ROWS, columns)
        self.width = columns

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
