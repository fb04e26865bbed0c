"""The operations that change a secret: its value, its description, its key, its tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smrep.sandbox.operations.describe_secret import SECRET_ID
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError, invalid_request, replica_is_read_only
from smrep.sandbox.simulator.arns import new_uuid
from smrep.sandbox.simulator.key_store import read_key
from smrep.sandbox.simulator.replication_engine import show_key, spread
from smrep.sandbox.simulator.stored_secret import (
    CURRENT,
    DEFAULT_KEY,
    StoredSecret,
    StoredVersion,
    add_version,
    find_version,
    move_label,
    read_value,
)
from smrep.sandbox.simulator.validation import Field, Operation

TOKEN = Field(str, low=32, high=64)
DESCRIPTION = Field(str, high=2048)
KMS_KEY = Field(str, high=2048)
VALUE_FIELDS = {
    "SecretString": Field(str, low=1, high=65_536, sensitive=True),
    "SecretBinary": Field(str, low=1, high=90_000, sensitive=True),
}
_TAG = Field(
    dict,
    members={"Key": Field(str, required=True, low=1, high=128), "Value": Field(str, high=256)},
)
TAGS = Field(list, item=_TAG)


def _put_secret_value(state: AccountState, request: Request) -> dict[str, Any]:
    secret, value = state.find_writable(request), read_value(request.params)
    if value is None:
        raise invalid_request("You must provide either SecretString or SecretBinary.")
    token = request.params.get("ClientRequestToken") or new_uuid(state.rng)
    version = find_version(secret.content.versions, token)
    if version is not None and version.value != value:
        raise token_is_taken(secret, token)
    if version is None:
        stages = request.params.get("VersionStages", [CURRENT])
        state.keys.require(secret.region, secret.kms_key)
        _add_version(state, secret, StoredVersion(token, value, request.at, tuple(stages)))
        version = find_version(secret.content.versions, token)
    stages = [] if version is None else list(version.stages)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": stages}


def token_is_taken(secret: StoredSecret, token: str) -> ApiError:
    """Return the refusal of a ClientRequestToken that belongs to a version with another value."""
    return ApiError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use "
        f"for a version of secret {secret.arn}.",
    )


def _add_version(state: AccountState, secret: StoredSecret, version: StoredVersion) -> None:
    versions = add_version(secret.content.versions, version)
    keys = secret.version_keys
    secret.version_keys = {v.version_id: keys.get(v.version_id, secret.kms_key) for v in versions}
    secret.content = state.revise(replace(secret.content, versions=versions), version.created)
    spread(state, secret, version.created)


def _update_secret(state: AccountState, request: Request) -> dict[str, Any]:
    """Update a secret; like PutSecretValue, accept a token again with its value. Source: aws-behavior.md 10.9."""
    secret, params = state.find_living(request), request.params
    value = read_value(params)
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": secret.name}
    if secret.is_replica:
        _rekey_replica(state, secret, params)
        return answer
    token = params.get("ClientRequestToken") or new_uuid(state.rng)
    version = find_version(secret.content.versions, token)
    if value is not None and version is not None and version.value != value:
        raise token_is_taken(secret, token)
    if "KmsKeyId" in params:
        state.keys.change_key(secret, read_key(params))
    elif value is not None:
        state.keys.require(secret.region, secret.kms_key)
    description = params.get("Description", secret.content.description)
    secret.content = state.revise(replace(secret.content, description=description), request.at)
    if value is None:
        spread(state, secret, request.at)
        return answer
    if version is None:
        _add_version(state, secret, StoredVersion(token, value, request.at, (CURRENT,)))
    return {**answer, "VersionId": token}


def _update_secret_version_stage(state: AccountState, request: Request) -> dict[str, Any]:
    secret, params = state.find_writable(request), request.params
    source, target = params.get("RemoveFromVersionId"), params.get("MoveToVersionId")
    versions = move_label(secret.content.versions, params["VersionStage"], source, target)
    secret.content = state.revise(replace(secret.content, versions=versions), request.at)
    spread(state, secret, request.at, leaves_in_sync=True)
    return {"ARN": secret.arn, "Name": secret.name}


def _rekey_replica(state: AccountState, replica: StoredSecret, params: dict[str, Any]) -> None:
    """Change a replica's key, the only change it allows in its Region.

    SDKs always add a ClientRequestToken, so it is ignored. Source: aws-behavior.md 1.8.
    """
    others = {"SecretString", "SecretBinary", "Description", "Type"}
    if "KmsKeyId" not in params or not others.isdisjoint(params):
        raise replica_is_read_only()
    key = params["KmsKeyId"] or DEFAULT_KEY
    state.keys.change_key(replica, key)
    if state.faults.primary_shows_rekey:
        show_key(state, replica, key)


def _tag_resource(state: AccountState, request: Request) -> dict[str, Any]:
    new = {tag["Key"]: tag.get("Value", "") for tag in request.params["Tags"]}
    secret = state.find_writable(request)
    return _retag(state, secret, {**dict(secret.content.tags), **new}, request.at)


def _untag_resource(state: AccountState, request: Request) -> dict[str, Any]:
    gone = request.params["TagKeys"]
    secret = state.find_writable(request)
    kept = {key: value for key, value in secret.content.tags if key not in gone}
    return _retag(state, secret, kept, request.at)


def _retag(state: AccountState, secret: StoredSecret, tags: dict[str, str], at: float) -> dict[str, Any]:
    secret.content = state.revise(replace(secret.content, tags=tuple(tags.items())), at)
    spread(state, secret, at)
    return {}


CHANGING_OPERATIONS = {
    "PutSecretValue": Operation(
        _put_secret_value,
        {
            "SecretId": SECRET_ID,
            "ClientRequestToken": TOKEN,
            **VALUE_FIELDS,
            "VersionStages": Field(list, low=1, high=20, item=Field(str, low=1, high=256)),
        },
    ),
    "UpdateSecret": Operation(
        _update_secret,
        {
            "SecretId": SECRET_ID,
            "ClientRequestToken": TOKEN,
            "Description": DESCRIPTION,
            "KmsKeyId": KMS_KEY,
            **VALUE_FIELDS,
        },
    ),
    "UpdateSecretVersionStage": Operation(
        _update_secret_version_stage,
        {
            "SecretId": SECRET_ID,
            "VersionStage": Field(str, required=True, low=1, high=256),
            "RemoveFromVersionId": TOKEN,
            "MoveToVersionId": TOKEN,
        },
    ),
    "TagResource": Operation(_tag_resource, {"SecretId": SECRET_ID, "Tags": Field(list, required=True, item=_TAG)}),
    "UntagResource": Operation(
        _untag_resource,
        {"SecretId": SECRET_ID, "TagKeys": Field(list, required=True, item=Field(str, low=1, high=128))},
    ),
}
"""Operation name -> operation."""
