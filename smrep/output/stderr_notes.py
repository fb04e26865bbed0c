"""Errors, findings and hints that standard error shows after the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome, OutputError
from smrep.output.summary_line import REPORTS_FINDINGS, summary_line
from smrep.output.terminal import Messages
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, RunReport, SecretReport, Severity, without_healthy
from smrep.rules.hints import some_names, with_connection_flags
from smrep.rules.run_outcome import resume_commands

_ALWAYS_SHOWN = (Kind.NO_VALUE, Kind.STUCK)
"""Warnings that every command shows."""
_MAX_NOTES = 10
"""Notes shown of a kind; the result has all of them."""


def is_mute(report: RunReport) -> bool:
    """Return whether the run ended because standard output is closed, so that no result can be written either."""
    return report.error is not None and report.error.code == OutputError.__name__


def explain(
    report: RunReport,
    messages: Messages,
    connection: tuple[str, ...] = (),
    *,
    has_table: bool = False,
    next_step: str | None = None,
) -> None:
    """Write what the result has no room for: errors with their hints, notes, and what is unchecked.

    Nothing that a table on standard output shows in full is repeated. `connection` are the flags that each command in a
    hint needs; `next_step` is a command.
    """
    is_in_table = has_table and report.command in REPORTS_FINDINGS
    for finding in list(dict.fromkeys(item for secret in without_healthy(report.secrets) for item in secret.findings))[
        :_MAX_NOTES
    ]:
        messages.warning(finding.message)
        messages.hint(finding.hint)
    if report.summary is not None or (len(report.secrets) > _MAX_NOTES and not is_in_table):
        _explain_many(report, messages, has_counts=has_table or report.summary is None, next_step=next_step)
        if not report.error and next_step is not None:
            messages.hint(with_connection_flags(next_step, connection))
        return
    rows = [row for secret in report.secrets for row in secret.replicas]
    for secret in report.secrets:
        for note in secret.notes:
            messages.warning(note)
        if secret.error:
            messages.trouble(secret.error)
    if not is_in_table:
        for severity, message, hint in dict.fromkeys(note for row in rows for note in _row_notes(row, report.command)):
            {Severity.ERROR: messages.error, Severity.WARNING: messages.warning, Severity.INFO: messages.note}[
                severity
            ](message)
            messages.hint(hint)
        unchecked = [
            finding
            for row in rows
            for finding in row.findings
            if finding.kind is Kind.UNCHECKED and not (row.error and row.error.code == finding.kind)
        ]
        if unchecked:
            messages.warning(
                f"unchecked, which is not a pass: {'; '.join(dict.fromkeys(finding.message for finding in unchecked))}"
            )
            for hint in list(dict.fromkeys(finding.hint for finding in unchecked))[:_MAX_NOTES]:
                messages.hint(hint)
    if report.error:
        messages.trouble(report.error)
        resume = with_connection_flags(resume_commands(report.secrets) or "", connection)
        if (report.outcome in (Outcome.ACCESS, Outcome.BUG) or is_mute(report)) and resume not in (
            report.error.hint or ""
        ):
            messages.hint(resume)


def _explain_many(report: RunReport, messages: Messages, *, has_counts: bool, next_step: str | None) -> None:
    """Write the problems of many secrets, grouped, and the counts if the result has none.

    What is missing has no hint of its own if `next_step` adds it.
    """
    notes = list(dict.fromkeys(note for secret in without_healthy(report.secrets) for note in secret.notes))
    for note in notes[:_MAX_NOTES]:
        messages.warning(note)
    if len(notes) > _MAX_NOTES:
        messages.warning(f"and {len(notes) - _MAX_NOTES} more of the kind")
    issues = group_issues(without_healthy(report.secrets))
    for issue in issues[:_MAX_NOTES]:
        messages.warning(issue.title)
        if issue.example:
            messages.detail(issue.example)
        if issue.kind != Kind.MISSING or report.error or not next_step:
            messages.hint(issue.next_step)
    if len(issues) > _MAX_NOTES:
        messages.warning(f"and {len(issues) - _MAX_NOTES} more kinds of trouble: -o json has them all")
    if not has_counts and (report.secrets or not report.error):
        messages.note(summary_line(report))
    if report.error:
        messages.trouble(report.error)


def _row_notes(row: RegionReport, command: str | None) -> list[tuple[Severity, str, str | None]]:
    """Return severity, message and hint of a row's error, or of the findings that this command shows."""
    if row.error:
        return [(Severity.ERROR, row.error.message, row.error.hint)]
    shows_all = command in REPORTS_FINDINGS
    return [
        (finding.severity, finding.message, finding.hint)
        for finding in row.findings
        if finding.kind is not Kind.UNCHECKED
        and (shows_all or finding.severity is Severity.ERROR or finding.kind in _ALWAYS_SHOWN)
    ]


_MAX_NAMES = 3


@dataclass(slots=True)
class Issue:
    """A problem that one or more secrets have."""

    kind: str
    """A kind of finding, or an error's code."""
    region: Region | None
    message: str
    """Of the first secret, like the hint."""
    hint: str | None
    names: list[str] = field(default_factory=list)
    """Labels of the secrets, in order."""

    @property
    def title(self) -> str:
        """The message of one secret; of several the kind, the Region and the first names."""
        if len(self.names) == 1:
            return self.message
        place = f" in {self.region}" if self.region else ""
        return f"{self.kind.replace('_', ' ')}{place} ({len(self.names)} secrets): {some_names(self.names, _MAX_NAMES)}"

    @property
    def example(self) -> str | None:
        """The message of the first of several secrets."""
        return f"for example: {self.message}" if len(self.names) > 1 else None

    @property
    def next_step(self) -> str | None:
        """The next command, for the first of several secrets."""
        return f"for the first, {self.hint}" if self.hint and len(self.names) > 1 else self.hint


def group_issues(secrets: Iterable[SecretReport]) -> list[Issue]:
    """Return the problems by kind and Region, in order; findings that only inform are none."""
    groups: dict[tuple[str, Region | None], Issue] = {}
    for secret in secrets:
        for issue in _issues(secret):
            group = groups.setdefault((issue.kind, issue.region), issue)
            if secret.label not in group.names[-1:]:
                group.names.append(secret.label)
    return list(groups.values())


_CAUSES = {
    Kind.FAILED: {Kind.NAME_CONFLICT, Kind.KEY_MISSING, Kind.KEY_DISABLED, Kind.KEY_UNUSABLE},
    Kind.MISSING: {Kind.NAME_CONFLICT},
}
"""A finding -> those that explain it."""


def causes(row: RegionReport) -> Iterator[Finding]:
    """Yield the findings of a row, without those that another one explains."""
    kinds = {finding.kind for finding in row.findings}
    return (finding for finding in row.findings if not _CAUSES.get(finding.kind, set()) & kinds)


def _issues(secret: SecretReport) -> Iterator[Issue]:
    if secret.error is not None:
        yield Issue(secret.error.code, None, secret.error.message, secret.error.hint)
    for row in secret.replicas:
        if row.error is not None:
            yield Issue(row.error.code, row.region, row.error.message, row.error.hint)
        for finding in causes(row):
            if finding.kind is Kind.UNCHECKED or (row.error is None and finding.severity is Severity.ERROR):
                yield Issue(finding.kind.value, row.region, finding.message, finding.hint)
