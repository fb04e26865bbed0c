"""Who makes calls: an account's one user, and the roles taken on so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from smrep.sandbox.simulator.api_errors import ApiError


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

    def find_account(self, access_key: str) -> str | None:
        """Return the account of the role behind an access key, also of one that has expired."""
        role = self.roles.get(access_key)
        return None if role is None else role.account_id

    def find_caller(self, access_key: str, account_id: str, at: float) -> Caller:
        """Return the caller behind an access key. Raises: ApiError (ExpiredTokenException)."""
        role = self.roles.get(access_key)
        if role is None:
            return Caller(user_arn(account_id), account_id, "AIDASANDBOXSANDBOX234")
        if role.expires is not None and role.expires <= at:
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired")
        return role

    def add_role(self, access_key: str, role: Caller) -> None:
        """Let an access key mean `role` from now on."""
        self.roles[access_key] = role

    def trust(self, role_arn: str, external_id: str) -> None:
        """Let a role be taken on only with this external id."""
        self.external_ids[role_arn] = external_id

    def trusts(self, role_arn: str, external_id: str | None) -> bool:
        """Whether a role may be taken on by who gives this external id; where none is wanted, any will do."""
        return self.external_ids.get(role_arn, external_id) == external_id
