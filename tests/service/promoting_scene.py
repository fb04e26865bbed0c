"""How the tests promote on the simulator, and what they see of it."""

from __future__ import annotations

from typing import Any

from fakes import WEST, World

from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.sandbox.simulator import ApiError
from smrep.service.promoting import Promotion

STOP = "StopReplicationToReplica"


def prepare(world: World, *names: str, region: str = WEST, timeout_s: float = 300.0, **more: Any) -> Promotion:
    world.calls.clear()
    secret_ids = tuple(SecretId(name) for name in names or ("prod/db",))
    run = Promotion(world, world.clock, world.clock.time + timeout_s, secret_ids, Region(region), **more)
    run.plan()
    return run


def promote(world: World, *names: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *names, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(world: World, *regions: str, name: str = "prod/db", **faults: Any) -> str:
    arn = world.create(name)
    world.replicate_by_hand(*(regions or (WEST,)), name=name)
    world.faults(**faults)
    return arn


def stands_alone(world: World, region: str = WEST, name: str = "prod/db") -> bool:
    try:
        return "PrimaryRegion" not in world.call("DescribeSecret", region, SecretId=name)
    except ApiError:
        return False


def promotions(world: World) -> list[str]:
    """Return the secret of each promotion that AWS carried out."""
    return [call.params["SecretId"] for call in world.simulator.log if call.operation == STOP and not call.code]
