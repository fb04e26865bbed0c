"""The only operations that smrep may send; none returns or changes a secret's value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

ALLOWED: Mapping[tuple[str, str], str] = {
    ("secretsmanager", "DescribeSecret"): "describe_secret",
    ("secretsmanager", "ListSecrets"): "list_secrets",
    ("secretsmanager", "ListSecretVersionIds"): "list_secret_version_ids",
    ("secretsmanager", "GetResourcePolicy"): "get_resource_policy",
    ("secretsmanager", "ReplicateSecretToRegions"): "replicate_secret_to_regions",
    ("secretsmanager", "RemoveRegionsFromReplication"): "remove_regions_from_replication",
    ("secretsmanager", "StopReplicationToReplica"): "stop_replication_to_replica",
    ("secretsmanager", "UpdateSecret"): "update_secret",
    ("kms", "DescribeKey"): "describe_key",
    ("kms", "ListAliases"): "list_aliases",
    ("sts", "GetCallerIdentity"): "get_caller_identity",
    ("account", "ListRegions"): "list_regions",
    ("ec2", "DescribeRegions"): "describe_regions",
    ("iam", "SimulatePrincipalPolicy"): "simulate_principal_policy",
    ("sts", "AssumeRole"): "assume_role",
    ("organizations", "ListAccounts"): "list_accounts",
    ("organizations", "ListAccountsForParent"): "list_accounts_for_parent",
    ("organizations", "ListOrganizationalUnitsForParent"): "list_organizational_units_for_parent",
    ("s3", "GetObject"): "get_object",  # both for the Lambda function only: its manifest and its documents
    ("s3", "PutObject"): "put_object",
}
"""Every operation that smrep can send, with boto3's name for it."""

WRITES: Mapping[str, frozenset[str]] = {
    "ReplicateSecretToRegions": frozenset({"SecretId", "AddReplicaRegions", "ForceOverwriteReplicaSecret"}),
    "RemoveRegionsFromReplication": frozenset({"SecretId", "RemoveReplicaRegions"}),
    "StopReplicationToReplica": frozenset({"SecretId"}),
    "UpdateSecret": frozenset({"SecretId", "KmsKeyId"}),
}
"""Every operation that changes something, with all parameters that smrep may send: never a secret's value."""


class NotAllowed(Exception):
    """A call that smrep must never make: a bug in smrep."""


def check(service: str, operation: str, params: Iterable[str]) -> str:
    """Return boto3's name for an operation.

    Raises:
        NotAllowed: smrep may not send it, or not with these parameters.

    """
    method = ALLOWED.get((service, operation))
    if method is None or not WRITES.get(operation, frozenset(params)).issuperset(params):
        raise NotAllowed(f"smrep may not send {service}:{operation} with {', '.join(params)}")
    return method


def check_parameters(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Check a call before botocore builds its request: a handler of `before-parameter-build`."""
    check(model.service_model.service_name, model.name, params)


def check_request(request: Any, **_: Any) -> None:
    """Check a request to Secrets Manager, which other handlers may have changed: a handler of `before-send`."""
    target = request.headers.get("X-Amz-Target", "")
    name = target.decode() if isinstance(target, bytes) else target
    sent = set(json.loads(request.body or b"{}")) - {"ClientRequestToken"}  # botocore's own: an idempotency token
    check("secretsmanager", name.partition(".")[2], sent)
