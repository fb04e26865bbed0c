"""What is tried under every fault: one entry a command, with its scene and the state that it promises."""

from __future__ import annotations

from matrix.disaster import DISASTER
from matrix.fleet import FLEET
from matrix.scenes import (
    HOME,
    IRELAND,
    LIMIT,
    NAME,
    WEST,
    Play,
    Stage,
    under_way,
    with_both,
    with_failed,
    with_ireland,
)

ROLE = "arn:aws:iam::123456789012:role/reader"


def _with_namesake(stage: Stage) -> None:
    with_ireland(stage)
    stage.create(NAME, WEST)


def _with_reader(stage: Stage) -> None:
    with_both(stage)
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    stage.simulator.put_role(ROLE, {"Version": "2012-10-17", "Statement": [statement]})


PLAYS = (
    Play(
        "replicate",
        ("replicate", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}", *LIMIT),
        with_ireland,
        lambda stage: stage.in_sync(WEST, IRELAND) and stage.under(WEST, stage.key()),
    ),
    Play(
        "replicate --verify",
        ("replicate", NAME, "-r", WEST, "--verify", *LIMIT),
        with_ireland,
        lambda stage: stage.in_sync(WEST),
    ),
    Play(
        "replicate --force-overwrite",
        ("replicate", NAME, "-r", f"{WEST},{IRELAND}", "--force-overwrite", "--yes", *LIMIT),
        _with_namesake,
        lambda stage: stage.in_sync(WEST, IRELAND),
        (WEST,),
    ),
    Play(
        "retry",
        ("retry", NAME, "-r", f"{WEST},{IRELAND}", *LIMIT),
        with_failed,
        lambda stage: stage.in_sync(WEST, IRELAND),
    ),
    Play("status", ("status", NAME), with_both, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play("status -r", ("status", NAME, "-r", WEST), with_both, lambda stage: stage.in_sync(WEST)),
    Play("status of a replica", ("status", NAME, "--primary-region", WEST), with_both),
    Play("status --role-arn", ("status", NAME, "--role-arn", ROLE), with_both, tries=("AssumeRole",)),
    Play("wait", ("wait", NAME, *LIMIT), under_way, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play("verify", ("verify", NAME, *LIMIT), with_both, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play(
        "rekey",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", *LIMIT),
        with_both,
        lambda stage: stage.in_sync(WEST) and stage.under(WEST, stage.key()),
    ),
    Play(
        "rekey --recreate",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", "--recreate", "--yes", *LIMIT),
        with_both,
        lambda stage: stage.in_sync(WEST) and stage.under(WEST, stage.key()),
        (WEST,),
    ),
    Play(
        "remove",
        ("remove", NAME, "-r", WEST, "--yes", *LIMIT),
        with_both,
        lambda stage: stage.look(WEST) is None,
        (WEST,),
    ),
    Play(
        "promote",
        ("promote", NAME, "-r", WEST, "--yes", *LIMIT),
        with_both,
        lambda stage: "PrimaryRegion" not in (stage.look(WEST) or {"PrimaryRegion": ""}),
        (WEST,),
    ),
    Play("doctor", ("doctor", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}"), with_ireland),
    Play(
        "doctor, Regions from EC2",
        ("doctor", NAME, "-r", IRELAND),
        with_ireland,
        denied=frozenset({("ListRegions", HOME)}),
        tries=("DescribeRegions",),
    ),
    Play(
        "doctor --reader",
        ("doctor", NAME, "-r", WEST, "--reader", ROLE),
        _with_reader,
        tries=("GetResourcePolicy", "SimulatePrincipalPolicy"),
    ),
    *FLEET,
    *DISASTER,
)
"""Every command that can call AWS, each in the scene where it has most to do."""

OFFLINE = frozenset({"iam-policy", "sandbox", "completion", "help"})
"""The commands that never call AWS."""
