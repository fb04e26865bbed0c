"""A failback of one secret, and what AWS shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakes import HOME, WEST
from recovery.recovery_scene import RecoveryScene

from smrep.report import RegionReport

REPLICATE, REMOVE, PROMOTE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"


def crossed(*thirds: str, key: str | None = None, **faults: Any) -> RecoveryScene:
    """Return a world in which one secret was failed over and its old Region is back."""
    scene = RecoveryScene.set_up(**faults)
    scene.secret("a", *thirds, key=key)
    scene.outage(HOME)
    scene.failover()
    scene.outage()
    return scene


def shown(scene: RecoveryScene, region: str, name: str = "a") -> dict[str, Any]:
    return scene.aws.call("DescribeSecret", region, SecretId=name)


def row(scene: RecoveryScene, region: str, name: str = "a") -> RegionReport:
    (found,) = [each for each in scene.by_name(name).replicas if each.region == region]
    return found


def listed(scene: RecoveryScene, region: str) -> dict[str, tuple[str, str]]:
    entries = shown(scene, region).get("ReplicationStatus", ())
    return {each["Region"]: (each["Status"], each["KmsKeyId"]) for each in entries}


def params(scene: RecoveryScene, operation: str) -> list[dict[str, Any]]:
    return [each.params for each in scene.aws.simulator.log if each.operation == operation]


def at(scene: RecoveryScene, operation: str, do: Callable[[], None], region: str = WEST) -> None:
    """Let something happen once, right before the first such call of a run."""
    seen: list[str] = []

    def on_call(called: str, where: str) -> None:
        if (called, where) == (operation, region) and not seen:
            seen.append(called)
            do()

    scene.on_call = on_call
