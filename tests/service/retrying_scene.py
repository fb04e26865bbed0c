"""How the tests try Failed Regions again on the simulator, and what had failed."""

from __future__ import annotations

from typing import Any

from fakes import World
from service.replicating_scene import replicate

from smrep.report import SecretReport
from smrep.rules.plan import Consent

FORCE = Consent(force=True)
NO_LUCK = "Replication failed: no luck"


def retry(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    return replicate(world, *regions, retry=True, **more)


def failed(world: World, *regions: str, also: tuple[str, ...] = (), key: str | None = None) -> None:
    """Make a primary whose replicas Failed in these Regions, for a cause that is gone by now."""
    world.create()
    world.faults(failures=dict.fromkeys(regions, NO_LUCK))
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in (*regions, *also)]
    world.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    world.clock.time += 10
    world.faults()
