"""The state of a run: one case per secret, one course per Region asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from smrep.errors import Outcome, SmrepError
from smrep.model import FAILED, Replica, Secret
from smrep.regions import Region
from smrep.report import Action, Finding, RegionReport, SecretReport, Trouble
from smrep.rules.causes import failure
from smrep.rules.findings import no_value
from smrep.rules.plan import Add, Consent, Keep, Overwrite, Retry, Step, Stop
from smrep.rules.settle import Course, observed, row, told, worst


@dataclass(slots=True)
class Case:
    """One secret on its way: its primary as last seen, and the course of each Region, replaced as news come in."""

    primary: Secret
    courses: dict[Region, Course]
    notes: list[str] = field(default_factory=list)
    steps: tuple[Step, ...] = ()
    """What is to be done, where something is."""
    error: Trouble | None = None
    without_value: Outcome | None = None
    """How a Region in sync ends where the secret holds no value; None where nothing is said of that."""

    @property
    def is_open(self) -> bool:
        """Whether any Region is still worth waiting for."""
        return self.error is None and any(course.is_open for course in self.courses.values())

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS in this run."""
        return any(course.sent_at is not None for course in self.courses.values())

    def change(self, region: Region, **changes: object) -> None:
        """Replace fields of that Region's course."""
        self.courses[region] = replace(self.courses[region], **changes)  # type: ignore[arg-type]

    def observe(self, secret: Secret, now: float) -> None:
        """Take in a whole new answer to DescribeSecret; a Region that it does not list is news too."""
        self.primary = replace(secret, by_arn=self.primary.by_arn)
        self.observe_entries(secret.replicas, self.courses, now)

    def observe_entries(self, entries: Iterable[Replica], regions: Iterable[Region], now: float) -> None:
        """Take in what an answer lists for these Regions."""
        listed = {entry.region: entry for entry in entries}
        for region in tuple(regions):
            self.courses[region] = observed(self.courses[region], listed.get(region), now)

    def fail(self, regions: Iterable[Region], error: SmrepError) -> None:
        """Give these Regions the error as their end."""
        for region in regions:
            self.change(region, error=Trouble.of(error))

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the case as it stands."""
        rows = tuple(self._row(course, waiting=waiting, dry_run=dry_run) for course in self.courses.values())
        return told(self.primary, rows, self.error, self.notes, () if rows else self._empty)

    @property
    def _empty(self) -> tuple[Finding, ...]:
        """What is to be said where the secret holds no value."""
        return no_value(self.primary) if self.without_value else ()

    def _row(self, course: Course, *, waiting: bool, dry_run: bool) -> RegionReport:
        if course.error is None and course.fresh_status == FAILED and course.seen and not dry_run:
            course = replace(course, error=failure(self.primary, course.seen))
        if self._empty and self.without_value:
            found = tuple(dict.fromkeys((*course.findings, *self._empty)))
            course = replace(course, findings=found, proved=worst([course.proved, self.without_value]))
        return row(course, self.primary, waiting=waiting, dry_run=dry_run)


Member = Case | SecretReport
"""A secret of a run: on its way, or ended before it began."""


def cases(members: Iterable[Member]) -> list[Case]:
    """Return the secrets that are on their way."""
    return [each for each in members if isinstance(each, Case)]


class Reporting(Protocol):
    """A secret on its way, of whatever command."""

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands."""
        ...


def reports(
    members: Iterable[Reporting | SecretReport], *, waiting: bool = True, dry_run: bool = False
) -> tuple[SecretReport, ...]:
    """Return all secrets as they stand, in their order."""
    return tuple(
        each if isinstance(each, SecretReport) else each.report(waiting=waiting, dry_run=dry_run) for each in members
    )


def open_regions(members: Iterable[Member]) -> Iterator[tuple[Case, Course]]:
    """Yield each Region that is still worth waiting for, with its case."""
    for case in cases(members):
        if case.error is None:
            yield from ((case, course) for course in case.courses.values() if course.is_open)


def plain(case: Case) -> list[Region]:
    """Return the Regions of one common request."""
    return [
        step.target.region
        for step in case.steps
        if isinstance(step, Retry) or (isinstance(step, Add) and not step.removing)
    ]


def course_of(step: Step, consent: Consent) -> Course:
    """Return the course of a Region at its beginning."""
    course = Course(step.target.region, step.target.kms_key, findings=step.findings)
    match step:
        case Add():
            return replace(course, action=Action.ADD, held_until_gone=step.removing, vacant=step.vacant)
        case Retry() | Overwrite():
            action = Action.RETRY if isinstance(step, Retry) else Action.OVERWRITE
            promoted = isinstance(step, Overwrite) and step.victim.arn in consent.arns
            overwrites = step.victim.arn if isinstance(step, Overwrite) and promoted else None
            return replace(course, action=action, seen=step.before, leftover=step.before, overwrites=overwrites)
        case Keep():
            own_key = step.before.kms_key_id if step.seen_there else None
            there = step.seen_there or None
            return replace(course, action=Action.KEEP, seen=step.before, seen_there=there, own_key=own_key)
        case Stop():
            return replace(course, error=step.error)
        case _ as never:
            assert_never(never)
