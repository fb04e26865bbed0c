"""The table of `accounts`: each account with the role in it, or why it is skipped."""

from __future__ import annotations

from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import INDENT, add_rows, empty_table, summary_text, to_text
from smrep.output.tables.status_table import cut
from smrep.output.terminal import Terminal
from smrep.report import AccountReport, RunReport


def render_accounts(report: RunReport, terminal: Terminal) -> str:
    """Return the table and the summary line."""
    table = empty_table(terminal)
    table.add_column("  NAME", overflow="fold")
    table.add_column("ACCOUNT", no_wrap=True)
    table.add_column("REGION", no_wrap=True)
    table.add_column("ROLE", overflow="fold")
    shown, ending = cut(report.accounts, terminal)
    rows = [
        [
            Text(f"{INDENT}{safe(account.name or '-')}"),
            Text(account.account),
            Text(account.region or "-"),
            _role(account),
        ]
        for account in shown
    ]
    add_rows(table, rows, terminal.width)
    return to_text([*([table] if rows else []), *ending, summary_text(report)], terminal)


def _role(account: AccountReport) -> Text:
    if account.skipped is not None:
        return Text(f"skipped: {safe(account.skipped)}", style="yellow")
    return Text(safe(account.role_arn or "").partition(":role/")[2] or "none: the current credentials")
