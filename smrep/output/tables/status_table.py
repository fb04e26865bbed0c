"""The table of a few secrets: a row for each Region."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.safe import safe
from smrep.output.summary_line import TELLING, closing
from smrep.output.tables.rich_console import add_rows, closing_style, console, trimmed
from smrep.output.terminal import Terminal
from smrep.report import Kind, RegionReport, Report, SecretReport, Severity
from smrep.rules.replication.key_failures import DEFAULT

_SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_STYLES = {IN_SYNC: "green", FAILED: "bold red", IN_PROGRESS: "yellow"}
LESSER = (Kind.UNCHECKED, Kind.EXTRA, Kind.STUCK, Kind.NO_VALUE)
"""Kinds of findings that a row names though they are no errors."""
_READABLE = 8
"""Columns of the screen under which no words are folded."""
_LONGEST = 24
"""Characters of a Region or a status word that is never folded."""


def render(report: Report, terminal: Terminal) -> str:
    """Return the report as a table with a title and a closing line."""
    out = io.StringIO()
    screen = console(terminal, out)
    if report.secrets:
        told = findings(report.secrets) if report.command in TELLING else []
        parts = [
            *body(report.secrets, terminal, proving=report.command == "verify"),
            *told,
            Text(closing(report), style=closing_style(report.outcome)),
        ]
        screen.width = max([screen.width, *(_needs(each) for each in parts if isinstance(each, Table))])
        for part in parts:
            screen.print(part, soft_wrap=isinstance(part, Text))  # a line of words can be copied whole
    return trimmed(out.getvalue())


def body(
    secrets: Sequence[SecretReport], terminal: Terminal, spinner: Spinner | None = None, *, proving: bool = False
) -> list[RenderableType]:
    """Return a title and a table, with a column for the secrets where there are several.

    With a spinner, open Regions are seen to be alive. `proving` shows what is verified, also where nothing could be.
    """
    parts: list[RenderableType] = [_title(secrets)]
    if len(secrets) > 1 or secrets[0].replicas:
        parts.append(_table(secrets, terminal, spinner, proving=proving))
    else:
        error = secrets[0].error
        parts.append(Text(f"  {safe(error.code) if error else 'no replicas'}", style="red" if error else "dim"))
    return [*parts, *_keys(secrets), *_cross_account(secrets), Text("")]


def findings(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return each finding once, the gravest first, with the command that mends it."""
    every = dict.fromkeys(each for secret in secrets for row in secret.replicas for each in row.findings)
    lines: list[RenderableType] = []
    for finding in sorted(every, key=lambda each: list(Severity).index(each.severity)):
        lines.append(
            Text.assemble(
                ("  " + f"{finding.severity:<8}", _SEVERITIES[finding.severity]),
                f"{safe(finding.kind)}: {safe(finding.message)}",
            )
        )
        if finding.hint:
            lines.append(Text(f"          {safe(finding.hint)}", style="cyan"))
    return [*lines, Text("")] if lines else []


def _cross_account(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return a line per replication between accounts, which is AWS's own business."""
    lines: list[RenderableType] = []
    for link in (secret.cross_account for secret in secrets):
        ends = [("replica of", link.primary), *(("replica", each) for each in link.replicas)] if link else []
        lines += [
            Text(f"  cross-account {what} {safe(end.arn or '-')}: {safe(end.status or '-')}", style="dim")
            for what, end in ends
            if end
        ]
    return lines


def _title(secrets: Sequence[SecretReport]) -> Text:
    if [each.name for each in secrets] == ["-"]:
        return Text("Regions and keys, without a secret", style="bold")
    title = Text(safe(secrets[0].name) if len(secrets) == 1 else f"{len(secrets)} secrets", style="bold")
    homes = {(each.primary_region, each.arn.split(":")[4]) for each in secrets if each.arn and each.primary_region}
    if len(homes) == 1:
        ((region, account),) = homes
        title.append(f"  primary {region}, account {safe(account)}", style="not bold")
    return title


def _table(secrets: Sequence[SecretReport], terminal: Terminal, spinner: Spinner | None, *, proving: bool) -> Table:
    every = [row for secret in secrets for row in secret.replicas]
    named, acting = len(secrets) > 1, any(row.action for row in every)
    proving = proving or any(row.verified is not None for row in every)
    table = Table(
        box=box.SIMPLE_HEAD if terminal.unicode else box.ASCII2,
        header_style="dim",
        pad_edge=False,
        padding=(0, 1),
    )
    if named:
        table.add_column("  SECRET", overflow="fold")
    for title, words in (
        ("REGION" if named else "  REGION", [row.region for row in every]),
        ("STATUS", [row.status or "-" for row in every]),
    ):  # only a word that AWS does not use is too long to stay in one piece
        table.add_column(title, no_wrap=max(map(len, words), default=0) <= _LONGEST, overflow="fold")
    if acting:
        table.add_column("ACTION", no_wrap=True)
    if proving:
        table.add_column("VERIFIED", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold", ratio=3 if named and terminal.width else None)

    rows: list[list[RenderableType]] = []

    def add(name: str, region: str, status: RenderableType, row: RegionReport | None, message: Text) -> None:
        cells: list[RenderableType] = [Text(f"  {safe(name)}"), Text(region)] if named else [Text(f"  {region}")]
        action = [Text((row.action if row else None) or "-")] if acting else []
        verified = [_verified(row)] if proving else []
        rows.append([*cells, status, *action, *verified, message])

    for secret in secrets:
        name = secret.name
        if secret.error or not secret.replicas:
            error = secret.error
            why = Text(safe(error.code) if error else "no replicas", style="red" if error else "dim")
            add(name, "-", Text("-", style="dim"), None, why)
            name = ""
        for row in secret.replicas:
            style = "red" if row.outcome is Outcome.FAILED else ""
            add(name, safe(row.region), _status(row, spinner), row, Text(brief(row), style=style))
            name = ""
    add_rows(table, rows, terminal.width if named else None)
    return table


def _needs(table: Table) -> int:
    """Return how many columns of the screen the table needs, since rich leaves out what has no room at all."""
    widths = (
        max(cell_len(str(cell)) for cell in [each.header, *each.cells]) if each.no_wrap else _READABLE
        for each in table.columns
    )
    return sum(width + 3 for width in widths)


def _status(row: RegionReport, spinner: Spinner | None) -> RenderableType:
    word = safe(row.status) if row.status else "-"
    style = _STYLES.get(row.status or "", "magenta" if row.status else "dim")
    if spinner is None or row.outcome is not Outcome.PENDING:
        return Text(word, style=style)
    line = Table.grid(padding=(0, 1))
    line.add_row(Text(word, style=style), spinner)
    return line


def _verified(row: RegionReport | None) -> Text:
    words = {True: ("yes", "green"), False: ("no", "bold red"), None: ("-", "dim")}
    return Text(*words[row.verified if row else None])


def brief(row: RegionReport) -> str:
    """Return what the table says of a row: AWS's words, or the kind of trouble; the whole sentence is on stderr."""
    troubles = [each.kind.replace("_", " ") for each in row.findings if each.severity == "error"]
    if row.has_failed_there and row.status_message:
        return safe(row.status_message)
    if row.error and not troubles:
        return safe(row.error.code)
    lesser = next((each.kind.value.replace("_", " ") for each in row.findings if each.kind in LESSER), None)
    return ", ".join(dict.fromkeys(troubles)) or safe(row.note or lesser or row.status_message or "-")


def _keys(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return a line per key that is not AWS's own, unfolded, so that it can be copied."""
    return [
        Text(f"  key {where}: {safe(row.kms_key_id)}", style="dim")
        for secret in secrets
        for row in secret.replicas
        for where in [f"of {safe(secret.name)} in {row.region}" if len(secrets) > 1 else f"in {safe(row.region)}"]
        if row.kms_key_id and row.kms_key_id != DEFAULT
    ]
