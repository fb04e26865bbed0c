"""How the tests remove on the simulator, and what they see of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakes import IRELAND, WEST, World, at_home

from smrep.errors import Denied
from smrep.model import Replica
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service.removing import Removal

REMOVE = "RemoveRegionsFromReplication"


class Choosy(World):
    """A world in which removals from some Regions are denied."""

    spared: tuple[str, ...] = (IRELAND,)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        if set(self.spared) & set(replicas):
            self.calls.append((REMOVE, region, secret_id))
            raise Denied("no identity-based policy allows it", f"{secret_id} in {region}", code="AccessDeniedException")
        return super().remove(secret_id, region, replicas)


def prepare(
    world: World, *regions: str, names: Sequence[str] = ("prod/db",), timeout_s: float = 300.0, **more: Any
) -> Removal:
    world.calls.clear()
    deadline = world.clock.time + timeout_s
    more.setdefault("addresses", at_home(*names))
    run = Removal(world, world.clock, deadline, regions=tuple(Region(each) for each in regions), **more)
    run.plan()
    return run


def remove(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *regions, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(world: World, *regions: str, removal_delay_s: float = 30.0, **more: Any) -> str:
    arn = world.create()
    world.replicate_by_hand(*(regions or (WEST,)))
    world.faults(removal_delay_s=removal_delay_s, **more)
    return arn


def listed(world: World, name: str = "prod/db") -> list[str]:
    return [each["Region"] for each in world.call("DescribeSecret", SecretId=name).get("ReplicationStatus", [])]


def removals(world: World) -> list[list[str]]:
    """Return the Regions of each removal that AWS carried out."""
    return [
        call.params["RemoveReplicaRegions"]
        for call in world.simulator.log
        if call.operation == REMOVE and not call.code
    ]
