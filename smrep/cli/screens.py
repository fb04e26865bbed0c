"""Where a run shows its progress, made when it is first wanted, and the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TextIO

from smrep.output.messages import Messages
from smrep.output.paper import Paper
from smrep.report import Progress, SecretReport


class Screen(Protocol):
    """Where progress is shown."""

    def show(self, secrets: Sequence[SecretReport], elapsed_s: float) -> None:
        """Show the newest state."""
        ...

    def close(self) -> None:
        """Leave room for the result."""
        ...


class Gauge(Protocol):
    """Where the progress of a run over many secrets is shown."""

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Show how far it has come."""
        ...

    def close(self) -> None:
        """Leave room for the result."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""
        time.sleep(seconds)


def a_screen(
    stream: TextIO | None, messages: Messages, paper: Paper, timeout_s: float | None, *, alive: bool
) -> Screen:
    """Return a table that redraws itself where that may be, else plain lines."""
    if stream is not None and alive:
        from smrep.output.live import LiveTable

        return LiveTable(stream, paper, timeout_s)
    from smrep.output.lines import Lines

    return Lines(messages, timeout_s)


def a_gauge(stream: TextIO | None, messages: Messages, paper: Paper, *, alive: bool) -> Gauge:
    """Return a bar where one may redraw itself, else a line now and then."""
    if stream is not None and alive:
        from smrep.output.bar import Bar

        return Bar(stream, paper)
    from smrep.output.tally import Tally

    return Tally(messages)
