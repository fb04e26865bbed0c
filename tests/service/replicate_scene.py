"""Replicates on the simulator, on a clock that only sleeps move."""

from __future__ import annotations

from functools import partial
from typing import Any

from fakes import FakeAws, addresses_of
from use_case_run import UseCaseRun

from smrep.model import Target
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service import replicate as use_case
from smrep.service.replicate import ReplicateRequest


def request_for(*regions: str, names: tuple[str, ...] = ("prod/db",), **more: Any) -> ReplicateRequest:
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    return ReplicateRequest(addresses_of(*names), targets, **more)


def prepare(aws: FakeAws, request: ReplicateRequest, timeout_s: float = 300.0) -> UseCaseRun:
    aws.begin()
    run = UseCaseRun(partial(use_case.replicate, aws, request), aws.clock, aws.clock.time + timeout_s)
    run.plan()
    return run


def replicate(aws: FakeAws, *regions: str, timeout_s: float = 300.0, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(aws, request_for(*regions, **more), timeout_s)
    for _ in run.act():
        pass
    return run.secrets()
