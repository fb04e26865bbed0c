"""Changes a replica's key on the simulator, and reads the results."""

from __future__ import annotations

from functools import partial
from typing import Any

from fakes import HOME, WEST, FakeAws
from service.replicate_scene import request_for
from use_case_run import UseCaseRun

from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.rules.primary_region import SecretAddress
from smrep.service import rekey as use_case

READS = {
    "DescribeSecret",
    "ListSecrets",
    "ListSecretVersionIds",
    "DescribeKey",
    "ListRegions",
    "DescribeRegions",
}
DEFAULT = "alias/aws/secretsmanager"
REPLICATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"
RESUME = f"to resume:\n  {REPLICATE}"


def prepare(
    aws: FakeAws, *regions: str, name: str = "prod/db", home: str = HOME, timeout_s: float = 300.0, **more: Any
) -> UseCaseRun:
    aws.calls.clear()
    aws.simulator.log.clear()
    address = SecretAddress(SecretId(name), Region(home))
    deadline = aws.clock.time + timeout_s
    request = use_case.RekeyRequest((address,), request_for(*regions).targets, **more)
    run = UseCaseRun(partial(use_case.rekey, aws, request), aws.clock, deadline)
    run.plan()
    assert writes(aws) == []  # looking changes nothing
    return run


def rekey(aws: FakeAws, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(aws, *(regions or (f"{WEST}=alias/new",)), **more)
    for _ in run.act():
        pass
    assert "GetSecretValue" not in {call.operation for call in aws.simulator.log}
    return run.secrets()


def writes(aws: FakeAws) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what arrived and is no look, in its order."""
    return [(each.operation, each.region, each.params) for each in aws.simulator.log if each.operation not in READS]


def error_of(row: RegionReport) -> tuple[str, str, str]:
    assert row.error is not None
    return row.error.code, row.error.message, row.error.hint or ""


def key_of(aws: FakeAws, region: str = WEST) -> str | None:
    return aws.call("DescribeSecret", region, SecretId="prod/db").get("KmsKeyId")


def keys_of_versions(aws: FakeAws, region: str = WEST) -> set[str]:
    rows = aws.call("ListSecretVersionIds", region, SecretId="prod/db")["Versions"]
    return {key for row in rows for key in row["KmsKeyIds"]}
