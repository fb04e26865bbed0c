"""The report as JUnit XML, which CI systems show as test results: a case per secret and Region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from smrep.errors import Outcome
from smrep.output.formats import message_of
from smrep.output.safe import safe
from smrep.report import Finding, Kind, RegionReport, Report, SecretReport, Severity, Trouble

_IN_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_FAILURE, _ERROR = "failure", "error"
"""Something is not as it should be; or nobody knows, for want of a look at it."""
_TAGS = {
    Outcome.DRIFT: _FAILURE,
    Outcome.FAILED: _FAILURE,
    Outcome.PENDING: _FAILURE,
    Outcome.ACCEPTED: _FAILURE,
}
_WHOLE = "-"
"""Stands where a Region's name would, in a case that is about a whole secret."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case, in words that are not safe yet."""

    subject: str
    place: str
    tag: str | None = None
    """None: it passed."""
    kind: str = ""
    message: str = ""
    told: tuple[Trouble | Finding, ...] = ()


def junit(report: Report) -> Iterator[str]:
    """Yield the report as XML, piece by piece; the secrets are read twice, as the counts stand before the cases.

    Source: what Jenkins, GitLab and others read alike, as of github.com/testmoapp/junitxml.
    """
    tags = Counter(case.tag for case in _cases(report))
    last = _of_run(report, passed=tags[None] == tags.total())
    tags.update(case.tag for case in last)
    name = _title(report)
    counts = f'tests="{tags.total()}" failures="{tags[_FAILURE]}" errors="{tags[_ERROR]}"'
    time = f'time="{report.elapsed_s:.3f}"'
    began = report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites {counts} {time}>\n"
    yield f'<testsuite name={_quoted(name)} {counts} skipped="0" {time} timestamp="{began}">\n'
    for case in _cases(report):
        yield _element(case)
    for case in last:
        yield _element(case)
    yield "</testsuite>\n</testsuites>\n"


def _cases(report: Report) -> Iterator[_Case]:
    """Yield a case per row, and one per secret that has an error of its own, or rows that don't tell how it ended."""
    for secret in report.secrets:
        silent = all(row.outcome is Outcome.OK for row in secret.replicas) and secret.outcome is not Outcome.OK
        if secret.error or silent or not secret.replicas:
            yield _of_secret(secret)
        for row in secret.replicas:
            yield _of_row(secret.label, row)


def _of_secret(secret: SecretReport) -> _Case:
    if secret.error:
        return _Case(secret.label, _WHOLE, _ERROR, secret.error.code, secret.error.message, (secret.error,))
    if secret.outcome is Outcome.OK:
        return _Case(secret.label, _WHOLE)
    word = secret.outcome.word
    return _Case(secret.label, _WHOLE, _TAGS.get(secret.outcome, _ERROR), word, "; ".join(secret.notes) or word)


def _of_row(name: str, row: RegionReport) -> _Case:
    """Return the case that a row is; what is open is a failure if it was looked at, and else an error."""
    if row.outcome is Outcome.OK:
        return _Case(name, row.region)
    kinds = [each.kind for each in sorted(row.findings, key=lambda each: each.severity is not Severity.ERROR)]
    tag = _TAGS.get(row.outcome, _ERROR)
    kind: str = row.error.code if row.error else kinds[0] if kinds else row.outcome.word
    if row.outcome in (Outcome.PENDING, Outcome.ACCEPTED):
        if row.error or (Kind.UNCHECKED in kinds and Kind.IN_PROGRESS not in kinds):
            tag = _ERROR
        else:
            kind = Kind.IN_PROGRESS
    told: tuple[Trouble | Finding, ...] = (row.error, *row.findings) if row.error else row.findings
    return _Case(name, row.region, tag, kind, message_of(row) or row.status or row.outcome.word, told)


def _of_run(report: Report, *, passed: bool) -> tuple[_Case, ...]:
    """Return the case of what ended the run, or of a bad end that no other case tells of: it must not look good."""
    if report.error:
        return (_Case(_title(report), _WHOLE, _ERROR, report.error.code, report.error.message, (report.error,)),)
    if passed and report.exit_code:
        word = report.outcome.word
        return (_Case(_title(report), _WHOLE, _ERROR, word, f"the run ended with exit code {report.exit_code}"),)
    return ()


def _title(report: Report) -> str:
    return " ".join(filter(None, ("smrep", report.command)))


def _element(case: _Case) -> str:
    head = f"<testcase classname={_quoted(case.subject)} name={_quoted(case.place)}"
    if case.tag is None:
        return f"{head}/>\n"
    text = "\n".join(line for each in case.told for line in _lines(each)).translate(_IN_XML)
    why = f"type={_quoted(case.kind)} message={_quoted(case.message)}"
    return f"{head}><{case.tag} {why}>{text}</{case.tag}></testcase>\n"


def _lines(told: Trouble | Finding) -> Iterator[str]:
    """Yield what a finding or a trouble says, safe, a line for each of its parts."""
    yield safe(f"{told.code if isinstance(told, Trouble) else told.kind}: {told.message}")
    if isinstance(told, Trouble):
        yield from map(safe, told.details)
    if told.hint:
        yield safe(f"hint: {told.hint}")
    if isinstance(told, Trouble) and told.request_id:
        yield safe(f"request id: {told.request_id}")


def _quoted(text: str) -> str:
    """Return the text as an attribute's value; what XML can't hold is among what is never safe."""
    return f'"{safe(text).translate(_IN_XML)}"'
