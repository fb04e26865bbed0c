"""The operations that add, remove and promote replicas."""

from __future__ import annotations

from typing import Any

from smrep.sandbox.operations.describe_secret import SECRET_ID, show_replication_status
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.replication_engine import add_regions, promote, remove_regions
from smrep.sandbox.simulator.stored_secret import StoredSecret
from smrep.sandbox.simulator.validation import Field, Operation

_REGION = Field(str, low=1, high=128, pattern=r"^([a-z]+-)+\d+$")
_REPLICA_REGION = Field(dict, members={"Region": _REGION, "KmsKeyId": Field(str, high=2048)})
ADD_REGIONS = Field(list, low=1, item=_REPLICA_REGION)


def _replicate_secret_to_regions(state: AccountState, request: Request) -> dict[str, Any]:
    primary, params = state.find_writable(request), request.params
    force = params.get("ForceOverwriteReplicaSecret", False)
    add_regions(state, primary, params["AddReplicaRegions"], force=force, at=request.at)
    return _answer(state, primary)


def _remove_regions_from_replication(state: AccountState, request: Request) -> dict[str, Any]:
    primary = state.find_writable(request)
    remove_regions(state, primary, request.params["RemoveReplicaRegions"], request.at)
    return _answer(state, primary)


def _stop_replication_to_replica(state: AccountState, request: Request) -> dict[str, Any]:
    replica = state.find_living(request)
    promote(state, replica, request.at)
    return {"ARN": replica.arn}


def _answer(state: AccountState, primary: StoredSecret) -> dict[str, Any]:
    """Return all Regions listed now, without lag; `[]` for none. Source: aws-behavior.md 1.1, 1.2."""
    rows = show_replication_status(state, primary, list(primary.entries.values()))
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
"""Operation name -> operation."""
