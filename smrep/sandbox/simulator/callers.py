"""The callers: each account's only user, and the assumed roles."""

from __future__ import annotations

from dataclasses import dataclass, field

from smrep.sandbox.simulator.api_errors import ApiError


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity behind a call; `expires` is in epoch seconds."""

    arn: str
    account_id: str
    user_id: str
    expires: float | None = None


def user_arn(account_id: str) -> str:
    """Return the ARN of an account's only user."""
    return f"arn:aws:iam::{account_id}:user/sandbox"


@dataclass(slots=True)
class Callers:
    """The assumed roles; any other access key belongs to an account's only user."""

    roles: dict[str, Caller] = field(default_factory=dict)
    """Access key -> assumed role."""
    external_ids: dict[str, str] = field(default_factory=dict)
    """ARN of a role -> the external id required to assume it; roles without an entry require none."""

    def find_account(self, access_key: str) -> str | None:
        """Return the account of the role with an access key, even if it has expired."""
        role = self.roles.get(access_key)
        return None if role is None else role.account_id

    def find_caller(self, access_key: str, account_id: str, at: float) -> Caller:
        """Return the caller with an access key. Raises: ApiError (ExpiredTokenException)."""
        role = self.roles.get(access_key)
        if role is None:
            return Caller(user_arn(account_id), account_id, "AIDASANDBOXSANDBOX234")
        if role.expires is not None and role.expires <= at:
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired")
        return role

    def add_role(self, access_key: str, role: Caller) -> None:
        """Store an assumed role under its access key."""
        self.roles[access_key] = role

    def require_external_id(self, role_arn: str, external_id: str) -> None:
        """Require an external id to assume a role."""
        self.external_ids[role_arn] = external_id

    def accepts_external_id(self, role_arn: str, external_id: str | None) -> bool:
        """Return whether a role can be assumed with this external id; a role that requires none accepts any."""
        return self.external_ids.get(role_arn, external_id) == external_id
