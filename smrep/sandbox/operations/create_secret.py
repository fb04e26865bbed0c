"""CreateSecret."""

from __future__ import annotations

import re
from typing import Any

from smrep.sandbox.operations.describe_secret import replication_status
from smrep.sandbox.operations.replica_regions import ADD_REGIONS
from smrep.sandbox.operations.update_secret import DESCRIPTION, KMS_KEY, TAGS, TOKEN, VALUE_FIELDS, token_in_use
from smrep.sandbox.simulator.account_state import Request, World
from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter, invalid_request
from smrep.sandbox.simulator.arns import new_uuid
from smrep.sandbox.simulator.key_store import own_key
from smrep.sandbox.simulator.replication_engine import add_regions, check_regions
from smrep.sandbox.simulator.stored_secret import Content, Secret, Value, Version, find_version, value_of, with_version
from smrep.sandbox.simulator.validation import Field, Operation


def _create_secret(world: World, request: Request) -> dict[str, Any]:
    params = request.params
    name, value = params["Name"], value_of(params)
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@!-]+", name):
        raise ApiError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    if "CrossAccountPrimaryARN" in params:
        raise invalid_parameter("The sandbox has no cross-account replication.")
    wanted = params.get("AddReplicaRegions", [])
    check_regions(request.region, wanted)
    token = params.get("ClientRequestToken") or new_uuid(world.rng)
    present = world.held(request.region, name)
    if present is not None:
        return _created_before(present, token, value)
    key = own_key(params)
    world.keys.require(request.region, key)
    secret = Secret(
        name=name,
        number=world.next_number(),
        suffix=world.fresh_suffix(),
        region=request.region,
        account_id=world.account_id,
        created=request.at,
        content=Content(
            versions=() if value is None else with_version((), Version(token, value, request.at)),
            description=params.get("Description"),
            tags=tuple({tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}.items()),
            changed=request.at,
            revision=world.next_number(),
        ),
        kms_key=key,
        version_keys={} if value is None else {token: key},
    )
    world.put(secret)
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": name}
    if value is not None:
        answer["VersionId"] = token
    if wanted:
        add_regions(
            world,
            secret,
            wanted,
            force=params.get("ForceOverwriteReplicaSecret", False),
            at=request.at,
        )
        answer["ReplicationStatus"] = replication_status(world, secret, list(secret.entries.values()))
    return answer


def _created_before(present: Secret, token: str, value: Value | None) -> dict[str, Any]:
    """Return the same answer for the same request; a refusal for another one of that name.

    Source: API_CreateSecret, ClientRequestToken; aws-behavior.md 1.7 for the name of a deleted one.
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
        raise token_in_use(present, token)
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
"""Secrets Manager's operation that makes a secret, by name."""
