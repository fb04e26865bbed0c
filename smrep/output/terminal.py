"""A terminal's width and colors, and messages on it that take one line."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TextIO

from smrep.output.safe import safe
from smrep.report import Trouble


def wants_color(choice: str, stream: TextIO, env: Mapping[str, str]) -> bool:
    """Return whether to color: `choice` (always, never, auto), then NO_COLOR, the forcing variables, the terminal.

    Source: no-color.org; bixense.com/clicolors. FORCE_COLOR=0 asks for none.
    """
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    forced = env.get("FORCE_COLOR") or env.get("CLICOLOR_FORCE")
    if forced:
        return forced != "0"
    return env.get("TERM") != "dumb" and is_terminal(stream)


def wants_animation(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Return whether a table may redraw itself: on a terminal that can, outside CI, whatever the color."""
    return not env.get("CI") and env.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal; a closed one is none."""
    return stream is not None and not stream.closed and stream.isatty()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A place to print on."""

    color: bool = False
    width: int | None = None
    """Columns of the terminal; None where it is none."""
    unicode: bool = True
    """Whether lines may be drawn with more than ASCII."""


def fits(columns: str) -> bool:
    """Tell whether the text is a number of columns, or of lines, that a terminal can have."""
    return re.fullmatch(r"0*[1-9]\d{0,3}", columns, re.ASCII) is not None


def terminal_size(stream: IO[str], env: Mapping[str, str]) -> tuple[int, int]:
    """Return the columns and lines of a terminal, as COLUMNS and LINES have them first; 80 and 25 where none tells."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    typed = [env.get(name, "") for name in ("COLUMNS", "LINES")]
    columns, lines = (int(text) if fits(text) else now for text, now in zip(typed, (columns, lines), strict=True))
    return columns or 80, lines or 25


@dataclass(slots=True)
class Messages:
    """Writes lines for people; with `quiet`, only warnings and errors."""

    stream: TextIO | None
    color: bool = False
    quiet: bool = False

    def note(self, text: str) -> None:
        """Say what is going on."""
        if not self.quiet:
            self._write("", "", text)

    def warning(self, text: str) -> None:
        """Say what does not stop the run and should be known."""
        self._write("warning: ", "33", text)

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._write("error: ", "31", text)

    def hint(self, text: str | None) -> None:
        """Say what to type next."""
        if text:
            self._write("hint: ", "36", text)

    def trouble(self, trouble: Trouble) -> None:
        """Say what went wrong and what to type next."""
        self.error(trouble.message)
        for each in trouble.details:
            self.detail(each)
        self.hint(trouble.hint)

    def detail(self, text: str) -> None:
        """Say more of what was just said."""
        self._write("  ", "", text)

    def step(self, which: str, text: str) -> None:
        """Say what is done next, in a run of several steps."""
        if not self.quiet:
            self._write(f"{which}: ", "1", text)

    def command(self, text: str) -> None:
        """Show a command line as it is typed."""
        if not self.quiet:
            self._write("$ ", "2", text)

    def trace(self, text: str) -> None:
        """Say what was called, for --debug."""
        self._write("debug: ", "2", text)

    def _write(self, prefix: str, style: str, text: str) -> None:
        if self.stream is None or self.stream.closed:
            return
        if self.color and prefix:
            prefix = f"\x1b[{style}m{prefix}\x1b[0m"
        with contextlib.suppress(OSError):  # nobody reads, and nothing is left to tell it to
            self.stream.write(f"{prefix}{safe(text)}\n")
            self.stream.flush()
