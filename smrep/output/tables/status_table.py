"""The table of a few secrets, with a row for each Region."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.safe import safe
from smrep.output.summary_line import REPORTS_FINDINGS
from smrep.output.tables.rich_console import add_rows, empty_table, summary_text, to_text
from smrep.output.terminal import Terminal
from smrep.report import Kind, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.replication.key_failures import DEFAULT

_SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_STYLES = {IN_SYNC: "green", FAILED: "bold red", IN_PROGRESS: "yellow"}
_SHOWN_WARNINGS = (Kind.UNCHECKED, Kind.EXTRA, Kind.STUCK, Kind.NO_VALUE)
"""Findings that a row names although they are no errors."""
_MIN_FOLDED = 8
"""The least columns in which words are folded."""
_MAX_WHOLE = 24
"""Characters of the longest Region or status that is never folded."""


def render_status(report: RunReport, terminal: Terminal) -> str:
    """Return a title, the table and the summary line."""
    if not report.secrets:
        return ""
    details = findings(report.secrets) if report.command in REPORTS_FINDINGS else []
    parts = [*body(report.secrets, terminal, proving=report.command == "verify"), *details, summary_text(report)]
    return to_text(parts, terminal, max((_min_width(part) for part in parts if isinstance(part, Table)), default=0))


def body(
    secrets: Sequence[SecretReport], terminal: Terminal, spinner: Spinner | None = None, *, proving: bool = False
) -> list[RenderableType]:
    """Return a title and a table, with a column of names for several secrets.

    Open Regions show the spinner. `proving` adds the column VERIFIED even if nothing could be verified.
    """
    parts: list[RenderableType] = [_title(secrets)]
    if len(secrets) > 1 or secrets[0].replicas:
        parts.append(_table(secrets, terminal, spinner, proving=proving))
    else:
        error = secrets[0].error
        parts.append(Text(f"  {safe(error.code) if error else 'no replicas'}", style="red" if error else "dim"))
    return [*parts, *_keys(secrets), *_cross_account(secrets), Text("")]


def findings(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return each finding once, errors first, with the command that fixes it."""
    unique = dict.fromkeys(finding for secret in secrets for row in secret.replicas for finding in row.findings)
    lines: list[RenderableType] = []
    for finding in sorted(unique, key=lambda finding: list(Severity).index(finding.severity)):
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
    """Return a line for each replication between accounts, which only AWS manages."""
    lines: list[RenderableType] = []
    for link in (secret.cross_account for secret in secrets):
        ends = [("replica of", link.primary), *(("replica", end) for end in link.replicas)] if link else []
        lines += [
            Text(f"  cross-account {label} {safe(end.arn or '-')}: {safe(end.status or '-')}", style="dim")
            for label, end in ends
            if end
        ]
    return lines


def _title(secrets: Sequence[SecretReport]) -> Text:
    if [secret.name for secret in secrets] == ["-"]:
        return Text("Regions and keys, without a secret", style="bold")
    title = Text(safe(secrets[0].name) if len(secrets) == 1 else f"{len(secrets)} secrets", style="bold")
    primaries = {
        (secret.primary_region, secret.arn.split(":")[4]) for secret in secrets if secret.arn and secret.primary_region
    }
    if len(primaries) == 1:
        ((region, account),) = primaries
        title.append(f"  primary {region}, account {safe(account)}", style="not bold")
    return title


def _table(secrets: Sequence[SecretReport], terminal: Terminal, spinner: Spinner | None, *, proving: bool) -> Table:
    replicas = [row for secret in secrets for row in secret.replicas]
    has_names, has_actions = len(secrets) > 1, any(row.action for row in replicas)
    proving = proving or any(row.verified is not None for row in replicas)
    table = empty_table(terminal)
    if has_names:
        table.add_column("  SECRET", overflow="fold")
    for title, words in (
        ("REGION" if has_names else "  REGION", [row.region for row in replicas]),
        ("STATUS", [row.status or "-" for row in replicas]),
    ):  # AWS's own words are all short enough to stay whole
        table.add_column(title, no_wrap=max(map(len, words), default=0) <= _MAX_WHOLE, overflow="fold")
    if has_actions:
        table.add_column("ACTION", no_wrap=True)
    if proving:
        table.add_column("VERIFIED", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold", ratio=3 if has_names and terminal.width else None)

    rows: list[list[RenderableType]] = []
    for secret in secrets:
        whole = [None] if secret.error or not secret.replicas else []
        for index, row in enumerate([*whole, *secret.replicas]):
            name, region = "" if index else safe(secret.name), safe(row.region) if row else "-"
            cells = [Text(f"  {name}"), Text(region)] if has_names else [Text(f"  {region}")]
            action = [Text((row.action if row else None) or "-")] if has_actions else []
            verified = [_verified(row)] if proving else []
            rows.append([*cells, _status(row, spinner), *action, *verified, _message(secret, row)])
    add_rows(table, rows, terminal.width if has_names else None)
    return table


def _min_width(table: Table) -> int:
    """Return the columns that the table needs, as rich leaves out a column without room."""
    widths = (
        max(cell_len(str(cell)) for cell in [column.header, *column.cells]) if column.no_wrap else _MIN_FOLDED
        for column in table.columns
    )
    return sum(width + 3 for width in widths)


def _status(row: RegionReport | None, spinner: Spinner | None) -> RenderableType:
    status = row.status if row else None
    word = safe(status) if status else "-"
    style = _STYLES.get(status or "", "magenta" if status else "dim")
    if spinner is None or row is None or row.outcome is not Outcome.PENDING:
        return Text(word, style=style)
    line = Table.grid(padding=(0, 1))
    line.add_row(Text(word, style=style), spinner)
    return line


def _verified(row: RegionReport | None) -> Text:
    words = {True: ("yes", "green"), False: ("no", "bold red"), None: ("-", "dim")}
    return Text(*words[row.verified if row else None])


def _message(secret: SecretReport, row: RegionReport | None) -> Text:
    """Return the message of a row, or of the secret itself."""
    if row:
        return Text(row_message(row), style="red" if row.outcome is Outcome.FAILED else "")
    return Text(safe(secret.error.code) if secret.error else "no replicas", style="red" if secret.error else "dim")


def row_message(row: RegionReport) -> str:
    """Return AWS's message or the kind of problem; the whole sentence goes to standard error."""
    errors = [finding.kind.replace("_", " ") for finding in row.findings if finding.severity == "error"]
    if row.has_failed_there and row.status_message:
        return safe(row.status_message)
    if row.error and not errors:
        return safe(row.error.code)
    warnings = (finding.kind for finding in row.findings if finding.kind in _SHOWN_WARNINGS)
    warning = next(warnings, "").replace("_", " ")
    return ", ".join(dict.fromkeys(errors)) or safe(row.note or warning or row.status_message or "-")


def _keys(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return a line for each key that is not AWS's own, unfolded, so that it can be copied."""
    return [
        Text(f"  key {place}: {safe(row.kms_key_id)}", style="dim")
        for secret in secrets
        for row in secret.replicas
        for place in [f"of {safe(secret.name)} in {row.region}" if len(secrets) > 1 else f"in {safe(row.region)}"]
        if row.kms_key_id and row.kms_key_id != DEFAULT
    ]
