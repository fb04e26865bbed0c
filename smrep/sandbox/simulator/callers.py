"""STS: who a caller is, and the roles it takes on."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.validation import Field, Operation

if TYPE_CHECKING:
    import random

    from smrep.sandbox.simulator.account_state import Request, World

_ID_LETTERS = string.ascii_uppercase + "234567"
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: the ARN, its account, and AWS's id for it. `expires` is in epoch seconds."""

    arn: str
    account_id: str
    user_id: str
    expires: float | None = None


def user_arn(account_id: str) -> str:
    """Return the ARN of an account's one user."""
    return f"arn:aws:iam::{account_id}:user/sandbox"


@dataclass(slots=True)
class Callers:
    """The callers that AWS knows: the roles taken on so far, and for any other access key an account's one user."""

    roles: dict[str, Caller] = field(default_factory=dict)
    """By access key."""
    external_ids: dict[str, str] = field(default_factory=dict)
    """What a role is taken on with, by its ARN; a role that is not here asks for nothing."""

    def account_of(self, access_key: str) -> str | None:
        """Return the account of the role behind an access key, also of one that has expired."""
        role = self.roles.get(access_key)
        return None if role is None else role.account_id

    def whose(self, access_key: str, account_id: str, at: float) -> Caller:
        """Return the caller behind an access key. Raises: ApiError (ExpiredTokenException)."""
        role = self.roles.get(access_key)
        if role is None:
            return Caller(user_arn(account_id), account_id, "AIDASANDBOXSANDBOX234")
        if role.expires is not None and role.expires <= at:
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired")
        return role

    def take_on(self, access_key: str, role: Caller) -> None:
        """Let an access key mean `role` from now on."""
        self.roles[access_key] = role

    def trust(self, role_arn: str, external_id: str) -> None:
        """Let a role be taken on only with this external id."""
        self.external_ids[role_arn] = external_id

    def trusts(self, role_arn: str, external_id: str | None) -> bool:
        """Whether a role may be taken on by who gives this external id; where none is wanted, any will do."""
        return self.external_ids.get(role_arn, external_id) == external_id


def _get_caller_identity(_world: World, request: Request) -> dict[str, Any]:
    """Source: API_GetCallerIdentity."""
    caller = request.caller
    return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}


def _assume_role(world: World, request: Request) -> dict[str, Any]:
    """Return dummy credentials that expire.

    Choice: every role exists and may be taken on by everybody, but for the external id that
    `Simulator.put_trust` wants. Calls signed with the credentials are made in the account in the role's ARN.
    Source: API_AssumeRole; the words of a refusal as reported by users.
    """
    params, rng = request.params, world.rng
    role_arn, session = params["RoleArn"], params["RoleSessionName"]
    match = re.fullmatch(r"arn:([a-z-]+):iam::(\d{12}):role/(?:[!-~]+/)?([A-Za-z0-9_+=,.@-]+)", role_arn)
    if match is None:
        raise ApiError("ValidationError", f"{role_arn} is invalid")
    if not world.callers.trusts(role_arn, params.get("ExternalId")):
        message = f"User: {request.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise ApiError("AccessDenied", message, 403)
    partition, account_id, role = match.groups()
    access_key = "ASIA" + _letters(rng, 16)
    caller = Caller(
        arn=f"arn:{partition}:sts::{account_id}:assumed-role/{role}/{session}",
        account_id=account_id,
        user_id=f"AROA{_letters(rng, 17)}:{session}",
        expires=request.at + params.get("DurationSeconds", _HOUR_S),
    )
    world.callers.take_on(access_key, caller)
    return {
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": "sandbox" + _letters(rng, 33),
            "SessionToken": "sandbox" + _letters(rng, 49),
            "Expiration": caller.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": caller.user_id, "Arn": caller.arn},
    }


def _letters(rng: random.Random, number: int) -> str:
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
"""The operations of STS by name."""
