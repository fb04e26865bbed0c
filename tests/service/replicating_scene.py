"""How the tests replicate on the simulator, with a clock that only sleeps move."""

from __future__ import annotations

from typing import Any

from fakes import World, at_home

from smrep.model import Target
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service.replication import Replication, Request


def request_for(*regions: str, names: tuple[str, ...] = ("prod/db",), **more: Any) -> Request:
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    return Request(at_home(*names), targets, **more)


def prepare(world: World, request: Request, timeout_s: float = 300.0) -> Replication:
    world.begin()
    run = Replication(world, world, world, world.clock, world.clock.time + timeout_s, request)
    run.plan()
    return run


def replicate(world: World, *regions: str, timeout_s: float = 300.0, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, request_for(*regions, **more), timeout_s)
    for _ in run.act():
        pass
    return run.secrets()
