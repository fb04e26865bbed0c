"""Findings about one Region: for `doctor`, and for a replica stuck in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, Severity
from smrep.rules.hints import duration, format_command_on, remove_then_replicate, step, steps
from smrep.rules.replication.blockers import region_state
from smrep.rules.replication.findings import failed, in_progress, listed_but_missing, not_checked, removing
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import (
    NameLookup,
    NameOwner,
    NoSecret,
    NotChecked,
    conflict_finding,
    last_dates,
    name_owner,
    our_replica,
)
from smrep.rules.replication.region_step import with_replica_key
from smrep.rules.replication.replica_state import worst


def region_findings(
    primary: Secret, target: Target, look: NameLookup, states: Mapping[str, bool] | None
) -> tuple[Finding, ...]:
    """Return the findings about a target Region: its entry, its secret of this name, and the account's Regions."""
    region, entry = target.region, primary.replica(target.region)
    name_holder = name_owner(primary, look)
    results: list[Finding] = []
    if states is not None:
        results += region_state(region, states)
    if not results:
        results += not_checked(primary, region, look)
    if entry and entry.status == FAILED:
        results.append(failed(primary, entry))
    elif entry and entry.status != IN_SYNC:
        results.append(in_progress(primary, entry))
    elif entry and isinstance(look, NoSecret):
        results.append(listed_but_missing(primary, region, look))
    if isinstance(look, Secret) and name_holder is not NameOwner.OURS:
        results.append(conflict_finding(primary, target, look, name_holder))
    elif entry is None and name_holder is NameOwner.OURS:
        results.append(removing(primary, region))
    return tuple(results)


def is_unusable(findings: tuple[Finding, ...]) -> bool:
    """Return whether the Region is unusable, so that nothing else needs a check."""
    return any(finding.kind in (Kind.REGION_DISABLED, Kind.REGION_UNKNOWN) for finding in findings)


def outcome_of(findings: tuple[Finding, ...]) -> Outcome:
    """Return the outcome for the exit code: an error, a denied check, or something in progress."""
    outcomes = [Outcome.OK]
    for finding in findings:
        if finding.kind is Kind.UNCHECKED:
            outcomes.append(finding.outcome or Outcome.ACCESS)
        elif finding.kind is Kind.WRONG_KEY:
            outcomes.append(Outcome.DRIFT)
        elif finding.severity is Severity.ERROR:
            outcomes.append(Outcome.FAILED)
        elif finding.kind in (Kind.IN_PROGRESS, Kind.REMOVING):
            outcomes.append(Outcome.PENDING)
    return worst(outcomes)


def diagnosis_row(primary: Secret, target: Target, look: NameLookup, findings: tuple[Finding, ...]) -> RegionReport:
    """Return the row of one Region."""
    region, replica = target.region, our_replica(primary, look)
    entry = with_replica_key(primary.replica(region), replica)
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


def _note(look: NameLookup, replica: Secret | None) -> str | None:
    """Return the note on this name's owner, if it causes no conflict."""
    if isinstance(look, NoSecret):
        return None if look.only_by_arn else "name is free"
    return f"our replica, {last_dates(replica)}" if replica else None


def region_row(region: Region, key: str | None, findings: tuple[Finding, ...]) -> RegionReport:
    """Return the row of a Region checked without a secret."""
    return RegionReport(region=region, outcome=outcome_of(findings), kms_key_id=key, findings=findings)


_MINUTE_S = 60
_PAGE = "smrep help runbooks stuck"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The time since smrep first saw a Region InProgress."""

    now: datetime
    seconds: float

    @property
    def since(self) -> str:
        """The start, as RFC 3339 in UTC."""
        return f"{self.now - timedelta(seconds=self.seconds):%Y-%m-%dT%H:%M:%SZ}"


def stuck_findings(primary: Secret, entry: Replica, sighting: Sighting, look: NameLookup) -> tuple[Finding, ...]:
    """Return the findings about a stuck Region; `look` is the result of a check there.

    No call moves it on. Known to help: remove the Region and replicate again, or put a new value.
    Source: aws-behavior.md 10.
    """
    name, region = primary.name, entry.region
    longer_s = _MINUTE_S * max(1, ceil(2 * sighting.seconds / _MINUTE_S))
    wait = format_command_on(primary, "wait", [Target(region)], ["--timeout", duration(longer_s)])
    key = entry.kms_key_id if entry.kms_key_id != DEFAULT else None
    again = remove_then_replicate(primary, [Target(region, key)])
    replica = our_replica(primary, look)
    stranger = look if isinstance(look, Secret) and replica is None else None
    gap = f", which leaves {region} without it for about a minute" if replica else ""
    return (
        Finding(
            Kind.STUCK,
            Severity.WARNING,
            f"{name} in {region} has been InProgress since at least {sighting.since} "
            f"({duration(round(sighting.seconds, 1))}); {_replica_summary(primary, look)}",
            steps(
                step("wait longer", wait),
                step(f"or remove the Region and replicate again{gap}", *again),
                step("or read the runbook", _PAGE),
            ),
        ),
        *(
            (conflict_finding(primary, Target(region, key), stranger, name_owner(primary, stranger)),)
            if stranger
            else ()
        ),
    )


def _replica_summary(primary: Secret, look: NameLookup) -> str:
    """Return whether the replica exists and is current."""
    if isinstance(look, NoSecret):
        return "no replica is there yet"
    if isinstance(look, NotChecked):
        return f"the replica could not be checked{f': {look.error.message}' if look.error else ''}"
    if our_replica(primary, look) is None:
        return f"the secret there is not its replica: {look.arn}"
    current, replicated = primary.version("AWSCURRENT"), look.version("AWSCURRENT")
    if current is None:
        return "the secret holds no value yet"
    if replicated == current:
        return "the replica there holds the current version"
    return f"the replica there is outdated: it holds {replicated or 'no version'}, the primary {current}"
