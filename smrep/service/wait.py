"""`wait`: wait for replica Regions without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.report import SecretReport, Trouble
from smrep.rules.primary_region import check_regions
from smrep.rules.replication.findings import missing
from smrep.rules.replication.replica_state import LIST_LAG_S, Course
from smrep.service.ports import Clock, SecretsManager
from smrep.service.status import Asked
from smrep.service.steps.closing_look import ClosingLook
from smrep.service.steps.lookup import (
    Found,
    Patient,
    bare,
    doomed,
    find,
    followed,
    refusal,
    troubles_elsewhere,
    unfound,
)
from smrep.service.steps.parallel import nothing, patience
from smrep.service.steps.secret_replication import Case, Member, Waiter, cases, open_regions, reports


@dataclass(slots=True)
class Awaiting:
    """One run of `wait`: `act` looks and waits, `secrets` tells how it stands."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    asked: Asked
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""
    members: list[Member] = field(default_factory=list)

    def act(self) -> Iterator[None]:
        """Wait for the Regions asked for, yielding after each tick.

        A Region that the list does not have is given as long as AWS's answers may lag, then it is `missing`.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was seen up to then.
            UsageError: as for `status`.

        """
        asked = self.asked
        found = find(
            Patient(self.aws, self.clock, self.deadline),
            asked.addresses,
            follow=True,
            expect_account=asked.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        self.members = [self._member(each) for each in found]
        yield
        lag_ends = self.clock.monotonic() + LIST_LAG_S
        if self.clock.monotonic() >= self.deadline:
            self._give_up_on_absent()
        elif any(open_regions(self.members)):
            for _ in Waiter(self.aws, self.clock, self.deadline, pulse=self.pulse).settle(cases(self.members)):
                if self.clock.monotonic() >= lag_ends:
                    self._give_up_on_absent()
                yield
        ClosingLook(self.aws, self.clock, self.deadline, self.pulse).confirm(cases(self.members))

    def secrets(self) -> tuple[SecretReport, ...]:
        """Return every secret as it stands, in the order asked."""
        return reports(self.members)

    def _member(self, found: Found) -> Member:
        primary = found.what
        if isinstance(primary, Trouble):
            return unfound(found, primary, self.asked.regions)
        check_regions([primary.region], self.asked.regions)
        regions = self.asked.regions or tuple(entry.region for entry in primary.replicas)
        error = doomed(primary)
        if not regions and error is None:
            error = bare(primary, "wait for")
        if error:
            return refusal(found, error)
        courses = {region: Course(region, seen=primary.replica(region)) for region in regions}
        notes = [*followed(found), *troubles_elsewhere(primary, regions)]
        return Case(primary, courses, notes, without_value=Outcome.DRIFT)

    def _give_up_on_absent(self) -> None:
        for case, course in tuple(open_regions(self.members)):
            if course.seen is None:
                finding = missing(case.primary, course.region)
                error = Trouble("missing", finding.message, finding.hint, None, Outcome.FAILED)
                case.change(course.region, findings=(finding,), error=error)
