"""Failover and failback as cases of the fault matrix; one secret is enough for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from matrix.scenes import HOME, IRELAND, LIMIT, NAME, VALUE, WEST, CommandCase, Scene
from matrix.written_files import RECORD

YES = ("--record", RECORD, "--yes", *LIMIT)
HEAD = {"schema": "smrep-failover/1", "from": HOME, "to": WEST}


def _replicated(*thirds: str) -> Callable[[Scene], None]:
    """Return the scene with a replica under a key of one's own, and others in third Regions."""

    def set_up(scene: Scene) -> None:
        scene.create()
        wanted = [{"Region": WEST, "KmsKeyId": scene.key()}, *({"Region": each} for each in thirds)]
        scene.call("ReplicateSecretToRegions", SecretId=NAME, AddReplicaRegions=wanted)
        scene.look(HOME)

    return set_up


def _failed_over(*thirds: str) -> Callable[[Scene], None]:
    """Return the scene after a failover: what was promoted has got a value of its own."""

    def set_up(scene: Scene) -> None:
        _replicated(*thirds)(scene)
        scene.call("StopReplicationToReplica", WEST, SecretId=NAME)
        scene.call("PutSecretValue", WEST, SecretId=NAME, SecretString=f"{VALUE}, written there")

    return set_up


def _record(scene: Scene) -> Mapping[str, str]:
    """Return the record of that failover, by which both sides were level before the value was written."""
    old, new = scene.look(HOME) or {}, scene.look(WEST) or {}
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


def _stands_alone(scene: Scene) -> bool:
    return "PrimaryRegion" not in (scene.look(WEST) or {"PrimaryRegion": ""})


RECOVERY_CASES = (
    CommandCase(
        "failover",
        ("failover", "--from", HOME, "--to", WEST, "--prefix", NAME, *YES),
        _replicated(),
        _stands_alone,
    ),
    CommandCase(
        "failover of a name",
        ("failover", NAME, "--from", HOME, "--to", WEST, *YES),
        _replicated(IRELAND),
        _stands_alone,
        tries=("ListSecrets",),
    ),
    CommandCase(
        "failback",
        ("failback", *YES),
        _failed_over(IRELAND),
        lambda scene: scene.in_sync(HOME, IRELAND, primary=WEST),
        (IRELAND,),
        files=_record,
    ),
    CommandCase(
        "failback --return-primary",
        ("failback", "--return-primary", *YES),
        _failed_over(),
        lambda scene: scene.in_sync(WEST) and scene.under(WEST, scene.key()),
        files=_record,
    ),
)
"""Both commands in the scenes where their calls differ."""
