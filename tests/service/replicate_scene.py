"""Replicates on the simulator, on a clock that only sleeps move."""

from __future__ import annotations

from typing import Any

from fakes import FakeAws, at_home

from smrep.model import Target
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service.replicate import Replication, Request


def request_for(*regions: str, names: tuple[str, ...] = ("prod/db",), **more: Any) -> Request:
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    return Request(at_home(*names), targets, **more)


def prepare(aws: FakeAws, request: Request, timeout_s: float = 300.0) -> Replication:
    aws.begin()
    run = Replication(aws, aws, aws, aws.clock, aws.clock.time + timeout_s, request)
    run.plan()
    return run


def replicate(aws: FakeAws, *regions: str, timeout_s: float = 300.0, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(aws, request_for(*regions, **more), timeout_s)
    for _ in run.act():
        pass
    return run.secrets()
