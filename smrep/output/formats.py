"""FORMATS: the output formats by name, and --query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from smrep.errors import Outcome, UsageError
from smrep.model import IN_SYNC
from smrep.output.events import Events
from smrep.output.json_document import document, document_parts
from smrep.output.safe import safe, to_json
from smrep.output.summary_line import closing
from smrep.output.terminal import Terminal
from smrep.report import RegionReport, Report, SecretReport, Severity, is_remarkable


def as_table(report: Report, terminal: Terminal) -> Iterator[str]:
    """Yield a table for people: of a few secrets all, of many those that matter and the counts of all."""
    if report.command != "list" and report.summary is None:
        from smrep.output.tables.status_table import render

        yield render(report, terminal)
    elif report.error and not report.secrets:
        return
    elif report.command == "plan" or (report.summary is not None and report.dry_run):
        from smrep.output.tables.plan_table import render_plan

        yield render_plan(report.secrets, closing(report), terminal)
    else:
        from smrep.output.tables.fleet_table import render_fleet

        yield render_fleet(report, terminal)


def as_json(report: Report, _terminal: Terminal) -> Iterator[str]:
    """Yield the JSON document."""
    return document_parts(report)


def as_text(report: Report, _terminal: Terminal) -> Iterator[str]:
    """Yield one tab-separated row per secret and Region: secret, Region, status, key, action, message.

    A run about several accounts adds the secret's one.
    """
    return (line for secret in report.secrets for line in STREAMED["text"](secret))


def as_names(report: Report, _terminal: Terminal) -> Iterator[str]:
    """Yield the ARN of each primary that is known, one a line; of an audit, of those with findings."""
    named = (each.arn for each in report.secrets if report.command != "audit" or is_remarkable(each))
    return (f"{safe(arn)}\n" for arn in dict.fromkeys(named) if arn)


def as_ndjson(report: Report, _terminal: Terminal) -> Iterator[str]:
    """Yield the events of a run that ended before it told any."""
    told: list[str] = []
    events = Events(told.append, lambda: report.started_at, lambda: report)
    events.version(report.command)
    events.result(report)
    return iter(told)


FORMATS: dict[str, Callable[[Report, Terminal], Iterator[str]]] = {
    "table": as_table,
    "json": as_json,
    "ndjson": as_ndjson,
    "text": as_text,
    "name": as_names,
}


STREAMED: dict[str, Callable[[SecretReport], Iterator[str]]] = {
    "text": lambda secret: (
        "\t".join([*cells, *([secret.account] if secret.account else [])]) + "\n" for cells in rows(secret)
    ),
    "name": lambda secret: iter([f"{safe(secret.arn)}\n"] if secret.arn else []),
}
"""The formats that are written as the secrets come: one function each, for one secret."""


def rows(secret: SecretReport) -> Iterator[list[str]]:
    """Yield the text cells of each row; a trouble of the whole secret, or no replica at all, is a row with Region -."""
    if secret.error or not secret.replicas:
        message = secret.error.message if secret.error else secret.role
        yield _cells(secret.name, None, None, None, None, message)
    for row in secret.replicas:
        yield _cells(secret.name, row.region, row.status, row.kms_key_id, row.action, message_of(row))


def message_of(row: RegionReport) -> str | None:
    """Return the one sentence that a row has room for: why it is not right, else what AWS says of it."""
    if row.has_failed_there and row.status_message:
        return row.status_message
    if row.error:
        return row.error.message
    loud = next((each.message for each in row.findings if each.severity is Severity.ERROR), None)
    quiet = next((each.message for each in row.findings), None)
    unsure = quiet if row.outcome not in (Outcome.OK, Outcome.ACCEPTED) and row.status == IN_SYNC else None
    return loud or row.note or unsure or row.status_message or quiet


def _cells(*values: str | None) -> list[str]:
    return [safe(value) if value else "-" for value in values]


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
    """Check the functions of a parsed expression, which jmespath itself does only once there is a document.

    Raises:
        JMESPathError: there is no such function, or it takes another number of arguments.

    """
    from jmespath import exceptions
    from jmespath.functions import Functions

    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        if name not in Functions.FUNCTION_TABLE:
            raise exceptions.UnknownFunctionError(f"Unknown function: {name}()")
        takes = Functions.FUNCTION_TABLE[name]["signature"]
        if given < len(takes) or (given > len(takes) and not takes[-1].get("variadic")):
            raise exceptions.ArityError(len(takes), given, name)
    for each in node["children"]:
        if isinstance(each, dict):  # those of a slice are numbers
            _check_calls(each)


def as_query(report: Report, search: Callable[[Any], Any], *, text: bool) -> str:
    """Return the query's result, as JSON or as `aws --output text` prints it."""
    result = search(document(report))
    try:
        written = to_json(result)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--query finds what is no JSON: {error}", code="QueryError") from error
    if not text:
        return written + "\n"

    return "".join(f"{line}\n" for line in lines(result))


def lines(value: Any, label: str | None = None, columns: list[str] | None = None) -> Iterator[str]:
    """Yield one line per row: scalars side by side, keys sorted, what is nested below under its key in capitals."""
    if isinstance(value, dict):
        yield from _mapping(value, label, columns)
    elif isinstance(value, list):
        yield from _sequence(value, label)
    else:
        yield safe(str(value))


def _mapping(value: dict[str, Any], label: str | None, columns: list[str] | None) -> Iterator[str]:
    if columns is None:
        columns = sorted(key for key, each in value.items() if _is_scalar(each))
    cells = [safe(str(value.get(key, ""))) for key in columns]
    if cells:
        yield "\t".join(([safe(label.upper())] if label else []) + cells)
    for key in sorted(set(value) - set(columns)):
        yield from lines(value[key], key)


def _sequence(value: list[Any], label: str | None) -> Iterator[str]:
    if any(isinstance(each, dict) for each in value):
        columns = sorted({key for each in value if isinstance(each, dict) for key in each if _is_scalar(each[key])})
        for each in value:
            yield from lines(each, label, columns)
        return
    scalars = [safe(str(each)) for each in value if _is_scalar(each)]
    if scalars and label:
        yield from (f"{safe(label.upper())}\t{each}" for each in scalars)
    elif scalars:
        yield "\t".join(scalars)
    for each in value:
        if not _is_scalar(each):
            yield from lines(each, label)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)
