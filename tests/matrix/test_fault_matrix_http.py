"""Some of the matrix again, with nothing made up but AWS: smrep as a process, over HTTP, in real time."""

from __future__ import annotations

import random
import time

import pytest
from fixtures import Sandbox
from matrix.case_run import Run, check, struck, truth
from matrix.command_cases import COMMAND_CASES
from matrix.faults import FAULTS
from matrix.matrix_page import read
from matrix.scenes import folder, left, set_the_scene

from smrep.sandbox.faults import Faults
from smrep.sandbox.server import SandboxServer
from smrep.sandbox.simulator import Simulator

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
QUICK = Faults(replication_delay_s=0.3, removal_delay_s=1.0)
LIMIT_S = 4
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
    ("wait", "DescribeSecret", HOME): ("unknown word", "failed later"),
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
"""Those that need no longer than a few seconds of real time."""


@pytest.mark.parametrize(
    ("name", "operation", "region", "fault"),
    [(*cell, fault) for cell, faults in CASES.items() for fault in faults],
    ids=lambda each: each,
)
def test_a_process_ends_as_the_page_says(name: str, operation: str, region: str, fault: str) -> None:
    case, where = BY_NAME[name], (operation, region)
    simulator = Simulator(now=time.time, rng=random.Random(5))
    scene = set_the_scene(case, simulator, QUICK)
    before, mark = truth(scene), len(simulator.log)
    words = [str(LIMIT_S) if word == "60" else word for word in case.words]
    started = time.monotonic()
    with SandboxServer(simulator, desk=struck(where, FAULT[fault])) as server, folder(case, scene) as here:
        done = Sandbox(simulator, server.url).process(*words, "-o", case.output)
        files = left(here)
    log, elapsed_s = tuple(simulator.log[mark:]), time.monotonic() - started
    run = Run(done.code, done.out, done.err, (), log, True, scene, before, elapsed_s, files)
    check(case, run, FAULT[fault])
    assert run.cell == read()[name, where][fault]
