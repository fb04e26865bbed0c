"""Decides whether a secret has its wanted replicas, from two lists and a check of the primary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from smrep.errors import AwsError, Outcome
from smrep.model import IN_SYNC, Listed, Replica, Role, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.hints import format_command, format_command_on, step, steps
from smrep.rules.replication.findings import failed_check_outcome, unchecked
from smrep.rules.replication.key_failures import DEFAULT, delete_commands
from smrep.rules.replication.name_owner import NameLookup, our_replica
from smrep.rules.replication.replica_comparison import BothSides, Same, compare_replica
from smrep.rules.replication.replica_state import secret_report

ALWAYS = ("secrets", "covered", "missing", "failed", "in_progress", "stale", "wrong_key", "extra", "orphan")
"""Counts that an audit's summary always has, even at 0; scripts may rely on them."""
BY_LISTING = "current by listing"
"""The note of a row that listing alone covers."""


def is_covered(primary: Listed, target: Target, replica: Listed, same: Callable[[Target, str, str], bool]) -> bool:
    """Return whether the lists of two Regions show our current replica under the wanted key.

    No list shows InSync. Source: aws-behavior.md 1.5. A secret without a value proves nothing.
    """
    return (
        replica.role is Role.REPLICA
        and replica.primary_region == primary.region == primary.primary_region
        and replica.current == primary.current is not None
        and replica.deleted is None
        and replica.arn == in_region(primary.arn, target.region)
        and same(target, replica.kms_key_id or DEFAULT, primary.account)
    )


def listed_report(secret: Listed) -> SecretReport:
    """Return a secret as listed, without rows."""
    return SecretReport(secret.name, Outcome.OK, secret.arn, secret.region, checked_by="list", role=secret.role)


def covered_row(primary: Listed, target: Target) -> RegionReport:
    """Return the row of a Region covered by listing, which carries no status."""
    return RegionReport(
        target.region,
        Outcome.OK,
        arn=in_region(primary.arn, target.region),
        wanted_key=target.kms_key,
        note=BY_LISTING,
    )


def unlisted_row(target: Target, error: AwsError) -> RegionReport:
    """Return the row of a Region that could not be listed."""
    finding = unchecked(f"the secrets in {target.region}", error, f"secretsmanager:ListSecrets in {target.region}")
    return RegionReport(target.region, failed_check_outcome(error), wanted_key=target.kms_key, findings=(finding,))


def examined_row(primary: Secret, target: Target, look: NameLookup, same: Same) -> RegionReport:
    """Return the row of a Region after a check of the primary, and of the Region if the lists left a doubt."""
    proof = compare_replica(BothSides(primary, target.region, look, None, None, target.kms_key), same)
    entry, replica = primary.replica(target.region), our_replica(primary, look)
    return RegionReport(
        region=target.region,
        outcome=proof.outcome,
        arn=in_region(primary.arn, target.region) if replica else None,
        status=entry.status if entry else None,
        status_message=entry.message if entry else None,
        kms_key_id=(replica.kms_key_id or DEFAULT) if replica else entry.kms_key_id if entry else None,
        wanted_key=target.kms_key,
        last_accessed=entry.last_accessed if entry else None,
        findings=proof.findings,
    )


def extra_row(primary: Secret, entry: Replica, *, unwanted: bool) -> RegionReport:
    """Return the row of a replica that no rule wants; `unwanted` if the rules remove extra replicas."""
    finding = Finding(
        Kind.EXTRA,
        Severity.ERROR if unwanted else Severity.INFO,
        f"{primary.name} has a replica in {entry.region} that no rule asks for",
        step("remove it", format_command_on(primary, "remove", [Target(entry.region)])),
    )
    return RegionReport(
        region=entry.region,
        outcome=Outcome.DRIFT if unwanted else Outcome.OK,
        arn=in_region(primary.arn, entry.region) if entry.status == IN_SYNC else None,
        status=entry.status,
        status_message=entry.message,
        kms_key_id=entry.kms_key_id,
        last_accessed=entry.last_accessed,
        findings=(finding,),
    )


def orphan(replicas: Sequence[Listed], home: Region) -> SecretReport:
    """Return the report of replicas whose primary is gone; it has no usable ARN."""
    name = replicas[0].name
    rows = [
        RegionReport(
            replica.region,
            Outcome.DRIFT,
            arn=replica.arn,
            kms_key_id=replica.kms_key_id,
            findings=(
                Finding(
                    Kind.ORPHAN,
                    Severity.ERROR,
                    f"{name} in {replica.region} is a replica whose primary in {home} no longer exists",
                    steps(
                        step(
                            "it may be the last one; to keep it",
                            format_command("promote", [name], targets=[Target(replica.region)]),
                        ),
                        step("if nobody needs it", *delete_commands(replica.arn, replica.region)),
                    ),
                ),
            ),
        )
        for replica in replicas
    ]
    return replace(secret_report(replicas[0].as_seen(), rows), arn=None, primary_region=home, checked_by="describe")


def summary(reports: Iterable[SecretReport], covered: int) -> dict[str, int]:
    """Return the number of secrets by finding; `covered` more secrets have none."""
    counts: Counter[str] = Counter(dict.fromkeys(ALWAYS, 0))
    counts["secrets"] = counts["covered"] = covered
    for secret in reports:
        kinds = {finding.kind.value for row in secret.replicas for finding in row.findings}
        if secret.error is not None:
            kinds.add("in_trouble")
        counts.update(kinds)
        counts["secrets"] += 1
        counts["covered"] += secret.outcome is Outcome.OK
    return dict(counts)
