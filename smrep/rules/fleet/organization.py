"""Which accounts of an organization a manifest covers, and why not the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from smrep.model import OrganizationAccount
from smrep.rules.manifest.parser import OU_ID
from smrep.rules.manifest.schema import AccountRole, Organization

ACTIVE = "ACTIVE"
"""The only state in which an account's roles can be used. Source: API_Account, State."""


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account of a manifest or of its organization: covered with a role, or skipped for a reason."""

    account: str
    name: str | None = None
    """None, like `state`, for an account that the organization does not have, or was not asked for."""
    state: str | None = None
    role: AccountRole | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """The accounts that AWS shows."""

    accounts: tuple[OrganizationAccount, ...]
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Account ID -> the excluded OU above it."""


def excluded_units(organization: Organization) -> tuple[str, ...]:
    """Return the OUs among the exclusions."""
    return tuple(text for text in organization.exclude if re.fullmatch(OU_ID, text, re.ASCII))


def choose_accounts(
    organization: Organization, members: Members, blocks: Sequence[AccountRole]
) -> tuple[FoundAccount, ...]:
    """Return the accounts of the `[[account]]` blocks, whatever else applies to them, then all others by ID."""
    by_id = {account.account: account for account in members.accounts}
    ours = tuple(_block(block, by_id.get(block.account)) for block in blocks)
    others = sorted(by_id.keys() - {block.account for block in blocks})
    return (*ours, *(_choose(organization, by_id[account], members) for account in others))


def _block(block: AccountRole, shown: OrganizationAccount | None) -> FoundAccount:
    return FoundAccount(block.account, shown.name if shown else None, shown.state if shown else None, block)


def _choose(organization: Organization, account: OrganizationAccount, members: Members) -> FoundAccount:
    skipped = _skip_reason(organization, account, members.excluded)
    arn = f"arn:{account.partition}:iam::{account.account}:role/{organization.role_name}"
    role = AccountRole(f"organization ({account.name})", arn, organization.external_id)
    return FoundAccount(account.account, account.name, account.state, None if skipped else role, skipped)


def _skip_reason(organization: Organization, account: OrganizationAccount, excluded: Mapping[str, str]) -> str | None:
    if account.state != ACTIVE:
        return f"not active: {account.state or 'AWS gives no state'}"
    exclusion = excluded.get(account.account) or next(
        (text for text in organization.exclude if _matches(text, account)), None
    )
    if exclusion is not None:
        return f"excluded by {exclusion}"
    if account.account == account.management and not organization.management:
        return "the management account; management = true covers it"
    return None


def _matches(exclusion: str, account: OrganizationAccount) -> bool:
    return exclusion == account.account or fnmatchcase(account.name, exclusion)


def idle_exclusions(organization: Organization, members: Members) -> Iterator[str]:
    """Yield the account IDs and patterns in `exclude` that match no account, and may be mistyped."""
    units = excluded_units(organization)
    for text in organization.exclude:
        if text not in units and not any(_matches(text, account) for account in members.accounts):
            yield text
