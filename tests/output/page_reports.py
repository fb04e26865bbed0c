"""Audit reports to render as a coverage page: a few secrets of every kind, or many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet.coverage import summary
from smrep.rules.replication.replica_state import worst

HOME, WEST, EU, SYDNEY = (Region(name) for name in ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"))
BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
ACCOUNT = "123456789012"


def finding(
    kind: Kind, hint: str | None = "look at it:\n  smrep doctor", severity: Severity = Severity.ERROR
) -> Finding:
    return Finding(kind, severity, f"it is {kind}", hint)


def missing(region: Region) -> RegionReport:
    return RegionReport(
        region, Outcome.DRIFT, findings=(finding(Kind.MISSING, f"add it:\n  smrep replicate x -r {region}"),)
    )


def covered(region: Region, status: str | None = None) -> RegionReport:
    return RegionReport(region, Outcome.OK, status=status, note=None if status else "current by listing")


STALE = RegionReport(
    EU,
    Outcome.DRIFT,
    status="InSync",
    status_message="Replication succeeded",
    findings=(finding(Kind.UNCHECKED, "allow kms:DescribeKey", Severity.WARNING), finding(Kind.STALE)),
)
FAILED = RegionReport(EU, Outcome.FAILED, status="Failed", status_message="no", findings=(finding(Kind.FAILED),))
EXTRA = RegionReport(SYDNEY, Outcome.OK, status="InSync", findings=(finding(Kind.EXTRA, severity=Severity.INFO),))
LOST = Problem("ResourceNotFoundException", "no such secret", "list the names:\n  smrep list", "r-1", Outcome.FAILED)


def secret(name: str, *rows: RegionReport, error: Problem | None = None, by: str = "describe") -> SecretReport:
    outcome = worst([*(item.outcome for item in rows), *([error.outcome] if error else [])])
    return SecretReport(name, outcome, f"arn:aws:x:{HOME}:{ACCOUNT}:secret:{name}", HOME, rows, error, checked_by=by)


def report(*secrets: SecretReport, error: Problem | None = None, counts: bool = True) -> RunReport:
    outcome = worst([*(item.outcome for item in secrets), *([error.outcome] if error else [])])
    return RunReport(
        "audit",
        outcome,
        outcome.exit_code,
        BEGAN,
        4.25,
        account_id=ACCOUNT,
        primary_region=HOME,
        primary_region_source="AWS_REGION",
        secrets=secrets,
        error=error,
        summary=summary(secrets, 0) if counts else None,
    )


FEW = (
    secret("prod/failed", covered(WEST, "InSync"), FAILED),
    secret("prod/gone", error=LOST),
    secret("prod/stale", covered(WEST, "InSync"), STALE),
    secret("prod/missing", missing(WEST), missing(EU)),
    secret("prod/extra", covered(WEST, "InSync"), EXTRA),
    secret("prod/well", covered(WEST), covered(EU), by="list"),
)


def many(count: int, regions: Sequence[Region] = (WEST, EU, SYDNEY), bad: int = 10) -> tuple[SecretReport, ...]:
    """Return so many secrets, the first of them not as they should be."""
    return tuple(
        secret(f"app/{number:05d}/db", *(missing(region) for region in regions))
        if number < bad
        else secret(f"app/{number:05d}/db", *map(covered, regions), by="list")
        for number in range(count)
    )
