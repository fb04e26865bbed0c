"""Verifies replicas on the simulator, which must see reads only, never of a value."""

from __future__ import annotations

from functools import partial
from typing import Any

from fakes import HOME, FakeAws
from service.replicate_scene import request_for
from use_case_run import UseCaseRun

from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.primary_region import SecretAddress
from smrep.service import verify as use_case

READS = {"DescribeSecret", "ListSecrets", "ListSecretVersionIds", "DescribeKey"}
FOR_EVER = 1e6


def verification(
    aws: FakeAws,
    *regions: str,
    names: tuple[str, ...] = ("prod/db",),
    home: str = HOME,
    timeout_s: float = 300.0,
    **more: Any,
) -> UseCaseRun:
    addresses = tuple(SecretAddress(SecretId(name), Region(home)) for name in names)
    aws.begin()
    targets = request_for(*regions).targets
    request = use_case.VerifyRequest(addresses, targets, **more)
    return UseCaseRun(partial(use_case.verify, aws, request), aws.clock, aws.clock.time + timeout_s)


def verify(aws: FakeAws, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    """Run it to its end; whatever it finds, it only ever reads, and never a value."""
    run = verification(aws, *regions, **more)
    for _ in run.act():
        pass
    assert {operation for operation, _, _ in aws.calls} <= READS
    return run.secrets()


def put(aws: FakeAws, value: str = "newer", **params: Any) -> str:
    return str(aws.call("PutSecretValue", SecretId="prod/db", SecretString=value, **params)["VersionId"])
