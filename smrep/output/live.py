"""Progress as a table that redraws itself on standard error."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TextIO

from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from smrep.output.paper import Paper
from smrep.output.summary import counts
from smrep.output.table import body, console, redraw
from smrep.report import SecretReport
from smrep.rules.closing import is_open
from smrep.rules.commands import duration

_AROUND = 9
"""Lines of the screen that are not rows: title, head, keys, foot and the prompt above."""


class LiveTable:
    """Shows progress on a terminal; what is drawn vanishes when it is closed."""

    def __init__(self, stream: TextIO, paper: Paper, timeout_s: float | None = None) -> None:
        """Draw nothing before the first `show`."""
        self._paper = paper
        self._timeout_s = timeout_s
        self._secrets: tuple[SecretReport, ...] = ()
        self._elapsed_s, self._shown_at = 0.0, 0.0
        self._spinner = Spinner("dots" if paper.unicode else "line")
        self._console = console(paper, stream, live=True)
        self._live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Have the newest state drawn by rich's own thread: a signal that met us while drawing would leave it there."""
        self._secrets = tuple(secrets)
        self._elapsed_s, self._shown_at = elapsed_s, time.monotonic()
        redraw(self._live)

    def close(self) -> None:
        """Take the table off the screen."""
        with contextlib.suppress(OSError):
            self._live.stop()

    def _picture(self) -> RenderableType:
        elapsed_s = self._elapsed_s + time.monotonic() - self._shown_at
        foot = f"watching, {elapsed_s:.0f} s; Ctrl-C ends it"
        if self._timeout_s is not None:
            limit = duration(self._timeout_s)
            foot = f"waiting, {elapsed_s:.0f} s of {limit}; Ctrl-C stops the waiting, not AWS"
        shown = fitting(self._secrets, self._console.height - _AROUND)
        if shown != self._secrets:
            foot = f"{counts(self._secrets)}; {foot}"
        drawn = body(shown, self._paper, self._spinner) if shown else []
        return Group(*drawn, Text(foot, style="dim"))


def fitting(secrets: tuple[SecretReport, ...], rows: int) -> tuple[SecretReport, ...]:
    """Return the secrets if they fit into so many rows, else as many of those with open Regions as do."""
    if sum(max(len(each.replicas), 1) for each in secrets) <= rows:
        return secrets
    shown: list[SecretReport] = []
    for secret in secrets:
        open_rows = tuple(row for row in secret.replicas if is_open(row))
        rows -= len(open_rows)
        if rows < 0:
            break
        if open_rows:
            shown.append(replace(secret, replicas=open_rows, error=None))
    return tuple(shown)
