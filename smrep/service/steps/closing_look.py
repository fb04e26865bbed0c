"""Check the Regions that the primary lists as in sync or stuck in progress, at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from smrep.errors import Outcome
from smrep.model import IN_PROGRESS, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.rules.replication.diagnosis import Sighting, stuck_findings
from smrep.rules.replication.findings import listed_but_missing, not_checked
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding, name_owner
from smrep.rules.replication.replica_state import LIST_LAG_S, ReplicaState
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name, no_answer
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll
from smrep.service.steps.secret_replication import SecretReplication


def look_past_lag(aws: SecretsManager, primary: Secret, region: Region, clock: Clock, deadline: float) -> NameLookup:
    """Look up the name in a Region that is listed InSync.

    Retry a missing replica while the answer may lag, up to the deadline in the clock's seconds.
    """
    return poll(
        lambda: look_up_name(aws, primary, region),
        lambda lookup: not isinstance(lookup, NoSecret),
        clock=clock,
        deadline=min(deadline, clock.monotonic() + LIST_LAG_S),
    )


def is_ours(primary: Secret, seen: NameLookup) -> bool | None:
    """Return whether the lookup found our replica, None if it could not be made."""
    return None if isinstance(seen, NotChecked) else name_owner(primary, seen) is NameOwner.OURS


def look_at_end(
    aws: SecretsManager,
    replications: Sequence[SecretReplication],
    run: RunState,
    needless: Callable[[ReplicaState], bool] = lambda _: False,
) -> None:
    """Report drift in Regions listed as in sync, and replicas that are stuck in progress.

    Look into each Region once, and skip Regions in sync that are `needless`. A failed lookup becomes `unchecked` and
    changes no outcome.

    Raises:
        CredentialsError: no further call can succeed.

    """
    open_states = [
        (replication, state)
        for replication in replications
        if replication.error is None
        for state in replication.states.values()
        if state.error is None and ((state.fresh_status == IN_SYNC and not needless(state)) or _sighting(state, run))
    ]
    looks = parallel(
        lambda pair: look_past_lag(aws, pair[0].primary, pair[1].region, run.clock, run.deadline),
        open_states,
        late=lambda pair: NotChecked(no_answer(f"{pair[0].primary.name} in {pair[1].region}")),
        patience_s=time_left(run.clock, run.deadline),
        pulse=run.heartbeat,
    )
    for (replication, state), seen in zip(open_states, looks, strict=True):
        replication.states[state.region] = _after_look(replication.primary, state, seen, _sighting(state, run))


def _after_look(primary: Secret, state: ReplicaState, seen: NameLookup, stuck_since: Sighting | None) -> ReplicaState:
    """Return the state with the result of the lookup."""
    ours = is_ours(primary, seen)
    if stuck_since and state.seen:
        findings = stuck_findings(primary, state.seen, stuck_since, seen)
        return replace(state, findings=(*state.findings, *findings), replica_seen=ours)
    if isinstance(seen, NotChecked):
        findings = not_checked(primary, state.region, seen)
    elif isinstance(seen, NoSecret):
        findings = (listed_but_missing(primary, state.region, seen),)
    elif ours:
        findings = ()
    else:
        target = Target(state.region, state.wanted_key)
        findings = (conflict_finding(primary, target, seen, name_owner(primary, seen)),)
    proved = Outcome.DRIFT if ours is False else state.proved
    findings = tuple(dict.fromkeys((*state.findings, *findings)))
    return replace(state, replica_seen=ours, proved=proved, findings=findings)


def _sighting(state: ReplicaState, run: RunState) -> Sighting | None:
    """Return how long a Region has been InProgress, None if it is not or time is left."""
    if state.fresh_status != IN_PROGRESS:
        return None
    return sighting(run.clock, run.deadline, state.in_progress_since)


def sighting(clock: Clock, deadline: float, since: float | None) -> Sighting | None:
    """Return how long a replica has been seen InProgress, None before the deadline or after a single look."""
    now = clock.monotonic()
    return Sighting(clock.now(), now - since) if since is not None and now >= deadline and now > since else None
