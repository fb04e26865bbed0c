"""Decides whether `remove` may act in a Region, and when a replica is really gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import aws_command, format_command_on, step, steps
from smrep.rules.replication.findings import not_checked, removing
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, name_owner, secret_summary
from smrep.rules.replication.replica_state import LIST_LAG_S, worst

GONE, BEING_REMOVED = "gone", "being removed"
"""Notes of a row, as AWS has no status for them."""


@dataclass(frozen=True, slots=True)
class ReplicaDeletion:
    """The removal of one replica, up to the newest check."""

    region: Region
    before: Replica | None = None
    """The primary's entry before our request."""
    victim: Secret | None = None
    """Our replica at the newest check of its Region; None if it is missing."""
    shown: Secret | None = None
    """Our replica as shown for confirmation."""
    wanted: bool = False
    """Whether to send a request: the primary lists the Region."""
    gone: bool = False
    sent_at: float | None = None
    """The time of our request, in the clock's seconds; None without one."""
    accepted: bool = False
    """Whether AWS is known to have accepted our request."""
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None

    @property
    def is_not_checked(self) -> bool:
        """Whether a failed check stopped it."""
        return any(finding.kind is Kind.UNCHECKED for finding in self.findings)

    @property
    def is_open(self) -> bool:
        """Whether to keep waiting for the Region."""
        return self.error is None and not self.gone


def plan_deletion(primary: Secret, region: Region, look: NameLookup) -> ReplicaDeletion:
    """Return the removal: only our replica, or an entry without one, may be removed.

    AWS is already removing a replica that the primary no longer lists: send nothing and wait.
    """
    entry = primary.replica(region)
    if isinstance(look, NotChecked):
        return _blocked_deletion(
            region, _unchecked(primary, region, look), look.error.outcome if look.error else Outcome.FAILED
        )
    if entry and not_checked(primary, region, look):
        return _blocked_deletion(region, _unchecked(primary, region, look), Outcome.ACCESS)
    if isinstance(look, Secret) and not is_ours(primary, look):
        return _blocked_deletion(region, _conflict(primary, look))
    victim = look if isinstance(look, Secret) else None
    leaving = (removing(primary, region),) if victim and entry is None else ()
    return ReplicaDeletion(
        region,
        entry,
        victim,
        victim,
        wanted=entry is not None,
        gone=victim is None and entry is None,
        findings=leaving,
    )


def removal_blocker(primary: Secret, wanted: Iterable[RegionReport]) -> Problem | None:
    """Return why nothing may be removed yet, None once the secret is in sync in all wanted Regions.

    Otherwise the last replica could disappear while its replacement fails.
    """
    rows = [row for row in wanted if row.status != IN_SYNC or row.outcome not in (Outcome.OK, Outcome.DRIFT)]
    if not rows:
        return None
    return Problem(
        "NotRemoved",
        f"{primary.name}: no replica is removed until the secret is in sync in "
        + ", ".join(row.region for row in rows),
        next((row.error.hint for row in rows if row.error and row.error.hint), None),
        None,
        worst([Outcome.PENDING, *(row.outcome for row in rows if row.error)]),
    )


def is_ours(primary: Secret, secret: Secret) -> bool:
    """Return whether it is our replica, even if AWS already shows it as being deleted."""
    return name_owner(primary, replace(secret, deleted=None)) is NameOwner.OURS


def after_check(deletion: ReplicaDeletion, primary: Secret, look: NameLookup, now: float) -> ReplicaDeletion:
    """Return the removal after another check of the Region: only 'not found' means gone.

    A listed replica may exist although the Region does not show it, and one in progress may still appear. For those,
    'not found' counts only after AWS's answers had time to catch up.
    """
    if not deletion.is_open or isinstance(look, NotChecked):
        return deletion
    if isinstance(look, NoSecret):
        return _after_not_found(deletion, now)
    if not is_ours(primary, look):
        finding = _conflict(primary, look)
        return replace(deletion, findings=(finding,), error=Problem.about(finding))
    under_way = deletion.accepted or not deletion.wanted
    return replace(
        deletion, victim=look, findings=(removing(primary, deletion.region),) if under_way else deletion.findings
    )


def _after_not_found(deletion: ReplicaDeletion, now: float) -> ReplicaDeletion:
    """Return the removal after 'not found', which proves nothing about a request without an answer.

    Only the list does: the replica may never have existed, or an earlier request may have removed it.
    """
    if deletion.wanted and not deletion.accepted:
        return deletion
    status = deletion.before.status if deletion.before else None
    settled = deletion.before is None or status == FAILED or (status == IN_SYNC and deletion.victim is not None)
    had_time = deletion.sent_at is None or now - deletion.sent_at >= LIST_LAG_S
    if not (settled or had_time):
        return deletion
    findings = tuple(finding for finding in deletion.findings if finding.kind is not Kind.REMOVING)
    return replace(deletion, gone=True, findings=findings)


def deletion_report(
    deletion: ReplicaDeletion, primary: Secret, *, waiting: bool = True, dry_run: bool = False
) -> RegionReport:
    """Return the removal as a row of the report; `waiting` is False with --no-wait."""
    untouched = deletion.sent_at is None  # also true of a refused request
    listed = deletion.before if untouched else None
    if deletion.error is not None:
        outcome = deletion.error.outcome
    elif deletion.gone or dry_run:
        outcome = Outcome.OK
    else:
        outcome = Outcome.ACCEPTED if deletion.accepted and not waiting else Outcome.PENDING
    replica = deletion.victim if not deletion.gone and (untouched or deletion.error is None) else None
    return RegionReport(
        region=deletion.region,
        outcome=outcome,
        arn=in_region(primary.arn, deletion.region) if replica else None,
        status=listed.status if listed else None,
        status_message=listed.message if listed else None,
        kms_key_id=replica.kms_key_id if replica else None,
        last_accessed=replica.last_accessed if replica else None,
        action=Action.REMOVE,
        changed=deletion.accepted,
        findings=deletion.findings,
        error=deletion.error,
        note=_note(deletion),
    )


def _note(deletion: ReplicaDeletion) -> str | None:
    if deletion.error is not None:
        return None
    return GONE if deletion.gone else BEING_REMOVED if deletion.accepted or not deletion.wanted else None


def _blocked_deletion(region: Region, finding: Finding, outcome: Outcome = Outcome.FAILED) -> ReplicaDeletion:
    return ReplicaDeletion(region, findings=(finding,), error=Problem.about(finding, outcome))


def _unchecked(primary: Secret, region: Region, look: NameLookup) -> Finding:
    """Return the finding for a Region skipped because it could not be checked."""
    (finding,) = not_checked(primary, region, look) or (
        Finding(Kind.UNCHECKED, Severity.ERROR, f"{primary.name} in {region} was not checked"),
    )
    return replace(
        finding, severity=Severity.ERROR, message=f"smrep removes only what it could check, and {finding.message}"
    )


def _conflict(primary: Secret, secret: Secret) -> Finding:
    """Return why smrep skips the secret of this name."""
    name, region = primary.name, secret.region
    describe = aws_command("secretsmanager describe-secret", secret_id=secret.arn, region=region)
    again = format_command_on(primary, "remove", [Target(region)])
    spared = "and removing the Region may delete it"
    match name_owner(primary, secret):
        case NameOwner.PROMOTED:
            kind, state = Kind.PROMOTED, f"was promoted, {spared}"
        case NameOwner.PENDING_DELETION:
            kind, state = Kind.PENDING_DELETION, "is scheduled for deletion"
        case NameOwner.FOREIGN:
            kind, state = Kind.ORPHAN, f"is a replica of another primary in {secret.primary_region}, {spared}"
        case _:
            kind, state = Kind.NAME_CONFLICT, f"is a different secret, {spared}"
    return Finding(
        kind,
        Severity.ERROR,
        f"{name} in {region} {state}: {secret_summary(secret)}",
        steps(step("look at it", describe), step("once it is gone", again)),
    )
