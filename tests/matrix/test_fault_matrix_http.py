"""Some of the matrix again over real HTTP: only AWS and the time are simulated."""

from __future__ import annotations

import random
from functools import partial

import pytest
from fixtures import Sandbox
from matrix.case_run import Run, check, struck, truth
from matrix.command_cases import COMMAND_CASES
from matrix.faults import FAULTS
from matrix.matrix_page import read
from matrix.scenes import folder, left, set_the_scene
from simulated_time import SharedClock

from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
BY_NAME = {case.name: case for case in COMMAND_CASES}
FAULT = {fault.name: fault for fault in FAULTS}
CASES = {
    ("replicate", "DescribeSecret", HOME): ("500", "unknown word", "failed later"),
    ("replicate", "DescribeSecret", WEST): ("denied", "portal"),
    ("replicate", "ReplicateSecretToRegions", HOME): ("lost after", "throttled", "denied"),
    ("replicate --verify", "ListSecretVersionIds", WEST): ("denied", "other shape"),
    ("replicate --force-overwrite", "DescribeSecret", WEST): ("denied", "500"),
    ("replicate --force-overwrite", "ReplicateSecretToRegions", HOME): ("lost after", "throttled once"),
    ("retry", "ReplicateSecretToRegions", HOME): ("503 once", "expired"),
    ("status", "DescribeSecret", HOME): ("throttled once", "portal"),
    ("status --role-arn", "AssumeRole", HOME): ("denied", "500"),
    ("wait", "DescribeSecret", HOME): ("unknown word", "failed later", "stuck", "no value"),
    ("wait", "DescribeSecret", WEST): ("promoted meanwhile", "denied"),
    ("verify", "DescribeSecret", IRELAND): ("denied", "lost before"),
    ("rekey", "UpdateSecret", WEST): ("lost after", "denied"),
    ("rekey --recreate", "RemoveRegionsFromReplication", HOME): ("lost after", "denied"),
    ("remove", "DescribeSecret", WEST): ("cut short", "then expired"),
    ("remove", "RemoveRegionsFromReplication", HOME): ("503 once", "throttled once"),
    ("promote", "StopReplicationToReplica", WEST): ("lost after", "expired"),
    ("doctor", "DescribeKey", WEST): ("denied", "other shape"),
    ("list", "ListSecrets", HOME): ("then expired",),
    ("audit", "ListSecrets", WEST): ("other shape", "then expired"),
    ("audit -f", "DescribeSecret", WEST): ("denied", "503 once"),
    ("plan", "DescribeSecret", HOME): ("denied", "portal"),
    ("apply", "ReplicateSecretToRegions", HOME): ("lost after", "throttled", "expired"),
    ("apply", "DescribeSecret", HOME): ("then 500", "written, denied"),
    ("apply, remove_extra", "RemoveRegionsFromReplication", HOME): ("lost after",),
    ("apply, remove_extra", "DescribeSecret", WEST): ("portal",),
    ("apply --plan", "DescribeSecret", HOME): ("then expired", "unknown word"),
    ("export", "DescribeSecret", HOME): ("denied", "throttled once"),
    ("failover", "ListSecrets", WEST): ("denied", "portal"),
    ("failover", "DescribeSecret", WEST): ("503 once", "then 500"),
    ("failover", "StopReplicationToReplica", WEST): ("lost after", "throttled", "expired"),
    ("failback", "DescribeSecret", HOME): ("500", "portal"),
    ("failback", "DescribeSecret", IRELAND): ("denied", "written, 500"),
    ("failback", "RemoveRegionsFromReplication", HOME): ("lost after", "denied"),
    ("failback", "ReplicateSecretToRegions", WEST): ("lost after", "throttled once"),
    ("failback --return-primary", "StopReplicationToReplica", HOME): ("lost after", "expired"),
    ("failback --return-primary", "ReplicateSecretToRegions", HOME): ("lost before", "lost after"),
}
"""One or two faults of a call of each command, of every kind that HTTP knows."""


ALL = [(*cell, fault) for cell, faults in CASES.items() for fault in faults]


def sample() -> list[tuple[str, str, str, str]]:
    """Return each case whose call or whose fault is in none before it."""
    tried: set[tuple[str, ...] | str] = set()
    chosen = []
    for *call, fault in ALL:
        if not {tuple(call), fault} <= tried:
            chosen.append((*call, fault))
            tried |= {tuple(call), fault}
    return chosen


SAMPLE = sample()


def test_the_sample_has_every_command_and_every_fault() -> None:
    assert {case[0] for case in SAMPLE} == {case[0] for case in ALL}
    assert {case[-1] for case in SAMPLE} == {case[-1] for case in ALL}


@pytest.mark.parametrize(
    ("name", "operation", "region", "fault"),
    [case if case in SAMPLE else pytest.param(*case, marks=pytest.mark.exhaustive) for case in ALL],
    ids=lambda each: each,
)
def test_over_http_it_ends_as_the_page_says(name: str, operation: str, region: str, fault: str) -> None:
    case, where, clock = BY_NAME[name], (operation, region), SharedClock()
    simulator = Simulator(now=clock.wall, rng=random.Random(5))
    scene = set_the_scene(case, simulator)
    before, mark = truth(scene), len(simulator.log)
    handler = partial(struck(where, FAULT[fault]), sleep=clock.sleep)
    with SandboxServer(simulator, handler=handler) as server, folder(case, scene) as here:
        done = Sandbox(simulator, server.url, clock).smrep(*case.words, "-o", case.output)
        files = left(here)
    log = tuple(simulator.log[mark:])
    run = Run(done.code, done.out, done.err, (), log, True, scene, before, clock.time, files)
    check(case, run, FAULT[fault])
    assert run.cell == read()[name, where][fault]
