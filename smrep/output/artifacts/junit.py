"""JUnit XML, which CI systems show as test results: a case for each secret and Region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from smrep.errors import Outcome
from smrep.output.formats import message_of, title
from smrep.output.safe import safe
from smrep.report import Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity

_IN_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_FAILURE, _ERROR = "failure", "error"
"""A failure was checked; an error means that smrep could not check."""
_TAGS = {
    Outcome.DRIFT: _FAILURE,
    Outcome.FAILED: _FAILURE,
    Outcome.PENDING: _FAILURE,
    Outcome.ACCEPTED: _FAILURE,
}
_NO_REGION = "-"
"""The Region of a case about a whole secret or run."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case, whose text is not escaped yet."""

    subject: str
    region: str
    tag: str | None = None
    """None: it passed."""
    kind: str = ""
    message: str = ""
    details: tuple[Problem | Finding, ...] = ()


def junit(report: RunReport) -> Iterator[str]:
    """Yield the report as XML, case by case; it reads the secrets twice, as counts precede cases.

    Source: github.com/testmoapp/junitxml, for what Jenkins, GitLab and others have in common.
    """
    tags = Counter(case.tag for case in _cases(report))
    run_cases = _run_cases(report, passed=tags[None] == tags.total())
    tags.update(case.tag for case in run_cases)
    name = title(report)
    counts = f'tests="{tags.total()}" failures="{tags[_FAILURE]}" errors="{tags[_ERROR]}"'
    time = f'time="{report.elapsed_s:.3f}"'
    began = report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites {counts} {time}>\n"
    yield f'<testsuite name={_quoted(name)} {counts} skipped="0" {time} timestamp="{began}">\n'
    for case in _cases(report):
        yield _element(case)
    for case in run_cases:
        yield _element(case)
    yield "</testsuite>\n</testsuites>\n"


def _cases(report: RunReport) -> Iterator[_Case]:
    """Yield a case for each row, and for each secret whose rows do not show how it ended."""
    for secret in report.secrets:
        is_hidden = all(row.outcome is Outcome.OK for row in secret.replicas) and secret.outcome is not Outcome.OK
        if secret.error or is_hidden or not secret.replicas:
            yield _secret_case(secret)
        for row in secret.replicas:
            yield _region_case(secret.label, row)


def _secret_case(secret: SecretReport) -> _Case:
    if secret.error:
        return _Case(secret.label, _NO_REGION, _ERROR, secret.error.code, secret.error.message, (secret.error,))
    if secret.outcome is Outcome.OK:
        return _Case(secret.label, _NO_REGION)
    word = secret.outcome.word
    return _Case(secret.label, _NO_REGION, _TAGS.get(secret.outcome, _ERROR), word, "; ".join(secret.notes) or word)


def _region_case(name: str, row: RegionReport) -> _Case:
    """Return the case of a row; an open Region is a failure if smrep could check it, else an error."""
    if row.outcome is Outcome.OK:
        return _Case(name, row.region)
    findings = sorted(row.findings, key=lambda finding: finding.severity is not Severity.ERROR)
    kinds = [finding.kind for finding in findings]
    tag = _TAGS.get(row.outcome, _ERROR)
    kind: str = row.error.code if row.error else kinds[0] if kinds else row.outcome.word
    if row.outcome in (Outcome.PENDING, Outcome.ACCEPTED):
        if row.error or (Kind.UNCHECKED in kinds and Kind.IN_PROGRESS not in kinds):
            tag = _ERROR
        else:
            kind = Kind.IN_PROGRESS
    details: tuple[Problem | Finding, ...] = (row.error, *row.findings) if row.error else row.findings
    return _Case(name, row.region, tag, kind, message_of(row) or row.status or row.outcome.word, details)


def _run_cases(report: RunReport, *, passed: bool) -> tuple[_Case, ...]:
    """Return the case of the run's error, or of a bad exit code that no other case shows."""
    if report.error:
        return (_Case(title(report), _NO_REGION, _ERROR, report.error.code, report.error.message, (report.error,)),)
    if passed and report.exit_code:
        word = report.outcome.word
        return (_Case(title(report), _NO_REGION, _ERROR, word, f"the run ended with exit code {report.exit_code}"),)
    return ()


def _element(case: _Case) -> str:
    head = f"<testcase classname={_quoted(case.subject)} name={_quoted(case.region)}"
    if case.tag is None:
        return f"{head}/>\n"
    text = "\n".join(line for detail in case.details for line in _lines(detail)).translate(_IN_XML)
    reason = f"type={_quoted(case.kind)} message={_quoted(case.message)}"
    return f"{head}><{case.tag} {reason}>{text}</{case.tag}></testcase>\n"


def _lines(detail: Problem | Finding) -> Iterator[str]:
    """Yield the safe lines of a finding or an error."""
    yield safe(f"{detail.code if isinstance(detail, Problem) else detail.kind}: {detail.message}")
    if isinstance(detail, Problem):
        yield from map(safe, detail.details)
    if detail.hint:
        yield from map(safe, f"hint: {detail.hint}".split("\n"))
    if isinstance(detail, Problem) and detail.request_id:
        yield safe(f"request id: {detail.request_id}")


def _quoted(text: str) -> str:
    """Return the text as an attribute's value; `safe` escapes all that XML cannot hold."""
    return f'"{safe(text).translate(_IN_XML)}"'
