"""Which accounts of an organization a manifest covers, and the reason for each that it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smrep.model import OrganizationAccount
from smrep.rules.fleet.organization import (
    FoundAccount,
    Members,
    choose_accounts,
    excluded_units,
    idle_exclusions,
)
from smrep.rules.manifest.schema import AccountRole, Organization

OWN = "123456789012"


def member(number: int, **changed: Any) -> OrganizationAccount:
    return replace(OrganizationAccount(f"{number:012}", "web", "ACTIVE", "aws", OWN), **changed)


def test_a_role_is_of_the_partition_of_its_account() -> None:
    organization = Organization("dr/smrep", external_id="x-1")
    china = member(1, partition="aws-cn")
    assert choose_accounts(organization, Members((china,)), ()) == (
        FoundAccount(
            "000000000001",
            "web",
            "ACTIVE",
            AccountRole("organization (web)", "arn:aws-cn:iam::000000000001:role/dr/smrep", "x-1"),
        ),
    )


@pytest.mark.parametrize(
    ("account", "excluded", "reason"),
    [
        ({"state": "PENDING_CLOSURE"}, {}, "not active: PENDING_CLOSURE"),
        ({"state": None}, {}, "not active: AWS gives no state"),
        ({"state": "Active"}, {}, "not active: Active"),
        ({}, {"000000000001": "ou-ab12-22222222"}, "excluded by ou-ab12-22222222"),
        ({"name": "a-sandbox"}, {}, "excluded by *-sandbox"),
        ({"management": "000000000001"}, {}, "the management account; management = true covers it"),
    ],
)
def test_why_an_account_is_skipped(account: dict[str, Any], excluded: dict[str, str], reason: str) -> None:
    shown = member(1, **account)
    organization = Organization("smrep", exclude=("*-sandbox", "ou-ab12-22222222", "000000000009"))
    members = Members((shown,), excluded)
    (found,) = choose_accounts(organization, members, ())
    assert (found.role, found.skipped) == (None, reason)
    idle = {"*-sandbox", "000000000009"} - {"*-sandbox" if shown.name == "a-sandbox" else ""}
    assert set(idle_exclusions(organization, members)) == idle


def test_the_blocks_come_first_as_they_stand_and_the_others_by_id() -> None:
    unknown = AccountRole("account[0]", "arn:aws:iam::000000000009:role/x")
    closed = AccountRole("account[1]", "arn:aws:iam::000000000002:role/y", "id")
    members = Members((member(3), member(2, state="SUSPENDED", name="old"), member(1)))
    found = choose_accounts(Organization("smrep", exclude=("000000000002", "web-*")), members, [unknown, closed])
    assert found[:2] == (
        FoundAccount("000000000009", role=unknown),
        FoundAccount("000000000002", "old", "SUSPENDED", closed),
    )
    assert [(each.account, each.name, each.state) for each in found[2:]] == [
        (f"{number:012}", "web", "ACTIVE") for number in (1, 3)
    ]
    assert [each.role and each.role.role_arn for each in found[2:]] == [
        f"arn:aws:iam::{number:012}:role/smrep" for number in (1, 3)
    ]


@pytest.mark.parametrize(
    ("organization", "changed", "is_covered"),
    [
        (Organization("smrep"), {"management": "000000000001"}, False),
        (Organization("smrep", management=True), {"management": "000000000001"}, True),
        (Organization("smrep", management=True), {"management": "000000000001", "state": "SUSPENDED"}, False),
        (Organization("smrep", exclude=("Web",)), {}, True),
        (Organization("smrep", exclude=("w?b",)), {}, False),
        (Organization("smrep", exclude=("000000000001",)), {}, False),
        (Organization("smrep", exclude=("00000000000*",)), {}, True),
    ],
)
def test_what_covers_an_account(organization: Organization, changed: dict[str, Any], is_covered: bool) -> None:
    (found,) = choose_accounts(organization, Members((member(1, **changed),)), ())
    assert (found.role is not None, found.skipped is None) == (is_covered, is_covered)


def test_only_the_ids_of_ous_are_looked_up_as_ous() -> None:
    unit = "ou-ab12-22222222"
    texts = (unit, "000000000001", "*-sandbox", f"{unit}*", f"x{unit}", unit.replace("2222", "\u0662" * 4, 1))
    organization = Organization("smrep", exclude=texts)
    assert excluded_units(organization) == (unit,)
    assert list(idle_exclusions(organization, Members((member(1),)))) == list(texts[2:])
