"""The gate that every request goes through."""

from __future__ import annotations

import pytest
from fakes import Clock
from use_case_run import quiet

from smrep.errors import NotSent, Throttled
from smrep.service.steps.rate_limiter import RateLimiter
from smrep.service.steps.write_once import WriteGate


def test_a_throttled_request_is_not_sent_again_once_the_run_was_stopped() -> None:
    clock = Clock()
    sent: list[float] = []

    def request() -> None:
        sent.append(clock.monotonic())
        gate.stop.set()
        raise Throttled("Rate exceeded")

    with WriteGate.for_run(quiet(clock, 100.0)) as gate, pytest.raises(NotSent):
        gate.send(request)
    assert len(sent) == 1


def test_a_request_whose_turn_comes_after_the_deadline_is_not_sent() -> None:
    clock = Clock()
    gate = WriteGate(clock, 1.0, 1.0, pace=RateLimiter(clock, 0.2))
    sent: list[float] = []
    gate.send(lambda: sent.append(clock.monotonic()))
    with pytest.raises(NotSent, match="the deadline had passed"):
        gate.send(lambda: sent.append(clock.monotonic()))
    assert len(sent) == 1
