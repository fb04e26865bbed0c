"""`wait`: wait for replica Regions without starting anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.model import Secret, SecretReport, Trouble
from smrep.rules.commands import spell
from smrep.rules.settle import LIST_LAG_S, Course
from smrep.service.cases import Case, open_regions, reports
from smrep.service.looking import Found, doomed, find, troubles_elsewhere
from smrep.service.ports import Clock, SecretsManager
from smrep.service.status import Asked, check_home, followed, missing, unfound
from smrep.service.waiting import Waiter


@dataclass(slots=True)
class Awaiting:
    """One run of `wait`: `act` looks and waits, `secrets` tells how it stands."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    asked: Asked
    found: tuple[Found, ...] = ()
    cases: dict[int, Case] = field(default_factory=dict)
    """By the place in `found`; a secret that was not found has none."""

    def act(self) -> Iterator[None]:
        """Wait for the Regions asked for, yielding after each tick.

        A Region that the list does not have is given as long as AWS's answers may lag, then it is `missing`.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was seen up to then.
            UsageError: as for `status`.

        """
        asked = self.asked
        self.found = find(self.aws, asked.addresses, follow=True, expect_account=asked.expect_account)
        for place, each in enumerate(self.found):
            if each.primary is not None:
                check_home(each.primary, asked.regions)
                self.cases[place] = self._case(each, each.primary)
        yield
        lag_ends = min(self.deadline, self.clock.monotonic() + LIST_LAG_S)
        if any(case.is_open for case in self.cases.values()):
            for _ in Waiter(self.aws, self.clock, self.deadline).settle(tuple(self.cases.values())):
                if self.clock.monotonic() >= lag_ends:
                    self._give_up_on_absent()
                yield

    def secrets(self) -> tuple[SecretReport, ...]:
        """Return every secret as it stands, in the order asked."""
        return tuple(
            reports([self.cases[place]])[0] if place in self.cases else unfound(each, self.asked.regions)
            for place, each in enumerate(self.found)
        )

    def _case(self, found: Found, primary: Secret) -> Case:
        regions = self.asked.regions or tuple(entry.region for entry in primary.replicas)
        error = doomed(primary)
        if not regions and error is None:
            error = Trouble(
                "NoReplicas",
                f"{primary.name} has no replicas: there is nothing to wait for",
                spell("replicate", [primary.name], primary_region=primary.region) + " -r REGION",
                None,
                Outcome.FAILED,
            )
        courses = {region: Course(region, seen=primary.replica(region)) for region in regions}
        return Case(found.address, primary, error, courses, [*followed(found), *troubles_elsewhere(primary, regions)])

    def _give_up_on_absent(self) -> None:
        for case, course in tuple(open_regions(self.cases.values())):
            if course.seen is None and case.primary is not None:
                finding = missing(case.primary, course.region)
                error = Trouble("missing", finding.message, finding.hint, None, Outcome.FAILED)
                case.change(course.region, findings=(finding,), error=error)
