"""What `doctor` says of a Region, from a look into it and the primary's list."""

from __future__ import annotations

from collections.abc import Mapping

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, Severity
from smrep.rules.findings import absent, failed, removing, unseen, unsettled
from smrep.rules.health import region_state
from smrep.rules.plan import entry_under
from smrep.rules.preflight import Absent, Bearer, Look, ages, bearer, obstacle, ours
from smrep.rules.settle import worst


def region_findings(
    primary: Secret, target: Target, look: Look, states: Mapping[str, bool] | None
) -> tuple[Finding, ...]:
    """Return what the list, the name's bearer and the account's Regions say of a target Region."""
    region, entry = target.region, primary.replica(target.region)
    who = bearer(primary, look)
    found: list[Finding] = []
    if states is not None:
        found += region_state(region, states)
    if not found:
        found += unseen(primary, region, look)
    if entry and entry.status == FAILED:
        found.append(failed(primary, entry))
    elif entry and entry.status != IN_SYNC:
        found.append(unsettled(primary, entry))
    elif entry and isinstance(look, Absent):
        found.append(absent(primary, region, look))
    if isinstance(look, Secret) and who is not Bearer.OURS:
        found.append(obstacle(primary, target, look, who))
    elif entry is None and who is Bearer.OURS:
        found.append(removing(primary, region))
    return tuple(found)


def is_hopeless(findings: tuple[Finding, ...]) -> bool:
    """Tell whether the Region can't be used at all, so that nothing more need be asked of it."""
    return any(each.kind in (Kind.REGION_DISABLED, Kind.REGION_UNKNOWN) for each in findings)


def outcome_of(findings: tuple[Finding, ...]) -> Outcome:
    """Return what the findings make of the exit code: a no, a look that was denied, something unfinished."""
    outcomes = [Outcome.OK]
    for each in findings:
        if each.kind is Kind.UNCHECKED:
            outcomes.append(each.outcome or Outcome.ACCESS)
        elif each.kind is Kind.WRONG_KEY:
            outcomes.append(Outcome.DRIFT)
        elif each.severity is Severity.ERROR:
            outcomes.append(Outcome.FAILED)
        elif each.kind in (Kind.IN_PROGRESS, Kind.REMOVING):
            outcomes.append(Outcome.PENDING)
    return worst(outcomes)


def diagnosed(primary: Secret, target: Target, look: Look, findings: tuple[Finding, ...]) -> RegionReport:
    """Return the row of one Region."""
    region, replica = target.region, ours(primary, look)
    entry = entry_under(primary.replica(region), replica)
    return RegionReport(
        region=region,
        outcome=outcome_of(findings),
        arn=in_region(primary.arn, region) if replica else None,
        status=entry.status if entry else None,
        status_message=entry.message if entry else None,
        kms_key_id=entry.kms_key_id if entry else target.kms_key,
        last_accessed=entry.last_accessed if entry else None,
        findings=findings,
        note=_note(look, replica),
    )


def _note(look: Look, replica: Secret | None) -> str | None:
    """Return what bears the name, where that is in nobody's way."""
    if isinstance(look, Absent):
        return None if look.to_the_arn else "nothing bears the name"
    return f"our replica, {ages(replica)}" if replica else None


def region_only(region: Region, key: str | None, findings: tuple[Finding, ...]) -> RegionReport:
    """Return the row of a Region that was asked for without any secret."""
    return RegionReport(region=region, outcome=outcome_of(findings), kms_key_id=key, findings=findings)
