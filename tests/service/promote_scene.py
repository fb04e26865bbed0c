"""Promotes replicas on the simulator, and reads the results."""

from __future__ import annotations

from functools import partial
from typing import Any

from fakes import WEST, FakeAws
from use_case_run import UseCaseRun

from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.sandbox.simulator.simulated_aws import ApiError
from smrep.service import promote as use_case

STOP = "StopReplicationToReplica"


def prepare(aws: FakeAws, *names: str, region: str = WEST, timeout_s: float = 300.0, **more: Any) -> UseCaseRun:
    aws.calls.clear()
    secret_ids = tuple(SecretId(name) for name in names or ("prod/db",))
    request = use_case.PromoteRequest(secret_ids, Region(region), **more)
    run = UseCaseRun(partial(use_case.promote, aws, request), aws.clock, aws.clock.time + timeout_s)
    run.plan()
    return run


def promote(aws: FakeAws, *names: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(aws, *names, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(aws: FakeAws, *regions: str, name: str = "prod/db", **faults: Any) -> str:
    arn = aws.create(name)
    aws.replicate_by_hand(*(regions or (WEST,)), name=name)
    aws.faults(**faults)
    return arn


def stands_alone(aws: FakeAws, region: str = WEST, name: str = "prod/db") -> bool:
    try:
        return "PrimaryRegion" not in aws.call("DescribeSecret", region, SecretId=name)
    except ApiError:
        return False


def promotions(aws: FakeAws) -> list[str]:
    """Return the secret of each promotion that AWS carried out."""
    return [call.params["SecretId"] for call in aws.simulator.log if call.operation == STOP and not call.code]
