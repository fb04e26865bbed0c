"""A sandbox with a replica to verify, and ways to make the proof fail."""

from __future__ import annotations

from typing import Any

from fixtures import Sandbox

from smrep.sandbox.faults import Faults

WEST = "us-west-2"
HOME = "us-east-1"


def replicated(sandbox: Sandbox, key: str | None = None, name: str = "prod/db") -> str:
    arn = sandbox.create(name)
    wanted = {"Region": WEST, **({"KmsKeyId": key} if key else {})}
    sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[wanted])
    return arn


def put(sandbox: Sandbox, **params: Any) -> str:
    return str(sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer", **params)["VersionId"])


def stale(sandbox: Sandbox) -> str:
    replicated(sandbox)
    sandbox.simulator.faults = Faults(value_delay_s=3600.0)
    return put(sandbox)


def deny(sandbox: Sandbox, operation: str, region: str = WEST) -> None:
    sandbox.simulator.faults = Faults(replication_delay_s=0.0, denied=frozenset({(operation, region)}))
