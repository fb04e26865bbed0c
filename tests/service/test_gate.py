"""The gate that every request goes through."""

from __future__ import annotations

import pytest
from fakes import Clock
from use_case_run import quiet

from smrep.errors import NotSent, Throttled
from smrep.service.steps.write_once import WriteGate


def test_a_throttled_request_is_not_sent_again_once_the_run_was_stopped() -> None:
    clock = Clock()
    gate = WriteGate.for_run(quiet(clock, 100.0))
    sent: list[float] = []

    def request() -> None:
        sent.append(clock.monotonic())
        gate.stop.set()
        raise Throttled("Rate exceeded")

    with pytest.raises(NotSent):
        gate.send(request)
    assert len(sent) == 1
