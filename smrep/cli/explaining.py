"""What is said on standard error about a result: troubles with their hints, notes, what is unchecked."""

from __future__ import annotations

from collections.abc import Iterator

from smrep.cli.app import App
from smrep.errors import Outcome, OutputError
from smrep.output.summary import TELLING, closing
from smrep.report import Kind, RegionReport, Report, Severity
from smrep.rules.closing import go_on
from smrep.rules.commands import connected
from smrep.rules.matters import matters

_LOUD = (Kind.NO_VALUE, Kind.STUCK)
"""Kinds of warnings that are told whatever the command."""
_MOST = 10
"""Matters of a kind that are told; the result has all of it."""


def is_mute(report: Report) -> bool:
    """Tell whether the run ended because standard output took no more events; it takes no result either."""
    return report.error is not None and report.error.code == OutputError.__name__


def explain(app: App, report: Report) -> None:
    """Say on standard error what the rows have no room for: troubles with their hints, notes, what is unchecked.

    What the result itself tells in full is not said twice.
    """
    say = app.messages
    told = app.output == "table" and report.command in TELLING and app.stdout is not None
    for finding in list(dict.fromkeys(each for secret in report.secrets for each in secret.findings))[:_MOST]:
        say.warning(finding.message)
        say.hint(finding.hint)
    if report.summary is not None:
        _explain_many(app, report)
        return

    def rows() -> Iterator[RegionReport]:
        return (row for secret in report.secrets for row in secret.replicas)

    for secret in report.secrets:
        for note in secret.notes:
            say.warning(note)
        if secret.error:
            say.trouble(secret.error)
    if not told:
        for severity, message, hint in dict.fromkeys(each for row in rows() for each in _troubles(row, report.command)):
            {Severity.ERROR: say.error, Severity.WARNING: say.warning, Severity.INFO: say.note}[severity](message)
            say.hint(hint)
        unchecked = [
            each
            for row in rows()
            for each in row.findings
            if each.kind is Kind.UNCHECKED and not (row.error and row.error.code == each.kind)
        ]
        if unchecked:
            say.warning(
                f"unchecked, which is not a pass: {'; '.join(dict.fromkeys(each.message for each in unchecked))}"
            )
            for hint in list(dict.fromkeys(each.hint for each in unchecked))[:_MOST]:
                say.hint(hint)
    if report.error:
        say.trouble(report.error)
        going_on = connected(go_on(report.secrets) or "", app.options.connection)
        if (report.outcome in (Outcome.ACCESS, Outcome.BUG) or is_mute(report)) and going_on not in (
            report.error.hint or ""
        ):
            say.hint(going_on)


def _explain_many(app: App, report: Report) -> None:
    """Say what is amiss with many secrets, the same things together, and the counts where the result has none."""
    say = app.messages
    notes = list(dict.fromkeys(note for secret in report.secrets for note in secret.notes))
    for note in notes[:_MOST]:
        say.warning(note)
    if len(notes) > _MOST:
        say.warning(f"and {len(notes) - _MOST} more of the kind")
    found = matters(report.secrets)
    for matter in found[:_MOST]:
        say.warning(matter.title)
        if matter.example:
            say.detail(matter.example)
        say.hint(matter.cure)
    if len(found) > _MOST:
        say.warning(f"and {len(found) - _MOST} more kinds of trouble: -o json has them all")
    if (app.output != "table" or app.result) and (report.secrets or not report.error):
        say.note(closing(report))
    if report.error:
        say.trouble(report.error)
    elif app.next_step:
        say.hint(connected(app.next_step() or "", app.options.connection))


def _troubles(row: RegionReport, command: str | None) -> list[tuple[Severity, str, str | None]]:
    """Return what is to be said of a row, with its hint: what stops it, or all that was found where that is the job."""
    if row.error:
        return [(Severity.ERROR, row.error.message, row.error.hint)]
    found = [each for each in row.findings if each.kind is not Kind.UNCHECKED]
    loud = [each for each in found if each.severity is Severity.ERROR or each.kind in _LOUD or command in TELLING]
    return [(each.severity, each.message, each.hint) for each in loud]
