"""The look at the end into each Region that is in sync, by the primary's list, or stuck in progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from smrep.errors import Outcome
from smrep.model import IN_PROGRESS, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.report import Finding
from smrep.rules.replication.diagnosis import Sighting, stuck
from smrep.rules.replication.findings import absent, unseen
from smrep.rules.replication.name_owner import Absent, NameLookup, NameOwner, NotChecked, name_owner, obstacle
from smrep.rules.replication.replica_state import LIST_LAG_S, ReplicaState
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name, no_answer
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll
from smrep.service.steps.secret_replication import SecretReplication


def look_past_lag(aws: SecretsManager, primary: Secret, region: Region, clock: Clock, deadline: float) -> NameLookup:
    """Return what bears the name in a Region that is listed InSync.

    What is not found there yet is given the time of a lagging answer, up to the deadline in the clock's seconds.
    """
    return poll(
        lambda: look_up_name(aws, primary, region),
        lambda found: not isinstance(found, Absent),
        clock=clock,
        deadline=min(deadline, clock.monotonic() + LIST_LAG_S),
    )


def is_ours(primary: Secret, seen: NameLookup) -> bool | None:
    """Tell whether a look found our replica, None where the look could not be made."""
    return None if isinstance(seen, NotChecked) else name_owner(primary, seen) is NameOwner.OURS


def _looked_at_everywhere(_: ReplicaState) -> bool:
    return False


def look_at_end(
    aws: SecretsManager,
    cases: Sequence[SecretReplication],
    run: RunState,
    needless: Callable[[ReplicaState], bool] = _looked_at_everywhere,
) -> None:
    """Find what is no replica of ours in the Regions that are in sync, which is drift, and say which are stuck.

    Each is looked into once; what is in sync and `needless` is not. A look that could not be made is `unchecked` and
    changes no outcome.

    Raises:
        CredentialsError: no further call can succeed.

    """
    due = [
        (case, course)
        for case in cases
        if case.error is None
        for course in case.courses.values()
        if course.error is None
        and ((course.fresh_status == IN_SYNC and not needless(course)) or _sighting(course, run))
    ]
    looks = parallel(
        lambda pair: look_past_lag(aws, pair[0].primary, pair[1].region, run.clock, run.deadline),
        due,
        late=lambda pair: NotChecked(no_answer(f"{pair[0].primary.name} in {pair[1].region}")),
        patience_s=time_left(run.clock, run.deadline),
        pulse=run.heartbeat,
    )
    for (case, course), seen in zip(due, looks, strict=True):
        case.courses[course.region] = _after_look(case.primary, course, seen, _sighting(course, run))


def _after_look(primary: Secret, course: ReplicaState, seen: NameLookup, stuck_since: Sighting | None) -> ReplicaState:
    """Return the course with what the look into its Region shows."""
    own = is_ours(primary, seen)
    if stuck_since and course.seen:
        found = stuck(primary, course.seen, stuck_since, seen)
        return replace(course, findings=(*course.findings, *found), seen_there=own)
    found = _found(primary, Target(course.region, course.wanted_key), seen)
    proved = Outcome.DRIFT if own is False else course.proved
    findings = tuple(dict.fromkeys((*course.findings, *found)))
    return replace(course, seen_there=own, proved=proved, findings=findings)


def _sighting(course: ReplicaState, run: RunState) -> Sighting | None:
    """Return how long a Region has been seen InProgress, None where it is not, or there is time left."""
    if course.fresh_status != IN_PROGRESS:
        return None
    return sighting(run.clock, run.deadline, course.in_progress_since)


def sighting(clock: Clock, deadline: float, since: float | None) -> Sighting | None:
    """Return how long something has been seen InProgress, None before the deadline and where it was seen but once."""
    now = clock.monotonic()
    return Sighting(clock.now(), now - since) if since is not None and now >= deadline and now > since else None


def _found(primary: Secret, target: Target, there: NameLookup) -> tuple[Finding, ...]:
    """Return what there is to say of a Region that is listed InSync."""
    if isinstance(there, NotChecked):
        return unseen(primary, target.region, there)
    if isinstance(there, Absent):
        return (absent(primary, target.region, there),)
    who = name_owner(primary, there)
    return () if who is NameOwner.OURS else (obstacle(primary, target, there, who),)
