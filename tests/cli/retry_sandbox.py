"""A sandbox with Failed Regions, and the requests that were sent to retry them."""

from __future__ import annotations

from typing import Any

from fixtures import Sandbox

from smrep.sandbox.faults import Faults

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
NO_LUCK = "Replication failed: no luck"


def heal(sandbox: Sandbox, **faults: Any) -> None:
    sandbox.simulator.faults = Faults(**{"replication_delay_s": 0.0, "force_delete_delay_s": 0.0, **faults})


def failed(sandbox: Sandbox, *regions: str, also: tuple[str, ...] = (), key: str | None = None) -> str:
    """Make a primary whose replicas Failed in these Regions, for a cause that is gone by now."""
    arn = sandbox.create()
    heal(sandbox, failures=dict.fromkeys(regions, NO_LUCK))
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in (*regions, *also)]
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    sandbox.call("DescribeSecret", SecretId="prod/db")  # lets what is due happen
    heal(sandbox)
    sandbox.simulator.log.clear()
    return arn


def sent(sandbox: Sandbox) -> list[Any]:
    return [call.params["AddReplicaRegions"] for call in sandbox.log("ReplicateSecretToRegions")]
