"""Accounts and OUs of an organization, as AWS Organizations lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.aws import responses as answers
from smrep.aws.client import Aws
from smrep.aws.session import Session, Settings
from smrep.errors import AwsError, Denied, NotFound
from smrep.model import OrganizationAccount
from smrep.regions import Region
from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree, Unit

HOME = Region("eu-west-1")
OWN = "123456789012"
UNITS = tuple(Unit(f"ou-sbox-{number:08}", f"unit {number}") for number in range(25))
MEMBERS = tuple(Member(f"3{number:011}", f"app {number}", UNITS[0].unit_id) for number in range(45))
TREE = OrganizationTree(OWN, UNITS, MEMBERS, frozenset({OWN}), empty_pages=True)


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    sandbox.simulator.put_organization(TREE)
    session = Session(Settings())
    yield Aws(session)
    for client in session._clients.values():
        client.close()


def as_seen(member: Member) -> OrganizationAccount:
    return OrganizationAccount(member.account_id, member.name, member.state, "aws", OWN)


def test_every_page_is_read_also_after_an_empty_one(aws: Aws, sandbox: Sandbox) -> None:
    own = Member(OWN, "management")
    sandbox.simulator.put_organization(OrganizationTree(OWN, UNITS, (own, *MEMBERS), empty_pages=True))
    assert aws.accounts(HOME, None) == tuple(map(as_seen, (own, *MEMBERS)))
    assert aws.accounts(HOME, UNITS[0].unit_id) == tuple(map(as_seen, MEMBERS))
    assert aws.accounts(HOME, UNITS[1].unit_id) == ()
    assert aws.organizational_units(HOME, "r-sbox") == tuple(unit.unit_id for unit in UNITS)
    assert aws.organizational_units(HOME, UNITS[0].unit_id) == ()


def test_refusals_are_told_apart(aws: Aws, sandbox: Sandbox) -> None:
    def refusal(parent: str | None) -> AwsError:
        with pytest.raises(AwsError) as caught:
            aws.accounts(HOME, parent)
        return caught.value

    assert isinstance(refusal(None), NotFound)  # the caller is no member
    sandbox.simulator.put_organization(OrganizationTree(OWN, (), (Member(OWN, "x"),)))
    unknown = refusal("ou-sbox-nowhere00")
    assert isinstance(unknown, NotFound)
    assert unknown.message.startswith("the accounts of ou-sbox-nowhere00 in eu-west-1: ")
    sandbox.simulator.faults = Faults(denied=frozenset({("ListAccounts", "us-east-1")}))
    assert isinstance(refusal(None), Denied)


ARN = f"arn:aws-cn:organizations::{OWN}:account/o-exampleorg/222222222222"
ENTRY = {"Id": "222222222222", "Arn": ARN, "Name": "x"}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"State": "PENDING_ACTIVATION", "Status": "ACTIVE"}, "PENDING_ACTIVATION"),
        ({"Status": "SUSPENDED"}, "SUSPENDED"),
        ({"State": "", "Status": "ACTIVE"}, "ACTIVE"),
        ({}, None),
    ],
)
def test_the_state_is_that_of_state_and_else_of_status(fields: dict[str, Any], state: str | None) -> None:
    assert answers.to_accounts([{"Accounts": [ENTRY | fields]}]) == (
        OrganizationAccount("222222222222", "x", state, "aws-cn", OWN),
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Arn": ARN.replace("222222222222", "333333333333")}, "Arn is not of this account"),
        ({"Arn": "arn:aws:iam::222222222222:root"}, "Arn is not of this account"),
        ({"Id": None}, "Id is missing"),
        ({"Name": 5}, "Name is not a string"),
        ({"State": 5}, "State is not a string"),
    ],
)
def test_an_entry_that_makes_no_sense_is_no_account(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(answers.BadField, match=words):
        answers.to_accounts([{"Accounts": [ENTRY | fields]}])
