"""The commands of the fault matrix: one CommandCase each, with its scene and the state that it promises."""

from __future__ import annotations

import json
import random

from matrix.fleet_cases import FLEET_CASES
from matrix.recovery_cases import RECOVERY_CASES
from matrix.scenes import (
    HOME,
    IRELAND,
    LIMIT,
    NAME,
    WEST,
    CommandCase,
    Scene,
    set_the_scene,
    under_way,
    with_both,
    with_failed,
    with_ireland,
)

from smrep.aws.allow_list import WRITES
from smrep.sandbox.simulator.simulated_aws import Simulator

ROLE = "arn:aws:iam::123456789012:role/reader"


def _with_namesake(scene: Scene) -> None:
    with_ireland(scene)
    scene.create(NAME, WEST)


def _with_reader(scene: Scene) -> None:
    with_both(scene)
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    scene.simulator.put_role(ROLE, {"Version": "2012-10-17", "Statement": [statement]})


AS_ANOTHER = ("--role-arn", "arn:aws:iam::222222222222:role/ops")
IN_ANOTHER = ("AssumeRole", "DescribeSecret", "GetCallerIdentity", "ListSecretVersionIds", *sorted(WRITES))


def _with_both_shared(scene: Scene) -> None:
    scene.create()
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    scene.call("PutResourcePolicy", SecretId=NAME, ResourcePolicy=json.dumps({"Statement": everybody}))
    scene.replicate(WEST, IRELAND)


def _shared_arn() -> str:
    """Return the ARN that each run's simulator chooses for the shared secret."""
    scene = set_the_scene(CommandCase("", (), _with_both_shared), Simulator(now=lambda: 0.0, rng=random.Random(5)))
    return str((scene.look(HOME) or {})["ARN"])


ARN = _shared_arn()
COMMAND_CASES = (
    CommandCase(
        "replicate",
        ("replicate", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}", *LIMIT),
        with_ireland,
        lambda scene: scene.in_sync(WEST, IRELAND) and scene.under(WEST, scene.key()),
    ),
    CommandCase(
        "replicate --verify",
        ("replicate", NAME, "-r", WEST, "--verify", *LIMIT),
        with_ireland,
        lambda scene: scene.in_sync(WEST),
    ),
    CommandCase(
        "replicate --force-overwrite",
        ("replicate", NAME, "-r", f"{WEST},{IRELAND}", "--force-overwrite", "--yes", *LIMIT),
        _with_namesake,
        lambda scene: scene.in_sync(WEST, IRELAND),
        (WEST,),
    ),
    CommandCase(
        "retry",
        ("retry", NAME, "-r", f"{WEST},{IRELAND}", *LIMIT),
        with_failed,
        lambda scene: scene.in_sync(WEST, IRELAND),
    ),
    CommandCase("status", ("status", NAME), with_both, lambda scene: scene.in_sync(WEST, IRELAND)),
    CommandCase("status -r", ("status", NAME, "-r", WEST), with_both, lambda scene: scene.in_sync(WEST)),
    CommandCase("status of a replica", ("status", NAME, "--primary-region", WEST), with_both),
    CommandCase("status --role-arn", ("status", NAME, "--role-arn", ROLE), with_both, tries=("AssumeRole",)),
    CommandCase("wait", ("wait", NAME, *LIMIT), under_way, lambda scene: scene.in_sync(WEST, IRELAND)),
    CommandCase("verify", ("verify", NAME, *LIMIT), with_both, lambda scene: scene.in_sync(WEST, IRELAND)),
    CommandCase(
        "rekey",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", *LIMIT),
        with_both,
        lambda scene: scene.in_sync(WEST) and scene.under(WEST, scene.key()),
    ),
    CommandCase(
        "rekey --recreate",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", "--recreate", "--yes", *LIMIT),
        with_both,
        lambda scene: scene.in_sync(WEST) and scene.under(WEST, scene.key()),
        (WEST,),
    ),
    CommandCase(
        "remove",
        ("remove", NAME, "-r", WEST, "--yes", *LIMIT),
        with_both,
        lambda scene: scene.look(WEST) is None,
        (WEST,),
    ),
    CommandCase(
        "promote",
        ("promote", NAME, "-r", WEST, "--yes", *LIMIT),
        with_both,
        lambda scene: "PrimaryRegion" not in (scene.look(WEST) or {"PrimaryRegion": ""}),
        (WEST,),
    ),
    CommandCase(
        "replicate, other account",
        ("replicate", ARN, "-r", f"{WEST},us-east-2", *AS_ANOTHER, *LIMIT),
        _with_both_shared,
        lambda scene: scene.in_sync(WEST, "us-east-2"),
        tries=IN_ANOTHER,
    ),
    CommandCase(
        "verify, other account",
        ("verify", ARN, "-r", WEST, *AS_ANOTHER, *LIMIT),
        _with_both_shared,
        lambda scene: scene.in_sync(WEST),
        tries=IN_ANOTHER,
    ),
    CommandCase(
        "remove, other account",
        ("remove", ARN, "-r", WEST, "--yes", *AS_ANOTHER, *LIMIT),
        _with_both_shared,
        lambda scene: scene.look(WEST) is None,
        (WEST,),
        tries=IN_ANOTHER,
    ),
    CommandCase("doctor", ("doctor", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}"), with_ireland),
    CommandCase(
        "doctor, Regions from EC2",
        ("doctor", NAME, "-r", IRELAND),
        with_ireland,
        denied=frozenset({("ListRegions", HOME)}),
        tries=("DescribeRegions",),
    ),
    CommandCase(
        "doctor --reader",
        ("doctor", NAME, "-r", WEST, "--reader", ROLE),
        _with_reader,
        tries=("GetResourcePolicy", "SimulatePrincipalPolicy"),
    ),
    *FLEET_CASES,
    *RECOVERY_CASES,
)
"""Every command that can call AWS, each in the scene where it has most to do."""

OFFLINE = frozenset({"iam-policy", "merge", "sandbox", "completion", "help"})
"""The commands that never call AWS."""
