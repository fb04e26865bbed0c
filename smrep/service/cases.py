"""The state of a run: one case per secret, one course per Region asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from smrep.errors import SmrepError
from smrep.model import FAILED, RegionReport, Replica, Secret, SecretReport, Trouble, in_region
from smrep.regions import Region
from smrep.rules.asked import Address
from smrep.rules.causes import failure
from smrep.rules.settle import Course, observed, row, worst
from smrep.service.ports import Clock


@dataclass(slots=True)
class Case:
    """One secret on its way: what was found of it, and the course of each Region, replaced as news come in."""

    address: Address
    primary: Secret | None = None
    error: Trouble | None = None
    courses: dict[Region, Course] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

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

    def observe(self, entries: Iterable[Replica], regions: Iterable[Region], now: float) -> None:
        """Take in what an answer lists for these Regions; a Region that it does not list is news too."""
        listed = {entry.region: entry for entry in entries}
        for region in regions:
            self.courses[region] = observed(self.courses[region], listed.get(region), now)

    def fail(self, regions: Iterable[Region], error: SmrepError) -> None:
        """Give these Regions the error as their end."""
        for region in regions:
            self.change(region, error=Trouble.of(error))

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the case as it stands."""
        rows = tuple(self._row(course, waiting, dry_run) for course in self.courses.values())
        outcomes = [each.outcome for each in rows]
        if self.error:
            outcomes.append(self.error.outcome)
        primary = self.primary
        home = primary.primary_region or primary.region if primary else self.address.region
        return SecretReport(
            name=primary.name if primary else self.address.secret_id,
            outcome=worst(outcomes),
            arn=in_region(primary.arn, home) if primary else None,
            primary_region=home,
            replicas=rows,
            error=self.error,
            notes=tuple(self.notes),
        )

    def _row(self, course: Course, waiting: bool, dry_run: bool) -> RegionReport:  # noqa: FBT001
        assert self.primary is not None, "a course needs a primary"  # noqa: S101
        if course.error is None and course.fresh_status == FAILED and course.seen and not dry_run:
            ended = replace(course, error=failure(self.primary, course.seen))
            return row(ended, self.primary, waiting=waiting)
        return row(course, self.primary, waiting=waiting, dry_run=dry_run)


def reports(cases: Iterable[Case], *, waiting: bool = True, dry_run: bool = False) -> tuple[SecretReport, ...]:
    """Return all cases as they stand."""
    return tuple(case.report(waiting=waiting, dry_run=dry_run) for case in cases)


def open_regions(cases: Iterable[Case]) -> Iterator[tuple[Case, Course]]:
    """Yield each Region that is still worth waiting for, with its case."""
    for case in cases:
        if case.error is None:
            yield from ((case, course) for course in case.courses.values() if course.is_open)


def observe(case: Case, secret: Secret, clock: Clock) -> None:
    """Take in a whole new answer to DescribeSecret."""
    case.primary = secret
    case.observe(secret.replicas, tuple(case.courses), clock.monotonic())
