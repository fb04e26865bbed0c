"""The output formats by name, and --query."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from smrep.errors import Outcome, UsageError
from smrep.model import IN_SYNC, arn_account
from smrep.output.events import Events
from smrep.output.json_document import document, document_parts
from smrep.output.safe import safe, to_json
from smrep.output.summary_line import summary_line
from smrep.output.terminal import Terminal
from smrep.report import RegionReport, RunReport, SecretReport, Severity, is_remarkable, without_healthy


def as_table(report: RunReport, terminal: Terminal) -> Iterator[str]:
    """Yield a table: all of a few secrets, or the notable ones of many with the counts of all."""
    if not (report.secrets or report.accounts) and (
        report.error or (report.summary is None and report.command != "list")
    ):
        return
    if report.command == "accounts":
        from smrep.output.tables.accounts_table import render_accounts

        yield render_accounts(report, terminal)
    elif report.command == "list":
        from smrep.output.tables.list_table import render_list

        yield render_list(report, terminal)
    elif not terminal.verbose and (report.command == "plan" or (report.summary is not None and report.dry_run)):
        from smrep.output.tables.plan_table import render_plan

        yield render_plan(report.secrets, summary_line(report), terminal)
    else:
        from smrep.output.tables.status_table import render_status

        yield render_status(report, terminal)


def as_json(report: RunReport, _terminal: Terminal) -> Iterator[str]:
    """Yield the JSON document."""
    return document_parts(report)


COLUMNS = ("secret", "region", "status", "kms_key_id", "action", "message", "account_id", "verified")
"""The columns of text and csv. Scripts count them: add new ones at the end."""


ACCOUNT_COLUMNS = ("account_id", "name", "state", "coverage", "region", "role_arn", "external_id", "reason")
"""The same of `accounts`."""


def as_text(report: RunReport, _terminal: Terminal) -> Iterator[str]:
    """Yield a tab-separated row of COLUMNS for each secret and Region, without a header; or one for each account."""
    return ("\t".join(cells) + "\n" for cells in _all_rows(report))


def as_csv(report: RunReport, _terminal: Terminal) -> Iterator[str]:
    """Yield the rows of text as CSV under a header, which is there without rows too."""
    yield _csv_line(ACCOUNT_COLUMNS if report.command == "accounts" else COLUMNS)
    yield from map(_csv_line, _all_rows(report))


def _all_rows(report: RunReport) -> Iterator[list[str]]:
    for account in report.accounts:
        coverage = "covered" if account.is_covered else "skipped"
        shown = (account.account, account.name, account.state, coverage, account.region)
        values = (*shown, account.role_arn, account.external_id, account.skipped)
        yield [safe(value) if value else "-" for value in values]
    for secret in report.secrets:
        yield from rows(secret)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def as_names(report: RunReport, _terminal: Terminal) -> Iterator[str]:
    """Yield the known ARNs, one a line; of an audit, only those of secrets with findings; or covered accounts."""
    yield from (f"{account.account}\n" for account in report.accounts if account.is_covered)
    is_audit = report.command == "audit"
    secrets = filter(is_remarkable, without_healthy(report.secrets)) if is_audit else report.secrets
    arns = (secret.arn for secret in secrets)
    yield from (f"{safe(arn)}\n" for arn in dict.fromkeys(arns) if arn)


def as_ndjson(report: RunReport, _terminal: Terminal) -> Iterator[str]:
    """Yield the events of a run that ended before its first."""
    lines: list[str] = []
    events = Events(lines.append, lambda: report.started_at, lambda: report)
    events.version(report.command)
    events.result(report)
    return iter(lines)


FORMATS: dict[str, Callable[[RunReport, Terminal], Iterator[str]]] = {
    "table": as_table,
    "json": as_json,
    "ndjson": as_ndjson,
    "text": as_text,
    "csv": as_csv,
    "name": as_names,
}
QUERIED = ("json", "text")
"""The formats in which --query prints what it finds."""
REPLACEABLE = ("table", "text", "json")
"""The formats in which a command prints text of its own, as `export` its manifest; in the others it lists secrets."""


def rows(secret: SecretReport) -> Iterator[list[str]]:
    """Yield the cells of each row; an error of the whole secret, or no replica, is a row with Region -."""
    lines: list[tuple[str | None, ...]] = []
    if secret.error or not secret.replicas:
        lines.append((None, None, None, None, secret.error.message if secret.error else secret.role, secret.arn, None))
    for row in secret.replicas:
        verified = None if row.verified is None else str(row.verified).lower()
        state = row.region, row.status, row.kms_key_id, row.action, message_of(row)
        lines.append((*state, secret.arn or row.arn, verified))
    for *cells, arn, verified in lines:
        account = secret.account or arn_account(arn)
        yield [safe(cell) if cell else "-" for cell in (secret.name, *cells, account, verified)]


def message_of(row: RegionReport) -> str | None:
    """Return the one sentence that a row has room for: its problem, else AWS's message."""
    if row.has_failed_there and row.status_message:
        return row.status_message
    if row.error:
        return row.error.message
    error = next((finding.message for finding in row.findings if finding.severity is Severity.ERROR), None)
    first = next((finding.message for finding in row.findings), None)
    doubt = first if row.outcome not in (Outcome.OK, Outcome.ACCEPTED) and row.status == IN_SYNC else None
    return error or row.note or doubt or row.status_message or first


def title(report: RunReport) -> str:
    """Return the command as typed, without its arguments."""
    return " ".join(filter(None, ("smrep", report.command)))


def compile_query(expression: str) -> Callable[[Any], Any]:
    """Return the JMESPath expression as a function.

    Raises:
        UsageError: it is not JMESPath.

    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(expression)
        _check_calls(compiled.parsed)
    except JMESPathError as error:
        words = " ".join(str(error).split())
        raise UsageError(
            f"--query is not JMESPath: {words}", "for example: --query 'secrets[].replicas[].status'"
        ) from error

    def search(value: Any) -> Any:
        try:
            return compiled.search(value)
        except JMESPathError as error:
            raise UsageError(f"--query does not fit the document: {error}", code="QueryError") from error

    return search


def _check_calls(node: Any) -> None:
    """Check the functions of a parsed expression, before jmespath does so with a document.

    Raises:
        JMESPathError: a function does not exist, or takes another number of arguments.

    """
    from jmespath import exceptions
    from jmespath.functions import Functions

    if node["type"] == "function_expression":
        name, count = node["value"], len(node["children"])
        if name not in Functions.FUNCTION_TABLE:
            raise exceptions.UnknownFunctionError(f"Unknown function: {name}()")
        signature = Functions.FUNCTION_TABLE[name]["signature"]
        if count < len(signature) or (count > len(signature) and not signature[-1].get("variadic")):
            raise exceptions.ArityError(len(signature), count, name)
    for child in node["children"]:
        if isinstance(child, dict):  # children of a slice are numbers
            _check_calls(child)


def as_query(report: RunReport, search: Callable[[Any], Any], *, text: bool) -> str:
    """Return the result of the query, as JSON or in the layout of `aws --output text`."""
    result = search(document(report))
    try:
        written = to_json(result)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--query finds what is no JSON: {error}", code="QueryError") from error
    if not text:
        return written + "\n"
    return "".join(f"{line}\n" for line in lines(result))


def lines(value: Any, label: str | None = None, columns: list[str] | None = None) -> Iterator[str]:
    """Yield a line for each row: scalars by sorted key, then nested values under their key in capitals."""
    if isinstance(value, dict):
        yield from _mapping(value, label, columns)
    elif isinstance(value, list):
        yield from _sequence(value, label)
    else:
        yield safe(str(value))


def _mapping(value: dict[str, Any], label: str | None, columns: list[str] | None) -> Iterator[str]:
    if columns is None:
        columns = sorted(key for key, item in value.items() if _is_scalar(item))
    cells = [safe(str(value.get(key, ""))) for key in columns]
    if cells:
        yield "\t".join(([safe(label.upper())] if label else []) + cells)
    for key in sorted(set(value) - set(columns)):
        yield from lines(value[key], key)


def _sequence(value: list[Any], label: str | None) -> Iterator[str]:
    if any(isinstance(item, dict) for item in value):
        columns = sorted({key for item in value if isinstance(item, dict) for key in item if _is_scalar(item[key])})
        for item in value:
            yield from lines(item, label, columns)
        return
    scalars = [safe(str(item)) for item in value if _is_scalar(item)]
    if scalars and label:
        yield from (f"{safe(label.upper())}\t{scalar}" for scalar in scalars)
    elif scalars:
        yield "\t".join(scalars)
    for item in value:
        if not _is_scalar(item):
            yield from lines(item, label)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)
