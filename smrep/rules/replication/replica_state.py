"""Whether a replica Region is done, how it ended, and which of many endings counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, in_region, without_request_id
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport
from smrep.rules.replication.findings import far_findings

LEFTOVER_S = 30.0
"""After so long a Failed entry counts as the new call's result, even if it looks like the old one."""

LIST_LAG_S = 15.0
"""For so long may a Region that AWS knows be missing from its answers; AWS gives no figure (aws-behavior.md 3)."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What has become of one replica Region during a run, up to the newest look."""

    region: Region
    wanted_key: str | None = None
    own_key: str | None = None
    """The key that a look into the Region showed on our replica; the primary's list may not follow it."""
    overwrites: str | None = None
    """The ARN of a promoted replica that may be destroyed."""
    action: Action | None = None
    seen: Replica | None = None
    """The newest entry of the Region; None where the newest answer had none."""
    leftover: Replica | None = None
    """The entry from before our request, as long as what is seen may still be it."""
    sent_at: float | None = None
    """When our request went out, in the clock's seconds; None where none did."""
    in_progress_since: float | None = None
    """When the Region was first seen InProgress without a break, in the clock's seconds."""
    accepted: bool = False
    """Whether AWS is known to have taken our request."""
    held_until_gone: bool = False
    """An old replica is being removed there, and our request waits for that."""
    vacant: bool = False
    """A look into the Region found nothing before our request."""
    seen_there: bool | None = None
    """Whether the last look into the Region found our replica; None where none was made or answered."""
    verified: bool | None = None
    """What a proof at the end made of it."""
    proved: Outcome = Outcome.OK
    """What that proof makes of the outcome."""
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None

    @property
    def fresh_status(self) -> str | None:
        """AWS's word, unless it may be left over from before our request or the entry is missing."""
        if self.seen is None or self.leftover is not None:
            return None
        return self.seen.status

    @property
    def is_open(self) -> bool:
        """Whether waiting on makes sense: neither in sync nor failed nor stopped."""
        return self.error is None and self.fresh_status not in (IN_SYNC, FAILED)


def after_request(course: ReplicaState, now: float, *, accepted: bool) -> ReplicaState:
    """Return the course after a request went out: what was listed before is no result of it."""
    return replace(course, sent_at=now, accepted=accepted, leftover=course.seen, held_until_gone=False, error=None)


def after_look(course: ReplicaState, entry: Replica | None, now: float) -> ReplicaState:
    """Return the course after a look at the primary.

    Our own Failed ends a Region for good. An entry left over from before our request counts as new once it shows
    another status or message; one that is Failed also after LEFTOVER_S, if AWS is known to have taken the request.
    It is known to have where something new is listed, also long after an answer was lost.
    """
    if course.error is not None or course.fresh_status == FAILED:
        return course
    leftover = course.leftover
    if leftover is not None and entry is not None:
        was, now_is = ((each.status, without_request_id(each.message)) for each in (leftover, entry))
        if was != now_is or (leftover.status == FAILED and _had_time(course, now)):
            leftover = None
    since = in_progress_since(course.in_progress_since, entry, now)
    known = replace(course, seen=entry, leftover=leftover, in_progress_since=since)
    return replace(known, accepted=True) if course.sent_at is not None and has_moved(known) else known


def in_progress_since(before: float | None, entry: Replica | None, now: float) -> float | None:
    """Return since when an entry has been seen InProgress, given what that was before this look."""
    if entry is None or entry.status != IN_PROGRESS:
        return None
    return now if before is None else before


def _had_time(course: ReplicaState, now: float) -> bool:
    return course.accepted and course.sent_at is not None and now - course.sent_at >= LEFTOVER_S


def has_moved(course: ReplicaState) -> bool:
    """Tell whether the list shows that AWS took our request: the Region appeared, or its entry changed."""
    return course.seen is not None and course.leftover is None


def outcome(course: ReplicaState) -> Outcome:
    """Return how the Region ended, PENDING while it has not."""
    if course.error is not None:
        return course.error.outcome
    if course.fresh_status == FAILED:
        return Outcome.FAILED
    if course.fresh_status != IN_SYNC:
        return Outcome.PENDING
    drift = any(each.kind is Kind.WRONG_KEY for each in course.findings)
    return worst([course.proved, Outcome.DRIFT if drift else Outcome.OK])


def region_report(
    course: ReplicaState, primary: Secret, *, waiting: bool = True, dry_run: bool = False
) -> RegionReport:
    """Return the course as a row of the report; `waiting` is False where --no-wait was typed."""
    entry = course.seen
    ended = outcome(course)
    if dry_run and course.error is None:
        ended = Outcome.OK
    elif ended is Outcome.PENDING and not waiting and course.accepted:
        ended = Outcome.ACCEPTED
    key = course.own_key or (entry.kms_key_id if entry else course.wanted_key)
    if dry_run and course.action is not Action.KEEP:
        key = course.wanted_key  # what would be sent
    backed = course.fresh_status == IN_SYNC if course.seen_there is None else course.seen_there
    return RegionReport(
        region=course.region,
        outcome=ended,
        arn=in_region(primary.arn, course.region) if backed and course.error is None else None,
        status=entry.status if entry else None,
        status_message=entry.message if entry else None,
        kms_key_id=key,
        wanted_key=course.wanted_key,
        overwrites=course.overwrites,
        last_accessed=entry.last_accessed if entry else None,
        action=course.action,
        changed=course.accepted,
        verified=course.verified,
        findings=course.findings,
        error=course.error,
    )


def secret_report(
    primary: Secret,
    rows: Sequence[RegionReport],
    error: Problem | None = None,
    notes: Iterable[str] = (),
    findings: Iterable[Finding] = (),
) -> SecretReport:
    """Return the secret with its rows; the worst of them and of the secret's own trouble is how it ended.

    `findings` are about the secret and for none of its rows.
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
        findings=(*far_findings(primary), *findings),
        notes=tuple(notes),
    )


def worst_first(reports: Iterable[SecretReport]) -> list[SecretReport]:
    """Return the secrets by how they ended, and as they came where they ended alike."""
    order = list(Outcome)
    return sorted(reports, key=lambda each: order.index(each.outcome))


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that counts: the first of the order in which Outcome lists them, OK where there is none."""
    order = list(Outcome)
    return min(outcomes, key=order.index, default=Outcome.OK)
