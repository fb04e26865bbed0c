"""The table of `list`: each secret with its role."""

from __future__ import annotations

from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import add_rows, empty_table, summary_text, to_text
from smrep.output.tables.status_table import cut
from smrep.output.terminal import Terminal
from smrep.report import RunReport


def render_list(report: RunReport, terminal: Terminal) -> str:
    """Return the table and the summary line."""
    table = empty_table(terminal)
    table.add_column("  SECRET", overflow="fold")
    table.add_column("ROLE", no_wrap=True)
    table.add_column("PRIMARY", no_wrap=True)
    shown, ending = cut(report.secrets, terminal)
    rows = [
        [Text(f"  {safe(secret.label)}"), Text(secret.role or "-"), Text(safe(secret.primary_region or "-"))]
        for secret in shown
    ]
    add_rows(table, rows, terminal.width)
    return to_text([*([table] if rows else []), *ending, summary_text(report)], terminal)
