"""Removes replicas on the simulator, and reads the results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from fakes import IRELAND, WEST, FakeAws, addresses_of
from use_case_run import UseCaseRun

from smrep.errors import Denied
from smrep.model import Replica
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service import remove as use_case

REMOVE = "RemoveRegionsFromReplication"


class DenyingAws(FakeAws):
    """A world in which removals from some Regions are denied."""

    spared: tuple[str, ...] = (IRELAND,)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        if set(self.spared) & set(replicas):
            self.calls.append((REMOVE, region, secret_id))
            raise Denied("no identity-based policy allows it", f"{secret_id} in {region}", code="AccessDeniedException")
        return super().remove(secret_id, region, replicas)


def prepare(
    aws: FakeAws, *regions: str, names: Sequence[str] = ("prod/db",), timeout_s: float = 300.0, **more: Any
) -> UseCaseRun:
    aws.calls.clear()
    deadline = aws.clock.time + timeout_s
    more.setdefault("addresses", addresses_of(*names))
    request = use_case.RemoveRequest(regions=tuple(Region(each) for each in regions), **more)
    run = UseCaseRun(partial(use_case.remove, aws, request), aws.clock, deadline)
    run.plan()
    return run


def remove(aws: FakeAws, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(aws, *regions, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(aws: FakeAws, *regions: str, removal_delay_s: float = 30.0, **more: Any) -> str:
    arn = aws.create()
    aws.replicate_by_hand(*(regions or (WEST,)))
    aws.faults(removal_delay_s=removal_delay_s, **more)
    return arn


def listed(aws: FakeAws, name: str = "prod/db") -> list[str]:
    return [each["Region"] for each in aws.call("DescribeSecret", SecretId=name).get("ReplicationStatus", [])]


def removals(aws: FakeAws) -> list[list[str]]:
    """Return the Regions of each removal that AWS carried out."""
    return [
        call.params["RemoveReplicaRegions"] for call in aws.simulator.log if call.operation == REMOVE and not call.code
    ]
