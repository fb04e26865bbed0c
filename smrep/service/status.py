"""`status`: the replication state of each Region as AWS shows it now, with one DescribeSecret per secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Secret, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, SecretReport, Severity, Trouble
from smrep.rules.asked import Address, check_regions
from smrep.rules.causes import failure
from smrep.rules.commands import aws, spell
from smrep.rules.far_ends import far_findings
from smrep.rules.findings import failed, missing, no_value, unsettled
from smrep.rules.settle import Course, row, told
from smrep.service.looking import Found, doomed, find, refusal, troubles_elsewhere
from smrep.service.ports import Clock, SecretsManager

WATCH_S = 2.0
"""The pause between two looks of `--watch`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `status` and `wait` were asked for; no Regions means all that are listed."""

    addresses: tuple[Address, ...]
    regions: tuple[Region, ...] = ()
    expect_account: str | None = None


def status(aws: SecretsManager, asked: Asked) -> tuple[SecretReport, ...]:
    """Return each secret with one row per Region asked for.

    Raises:
        CredentialsError: no further call can succeed.
        UsageError: a Region asked for is the primary's own or of another partition; another account than expected.

    """
    found = find(aws, asked.addresses, follow=True, expect_account=asked.expect_account)
    return tuple(_report(each, asked) for each in found)


def watch(aws: SecretsManager, asked: Asked, clock: Clock) -> Iterator[tuple[SecretReport, ...]]:
    """Yield the state again and again, without end; ends only if nothing could be found at the first look."""
    secrets = status(aws, asked)
    yield secrets
    while any(secret.arn for secret in secrets):
        clock.sleep(WATCH_S)
        yield status(aws, asked)


def followed(found: Found) -> tuple[str, ...]:
    """Return the note that a replica was asked for and its primary is reported."""
    if found.replica is None:
        return ()
    where = found.replica.primary_region
    return (f"{found.replica.name} in {found.replica.region} is a replica; its primary in {where} is what is reported",)


def _report(found: Found, asked: Asked) -> SecretReport:
    secret = found.what
    if isinstance(secret, Trouble):
        return unfound(found, secret, asked.regions)
    check_regions([secret.region], asked.regions)
    regions = asked.regions or tuple(entry.region for entry in secret.replicas)
    empty = no_value(secret)
    shown = (_row(secret, region) for region in regions)
    rows = tuple(replace(each, findings=(*each.findings, *empty)) for each in shown)
    notes = (*followed(found), *troubles_elsewhere(secret, regions))
    return told(secret, rows, doomed(secret), notes, () if rows else empty)


def _row(secret: Secret, region: Region) -> RegionReport:
    entry = secret.replica(region)
    if entry is None:
        return RegionReport(region, Outcome.FAILED, findings=(missing(secret, region),))
    course = Course(region, seen=entry)
    if entry.status == FAILED:
        return row(replace(course, error=failure(secret, entry), findings=(failed(secret, entry),)), secret)
    if entry.status == IN_SYNC:
        return row(course, secret)
    return row(replace(course, findings=(unsettled(secret, entry),)), secret)


def unfound(found: Found, error: Trouble, regions: tuple[Region, ...]) -> SecretReport:
    """Return the report of a secret whose primary could not be described.

    Where a replica was asked for and only its primary does not answer, what the replica itself shows is reported.
    """
    replica = found.replica
    if replica is None or replica.primary_region is None:
        return refusal(found, error)
    dead = error.code == "ResourceNotFoundException"
    if not dead and error.outcome is Outcome.FAILED:
        error = replace(error, outcome=Outcome.PENDING)
    finding = Finding(
        Kind.ORPHAN if dead else Kind.IS_REPLICA,
        Severity.ERROR if dead else Severity.WARNING,
        f"{replica.name} in {replica.region} is a replica of {replica.primary_region}, "
        + ("where its primary is no more" if dead else "which does not tell its state; this is what the replica shows"),
        aws("secretsmanager stop-replication-to-replica", secret_id=replica.arn, region=replica.region)
        + " makes it stand alone"
        if dead
        else spell("status", [replica.id_in(replica.primary_region)], primary_region=replica.primary_region),
    )

    def shown(region: Region) -> RegionReport:
        if region != replica.region:
            return RegionReport(region, error.outcome)
        return RegionReport(
            region,
            error.outcome,
            arn=replica.arn,
            kms_key_id=replica.kms_key_id,
            last_accessed=replica.last_accessed,
            findings=(finding,),
        )

    return SecretReport(
        name=replica.name,
        outcome=error.outcome,
        arn=None if dead else in_region(replica.arn, replica.primary_region),
        primary_region=replica.primary_region,
        replicas=tuple(shown(region) for region in regions or (replica.region,)),
        error=error,
        cross_account=replica.cross_account,
        findings=far_findings(replica),
    )
