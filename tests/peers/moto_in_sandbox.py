"""A plugin for moto's own tests: moto's server mode leads to a sandbox, a new one for each test."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import fixtures  # noqa: F401 - botocore's models are read once for all sandboxes
import pytest
from moto.core.models import ServerModeMockAWS

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    simulator = Simulator(
        now=time.time, rng=random.Random(3), faults=Faults(replication_delay_s=0.0, removal_delay_s=0.0)
    )
    server = SandboxServer(simulator)
    server.start()
    enable = ServerModeMockAWS._enable_patching

    def lead_to_sandbox(mock: ServerModeMockAWS, reset: bool = True) -> None:
        mock._test_server_mode_endpoint = server.url
        enable(mock, reset)

    monkeypatch.setattr(ServerModeMockAWS, "_enable_patching", lead_to_sandbox)
    yield
    server.close()
