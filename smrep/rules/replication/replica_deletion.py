"""What `remove` may do in a Region, and when a replica is really gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import aws_command, format_command_on
from smrep.rules.replication.findings import removing, unseen
from smrep.rules.replication.name_owner import Absent, NameLookup, NameOwner, NotChecked, name_owner, secret_summary
from smrep.rules.replication.replica_state import LIST_LAG_S, worst


@dataclass(frozen=True, slots=True)
class ReplicaDeletion:
    """What has become of one replica that is to go, up to the newest look."""

    region: Region
    before: Replica | None = None
    """The primary's entry before anything was sent."""
    victim: Secret | None = None
    """Our replica as the newest look into the Region showed it; None where nothing is there."""
    shown: Secret | None = None
    """The same as whoever confirmed the removal was shown it."""
    wanted: bool = False
    """Whether a request is to be sent: the primary lists the Region."""
    gone: bool = False
    sent_at: float | None = None
    """When our request went out, in the clock's seconds; None where none did."""
    accepted: bool = False
    """Whether AWS is known to have taken our request."""
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None

    @property
    def is_unseen(self) -> bool:
        """Whether it was stopped because nobody could look."""
        return any(each.kind is Kind.UNCHECKED for each in self.findings)

    @property
    def is_open(self) -> bool:
        """Whether the Region is still to be waited for."""
        return self.error is None and not self.gone


def plan_deletion(primary: Secret, region: Region, look: NameLookup) -> ReplicaDeletion:
    """Return what is to be done: only what is seen to be our replica, or nothing at all, may be removed.

    A replica that the primary does not list any more is on its way out: nothing is sent, and it is waited for.
    """
    entry = primary.replica(region)
    if isinstance(look, NotChecked):
        return _stopped(region, _unchecked(primary, region, look), look.error.outcome if look.error else Outcome.FAILED)
    if entry and unseen(primary, region, look):
        return _stopped(region, _unchecked(primary, region, look), Outcome.ACCESS)
    if isinstance(look, Secret) and not is_ours(primary, look):
        return _stopped(region, _not_ours(primary, look))
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


def why_kept(primary: Secret, wanted: Iterable[RegionReport]) -> Problem | None:
    """Return why nothing may be removed yet, None where something may: the secret is in sync wherever it is wanted.

    Else the last replica might be taken away while the one in its place does not come.
    """
    rows = [row for row in wanted if row.status != IN_SYNC or row.outcome not in (Outcome.OK, Outcome.DRIFT)]
    if not rows:
        return None
    return Problem(
        "NotRemoved",
        f"{primary.name} is not removed from anywhere as long as it is not in sync in "
        + ", ".join(row.region for row in rows),
        next((row.error.hint for row in rows if row.error and row.error.hint), None),
        None,
        worst([Outcome.PENDING, *(row.outcome for row in rows if row.error)]),
    )


def is_ours(primary: Secret, there: Secret) -> bool:
    """Tell whether it is our replica, also one that AWS already shows as being deleted."""
    return name_owner(primary, replace(there, deleted=None)) is NameOwner.OURS


def after_look(known: ReplicaDeletion, primary: Secret, look: NameLookup, now: float) -> ReplicaDeletion:
    """Return the departure after another look into the Region: only 'not found' means gone.

    What was listed and not seen may be there all the same, and what was not settled may still come into being, so there
    'not found' counts once AWS's answers had time.
    """
    if not known.is_open or isinstance(look, NotChecked):
        return known
    if isinstance(look, Absent):
        return _missed(known, now)
    if not is_ours(primary, look):
        finding = _not_ours(primary, look)
        return replace(known, findings=(finding,), error=Problem.about(finding))
    under_way = known.accepted or not known.wanted
    return replace(known, victim=look, findings=(removing(primary, known.region),) if under_way else known.findings)


def _missed(known: ReplicaDeletion, now: float) -> ReplicaDeletion:
    """Return the departure after 'not found', which does not tell of a request that no answer came to.

    Only the list does: nothing may have been there before, or it may go by an earlier request.
    """
    if known.wanted and not known.accepted:
        return known
    status = known.before.status if known.before else None
    settled = known.before is None or status == FAILED or (status == IN_SYNC and known.victim is not None)
    had_time = known.sent_at is None or now - known.sent_at >= LIST_LAG_S
    if not (settled or had_time):
        return known
    findings = tuple(each for each in known.findings if each.kind is not Kind.REMOVING)
    return replace(known, gone=True, findings=findings)


def deletion_report(
    known: ReplicaDeletion, primary: Secret, *, waiting: bool = True, dry_run: bool = False
) -> RegionReport:
    """Return the departure as a row of the report; `waiting` is False where --no-wait was typed."""
    untouched = known.sent_at is None  # a refused request too
    listed = known.before if untouched else None
    if known.error is not None:
        outcome = known.error.outcome
    elif known.gone or dry_run:
        outcome = Outcome.OK
    else:
        outcome = Outcome.ACCEPTED if known.accepted and not waiting else Outcome.PENDING
    there = known.victim if not known.gone and (untouched or known.error is None) else None
    return RegionReport(
        region=known.region,
        outcome=outcome,
        arn=in_region(primary.arn, known.region) if there else None,
        status=listed.status if listed else None,
        status_message=listed.message if listed else None,
        kms_key_id=there.kms_key_id if there else None,
        last_accessed=there.last_accessed if there else None,
        action=Action.REMOVE,
        changed=known.accepted,
        findings=known.findings,
        error=known.error,
        note=_note(known),
    )


def _note(known: ReplicaDeletion) -> str | None:
    if known.error is not None:
        return None
    return "gone" if known.gone else "being removed" if known.accepted or not known.wanted else None


def _stopped(region: Region, finding: Finding, outcome: Outcome = Outcome.FAILED) -> ReplicaDeletion:
    return ReplicaDeletion(region, findings=(finding,), error=Problem.about(finding, outcome))


def _unchecked(primary: Secret, region: Region, look: NameLookup) -> Finding:
    """Return the finding for a Region that could not be looked into, and is therefore left alone."""
    (finding,) = unseen(primary, region, look) or (Finding(Kind.UNCHECKED, Severity.ERROR, "not looked at"),)
    return replace(finding, severity=Severity.ERROR, message=f"only what was seen is removed, and {finding.message}")


def _not_ours(primary: Secret, there: Secret) -> Finding:
    """Return why what bears the name there is left alone."""
    name, region = primary.name, there.region
    describe = aws_command("secretsmanager describe-secret", secret_id=there.arn, region=region)
    again = format_command_on(primary, "remove", [Target(region)])
    spared = "AWS is not known to spare it when the Region is removed"
    match name_owner(primary, there):
        case NameOwner.PROMOTED:
            kind, what = Kind.PROMOTED, f"was our replica once and stands alone now, {spared}"
        case NameOwner.DOOMED:
            kind, what = Kind.PENDING_DELETION, "is scheduled for deletion"
        case NameOwner.FOREIGN:
            kind, what = Kind.ORPHAN, f"is a replica of another primary in {there.primary_region}, {spared}"
        case _:
            kind, what = Kind.NAME_CLASH, f"is another secret, {spared}"
    return Finding(
        kind,
        Severity.ERROR,
        f"{name} in {region} {what}: {secret_summary(there)}",
        f"look at it: {describe}; when it is out of the way: {again}",
    )
