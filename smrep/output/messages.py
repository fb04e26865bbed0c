"""Notes, warnings, errors and hints: one line each, on standard error."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TextIO

from smrep.output.safe import safe
from smrep.report import Trouble


@dataclass(slots=True)
class Messages:
    """Writes lines for people; with `quiet`, only warnings and errors."""

    stream: TextIO | None
    colour: bool = False
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
        if self.colour and prefix:
            prefix = f"\x1b[{style}m{prefix}\x1b[0m"
        with contextlib.suppress(OSError):  # nobody reads, and nothing is left to tell it to
            self.stream.write(f"{prefix}{safe(text)}\n")
            self.stream.flush()
