"""How the tests change a replica's key on the simulator, and what they see of it."""

from __future__ import annotations

from typing import Any

from fakes import HOME, WEST, World
from service.replicating_scene import request_for

from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.rules.asked import Address
from smrep.service.rekeying import Rekeying

READS = {
    "DescribeSecret",
    "ListSecretVersionIds",
    "DescribeKey",
    "ListRegions",
    "DescribeRegions",
}
DEFAULT = "alias/aws/secretsmanager"
REPLICATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"


def prepare(
    world: World, *regions: str, name: str = "prod/db", home: str = HOME, timeout_s: float = 300.0, **more: Any
) -> Rekeying:
    world.calls.clear()
    world.simulator.log.clear()
    address = Address(SecretId(name), Region(home))
    deadline = world.clock.time + timeout_s
    run = Rekeying(world, world, world, world.clock, deadline, address, request_for(*regions).targets, **more)
    run.plan()
    assert writes(world) == []  # looking changes nothing
    return run


def rekey(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *(regions or (f"{WEST}=alias/new",)), **more)
    for _ in run.act():
        pass
    assert "GetSecretValue" not in {call.operation for call in world.simulator.log}
    return run.secrets()


def writes(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what arrived and is no look, in its order."""
    return [(each.operation, each.region, each.params) for each in world.simulator.log if each.operation not in READS]


def error_of(row: RegionReport) -> tuple[str, str, str]:
    assert row.error is not None
    return row.error.code, row.error.message, row.error.hint or ""


def key_of(world: World, region: str = WEST) -> str | None:
    return world.call("DescribeSecret", region, SecretId="prod/db").get("KmsKeyId")


def keys_of_versions(world: World, region: str = WEST) -> set[str]:
    rows = world.call("ListSecretVersionIds", region, SecretId="prod/db")["Versions"]
    return {key for row in rows for key in row["KmsKeyIds"]}
