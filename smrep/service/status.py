"""`status`: show each Region's current replication state, with one DescribeSecret per secret."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Secret
from smrep.regions import Region
from smrep.report import Problem, RegionReport, SecretReport, SecretsReport
from smrep.rules.primary_region import SecretAddress, check_regions
from smrep.rules.replication.findings import failed, in_progress, no_value, not_listed
from smrep.rules.replication.key_failures import failure
from smrep.rules.replication.replica_state import ReplicaState, region_report, secret_report
from smrep.service.ports import SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import (
    FoundSecret,
    find_secrets,
    followed_replica_note,
    pending_deletion,
    troubles_elsewhere,
    unreachable_primary_report,
)

WATCH_S = 2.0
"""Seconds between two looks of `--watch`."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """Request of `status`; no Regions means all listed ones."""

    addresses: tuple[SecretAddress, ...]
    regions: tuple[Region, ...] = ()
    expect_account: str | None = None


def status(aws: SecretsManager, request: StatusRequest) -> SecretsReport:
    """Return each secret with one row per requested Region.

    Raises:
        CredentialsError: no further call can succeed.
        UsageError: a requested Region is the primary's own or of another partition; another account than expected.

    """
    lookups = find_secrets(aws, request.addresses, follow=True, expect_account=request.expect_account)
    return SecretsReport(tuple(_report(lookup, request) for lookup in lookups))


def watch(aws: SecretsManager, request: StatusRequest, run: RunState) -> SecretsReport:
    """Show the state repeatedly; return only if the first look finds nothing."""
    run.track((), _interrupted)
    while True:
        report = status(aws, request)
        run.track(report.secrets)
        run.update()
        if not any(secret.arn for secret in report.secrets):
            return run.report()
        run.clock.sleep(WATCH_S)


def _interrupted(_: RunState) -> Problem:
    return Problem("Interrupted", "stopped watching", None, None, Outcome.INTERRUPTED)


def _report(lookup: FoundSecret, request: StatusRequest) -> SecretReport:
    secret = lookup.result
    if isinstance(secret, Problem):
        return unreachable_primary_report(lookup, secret, request.regions)
    check_regions([secret.region], request.regions)
    regions = request.regions or tuple(entry.region for entry in secret.replicas)
    empty = no_value(secret)
    shown = (_row(secret, region) for region in regions)
    rows = tuple(replace(row, findings=(*row.findings, *empty)) for row in shown)
    notes = (*followed_replica_note(lookup), *troubles_elsewhere(secret, regions))
    return secret_report(secret, rows, pending_deletion(secret), notes, () if rows else empty)


def _row(secret: Secret, region: Region) -> RegionReport:
    entry = secret.replica(region)
    if entry is None:
        return RegionReport(region, Outcome.FAILED, findings=(not_listed(secret, region),))
    state = ReplicaState(region, seen=entry)
    if entry.status == FAILED:
        return region_report(replace(state, error=failure(secret, entry), findings=(failed(secret, entry),)), secret)
    if entry.status == IN_SYNC:
        return region_report(state, secret)
    return region_report(replace(state, findings=(in_progress(secret, entry),)), secret)
