"""The status table for people: one per secret, and a closing line."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable
from typing import TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, RegionReport, Report, SecretReport
from smrep.output.paper import Paper
from smrep.output.safe import safe
from smrep.rules.keys import DEFAULT

_STYLES = {IN_SYNC: "green", FAILED: "bold red", IN_PROGRESS: "yellow"}
_WIDE = 500
"""Columns where there is no terminal: nothing is folded."""
_NARROW = 56
"""Fewer columns than this cut words off, so the terminal is left to fold the lines."""


def console(paper: Paper, file: TextIO, *, live: bool = False) -> Console:
    """Return a Console that prints words as they are: no markup, no emoji codes, no highlighting.

    A live one asks the terminal for its width at every redraw, so that a resize is seen.
    """
    return Console(
        file=file,
        width=None if live else max(paper.width or _WIDE, _NARROW),
        force_terminal=paper.colour or live,
        color_system="standard" if paper.colour else None,
        no_color=not paper.colour,
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
    )


def render(report: Report, paper: Paper) -> str:
    """Return the report's tables and closing line."""
    out = io.StringIO()
    screen = console(paper, out)
    if report.secrets:
        parts = [*body(report.secrets, paper), Text(closing(report), style=_closing_style(report.outcome))]
        for part in parts:
            screen.print(part, soft_wrap=isinstance(part, Text))  # a line of words can be copied whole
    lines = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)  # a table ends with an empty line of its own


def body(secrets: Iterable[SecretReport], paper: Paper, spinner: Spinner | None = None) -> list[RenderableType]:
    """Return a title and a table per secret; with a spinner, open Regions are seen to be alive."""
    parts: list[RenderableType] = []
    for secret in secrets:
        parts.append(_title(secret))
        if secret.error:
            parts.append(Text(f"  {safe(secret.error.code)}", style="red"))
        if secret.replicas:
            parts.append(_table(secret.replicas, paper, spinner))
            parts += _keys(secret.replicas)
        elif not secret.error:
            parts.append(Text("  no replicas", style="dim"))
        parts.append(Text(""))
    return parts


def closing(report: Report) -> str:
    """Return the last line: how many Regions are how, and how long it took."""
    counts = Counter(_word(row, dry_run=report.dry_run) for secret in report.secrets for row in secret.replicas)
    total = sum(counts.values())
    troubled = sum(1 for secret in report.secrets if secret.error)
    parts = [f"{count} of {total} {word}" for word, count in counts.items()]
    if troubled:
        parts.append(f"{troubled} of {len(report.secrets)} secrets in trouble")
    what = ", ".join(parts) or "no replicas"
    dry = "dry run, nothing was sent: " if report.dry_run else ""
    return f"{dry}{what} ({report.elapsed_s:.1f} s)"


def _word(row: RegionReport, *, dry_run: bool) -> str:
    if row.outcome is Outcome.DRIFT:
        return "under another key"
    if row.error and row.status is None:
        return "not sent" if row.outcome is Outcome.PENDING else "stopped"
    if row.status is None and row.action:
        return f"to {row.action}" if dry_run else "not listed"
    if row.status == FAILED and row.outcome is not Outcome.FAILED:
        return "to retry" if dry_run else "tried again"
    words = {IN_SYNC: "in sync", IN_PROGRESS: "in progress", FAILED: "failed", None: "missing"}
    return words.get(row.status) or safe(row.status or "")


def _closing_style(outcome: Outcome) -> str:
    if outcome is Outcome.OK:
        return "bold green"
    return "bold yellow" if outcome.word in ("pending", "interrupted", "drift") else "bold red"


def _title(secret: SecretReport) -> Text:
    title = Text(safe(secret.name), style="bold")
    if secret.arn and secret.primary_region:
        account = safe(secret.arn.split(":")[4])
        title.append(f"  primary {secret.primary_region}, account {account}", style="not bold")
    return title


def _table(rows: Iterable[RegionReport], paper: Paper, spinner: Spinner | None) -> Table:
    rows = tuple(rows)
    table = Table(
        box=box.SIMPLE_HEAD if paper.unicode else box.ASCII2,
        header_style="dim",
        pad_edge=False,
        padding=(0, 1),
    )
    table.add_column("  REGION", no_wrap=True)
    table.add_column("STATUS", no_wrap=True)
    if any(row.action for row in rows):
        table.add_column("ACTION", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold")
    for row in rows:
        cells: list[RenderableType] = [Text(f"  {safe(row.region)}"), _status(row, spinner)]
        if any(each.action for each in rows):
            cells.append(Text(row.action or "-"))
        table.add_row(*cells, Text(_brief(row), style="" if row.outcome is not Outcome.FAILED else "red"))
    return table


def _status(row: RegionReport, spinner: Spinner | None) -> RenderableType:
    word = safe(row.status) if row.status else "-"
    style = _STYLES.get(row.status or "", "magenta" if row.status else "dim")
    if spinner is None or row.outcome is not Outcome.PENDING:
        return Text(word, style=style)
    line = Table.grid(padding=(0, 1))
    line.add_row(Text(word, style=style), spinner)
    return line


def _brief(row: RegionReport) -> str:
    """Return what the table says of a row: AWS's words, or the kind of trouble; the whole sentence is on stderr."""
    troubles = [each.kind.replace("_", " ") for each in row.findings if each.severity == "error"]
    if row.status == FAILED and row.status_message:
        return safe(row.status_message)
    if row.error and not troubles:
        return safe(row.error.code)
    return ", ".join(troubles) or safe(row.status_message or "-")


def _keys(rows: Iterable[RegionReport]) -> list[RenderableType]:
    """Return a line per key that is not AWS's own, unfolded, so that it can be copied."""
    return [
        Text(
            f"  key in {safe(row.region)}: {safe(row.kms_key_id)}",
            style="dim",
        )
        for row in rows
        if row.kms_key_id and row.kms_key_id != DEFAULT
    ]
