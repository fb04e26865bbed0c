"""The organization of the simulated accounts: its OUs, its members, and who may ask for them."""

from __future__ import annotations

from dataclasses import dataclass

ORGANIZATION_ID, ROOT_ID = "o-sandbox0000", "r-sbox"
STATES = ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")


@dataclass(frozen=True, slots=True)
class Unit:
    """An OU."""

    unit_id: str
    name: str
    parent: str = ROOT_ID


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization."""

    account_id: str
    name: str
    parent: str = ROOT_ID
    state: str = "ACTIVE"
    has_roles: bool = True
    """Whether a role in it can be assumed; in one that is not active, none can."""


@dataclass(frozen=True, slots=True)
class OrganizationTree:
    """An organization."""

    management: str
    units: tuple[Unit, ...] = ()
    members: tuple[Member, ...] = ()
    """With the management account."""
    delegated: frozenset[str] = frozenset()
    """Members that may list accounts and OUs, as the management account may."""
    empty_pages: bool = False
    """Whether every list begins with a page that is empty and has a token."""
    status_only: bool = False
    """Whether accounts show Status, as they did until AWS replaced it by State."""

    def find_member(self, account_id: str) -> Member | None:
        """Return the member with an account id."""
        return next((member for member in self.members if member.account_id == account_id), None)
