"""A way back with one secret, and what the world shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from disaster.scene import Stage
from fakes import HOME, WEST

from smrep.report import RegionReport

REPLICATE, REMOVE, PROMOTE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"


def crossed(*thirds: str, key: str | None = None, **faults: Any) -> Stage:
    """Return a world in which one secret was failed over and its old Region is back."""
    stage = Stage.set_up(**faults)
    stage.secret("a", *thirds, key=key)
    stage.outage(HOME)
    stage.failover()
    stage.outage()
    return stage


def shown(stage: Stage, region: str, name: str = "a") -> dict[str, Any]:
    return stage.world.call("DescribeSecret", region, SecretId=name)


def row(stage: Stage, region: str, name: str = "a") -> RegionReport:
    (found,) = [each for each in stage.by_name(name).replicas if each.region == region]
    return found


def listed(stage: Stage, region: str) -> dict[str, tuple[str, str]]:
    entries = shown(stage, region).get("ReplicationStatus", ())
    return {each["Region"]: (each["Status"], each["KmsKeyId"]) for each in entries}


def params(stage: Stage, operation: str) -> list[dict[str, Any]]:
    return [each.params for each in stage.world.simulator.log if each.operation == operation]


def at(stage: Stage, operation: str, do: Callable[[], None], region: str = WEST) -> None:
    """Let something happen once, right before the first such call of a run."""
    seen: list[str] = []

    def on_call(called: str, where: str) -> None:
        if (called, where) == (operation, region) and not seen:
            seen.append(called)
            do()

    stage.on_call = on_call
