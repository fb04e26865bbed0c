"""The only operations that may be sent, none of which returns or changes a secret's value."""

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
}
"""Every operation that smrep can send, with boto3's name for it; nothing that returns a secret's value."""

WRITES: Mapping[str, frozenset[str]] = {
    "ReplicateSecretToRegions": frozenset({"SecretId", "AddReplicaRegions", "ForceOverwriteReplicaSecret"}),
    "RemoveRegionsFromReplication": frozenset({"SecretId", "RemoveReplicaRegions"}),
    "StopReplicationToReplica": frozenset({"SecretId"}),
    "UpdateSecret": frozenset({"SecretId", "KmsKeyId"}),
}
"""Every operation that changes something, with all that smrep may say in it; no value of a secret among them."""


class NotAllowed(Exception):
    """A call that must never be made: a fault of smrep itself."""


def check(service: str, operation: str, params: Iterable[str]) -> str:
    """Return boto3's name for an operation that may be sent with these parameters.

    Raises:
        NotAllowed: it may not.

    """
    method = ALLOWED.get((service, operation))
    if method is None or not WRITES.get(operation, frozenset(params)).issuperset(params):
        raise NotAllowed(f"{service}:{operation} with {', '.join(params)} is not on the list of what smrep may send")
    return method


def guard(client: Any) -> None:
    """Let the client send nothing else, whoever holds it."""
    client.meta.events.register_first("before-parameter-build.*.*", _as_asked)


def guard_secrets(session: Any) -> None:
    """Let no client that the session will make send anything else to Secrets Manager, whoever makes it.

    What is asked for is checked before a request is built of it, and what goes over the wire once more, since event
    handlers may have changed it. Other services are left alone here: botocore has its own ways to credentials.
    """
    events = session.get_component("event_emitter")
    events.register_first("before-parameter-build.secrets-manager.*", _as_asked)
    events.register_last("before-send.secrets-manager.*", _as_sent)


def _as_asked(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    check(model.service_model.service_name, model.name, params)


def _as_sent(request: Any, **_: Any) -> None:
    target = request.headers.get("X-Amz-Target", "")
    name = target.decode() if isinstance(target, bytes) else target
    sent = set(json.loads(request.body or b"{}")) - {"ClientRequestToken"}  # botocore's own: an idempotency token
    check("secretsmanager", name.partition(".")[2], sent)
