"""The look at the end into each Region that is in sync, by the primary's list, or stuck in progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smrep.errors import Outcome
from smrep.model import IN_PROGRESS, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.report import Finding
from smrep.rules.replication.diagnosis import Sighting, stuck
from smrep.rules.replication.findings import absent, unseen
from smrep.rules.replication.name_owner import Absent, Bearer, Look, Unseen, bearer, obstacle
from smrep.rules.replication.replica_state import LIST_LAG_S, Course
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import look, no_answer
from smrep.service.steps.parallel import abreast, nothing, patience
from smrep.service.steps.polling import poll
from smrep.service.steps.secret_replication import Case


def look_past_lag(aws: SecretsManager, primary: Secret, region: Region, clock: Clock, deadline: float) -> Look:
    """Return what bears the name in a Region that is listed InSync.

    What is not found there yet is given the time of a lagging answer, up to the deadline in the clock's seconds.
    """
    *_, last = poll(
        lambda: look(aws, primary, region),
        lambda found: not isinstance(found, Absent),
        clock=clock,
        deadline=min(deadline, clock.monotonic() + LIST_LAG_S),
    )
    return last


def is_ours(primary: Secret, seen: Look) -> bool | None:
    """Tell whether a look found our replica, None where the look could not be made."""
    return None if isinstance(seen, Unseen) else bearer(primary, seen) is Bearer.OURS


@dataclass(frozen=True, slots=True)
class ClosingLook:
    """Looks once into each Region, before one deadline in the clock's seconds."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""

    def confirm(self, cases: Sequence[Case], needless: Callable[[Course], bool] = lambda _: False) -> None:
        """Find what is no replica of ours in the Regions that are in sync, which is drift, and say which are stuck.

        What is in sync and `needless` is not looked at. A look that could not be made is `unchecked` and changes no
        outcome.

        Raises:
            CredentialsError: no further call can succeed.

        """
        due = [
            (case, course.region)
            for case in cases
            if case.error is None
            for course in case.courses.values()
            if course.error is None
            and ((course.fresh_status == IN_SYNC and not needless(course)) or self._sighting(course))
        ]
        seen = abreast(
            lambda each: look_past_lag(self.aws, each[0].primary, each[1], self.clock, self.deadline),
            due,
            late=lambda each: Unseen(no_answer(f"{each[0].primary.name} in {each[1]}")),
            patience_s=patience(self.clock, self.deadline),
            pulse=self.pulse,
        )
        for (case, region), there in zip(due, seen, strict=True):
            course = case.courses[region]
            sighting = self._sighting(course)
            if sighting and course.seen:
                findings = stuck(case.primary, course.seen, sighting, there)
                case.change(region, findings=(*course.findings, *findings), seen_there=is_ours(case.primary, there))
                continue
            ours = is_ours(case.primary, there)
            found = _found(case.primary, Target(region, course.wanted_key), there)
            case.change(
                region,
                seen_there=ours,
                proved=Outcome.DRIFT if ours is False else course.proved,
                findings=tuple(dict.fromkeys((*course.findings, *found))),
            )

    def _sighting(self, course: Course) -> Sighting | None:
        """Return how long a Region has been seen InProgress, None where it is not, or there is time left."""
        if course.fresh_status != IN_PROGRESS:
            return None
        return sighting(self.clock, self.deadline, course.in_progress_since)


def sighting(clock: Clock, deadline: float, since: float | None) -> Sighting | None:
    """Return how long something has been seen InProgress, None before the deadline and where it was seen but once."""
    now = clock.monotonic()
    return Sighting(clock.now(), now - since) if since is not None and now >= deadline and now > since else None


def _found(primary: Secret, target: Target, there: Look) -> tuple[Finding, ...]:
    """Return what there is to say of a Region that is listed InSync."""
    if isinstance(there, Unseen):
        return unseen(primary, target.region, there)
    if isinstance(there, Absent):
        return (absent(primary, target.region, there),)
    who = bearer(primary, there)
    return () if who is Bearer.OURS else (obstacle(primary, target, there, who),)
