"""Failover and failback as they are tried under every fault, for which one secret is enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from matrix.papers import RECORD
from matrix.scenes import HOME, IRELAND, LIMIT, NAME, VALUE, WEST, Play, Stage

YES = ("--record", RECORD, "--yes", *LIMIT)
HEAD = {"schema": "smrep-failover/1", "from": HOME, "to": WEST}


def _replicated(*thirds: str) -> Callable[[Stage], None]:
    """Return the scene with a replica under a key of one's own, and others in third Regions."""

    def scene(stage: Stage) -> None:
        stage.create()
        wanted = [{"Region": WEST, "KmsKeyId": stage.key()}, *({"Region": each} for each in thirds)]
        stage.call("ReplicateSecretToRegions", SecretId=NAME, AddReplicaRegions=wanted)
        stage.look(HOME)

    return scene


def _failed_over(*thirds: str) -> Callable[[Stage], None]:
    """Return the scene after a failover: what was promoted has got a value of its own."""

    def scene(stage: Stage) -> None:
        _replicated(*thirds)(stage)
        stage.call("StopReplicationToReplica", WEST, SecretId=NAME)
        stage.call("PutSecretValue", WEST, SecretId=NAME, SecretString=f"{VALUE}, written there")

    return scene


def _record(stage: Stage) -> Mapping[str, str]:
    """Return the record of that failover, by which both sides were level before the value was written."""
    old, new = stage.look(HOME) or {}, stage.look(WEST) or {}
    promoting = {
        "result": "promoting",
        "name": NAME,
        "arn": new["ARN"],
        "kms_key_id": new["KmsKeyId"],
        "versions": old["VersionIdsToStages"],
        "rotation": False,
        "tags": {},
        "policy_sha256": None,
    }
    lines: list[Mapping[str, Any]] = [HEAD, promoting, {"result": "promoted", "arn": new["ARN"]}]
    return {RECORD: "".join(f"{json.dumps(line)}\n" for line in lines)}


def _stands_alone(stage: Stage) -> bool:
    return "PrimaryRegion" not in (stage.look(WEST) or {"PrimaryRegion": ""})


DISASTER = (
    Play(
        "failover",
        ("failover", "--from", HOME, "--to", WEST, "--prefix", NAME, *YES),
        _replicated(),
        _stands_alone,
    ),
    Play(
        "failover of a name",
        ("failover", NAME, "--from", HOME, "--to", WEST, *YES),
        _replicated(IRELAND),
        _stands_alone,
        tries=("ListSecrets",),
    ),
    Play(
        "failback",
        ("failback", *YES),
        _failed_over(IRELAND),
        lambda stage: stage.in_sync(HOME, IRELAND, primary=WEST),
        (IRELAND,),
        files=_record,
    ),
    Play(
        "failback --return-primary",
        ("failback", "--return-primary", *YES),
        _failed_over(),
        lambda stage: stage.in_sync(WEST) and stage.under(WEST, stage.key()),
        files=_record,
    ),
)
"""Both commands in the scenes where their calls differ."""
