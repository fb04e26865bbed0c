"""The table of a plan, and the go/no-go sheet."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import console, empty_table, to_text, trim
from smrep.output.terminal import Terminal
from smrep.report import Action, SecretReport
from smrep.rules.fleet.plan_counts import BLOCKED, KEEP, WRONG_KEY, Group, action_of, groups
from smrep.rules.hints import counted
from smrep.rules.recovery.recovery_summary import SheetLine

_ONE_BY_ONE = (Action.OVERWRITE, Action.REKEY)
"""Actions with a request for each Region."""
RATE = 20.0
"""Writes a second that `apply` sends unless told otherwise."""
_MINUTE_S = 60
_STYLES = {
    "promote": "cyan",
    "overwrite": "bold red",
    "add": "green",
    "retry": "yellow",
    "rekey": "yellow",
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
    "rekey": "~",
    "remove": "-",
    WRONG_KEY: "!",
    BLOCKED: "x",
    KEEP: "=",
}


def render_plan(secrets: Iterable[SecretReport], summary: str, terminal: Terminal, rate: float = RATE) -> str:
    """Return the plan as a table, the ARNs of its keys, its cost, and the summary line; `rate` is writes a second."""
    effort = _Effort()
    rows = list(groups(effort.counting(secrets)))
    table = [_table(rows, terminal)] if rows else []
    return to_text([*table, *_keys(rows), *effort.lines(rate), Text(summary, style="bold")], terminal)


@dataclass(slots=True)
class _Effort:
    """What a plan costs, and how long sending it takes."""

    added: int = 0
    """New replicas in AWS's commercial partition, whose list price is known."""
    writes: Counter[str | None] = field(default_factory=Counter)
    """Requests for each account: all Regions of a secret are one."""

    def counting(self, secrets: Iterable[SecretReport]) -> Iterator[SecretReport]:
        """Yield the secrets, and count them."""
        for secret in secrets:
            actions = [action_of(row) for row in secret.replicas]
            self.added += actions.count(Action.ADD) if (secret.arn or "").startswith("arn:aws:") else 0
            shared = bool({Action.ADD, Action.RETRY} & set(actions)) + (Action.REMOVE in actions)
            self.writes[secret.account] += shared + sum(action in _ONE_BY_ONE for action in actions)
            yield secret

    def lines(self, rate: float) -> list[RenderableType]:
        """Return a line, if there is something to send; accounts are sent to at the same time.

        Source: aws-behavior.md 3 'Pricing'.
        """
        added, long_s = self.added, ceil(max(self.writes.values(), default=0) / rate)
        words = [f"{counted(added, 'new replica')} at $0.40 a month each"] if added else []
        minutes = f"{round(long_s / _MINUTE_S)} min" if long_s > 2 * _MINUTE_S else f"{long_s} s"
        words += [f"sending takes {minutes} at {rate:g} writes a second"] if long_s else []
        return [Text(f"  {'; '.join(words)}", style="dim"), Text("")] if words else []


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
