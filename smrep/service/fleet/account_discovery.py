"""Finds the accounts of an organization."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smrep.errors import Denied, NotFound, UsageError
from smrep.model import OrganizationAccount
from smrep.regions import Region
from smrep.rules.fleet.organization import Members, excluded_units
from smrep.rules.hints import format_command, step
from smrep.rules.manifest.schema import Organization
from smrep.service.ports import Organizations


def find_members(aws: Organizations, home: Region, organization: Organization) -> Members:
    """Return all accounts that the manifest may mean, with those in excluded OUs.

    Raises:
        UsageError: the caller is in no organization, or an OU does not exist.
        AwsError: AWS denied a call or did not answer.

    """
    seen: set[str] = set()
    excluded: dict[str, str] = {}
    accounts: dict[str, OrganizationAccount] = {}
    for unit in excluded_units(organization):
        with _explained("organization.exclude", home):
            for account in _below(aws, home, unit, seen):
                accounts[account.account], excluded[account.account] = account, unit
    for unit in organization.ous:
        with _explained("organization.ous", home):
            accounts |= {account.account: account for account in _below(aws, home, unit, seen)}
    if not organization.ous:
        with _explained("organization", home):
            accounts |= {account.account: account for account in aws.accounts(home, None)}
    return Members(tuple(accounts.values()), excluded)


def _below(aws: Organizations, home: Region, unit: str, seen: set[str]) -> Iterator[OrganizationAccount]:
    """Yield the accounts of an OU or a root and of all OUs below it, without OUs seen before.

    AWS lists only what is right below. Source: API_ListAccountsForParent.
    """
    waiting = [unit]
    while waiting:
        parent = waiting.pop()
        if parent not in seen:
            seen.add(parent)
            yield from aws.accounts(home, parent)
            waiting += aws.organizational_units(home, parent)


@contextmanager
def _explained(place: str, home: Region) -> Iterator[None]:
    """Turn what the manifest cannot mean into a mistake at its place, and say whose permission a denied call needs."""
    try:
        yield
    except NotFound as error:
        hint = (
            step("see whose credentials these are", "aws sts get-caller-identity")
            if error.code == "AWSOrganizationsNotInUseException"
            else step("find the OU, from the root down", "aws organizations list-roots")
        )
        raise UsageError(f"{place}: {error.message}", hint, code=error.code) from error
    except Denied as error:
        error.hint = step(
            "use the management account or a delegated administrator, by lookup_role_arn, with this policy",
            format_command("iam-policy", [], primary_region=home, flags=["--for", "accounts"]),
        )
        raise
