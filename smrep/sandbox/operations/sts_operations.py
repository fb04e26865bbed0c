"""The operations of STS: GetCallerIdentity and AssumeRole."""

from __future__ import annotations

import random
import re
import string
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.callers import Caller
from smrep.sandbox.simulator.validation import Field, Operation

_ID_LETTERS = string.ascii_uppercase + "234567"
_HOUR_S = 3600


def _get_caller_identity(_state: AccountState, request: Request) -> dict[str, Any]:
    """Return the caller. Source: API_GetCallerIdentity."""
    caller = request.caller
    return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}


def _assume_role(state: AccountState, request: Request) -> dict[str, Any]:
    """Return dummy credentials that expire.

    Choice: every role exists and anyone may assume it, except for the external id of `Simulator.put_trust`, and in
    accounts whose member of the organization is not active or has no roles.
    Calls signed with the credentials go to the account in the role's ARN.
    Source: API_AssumeRole; refusals as reported by users.
    """
    params, rng = request.params, state.rng
    role_arn, session = params["RoleArn"], params["RoleSessionName"]
    match = re.fullmatch(r"arn:([a-z-]+):iam::(\d{12}):role/(?:[!-~]+/)?([A-Za-z0-9_+=,.@-]+)", role_arn)
    if match is None:
        raise ApiError("ValidationError", f"{role_arn} is invalid")
    partition, account_id, role = match.groups()
    member = state.organization.find_member(account_id) if state.organization else None
    exists = member is None or (member.has_roles and member.state == "ACTIVE")
    if not (exists and state.callers.accepts_external_id(role_arn, params.get("ExternalId"))):
        message = f"User: {request.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise ApiError("AccessDenied", message, 403)
    access_key = "ASIA" + _draw_letters(rng, 16)
    caller = Caller(
        arn=f"arn:{partition}:sts::{account_id}:assumed-role/{role}/{session}",
        account_id=account_id,
        user_id=f"AROA{_draw_letters(rng, 17)}:{session}",
        expires=request.at + params.get("DurationSeconds", _HOUR_S),
    )
    state.callers.add_role(access_key, caller)
    return {
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": "sandbox" + _draw_letters(rng, 33),
            "SessionToken": "sandbox" + _draw_letters(rng, 49),
            "Expiration": caller.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": caller.user_id, "Arn": caller.arn},
    }


def _draw_letters(rng: random.Random, number: int) -> str:
    return "".join(rng.choices(_ID_LETTERS, k=number))


STS_OPERATIONS = {
    "GetCallerIdentity": Operation(_get_caller_identity, {}),
    "AssumeRole": Operation(
        _assume_role,
        {
            "RoleArn": Field(str, required=True, low=20, high=2048),
            "RoleSessionName": Field(str, required=True, low=2, high=64, pattern=r"[A-Za-z0-9_+=,.@-]*"),
            "DurationSeconds": Field(int, low=900, high=43_200),
            "ExternalId": Field(str, low=2, high=1224, pattern=r"[A-Za-z0-9_+=,.@:\/-]*"),
        },
    ),
}
"""Operation name -> operation."""
