"""Steps in the life of one secret in three Regions, for the properties that hold after any of them."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import strategies as st

from smrep.sandbox.simulator import ApiError

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
REGION = st.sampled_from(REGIONS)
STEP = st.one_of(
    st.tuples(st.just("tick"), st.sampled_from([0.5, 2.0, 45.0])),
    st.tuples(st.just("create"), REGION),
    st.tuples(st.just("replicate"), REGION, REGION, st.booleans()),
    st.tuples(st.just("remove"), REGION, REGION),
    st.tuples(st.just("promote"), REGION),
    st.tuples(st.just("put"), REGION),
    st.tuples(st.just("delete"), REGION, st.booleans()),
    st.tuples(st.just("restore"), REGION),
)


def take(account: Any, step: tuple) -> None:
    """Take one step; AWS may refuse it, but only in its own words."""
    with contextlib.suppress(ApiError):
        match step:
            case ("tick", seconds):
                account.tick(seconds)
            case ("create", region):
                account.secret(region=region)
            case ("replicate", region, target, force):
                wanted = [{"Region": target}]
                more = {"AddReplicaRegions": wanted, "ForceOverwriteReplicaSecret": force}
                account.sm("ReplicateSecretToRegions", region, SecretId="db", **more)
            case ("remove", region, target):
                more = {"RemoveReplicaRegions": [target]}
                account.sm("RemoveRegionsFromReplication", region, SecretId="db", **more)
            case ("promote", region):
                account.sm("StopReplicationToReplica", region, SecretId="db")
            case ("put", region):
                account.sm("PutSecretValue", region, SecretId="db", SecretString="again")
            case ("delete", region, force):
                account.sm("DeleteSecret", region, SecretId="db", ForceDeleteWithoutRecovery=force)
            case ("restore", region):
                account.sm("RestoreSecret", region, SecretId="db")
