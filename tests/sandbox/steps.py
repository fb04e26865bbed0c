"""Steps in one secret's life in three Regions, for properties that hold after any of them."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import strategies as st

from smrep.sandbox.simulator.simulated_aws import ApiError

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

KEEPABLE_STEP = st.one_of(
    STEP,
    st.tuples(st.just("key"), REGION),
    st.tuples(st.just("rekey"), REGION),
    st.tuples(st.just("bytes"), REGION),
    st.tuples(st.just("tag"), REGION),
    st.tuples(st.just("policy"), REGION),
    st.tuples(st.just("rotate"), REGION),
    st.tuples(st.just("cancel"), REGION),
    st.tuples(st.just("read"), REGION),
    st.tuples(st.just("show"), REGION, REGION),
    st.tuples(st.just("cross"), REGION),
    st.tuples(st.just("role"), st.sampled_from(["123456789012", "210987654321"])),
    st.tuples(st.just("elsewhere"), REGION),
)
"""Steps through all that a sandbox can hold."""


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
            case _:
                _take_another(account, *step)


def _take_another(account: Any, verb: str, region: str, *more: str) -> None:
    match verb:
        case "key":
            account.key(region, alias="alias/dr")
        case "rekey":
            account.sm("UpdateSecret", region, SecretId="db", KmsKeyId="alias/dr")
        case "bytes":
            account.sm("PutSecretValue", region, SecretId="db", SecretBinary="YQ==", VersionStages=["blue"])
        case "tag":
            account.sm("TagResource", region, SecretId="db", Tags=[{"Key": "dr", "Value": "\U0001f600\ud800"}])
        case "policy":
            account.sm("PutResourcePolicy", region, SecretId="db", ResourcePolicy='{"Statement": []}')
        case "rotate":
            rules = {"AutomaticallyAfterDays": 7}
            account.sm("RotateSecret", region, SecretId="db", RotationLambdaARN="arn:x", RotationRules=rules)
        case "cancel":
            account.sm("CancelRotateSecret", region, SecretId="db")
        case "read":
            account.value(region=region)
        case "show":
            account.simulator.set_replication_status("db", region, more[0], "Odd", "for a while")
        case "cross":
            shown = {"PrimarySecretARN": "arn:y", "ReplicationStatus": "InSync"}
            account.simulator.set_cross_account("db", region, primary=shown, replicas=[{"ReplicationStatus": "InSync"}])
        case "role":
            arn = f"arn:aws:iam::{region}:role/app"
            account.simulator.put_trust(arn, "x1")
            tests = {"StringLike": {"aws:x": ["a*", "b"]}, "Bool": {"aws:y": "true"}}
            statement = {"Effect": "Deny", "NotAction": "kms:*", "Resource": ["*"], "Condition": tests}
            account.simulator.put_role(arn, {"Statement": [statement, {**statement, "Sid": "two"}]})
            given = {"RoleArn": arn, "RoleSessionName": "me", "ExternalId": "x1"}
            account.simulator.call("sts", "AssumeRole", "us-east-1", given)
        case "elsewhere":
            other = account.simulator.account("210987654321")
            given = {"Name": "db", "SecretString": "theirs", "AddReplicaRegions": [{"Region": "sa-east-1"}]}
            other.call("secretsmanager", "CreateSecret", region, given)
