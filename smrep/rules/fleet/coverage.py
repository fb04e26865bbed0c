"""Whether a secret is where it should be: what two lists tell, and what a look at the primary adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from smrep.errors import AwsError, Outcome
from smrep.model import IN_SYNC, Listed, Replica, Role, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.hints import format_command, format_command_on
from smrep.rules.replication.findings import doubt, unchecked
from smrep.rules.replication.key_failures import DEFAULT, cut_off
from smrep.rules.replication.name_owner import NameLookup, our_replica
from smrep.rules.replication.replica_comparison import BothSides, Same, compare_replica
from smrep.rules.replication.replica_state import secret_report

ALWAYS = ("secrets", "covered", "missing", "failed", "in_progress", "stale", "wrong_key", "extra", "orphan")
"""What an audit's summary has, also where it is none; scripts may rely on it."""


def is_covered(primary: Listed, target: Target, there: Listed, same: Callable[[Target, str, str], bool]) -> bool:
    """Tell whether the lists of two Regions show a replica that is ours and current, under the key that is wanted.

    That AWS calls it InSync no list tells. Source: aws-behavior.md 1.5. A secret without a value proves nothing.
    """
    return (
        there.role is Role.REPLICA
        and there.primary_region == primary.region == primary.primary_region
        and there.current == primary.current is not None
        and there.deleted is None
        and there.arn == in_region(primary.arn, target.region)
        and same(target, there.kms_key_id or DEFAULT, primary.account)
    )


def covered_row(primary: Listed, target: Target) -> RegionReport:
    """Return the row of a Region that is covered by listing, which carries no status."""
    return RegionReport(
        target.region,
        Outcome.OK,
        arn=in_region(primary.arn, target.region),
        wanted_key=target.kms_key,
        note="covered by listing",
    )


def unlisted_row(target: Target, error: AwsError) -> RegionReport:
    """Return the row of a Region whose list could not be had."""
    what = unchecked(f"what is in {target.region}", error, f"secretsmanager:ListSecrets in {target.region}")
    return RegionReport(target.region, doubt(error), wanted_key=target.kms_key, findings=(what,))


def examined_row(primary: Secret, target: Target, look: NameLookup, same: Same) -> RegionReport:
    """Return the row of a Region after a look at the primary, and into the Region where the lists left a doubt."""
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
    """Return the row of a Region where the secret is and no rule wants it; `unwanted`: the rules say so."""
    finding = Finding(
        Kind.EXTRA,
        Severity.ERROR if unwanted else Severity.INFO,
        f"{primary.name} is replicated to {entry.region}, where no rule wants it",
        format_command_on(primary, "remove", [Target(entry.region)]),
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


def orphan(there: Sequence[Listed], home: Region) -> SecretReport:
    """Return the report of replicas of one primary that is not there any more; it has no ARN that could be used."""
    name = there[0].name
    rows = [
        RegionReport(
            each.region,
            Outcome.DRIFT,
            arn=each.arn,
            kms_key_id=each.kms_key_id,
            findings=(
                Finding(
                    Kind.ORPHAN,
                    Severity.ERROR,
                    f"{name} in {each.region} is a replica of a primary that is not in {home} any more",
                    "it may be the last copy; to keep it: "
                    f"{format_command('promote', [name], targets=[Target(each.region)])}; "
                    f"if it is not needed: {cut_off(each.arn, each.region)}",
                ),
            ),
        )
        for each in there
    ]
    return replace(secret_report(there[0].as_seen(), rows), arn=None, primary_region=home, checked_by="describe")


def summary(reports: Iterable[SecretReport], covered: int) -> dict[str, int]:
    """Return how many secrets have which finding; `covered` more have none at all."""
    counts: Counter[str] = Counter(dict.fromkeys(ALWAYS, 0))
    counts["secrets"] = counts["covered"] = covered
    for secret in reports:
        kinds = {each.kind.value for row in secret.replicas for each in row.findings}
        if secret.error is not None:
            kinds.add("in_trouble")
        counts.update(kinds)
        counts["secrets"] += 1
        counts["covered"] += secret.outcome is Outcome.OK
    return dict(counts)
