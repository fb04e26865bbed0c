"""The table of a plan, and the go/no-go sheet."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import console, empty_table, to_text, trim
from smrep.output.terminal import Terminal
from smrep.report import SecretReport
from smrep.rules.fleet.plan_counts import BLOCKED, KEEP, WRONG_KEY, Group, groups
from smrep.rules.recovery.recovery_summary import SheetLine

_STYLES = {
    "promote": "cyan",
    "overwrite": "bold red",
    "add": "green",
    "retry": "yellow",
    "remove": "bold red",
    WRONG_KEY: "magenta",
    BLOCKED: "red",
    KEEP: "dim",
}
_MARKS = {
    "promote": "^",
    "overwrite": "!",
    "add": "+",
    "retry": "~",
    "remove": "-",
    WRONG_KEY: "!",
    BLOCKED: "x",
    KEEP: "=",
}


def render_plan(secrets: Iterable[SecretReport], summary: str, terminal: Terminal) -> str:
    """Return the plan as a table, the ARNs of its keys, and the summary line."""
    rows = list(groups(secrets))
    table = [_table(rows, terminal)] if rows else []
    return to_text([*table, *_keys(rows), Text(summary, style="bold")], terminal)


def _table(groups: Sequence[Group], terminal: Terminal) -> RenderableType:
    has_rules = any(any(group.rules) for group in groups)
    table = empty_table(terminal)
    if has_rules:
        table.add_column("  RULE", overflow="fold", ratio=2 if terminal.width else None)
    table.add_column("ACTION" if has_rules else "  ACTION", no_wrap=True)
    table.add_column("REGION", no_wrap=True)
    table.add_column("COUNT", justify="right", no_wrap=True)
    table.add_column("SECRETS", overflow="fold", ratio=5 if terminal.width else None)
    above: tuple[str, ...] | None = None
    for group in groups:
        rule = [Text("  " + ("" if group.rules == above else safe(", ".join(group.rules)) or "-"))] if has_rules else []
        above = group.rules
        action = Text(
            f"{'' if has_rules else '  '}{_MARKS[group.action]} {group.action.replace('_', ' ')}", _STYLES[group.action]
        )
        table.add_row(*rule, action, Text(safe(group.region or "-")), Text(str(group.count)), Text(_names(group)))
    return table


def _names(group: Group) -> str:
    """Return the first names, the key, and why the secrets are blocked; nothing for what stays as it is."""
    if group.action == KEEP:
        return ""
    hidden = group.count - len(group.names)
    key = f" under {safe(group.key)}" if group.key and not group.key.startswith("arn:") else ""
    why = f" ({safe(group.why.replace('_', ' '))})" if group.why else ""
    return ", ".join(map(safe, group.names)) + (f" and {hidden} more" if hidden else "") + key + why


def _keys(groups: Sequence[Group]) -> list[RenderableType]:
    """Return a line for each key named by its ARN, unfolded, so that it can be copied."""
    keys = dict.fromkeys((group.region, group.key or "") for group in groups if group.action != KEEP)
    lines = [
        Text(f"  key in {safe(region or '-')}: {safe(key)}", style="dim")
        for region, key in keys
        if key.startswith("arn:")
    ]
    return [*lines, Text("")] if lines else []


def render_sheet(lines: Sequence[SheetLine], terminal: Terminal) -> str:
    """Return the go/no-go sheet: lines beside their labels, folded if the terminal has a width."""
    out = io.StringIO()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", no_wrap=terminal.width is None)
    for line in lines:
        style = "yellow" if line.is_warning else "bold"
        label = f"{line.label} !" if line.is_warning else line.label
        grid.add_row(Text(label, style), Text(safe(line.text)))
    console(terminal, out).print(grid, soft_wrap=terminal.width is None)
    return trim(out.getvalue())
