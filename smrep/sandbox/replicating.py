"""The operations that replicate: ReplicateSecretToRegions, its undoing, and the promotion of a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smrep.sandbox.reading import SECRET_ID, replication_status
from smrep.sandbox.replication import add_regions, promote, remove_regions
from smrep.sandbox.validation import Field, Operation

if TYPE_CHECKING:
    from smrep.sandbox.state import Request, Secret, World

_REGION = Field(str, low=1, high=128, pattern=r"^([a-z]+-)+\d+$")
_REPLICA_REGION = Field(dict, members={"Region": _REGION, "KmsKeyId": Field(str, high=2048)})
ADD_REGIONS = Field(list, low=1, item=_REPLICA_REGION)


def _replicate_secret_to_regions(world: World, request: Request) -> dict[str, Any]:
    primary, params = world.find_writable(request), request.params
    force = params.get("ForceOverwriteReplicaSecret", False)
    add_regions(world, primary, params["AddReplicaRegions"], force=force, at=request.at)
    return _answer(world, primary)


def _remove_regions_from_replication(world: World, request: Request) -> dict[str, Any]:
    primary = world.find_writable(request)
    remove_regions(world, primary, request.params["RemoveReplicaRegions"], request.at)
    return _answer(world, primary)


def _stop_replication_to_replica(world: World, request: Request) -> dict[str, Any]:
    copy = world.find_living(request)
    promote(world, copy, request.at)
    return {"ARN": copy.arn}


def _answer(world: World, primary: Secret) -> dict[str, Any]:
    """All the Regions listed now, without any lag, and `[]` for none. Source: aws-behavior.md 1.1, 1.2."""
    rows = replication_status(world, primary, list(primary.entries.values()))
    return {"ARN": primary.arn, "ReplicationStatus": rows}


REPLICATING_OPERATIONS = {
    "ReplicateSecretToRegions": Operation(
        _replicate_secret_to_regions,
        {
            "SecretId": SECRET_ID,
            "AddReplicaRegions": Field(list, required=True, low=1, item=_REPLICA_REGION),
            "ForceOverwriteReplicaSecret": Field(bool),
        },
    ),
    "RemoveRegionsFromReplication": Operation(
        _remove_regions_from_replication,
        {
            "SecretId": SECRET_ID,
            "RemoveReplicaRegions": Field(list, required=True, low=1, item=_REGION),
        },
    ),
    "StopReplicationToReplica": Operation(_stop_replication_to_replica, {"SecretId": SECRET_ID}),
}
"""Secrets Manager's operations that replicate, by name."""
