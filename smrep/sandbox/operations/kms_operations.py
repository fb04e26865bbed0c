"""The operations of KMS: keys and aliases of one Region."""

from __future__ import annotations

import re
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.arns import kms_arn, new_uuid
from smrep.sandbox.simulator.key_store import Key
from smrep.sandbox.simulator.page_tokens import take_page
from smrep.sandbox.simulator.validation import Field, Operation

_KEY_ID = Field(str, required=True, low=1, high=2048)
_SPECS = ("SYMMETRIC_DEFAULT", "RSA_2048", "RSA_4096", "ECC_NIST_P256", "HMAC_256")
_USAGES = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT")


def _create_key(state: AccountState, request: Request) -> dict[str, Any]:
    key_id = new_uuid(state.rng)
    multi_region = bool(request.params.get("MultiRegion", False))
    if multi_region:
        key_id = "mrk-" + key_id.replace("-", "")
    key = Key(
        key_id=key_id,
        arn=kms_arn(request.region, state.account_id, f"key/{key_id}"),
        account_id=state.account_id,
        created=request.at,
        description=request.params.get("Description", ""),
        usage=request.params.get("KeyUsage", "ENCRYPT_DECRYPT"),
        spec=request.params.get("KeySpec", "SYMMETRIC_DEFAULT"),
        multi_region=multi_region,
    )
    state.keys.add(request.region, key)
    return {"KeyMetadata": key.describe()}


def _create_alias(state: AccountState, request: Request) -> dict[str, Any]:
    alias = request.params["AliasName"]
    arn = kms_arn(request.region, state.account_id, alias)
    if not re.fullmatch(r"alias/[a-zA-Z0-9:/_-]+", alias):
        raise ApiError("InvalidAliasNameException", f"Alias {alias} is not valid.")
    if alias.startswith("alias/aws/"):
        raise ApiError("NotAuthorizedException", "")
    key = state.keys.find_key_only(request.region, request.params["TargetKeyId"])
    if state.keys.has_alias(request.region, alias):
        raise ApiError("AlreadyExistsException", f"An alias with the name {arn} already exists")
    state.keys.add_alias(request.region, alias, key)
    return {}


def _describe_key(state: AccountState, request: Request) -> dict[str, Any]:
    return {"KeyMetadata": state.keys.find(request.region, request.params["KeyId"]).describe()}


def _list_aliases(state: AccountState, request: Request) -> dict[str, Any]:
    """Return a page of the Region's aliases by name. Source: API_ListAliases."""
    params = request.params
    try:
        shown, marker = take_page(
            state.keys.list_aliases(request.region),
            key=lambda pair: (pair[0], ""),
            size=params.get("Limit", 50),
            token=params.get("Marker"),
        )
    except ApiError as error:
        raise ApiError("InvalidMarkerException", "The marker is invalid.") from error
    home = kms_arn(request.region, state.account_id, "")
    aliases = [{"AliasName": name, "AliasArn": home + name, "TargetKeyId": key_id} for name, key_id in shown]
    return {"Aliases": aliases, "Truncated": marker is not None, **({"NextMarker": marker} if marker else {})}


def _disable_key(state: AccountState, request: Request) -> dict[str, Any]:
    return _switch(state, request, "Disabled")


def _enable_key(state: AccountState, request: Request) -> dict[str, Any]:
    return _switch(state, request, "Enabled")


def _schedule_key_deletion(state: AccountState, request: Request) -> dict[str, Any]:
    """Schedule a key deletion. Choice: it stays pending for good."""
    key = _find_changeable(state, request)
    if key.state == "PendingDeletion":
        raise ApiError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    state.keys.set_state(request.region, key.key_id, "PendingDeletion")
    days = request.params.get("PendingWindowInDays", 30)
    return {"KeyId": key.arn, "KeyState": "PendingDeletion", "DeletionDate": request.at + days * 86400.0}


def _cancel_key_deletion(state: AccountState, request: Request) -> dict[str, Any]:
    """Cancel a key deletion; the key is disabled then. Source: API_CancelKeyDeletion."""
    key = _find_changeable(state, request)
    if key.state != "PendingDeletion":
        raise ApiError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    state.keys.set_state(request.region, key.key_id, "Disabled")
    return {"KeyId": key.arn}


def _find_changeable(state: AccountState, request: Request) -> Key:
    """Return the key of a request; refuse one that AWS manages."""
    key = state.keys.find_key_only(request.region, request.params["KeyId"])
    if key.manager == "AWS":
        raise ApiError("AccessDeniedException", f"{key.arn} is managed by AWS and cannot be changed.")
    return key


def _switch(state: AccountState, request: Request, key_state: str) -> dict[str, Any]:
    key = _find_changeable(state, request)
    if key.state not in ("Enabled", "Disabled"):
        raise ApiError("KMSInvalidStateException", f"{key.arn} is pending deletion or unavailable.")
    state.keys.set_state(request.region, key.key_id, key_state)
    return {}


KMS_OPERATIONS = {
    "CreateKey": Operation(
        _create_key,
        {
            "Description": Field(str, high=8192),
            "KeySpec": Field(str, enum=_SPECS),
            "KeyUsage": Field(str, enum=_USAGES),
            "MultiRegion": Field(bool),
        },
    ),
    "CreateAlias": Operation(
        _create_alias,
        {"AliasName": Field(str, required=True, low=1, high=256), "TargetKeyId": _KEY_ID},
    ),
    "DescribeKey": Operation(_describe_key, {"KeyId": _KEY_ID}),
    "ListAliases": Operation(
        _list_aliases,
        {"Limit": Field(int, low=1, high=1000), "Marker": Field(str, low=1, high=1024)},
    ),
    "DisableKey": Operation(_disable_key, {"KeyId": _KEY_ID}),
    "EnableKey": Operation(_enable_key, {"KeyId": _KEY_ID}),
    "ScheduleKeyDeletion": Operation(
        _schedule_key_deletion, {"KeyId": _KEY_ID, "PendingWindowInDays": Field(int, low=7, high=30)}
    ),
    "CancelKeyDeletion": Operation(_cancel_key_deletion, {"KeyId": _KEY_ID}),
}
"""Operation name -> operation."""
