"""Progress as a table that redraws itself on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TextIO

from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from smrep.model import SecretReport
from smrep.output.paper import Paper
from smrep.output.table import body, console
from smrep.rules.commands import duration


class LiveTable:
    """Shows progress on a terminal; what is drawn vanishes when it is closed."""

    def __init__(self, stream: TextIO, paper: Paper, timeout_s: float | None = None) -> None:
        """Draw nothing before the first `show`."""
        self._paper = paper
        self._timeout_s = timeout_s
        self._secrets: tuple[SecretReport, ...] = ()
        self._elapsed_s, self._shown_at = 0.0, 0.0
        self._spinner = Spinner("dots" if paper.unicode else "line")
        self._live = Live(
            console=console(paper, stream, live=True),
            get_renderable=self._picture,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Draw the newest state."""
        self._secrets = tuple(secrets)
        self._elapsed_s, self._shown_at = elapsed_s, time.monotonic()
        if not self._live.is_started:
            self._live.start()
        self._live.refresh()

    def close(self) -> None:
        """Take the table off the screen."""
        self._live.stop()

    def _picture(self) -> RenderableType:
        elapsed_s = self._elapsed_s + time.monotonic() - self._shown_at
        limit = f" of {duration(self._timeout_s)}" if self._timeout_s is not None else ""
        foot = f"waiting, {elapsed_s:.0f} s{limit}; Ctrl-C stops the waiting, not the replication"
        return Group(*body(self._secrets, self._paper, self._spinner), Text(foot, style="dim"))
