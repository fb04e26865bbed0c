"""The state of a replica Region during a run, its outcome, and the worst of several outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, in_region, without_request_id
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport
from smrep.rules.replication.findings import cross_account_findings

LEFTOVER_S = 30.0
"""Seconds until a Failed entry counts as the new request's result, even if it looks like the old one."""

LIST_LAG_S = 15.0
"""Seconds during which AWS's answers may lack a Region; AWS gives no figure (aws-behavior.md 3)."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """The state of one replica Region during a run, up to the newest check."""

    region: Region
    wanted_key: str | None = None
    own_key: str | None = None
    """The key that our replica shows in its Region; the primary's list may lag behind it."""
    overwrites: str | None = None
    """The ARN of a promoted replica that may be destroyed."""
    action: Action | None = None
    seen: Replica | None = None
    """The Region's newest entry; None if the newest answer had none."""
    leftover: Replica | None = None
    """The entry from before our request, while `seen` may still be it."""
    sent_at: float | None = None
    """The time of our request, in the clock's seconds; None without one."""
    in_progress_since: float | None = None
    """The start of the Region's unbroken InProgress, in the clock's seconds."""
    accepted: bool = False
    """Whether AWS is known to have accepted our request."""
    held_until_gone: bool = False
    """Whether our request waits until the old replica is gone."""
    vacant: bool = False
    """Whether a check of the Region before our request found nothing."""
    replica_seen: bool | None = None
    """Whether the last check of the Region found our replica; None without a check or an answer."""
    verified: bool | None = None
    """The result of the final verification."""
    proved: Outcome = Outcome.OK
    """The outcome of the final verification."""
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None

    @property
    def fresh_status(self) -> str | None:
        """AWS's status; None if the entry is missing or may predate our request."""
        if self.seen is None or self.leftover is not None:
            return None
        return self.seen.status

    @property
    def is_open(self) -> bool:
        """Whether to keep waiting: neither in sync nor failed nor stopped."""
        return self.error is None and self.fresh_status not in (IN_SYNC, FAILED)


def after_request(state: ReplicaState, now: float, *, accepted: bool) -> ReplicaState:
    """Return the state after our request: earlier entries are not its result."""
    return replace(state, sent_at=now, accepted=accepted, leftover=state.seen, held_until_gone=False, error=None)


def after_check(state: ReplicaState, entry: Replica | None, now: float) -> ReplicaState:
    """Return the state after a check of the primary.

    A Failed of our own request is final. An entry from before our request counts as new once its status or message
    changes; a Failed one also after LEFTOVER_S, if AWS is known to have accepted the request. A new entry shows that
    it did, even long after a lost answer.
    """
    if state.error is not None or state.fresh_status == FAILED:
        return state
    leftover = state.leftover
    if leftover is not None and entry is not None:
        was, now_is = ((replica.status, without_request_id(replica.message)) for replica in (leftover, entry))
        had_time = state.accepted and state.sent_at is not None and now - state.sent_at >= LEFTOVER_S
        if was != now_is or (leftover.status == FAILED and had_time):
            leftover = None
    since = in_progress_since(state.in_progress_since, entry, now)
    updated = replace(state, seen=entry, leftover=leftover, in_progress_since=since)
    return replace(updated, accepted=True) if state.sent_at is not None and has_moved(updated) else updated


def in_progress_since(before: float | None, entry: Replica | None, now: float) -> float | None:
    """Return the start of an entry's InProgress, given the start known before this check."""
    if entry is None or entry.status != IN_PROGRESS:
        return None
    return now if before is None else before


def has_moved(state: ReplicaState) -> bool:
    """Return whether the list shows that AWS accepted our request: the Region appeared, or its entry changed."""
    return state.seen is not None and state.leftover is None


def outcome(state: ReplicaState) -> Outcome:
    """Return the Region's outcome, PENDING until it has one."""
    if state.error is not None:
        return state.error.outcome
    if state.fresh_status == FAILED:
        return Outcome.FAILED
    if state.fresh_status != IN_SYNC:
        return Outcome.PENDING
    drift = any(finding.kind is Kind.WRONG_KEY for finding in state.findings)
    return worst([state.proved, Outcome.DRIFT if drift else Outcome.OK])


def region_report(state: ReplicaState, primary: Secret, *, waiting: bool = True, dry_run: bool = False) -> RegionReport:
    """Return the state as a row of the report; `waiting` is False with --no-wait."""
    entry = state.seen
    ended = outcome(state)
    if dry_run and state.error is None:
        ended = Outcome.OK
    elif ended is Outcome.PENDING and not waiting and state.accepted:
        ended = Outcome.ACCEPTED
    key = state.own_key or (entry.kms_key_id if entry else state.wanted_key)
    if dry_run and state.action is not Action.KEEP:
        key = state.wanted_key  # the key to send
    backed = state.fresh_status == IN_SYNC if state.replica_seen is None else state.replica_seen
    return RegionReport(
        region=state.region,
        outcome=ended,
        arn=in_region(primary.arn, state.region) if backed and state.error is None else None,
        status=entry.status if entry else None,
        status_message=entry.message if entry else None,
        kms_key_id=key,
        wanted_key=state.wanted_key,
        overwrites=state.overwrites,
        last_accessed=entry.last_accessed if entry else None,
        action=state.action,
        changed=state.accepted,
        verified=state.verified,
        findings=state.findings,
        error=state.error,
    )


def secret_report(
    primary: Secret,
    rows: Sequence[RegionReport],
    error: Problem | None = None,
    notes: Iterable[str] = (),
    findings: Iterable[Finding] = (),
) -> SecretReport:
    """Return the secret with its rows; its outcome is the worst of the rows' and its own error's.

    `findings` are about the secret as a whole.
    """
    outcomes = [row.outcome for row in rows]
    return SecretReport(
        name=primary.name,
        outcome=worst([*outcomes, error.outcome] if error else outcomes),
        arn=primary.arn,
        primary_region=primary.region,
        replicas=tuple(rows),
        error=error,
        cross_account=primary.cross_account,
        by_arn=primary.by_arn,
        findings=(*cross_account_findings(primary), *findings),
        notes=tuple(notes),
    )


def worst_first(reports: Iterable[SecretReport]) -> list[SecretReport]:
    """Return the secrets sorted by outcome, otherwise in their order."""
    return sorted(reports, key=lambda report: report.outcome.rank)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst outcome, in the order of Outcome; OK without any."""
    return min(outcomes, key=lambda outcome: outcome.rank, default=Outcome.OK)
