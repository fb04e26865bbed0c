"""CreateSecret."""

from __future__ import annotations

import re
from typing import Any

from smrep.sandbox.operations.describe_secret import show_replication_status
from smrep.sandbox.operations.replica_regions import ADD_REGIONS
from smrep.sandbox.operations.update_secret import DESCRIPTION, KMS_KEY, TAGS, TOKEN, VALUE_FIELDS, token_is_taken
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter, invalid_request
from smrep.sandbox.simulator.arns import new_uuid
from smrep.sandbox.simulator.key_store import read_key
from smrep.sandbox.simulator.replication_engine import add_regions, check_regions
from smrep.sandbox.simulator.stored_secret import (
    Content,
    StoredSecret,
    StoredVersion,
    Value,
    add_version,
    find_version,
    read_value,
)
from smrep.sandbox.simulator.validation import Field, Operation


def _create_secret(state: AccountState, request: Request) -> dict[str, Any]:
    params = request.params
    name, value = params["Name"], read_value(params)
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@!-]+", name):
        raise ApiError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    if "CrossAccountPrimaryARN" in params:
        raise invalid_parameter("The sandbox has no cross-account replication.")
    wanted = params.get("AddReplicaRegions", [])
    check_regions(request.region, wanted)
    token = params.get("ClientRequestToken") or new_uuid(state.rng)
    present = state.get_secret(request.region, name)
    if present is not None:
        return _answer_again(present, token, value)
    key = read_key(params)
    state.keys.require(request.region, key)
    secret = StoredSecret(
        name=name,
        number=state.next_number(),
        suffix=state.make_suffix(),
        region=request.region,
        account_id=state.account_id,
        created=request.at,
        content=Content(
            versions=() if value is None else add_version((), StoredVersion(token, value, request.at)),
            description=params.get("Description"),
            tags=tuple({tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}.items()),
            changed=request.at,
            revision=state.next_number(),
        ),
        kms_key=key,
        version_keys={} if value is None else {token: key},
    )
    state.put(secret)
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": name}
    if value is not None:
        answer["VersionId"] = token
    if wanted:
        add_regions(
            state,
            secret,
            wanted,
            force=params.get("ForceOverwriteReplicaSecret", False),
            at=request.at,
        )
        answer["ReplicationStatus"] = show_replication_status(state, secret, list(secret.entries.values()))
    return answer


def _answer_again(present: StoredSecret, token: str, value: Value | None) -> dict[str, Any]:
    """Return the first answer to a repeated request; refuse another request for this name.

    Source: API_CreateSecret, ClientRequestToken; aws-behavior.md 1.7 for deleted secrets.
    """
    if present.deleted is not None:
        raise invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    version = find_version(present.content.versions, token)
    if version is None:
        raise ApiError(
            "ResourceExistsException",
            f"The operation failed because the secret {present.name} already exists.",
        )
    if version.value != value:
        raise token_is_taken(present, token)
    return {"ARN": present.arn, "Name": present.name, "VersionId": token}


CREATING_OPERATIONS = {
    "CreateSecret": Operation(
        _create_secret,
        {
            "Name": Field(str, required=True, low=1, high=512),
            "ClientRequestToken": TOKEN,
            "Description": DESCRIPTION,
            "KmsKeyId": KMS_KEY,
            **VALUE_FIELDS,
            "Tags": TAGS,
            "AddReplicaRegions": ADD_REGIONS,
            "ForceOverwriteReplicaSecret": Field(bool),
        },
    )
}
"""Operation name -> operation."""
