"""Two hundred secrets born in a minute, with AWS's quota: all are protected, each by one request."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli.apply_sandbox import ADD, WEST, Make, manifest, sent
from serverless.births import Births
from serverless.lambda_runtime import as_role, lambda_function

COUNT, MINUTE_S, PROCESSES = 200, 60.0, 10


@pytest.mark.exhaustive
@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="AWS's runtime client is for Linux only")
def test_two_hundred_secrets_born_in_a_minute_are_all_protected(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(write_quota=50, listing_lag_s=300.0)
    env = {**as_role(sandbox.env, sandbox.simulator), "SMREP_MANIFEST": manifest(tmp_path)}
    with lambda_function(env, tmp_path / "log", PROCESSES) as runtime:
        births = Births(sandbox.simulator, runtime, in_order=True)
        births.take_place(COUNT, MINUTE_S)
    answers = [answer for answers in births.answers.values() for answer in answers]
    assert (len(births.answers), len(answers)) == (COUNT, 2 * COUNT)
    assert {str(answer.returned["replicas"]) for answer in answers} == {str({WEST: "InSync"})}
    assert sorted(sent(sandbox)) == [(ADD, f"prod/{number:03}", (WEST,)) for number in range(COUNT)]
    assert {max(calls.values()) for calls in births.calls().values()} <= set(range(9))
    assert not sandbox.log("ListSecrets")
