"""Runs a doctor on the simulator, which must see reads only, never of a value."""

from __future__ import annotations

from typing import Any

from fakes import HOME, FakeAws

from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.primary_region import SecretAddress
from smrep.rules.replication.replica_state import worst
from smrep.service.doctor import Doctor

READS = {
    "DescribeSecret",
    "ListSecrets",
    "ListSecretVersionIds",
    "GetResourcePolicy",
    "DescribeKey",
    "GetCallerIdentity",
    "ListRegions",
    "SimulatePrincipalPolicy",
}
DEFAULT = "alias/aws/secretsmanager"


def doctor(
    aws: FakeAws,
    *regions: str,
    names: tuple[str, ...] = ("prod/db",),
    home: str = HOME,
    reader: str | None = None,
    **more: Any,
) -> tuple[SecretReport, ...]:
    """Examine; whatever it finds, it only ever looks, and never at a value."""
    aws.calls.clear()
    aws.simulator.log.clear()
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    run = Doctor(aws, aws, aws, Region(home), targets, reader, **more)
    found = run.examine([SecretAddress(SecretId(name), Region(home)) for name in names])
    assert {call.operation for call in aws.simulator.log} <= READS
    return found


def end(secrets: tuple[SecretReport, ...]) -> int:
    return worst(each.outcome for each in secrets).exit_code
