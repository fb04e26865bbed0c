"""The table of many secrets: all that were listed, or those with something to report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.output.safe import safe
from smrep.output.tables.rich_console import add_rows, empty_table, summary_text, to_text
from smrep.output.tables.status_table import row_message
from smrep.output.terminal import Terminal
from smrep.report import RegionReport, RunReport, SecretReport, is_notable, worth_telling

MAX_ROWS = 500
"""Nobody reads more; the other formats have them all."""
_OUTCOMES = {
    Outcome.FAILED: "bold red",
    Outcome.ACCESS: "red",
    Outcome.DRIFT: "yellow",
    Outcome.PENDING: "yellow",
    Outcome.OK: "green",
}

Row = tuple[SecretReport, RegionReport | None]


def render_fleet(report: RunReport, terminal: Terminal) -> str:
    """Return the table and the summary line."""
    rows = _all(report) if report.command == "list" else _notable(report)
    shown = [_cells(report, row) for row in islice(rows, MAX_ROWS)]
    hidden = sum(1 for _ in rows)
    table = _table(report, terminal)
    add_rows(table, shown, terminal.width)
    ending = [Text(f"  and {hidden} more: -o text has them all", style="dim")] if hidden else []
    return to_text([*([table] if shown else []), *ending, summary_text(report)], terminal)


def _all(report: RunReport) -> Iterator[Row]:
    return ((secret, secret.replicas[0] if secret.replicas else None) for secret in report.secrets)


def _notable(report: RunReport) -> Iterator[Row]:
    """Yield rows with a finding, an error or a change."""
    for secret in worth_telling(report):
        if secret.error is not None:
            yield secret, None
        else:
            yield from ((secret, row) for row in secret.replicas if is_notable(row))


def _table(report: RunReport, terminal: Terminal) -> Table:
    table = empty_table(terminal)
    table.add_column("  SECRET", overflow="fold")
    if report.command == "list":
        table.add_column("ROLE", no_wrap=True)
        table.add_column("PRIMARY", no_wrap=True)
        return table
    table.add_column("REGION", no_wrap=True)
    if report.command != "audit":
        table.add_column("ACTION", no_wrap=True)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold", ratio=3 if terminal.width else None)
    return table


def _cells(report: RunReport, row: Row) -> list[Text]:
    secret, region = row
    name = Text(f"  {safe(secret.label)}")
    if report.command == "list":
        return [name, Text(secret.role or "-"), Text(safe(secret.primary_region or "-"))]
    error = secret.error
    outcome = error.outcome if error else region.outcome if region else secret.outcome
    words = safe(error.code) if error else row_message(region) if region else "-"
    action = [Text((region.action if region else None) or "-")] if report.command != "audit" else []
    place = Text(safe(region.region) if region else "-")
    return [
        name,
        place,
        *action,
        Text(safe(region.status or "-") if region else "-"),
        Text(words, style=_OUTCOMES.get(outcome, "")),
    ]
