"""The table of a result, with a row for each secret and Region; trouble first if there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.safe import safe
from smrep.output.summary_line import REPORTS_FINDINGS
from smrep.output.tables.doctor_table import checks, findings
from smrep.output.tables.rich_console import INDENT, add_rows, empty_table, summary_text, to_text
from smrep.output.terminal import Terminal
from smrep.report import Action, Kind, RegionReport, RunReport, SecretReport, Severity, is_notable, worth_telling
from smrep.rules.replication.key_failures import DEFAULT

FOLDED_ABOVE = 20
"""With more rows, those that are well become one line."""
MAX_ROWS = 500
"""Rows shown without --verbose."""
_STYLES = {IN_SYNC: "green", FAILED: "bold red", IN_PROGRESS: "yellow"}
_MESSAGES = {Outcome.FAILED: "red", Outcome.ACCESS: "red", Outcome.DRIFT: "yellow"}
_SHOWN_WARNINGS = (Kind.UNCHECKED, Kind.EXTRA, Kind.STUCK, Kind.NO_VALUE)
"""Findings that a row names although they are no errors."""
_MIN_FOLDED = 8
"""The least columns in which words are folded."""
_MAX_WHOLE = 24
"""Characters of the longest Region or status that is never folded."""
_BETWEEN = 3
"""Columns between two columns of a table; those at its edges are one less."""
_HEAD = 3
"""Lines of a table above its rows."""
_SUCCESS = "Replication succeeded"
"""AWS's message of an InSync replica, which says nothing more."""

Row = tuple[SecretReport, RegionReport | None]
"""A secret in a Region; without a Region, the secret as a whole."""
T = TypeVar("T")


def render_status(report: RunReport, terminal: Terminal) -> str:
    """Return a title, the table and the summary line; of a run over many secrets, only the notable rows."""
    is_alone = len(report.secrets) == 1
    rows, ending = _rows(report, terminal, is_alone=is_alone), Text("")
    if not (is_alone or terminal.verbose):
        rows, ending = _trouble_first(rows, report)
    shown, cut_off = cut(rows, terminal)
    parts: list[RenderableType] = [] if report.summary is not None else [title(report.secrets)]
    if is_alone and report.summary is None and not report.secrets[0].replicas:
        parts.append(Text.assemble(INDENT, _message(report.secrets[0], None)))
    elif shown:
        several = not is_alone or report.summary is not None
        parts.append(_table(shown, terminal, several=several, proving=report.command == "verify"))
    parts += [*cut_off, *([ending] if ending else [])]
    if report.summary is None:
        parts += [*_keys(report.secrets), *_cross_account(report.secrets), Text("")]
    parts += checks(report.secrets, terminal) if report.command == "doctor" else []
    parts += findings(report.secrets) if report.command in REPORTS_FINDINGS else []
    parts.append(summary_text(report))
    return to_text(parts, terminal, max((_min_width(part) for part in parts if isinstance(part, Table)), default=0))


def _rows(report: RunReport, terminal: Terminal, *, is_alone: bool) -> Iterator[Row]:
    """Yield the rows to show, in the order of the report."""
    is_whole = is_alone or terminal.verbose or report.summary is None
    for secret in report.secrets if is_whole else worth_telling(report):
        if secret.error or not secret.replicas:
            yield secret, None
        if not secret.error or report.summary is None:
            yield from ((secret, row) for row in secret.replicas if is_whole or is_notable(row))


def _trouble_first(rows: Iterator[Row], report: RunReport) -> tuple[Iterator[Row], Text]:
    """Return a few rows as they are; of many, those with trouble, the worst first, and a line that counts the rest.

    The checks of doctor show its Regions.
    """
    few = list(islice(rows, FOLDED_ABOVE + 1))
    if len(few) <= FOLDED_ABOVE:
        return iter(few), Text("")
    shown: list[Row] = []
    well: Counter[str] = Counter()
    for secret, row in chain(few, rows):
        if row is None or (report.command != "doctor" and not is_well(row)):
            shown.append((secret, row))
        elif report.command != "doctor":
            planned = f"to {row.action}" if report.dry_run and row.action not in (None, Action.KEEP) else None
            well[planned or row.note or row.status or "-"] += 1
    words = ", ".join(f"{count} {safe(word)}" for word, count in well.items())
    ending = Text.assemble(f"{INDENT}{words}", ("  --verbose shows every row", "dim")) if words else Text("")
    return iter(sorted(shown, key=rank)), ending


def is_well(row: RegionReport) -> bool:
    """Return whether a row needs no attention."""
    return (
        row.outcome in (Outcome.OK, Outcome.ACCEPTED)
        and row.status != FAILED
        and row.error is None
        and all(finding.severity is Severity.INFO for finding in row.findings)
    )


def rank(row: Row) -> int:
    """Return the place of a row's outcome, the worst first."""
    secret, replica = row
    return (replica or secret.error or secret).outcome.rank


def cut(rows: Iterable[T], terminal: Terminal) -> tuple[list[T], list[Text]]:
    """Return as many rows as a person reads, or all with --verbose, and a line that counts the others."""
    if terminal.verbose:
        return list(rows), []
    remaining = iter(rows)
    shown = list(islice(remaining, MAX_ROWS))
    hidden = sum(1 for _ in remaining)
    return shown, [Text(f"{INDENT}and {hidden} more: --verbose shows every row", style="dim")] if hidden else []


def _table(rows: Sequence[Row], terminal: Terminal, *, several: bool, proving: bool) -> RenderableType:
    headers, cells = grid(rows, several=several, proving=proving)
    widths = [max(cell_len(str(cell)) for cell in column) for column in zip(headers, *cells, strict=True)]
    room = (terminal.width or sum(widths) * _BETWEEN) - sum(widths[:-1]) - _BETWEEN * len(headers) + 1
    if several and headers[-1] == "MESSAGE" and -_BETWEEN <= room < widths[-1]:
        below = [line[-1] if cell_len(str(line[-1])) > room else Text() for line in cells]
        beside = [Text() if long else line[-1] for long, line in zip(below, cells, strict=True)]
        if any(beside):
            cells = [[*line[:-1], message] for line, message in zip(cells, beside, strict=True)]
        else:
            headers, cells = headers[:-1], [line[:-1] for line in cells]
        return _MessagesBelow(_plain_table(headers, cells, terminal, several=several), below)
    return _plain_table(headers, cells, terminal, several=several)


@dataclass(frozen=True, slots=True)
class _MessagesBelow:
    """A table with a line for each row, and each row's message on the lines below it."""

    table: Table
    messages: Sequence[Text]

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> RenderResult:
        lines = screen.render_lines(self.table, options, pad=False)
        for place, line in enumerate(lines, -_HEAD):
            yield from (*line, Segment.line())
            if 0 <= place < len(self.messages) and self.messages[place]:
                message = self.messages[place].copy()
                message.overflow = "fold"
                yield Padding(message, (0, 0, 0, 2 * len(INDENT) + 1))


def _plain_table(
    headers: Sequence[str], cells: Sequence[Sequence[Text]], terminal: Terminal, *, several: bool
) -> Table:
    table = empty_table(terminal)
    for place, header in enumerate(headers):
        longest = max((cell_len(str(row[place])) for row in cells), default=0)
        if header == "MESSAGE":
            table.add_column(header, overflow="fold", ratio=3 if several and terminal.width else None)
        elif header.endswith("SECRET"):
            table.add_column(header, overflow="fold")
        else:  # AWS's own words are all short enough to stay whole
            table.add_column(header, no_wrap=longest <= _MAX_WHOLE + len(INDENT), overflow="fold")
    add_rows(table, cells, terminal.width if several else None)
    return table


def grid(rows: Sequence[Row], *, several: bool, proving: bool = False) -> tuple[list[str], list[list[Text]]]:
    """Return the headers and the cells of a table, the first column indented; empty columns are omitted.

    `several` adds a column of names; `proving` adds VERIFIED even if nothing could be verified.
    """
    replicas = [row for _, row in rows if row]
    messages = [_message(secret, row) for secret, row in rows]
    names = [
        "" if place and rows[place - 1][0] is secret else safe(secret.label) for place, (secret, _) in enumerate(rows)
    ]
    columns = [
        ("SECRET", several, [Text(name) for name in names]),
        ("REGION", True, [Text(safe(row.region) if row else "-") for _, row in rows]),
        ("STATUS", True, [_status(row) for _, row in rows]),
        ("ACTION", any(row.action for row in replicas), [Text((row and row.action) or "-") for _, row in rows]),
        ("VERIFIED", proving or any(row.verified is not None for row in replicas), [_verified(row) for _, row in rows]),
        ("MESSAGE", any(messages), messages),
    ]
    shown = [(header, cells) for header, is_shown, cells in columns if is_shown]
    headers = [header for header, _ in shown]
    headers[0] = INDENT + headers[0]
    return headers, [
        [Text.assemble(INDENT, first), *others] for first, *others in zip(*(cells for _, cells in shown), strict=True)
    ]


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


def title(secrets: Sequence[SecretReport]) -> Text:
    """Return the name of the only secret, or the number of secrets, with the primaries' Region and account."""
    if [secret.name for secret in secrets] == ["-"]:
        return Text("Regions and keys, without a secret", style="bold")
    words = Text(safe(secrets[0].name) if len(secrets) == 1 else f"{len(secrets)} secrets", style="bold")
    primaries = {
        (secret.primary_region, secret.arn.split(":")[4]) for secret in secrets if secret.arn and secret.primary_region
    }
    if len(primaries) == 1:
        ((region, account),) = primaries
        words.append(f"  primary {region}, account {safe(account)}", style="not bold")
    return words


def _min_width(table: Table) -> int:
    """Return the columns that the table needs, as rich leaves out a column without room."""
    widths = (
        max(cell_len(str(cell)) for cell in [column.header, *column.cells]) if column.no_wrap else _MIN_FOLDED
        for column in table.columns
    )
    return sum(width + 3 for width in widths)


def _status(row: RegionReport | None) -> Text:
    status = row.status if row else None
    return Text(safe(status) if status else "-", style=_STYLES.get(status or "", "magenta" if status else "dim"))


def _verified(row: RegionReport | None) -> Text:
    words = {True: ("yes", "green"), False: ("no", "bold red"), None: ("-", "dim")}
    return Text(*words[row.verified if row else None])


def _message(secret: SecretReport, row: RegionReport | None) -> Text:
    """Return the message of a row, or of the secret itself."""
    if row:
        return Text(row_message(row), style=_MESSAGES.get(row.outcome, ""))
    return Text(safe(secret.error.code) if secret.error else "no replicas", style="red" if secret.error else "dim")


def row_message(row: RegionReport) -> str:
    """Return AWS's message or the kind of problem, empty if all is well; the whole sentence goes to standard error."""
    errors = [finding.kind.replace("_", " ") for finding in row.findings if finding.severity == "error"]
    if row.has_failed_there and row.status_message:
        return safe(row.status_message)
    if row.error and not errors:
        return safe(row.error.code)
    warnings = (finding.kind for finding in row.findings if finding.kind in _SHOWN_WARNINGS)
    warning = next(warnings, "").replace("_", " ")
    is_success = row.status == IN_SYNC and row.status_message == _SUCCESS
    message = "" if is_success else row.status_message or ""
    return ", ".join(dict.fromkeys(errors)) or safe(row.note or warning or message)


def _keys(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return a line for each Region's key that is not AWS's own, unfolded, so that it can be copied."""
    keys: dict[tuple[str, str], list[str]] = {}
    for secret in secrets:
        for row in secret.replicas:
            keys.setdefault((row.region, row.kms_key_id or DEFAULT), []).append(secret.name)
    regions = Counter(region for region, _ in keys)
    lines: list[RenderableType] = []
    for (region, key), names in keys.items():
        whose = f"of {safe(names[0])} " if len(names) == 1 else f"of {len(names)} secrets "
        place = f"{whose if regions[region] > 1 else ''}in {safe(region)}"
        lines += [Text(f"  key {place}: {safe(key)}", style="dim")] if key != DEFAULT else []
    return lines
