"""The table of a plan, and the go/no-go sheet."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import console, trimmed
from smrep.output.terminal import Terminal
from smrep.report import SecretReport
from smrep.rules.fleet.plan_counts import BLOCKED, KEEP, WRONG_KEY, Group, groups
from smrep.rules.recovery.recovery_summary import Line

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


def render_plan(secrets: Iterable[SecretReport], closing: str, terminal: Terminal) -> str:
    """Return the plan as a table, the ARNs of its keys, and a closing line."""
    found = list(groups(secrets))
    out = io.StringIO()
    screen = console(terminal, out)
    table = [_table(found, terminal)] if found else []
    for part in [*table, *_keys(found), Text(closing, style="bold")]:
        screen.print(part, soft_wrap=isinstance(part, Text))
    return trimmed(out.getvalue())


def _table(found: Sequence[Group], terminal: Terminal) -> RenderableType:
    ruled = any(any(each.rules) for each in found)
    table = Table(
        box=box.SIMPLE_HEAD if terminal.unicode else box.ASCII2, header_style="dim", pad_edge=False, padding=(0, 1)
    )
    if ruled:
        table.add_column("  RULE", overflow="fold", ratio=2 if terminal.width else None)
    table.add_column("ACTION" if ruled else "  ACTION", no_wrap=True)
    table.add_column("REGION", no_wrap=True)
    table.add_column("COUNT", justify="right", no_wrap=True)
    table.add_column("SECRETS", overflow="fold", ratio=5 if terminal.width else None)
    before: tuple[str, ...] | None = None
    for group in found:
        rule = [Text("  " + ("" if group.rules == before else safe(", ".join(group.rules)) or "-"))] if ruled else []
        before = group.rules
        action = Text(
            f"{'' if ruled else '  '}{_MARKS[group.what]} {group.what.replace('_', ' ')}", _STYLES[group.what]
        )
        table.add_row(*rule, action, Text(safe(group.region or "-")), Text(str(group.count)), Text(_names(group)))
    return table


def _names(group: Group) -> str:
    """Return the first few, and why they are stopped; of what stays as it is nobody wants to read."""
    if group.what == KEEP:
        return ""
    more = group.count - len(group.names)
    key = f" under {safe(group.key)}" if group.key and not group.key.startswith("arn:") else ""
    why = f" ({safe(group.why.replace('_', ' '))})" if group.why else ""
    return ", ".join(safe(each) for each in group.names) + (f" and {more} more" if more else "") + key + why


def _keys(found: Sequence[Group]) -> list[RenderableType]:
    """Return a line per key that is named by its ARN, unfolded, so that it can be copied."""
    arns = dict.fromkeys(
        (each.region, each.key) for each in found if each.key and each.key.startswith("arn:") and each.what != KEEP
    )
    return [*(Text(f"  key in {safe(region or '-')}: {safe(arn)}", style="dim") for region, arn in arns), *_gap(arns)]


def _gap(arns: Collection[object]) -> list[RenderableType]:
    return [Text("")] if arns else []


def render_sheet(lines: Sequence[Line], terminal: Terminal) -> str:
    """Return the lines beside their labels, folded at words where the terminal has a width."""
    out = io.StringIO()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", no_wrap=terminal.width is None)
    for line in lines:
        style = "yellow" if line.is_warning else "bold"
        mark = f"{line.label} !" if line.is_warning else line.label
        grid.add_row(Text(mark, style), Text(safe(line.text)))
    console(terminal, out).print(grid, soft_wrap=terminal.width is None)
    return trimmed(out.getvalue())
