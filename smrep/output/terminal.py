"""A terminal's width and colors, and messages on it that take one line."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TextIO

from smrep.output.safe import safe
from smrep.report import Problem


def wants_color(choice: str, stream: TextIO, env: Mapping[str, str]) -> bool:
    """Return whether to use color, by `choice` (always, never, auto), then the environment, then the terminal.

    FORCE_COLOR=0 turns color off. Source: no-color.org; bixense.com/clicolors.
    """
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    forced = env.get("FORCE_COLOR") or env.get("CLICOLOR_FORCE")
    if forced:
        return forced != "0"
    return env.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is open and a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


@dataclass(frozen=True, slots=True)
class Terminal:
    """Capabilities of where a format prints: color, width, Unicode."""

    color: bool = False
    width: int | None = None
    """In columns; None if it is no terminal."""
    unicode: bool = True
    """Whether table lines may use more than ASCII."""
    verbose: bool = False
    """Whether a table shows every row."""


def _fits(columns: str) -> bool:
    """Return whether the text is a number of columns, or of lines, that a terminal can have."""
    return re.fullmatch(r"0*[1-9]\d{0,3}", columns, re.ASCII) is not None


def terminal_size(stream: IO[str], env: Mapping[str, str]) -> tuple[int, int]:
    """Return columns and lines of a terminal: from COLUMNS and LINES, else its own, else 80 and 25."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    texts = [env.get(name, "") for name in ("COLUMNS", "LINES")]
    columns, lines = (int(text) if _fits(text) else size for text, size in zip(texts, (columns, lines), strict=True))
    return columns or 80, lines or 25


@dataclass(slots=True)
class Messages:
    """Writes lines for people; with `quiet`, no notes, steps and commands."""

    stream: TextIO | None
    color: bool = False
    quiet: bool = False

    def note(self, text: str) -> None:
        """Write progress or other information."""
        if not self.quiet:
            self._write("", "", text)

    def warning(self, text: str) -> None:
        """Write a problem that does not stop the run."""
        self._write("warning: ", "33", text)

    def error(self, text: str) -> None:
        """Write a problem that stops the run or a Region."""
        self._write("error: ", "31", text)

    def hint(self, text: str | None) -> None:
        """Write the next steps, if there are any: labels, and commands on lines of their own."""
        for number, line in enumerate(text.split("\n") if text else ()):
            self._write("" if number else "hint: ", "36", line)

    def trouble(self, trouble: Problem) -> None:
        """Write an error, its details and the next command."""
        self.error(trouble.message)
        for detail in trouble.details:
            self.detail(detail)
        self.hint(trouble.hint)

    def detail(self, text: str) -> None:
        """Write a detail of the line above."""
        self._write("  ", "", text)

    def step(self, label: str, text: str) -> None:
        """Write the next step of a run of several."""
        if not self.quiet:
            self._write(f"{label}: ", "1", text)

    def command(self, text: str) -> None:
        """Write a command line as you type it."""
        if not self.quiet:
            self._write("$ ", "2", text)

    def trace(self, text: str) -> None:
        """Write an AWS call, for --debug."""
        self._write("debug: ", "2", text)

    def _write(self, prefix: str, style: str, text: str) -> None:
        if self.stream is None or self.stream.closed:
            return
        if self.color and prefix:
            prefix = f"\x1b[{style}m{prefix}\x1b[0m"
        with contextlib.suppress(OSError):  # the reader is gone
            self.stream.write(f"{prefix}{safe(text)}\n")
            self.stream.flush()
