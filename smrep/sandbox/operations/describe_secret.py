"""The operations that read one secret: DescribeSecret, GetSecretValue, ListSecretVersionIds."""

from __future__ import annotations

from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.page_tokens import take_page
from smrep.sandbox.simulator.stored_secret import (
    CURRENT,
    DEFAULT_KEY,
    ReplicaEntry,
    Rotation,
    StoredSecret,
    StoredVersion,
    find_labeled,
    find_version,
)
from smrep.sandbox.simulator.validation import Field, Operation

SECRET_ID = Field(str, required=True, low=1, high=2048)
_DAY_S = 86_400


def show_secret(secret: StoredSecret, *, versions_key: str) -> dict[str, Any]:
    """Return the fields that DescribeSecret and ListSecrets share, without empty ones.

    A primary on the default key has no KmsKeyId, a replica shows the default key's alias. Choice: a replica has
    Tags only if it has tags (AWS's recorded replica of an untagged secret has no such key, its primary an empty
    list); a replica or promoted secret shows no rotation; a promoted secret shows its key as before.
    Source: aws-behavior.md 1.4 and its recorded answers.
    """
    content, rotation = secret.content, secret.rotation or Rotation()
    tags = [{"Key": key, "Value": value} for key, value in content.tags]
    optional: dict[str, Any] = {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": content.description or None,
        "KmsKeyId": secret.kms_key,
        "RotationEnabled": None if secret.rotation is None else rotation.enabled,
        "RotationLambdaARN": rotation.function,
        "RotationRules": rotation.rules,
        "LastChangedDate": round(content.changed, 3),
        "LastAccessedDate": secret.accessed,
        "DeletedDate": None if secret.deleted is None else round(secret.deleted, 3),
        "Tags": None if secret.is_replica and not tags else tags,
        versions_key: {v.version_id: list(v.stages) for v in content.versions if v.stages} or None,
        "OwningService": find_owning_service(secret.name),
        "CreatedDate": round(secret.created, 3),
        "PrimaryRegion": secret.primary_region,
    }
    return {key: value for key, value in optional.items() if value is not None}


def find_owning_service(name: str) -> str | None:
    """Return the AWS service that manages a secret of this name. Source: aws-behavior.md 3 'Managed secrets'."""
    service, mark, _ = name.partition("!")
    return service if mark and service else None


def show_replication_status(
    state: AccountState, secret: StoredSecret, entries: list[ReplicaEntry]
) -> list[dict[str, Any]]:
    """Return ReplicationStatus for these entries, without StatusMessage while InProgress.

    LastAccessedDate is the replica's. Source: aws-behavior.md 1.1, 1.4.
    """
    rows = []
    for entry in entries:
        replica = state.get_secret(entry.region, secret.name)
        is_own = replica is not None and replica.is_replica_of(secret)
        row = {
            "Region": entry.region,
            "KmsKeyId": entry.kms_key,
            "Status": entry.status,
            "StatusMessage": entry.message,
            "LastAccessedDate": replica.accessed if replica is not None and is_own else None,
        }
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def _describe_secret(state: AccountState, request: Request) -> dict[str, Any]:
    secret = state.find(request.region, request.params["SecretId"])
    answer = show_secret(secret, versions_key="VersionIdsToStages")
    shown = [entry.get_visible(request.at) for entry in secret.entries.values()]
    rows = show_replication_status(state, secret, [entry for entry in shown if entry is not None])
    optional = {
        "ReplicationStatus": rows,
        "CrossAccountPrimary": secret.cross_account.primary,
        "CrossAccountReplicas": list(secret.cross_account.replicas),
    }
    return {**answer, **{key: value for key, value in optional.items() if value}}


def _get_secret_value(state: AccountState, request: Request) -> dict[str, Any]:
    secret = state.find_living(request)
    version = _select_version(secret, request.params)
    state.keys.require_readable(secret, version.version_id)
    secret.accessed = secret.read_on[version.version_id] = request.at - request.at % _DAY_S
    answer = {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.version_id,
        "SecretString": version.value.text,
        "SecretBinary": version.value.binary,
        "VersionStages": list(version.stages) or None,
        "CreatedDate": round(version.created, 3),
    }
    return {key: value for key, value in answer.items() if value is not None}


def _select_version(secret: StoredSecret, params: dict[str, Any]) -> StoredVersion:
    version_id, stage = params.get("VersionId"), params.get("VersionStage")
    if version_id is None:
        label, version = stage or CURRENT, find_labeled(secret.content.versions, stage or CURRENT)
        sought = f"staging label: {label}"
    else:
        version = find_version(secret.content.versions, version_id)
        sought = f"VersionId: {version_id}"
        if version is not None and stage is not None and stage not in version.stages:
            raise ApiError(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
    if version is None:
        raise ApiError(
            "ResourceNotFoundException",
            f"Secrets Manager can't find the specified secret value for {sought}",
        )
    return version


def _list_secret_version_ids(state: AccountState, request: Request) -> dict[str, Any]:
    """List versions. Choice: KmsKeyIds is "DefaultEncryptionKey" for the default key."""
    secret = state.find(request.region, request.params["SecretId"])
    everything = request.params.get("IncludeDeprecated", False)
    rows = [version for version in secret.content.versions if version.stages or everything]
    shown, token = take_page(
        rows,
        key=lambda version: (version.created, version.version_id),
        size=request.params.get("MaxResults", 100),
        token=request.params.get("NextToken"),
    )
    versions = [_show_version(secret, version) for version in shown]
    answer: dict[str, Any] = {"Versions": versions, "ARN": secret.arn, "Name": secret.name}
    return answer if token is None else {**answer, "NextToken": token}


def _show_version(secret: StoredSecret, version: StoredVersion) -> dict[str, Any]:
    key = secret.version_keys[version.version_id]
    row = {
        "VersionId": version.version_id,
        "VersionStages": list(version.stages) or None,
        "LastAccessedDate": secret.read_on.get(version.version_id),
        "CreatedDate": round(version.created, 3),
        "KmsKeyIds": ["DefaultEncryptionKey" if key in (None, DEFAULT_KEY) else key],
    }
    return {name: value for name, value in row.items() if value is not None}


READING_OPERATIONS = {
    "DescribeSecret": Operation(_describe_secret, {"SecretId": SECRET_ID}),
    "GetSecretValue": Operation(
        _get_secret_value,
        {
            "SecretId": SECRET_ID,
            "VersionId": Field(str, low=32, high=64),
            "VersionStage": Field(str, low=1, high=256),
        },
    ),
    "ListSecretVersionIds": Operation(
        _list_secret_version_ids,
        {
            "SecretId": SECRET_ID,
            "MaxResults": Field(int, low=1, high=100),
            "NextToken": Field(str, low=1, high=4096),
            "IncludeDeprecated": Field(bool),
        },
    ),
}
"""Operation name -> operation."""
