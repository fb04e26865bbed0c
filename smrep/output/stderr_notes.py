"""Errors, findings and hints, written to standard error after the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome, OutputError
from smrep.output.summary_line import TELLING, closing
from smrep.output.terminal import Messages
from smrep.regions import Region
from smrep.report import Kind, RegionReport, Report, SecretReport, Severity
from smrep.rules.hints import connected, some
from smrep.rules.run_outcome import go_on

_LOUD = (Kind.NO_VALUE, Kind.STUCK)
"""Kinds of warnings that are told whatever the command."""
_MOST = 10
"""Matters of a kind that are told; the result has all of it."""


def is_mute(report: Report) -> bool:
    """Tell whether the run ended because standard output took no more events; it takes no result either."""
    return report.error is not None and report.error.code == OutputError.__name__


def explain(
    report: Report,
    say: Messages,
    connection: tuple[str, ...] = (),
    *,
    has_table: bool = False,
    next_step: str | None = None,
) -> None:
    """Say on standard error what the rows have no room for: troubles with their hints, notes, what is unchecked.

    What a table on standard output tells in full is not said twice. `connection` has the flags that every command of a
    hint needs; `next_step` is a command.
    """
    told = has_table and report.command in TELLING
    for finding in list(dict.fromkeys(each for secret in report.secrets for each in secret.findings))[:_MOST]:
        say.warning(finding.message)
        say.hint(finding.hint)
    if report.summary is not None:
        _explain_many(report, say, has_counts=has_table)
        if not report.error and next_step is not None:
            say.hint(connected(next_step, connection))
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
        going_on = connected(go_on(report.secrets) or "", connection)
        if (report.outcome in (Outcome.ACCESS, Outcome.BUG) or is_mute(report)) and going_on not in (
            report.error.hint or ""
        ):
            say.hint(going_on)


def _explain_many(report: Report, say: Messages, *, has_counts: bool) -> None:
    """Say what is amiss with many secrets, the same things together, and the counts where the result has none."""
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
    if not has_counts and (report.secrets or not report.error):
        say.note(closing(report))
    if report.error:
        say.trouble(report.error)


def _troubles(row: RegionReport, command: str | None) -> list[tuple[Severity, str, str | None]]:
    """Return what is to be said of a row, with its hint: what stops it, or all that was found where that is the job."""
    if row.error:
        return [(Severity.ERROR, row.error.message, row.error.hint)]
    found = [each for each in row.findings if each.kind is not Kind.UNCHECKED]
    loud = [each for each in found if each.severity is Severity.ERROR or each.kind in _LOUD or command in TELLING]
    return [(each.severity, each.message, each.hint) for each in loud]


_FEW = 3


@dataclass(slots=True)
class Matter:
    """One thing that is amiss with one or more secrets."""

    what: str
    """A kind of finding, or an error's code."""
    region: Region | None
    message: str
    """What is amiss with the first of them."""
    hint: str | None
    names: list[str] = field(default_factory=list)
    """Each once, in the order in which they come."""

    @property
    def title(self) -> str:
        """What it is, where, and which secrets it is about; the message itself where it is about one."""
        if len(self.names) == 1:
            return self.message
        where = f" in {self.region}" if self.region else ""
        return f"{self.what.replace('_', ' ')}{where} ({len(self.names)} secrets): {some(self.names, _FEW)}"

    @property
    def example(self) -> str | None:
        """What is amiss with the first of several."""
        return f"for example: {self.message}" if len(self.names) > 1 else None

    @property
    def cure(self) -> str | None:
        """What to type next, for the first of several."""
        return f"for the first: {self.hint}" if self.hint and len(self.names) > 1 else self.hint


def matters(secrets: Iterable[SecretReport]) -> list[Matter]:
    """Return what is amiss, in the order in which it is met; what merely tells something is none."""
    found: dict[tuple[str, Region | None], Matter] = {}
    for secret in secrets:
        for each in _of(secret):
            matter = found.setdefault((each.what, each.region), each)
            if secret.label not in matter.names[-1:]:
                matter.names.append(secret.label)
    return list(found.values())


def _of(secret: SecretReport) -> Iterator[Matter]:
    if secret.error is not None:
        yield Matter(secret.error.code, None, secret.error.message, secret.error.hint)
    for row in secret.replicas:
        yield from _in_region(row)


def _in_region(row: RegionReport) -> Iterator[Matter]:
    if row.error is not None:
        yield Matter(row.error.code, row.region, row.error.message, row.error.hint)
    for each in row.findings:
        if each.kind is Kind.UNCHECKED or (row.error is None and each.severity is Severity.ERROR):
            yield Matter(each.kind.value, row.region, each.message, each.hint)
