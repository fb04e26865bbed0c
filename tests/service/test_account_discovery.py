"""The accounts of an organization: which are found by walking its tree, and which of them a manifest covers."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from fakes import HOME, FakeAws
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import AwsError, Denied, Outcome, UsageError
from smrep.rules.fleet.organization import Members, choose_accounts
from smrep.rules.manifest.schema import AccountRole, Organization
from smrep.sandbox.simulator.organization_tree import ROOT_ID, STATES, Member, OrganizationTree, Unit
from smrep.service.fleet.account_discovery import find_members

OWN = "123456789012"
NAMES = ("payments-prod", "payments-test", "alice-sandbox", "Alice-sandbox")
LIST_ACCOUNTS, BELOW, UNITS = "ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"


def unit_id(number: int) -> str:
    return f"ou-sbox-{number:08}"


@st.composite
def trees(draw: st.DrawFn) -> OrganizationTree:
    """Draw an organization with nested OUs; the management account may be in one of them."""
    units = tuple(
        Unit(unit_id(number), f"unit {number}", draw(st.sampled_from([ROOT_ID, *map(unit_id, range(number))])))
        for number in range(draw(st.integers(0, 7)))
    )
    places = st.sampled_from([ROOT_ID, *(unit.unit_id for unit in units)])
    members = [Member(OWN, "management", draw(places))]
    for number in range(draw(st.integers(0, 30))):
        state = draw(st.sampled_from(["ACTIVE", "ACTIVE", *STATES]))
        members.append(Member(f"{number + 1:012}", draw(st.sampled_from(NAMES)), draw(places), state))
    return OrganizationTree(OWN, units, tuple(members), empty_pages=draw(st.booleans()))


@st.composite
def organizations(draw: st.DrawFn) -> tuple[OrganizationTree, Organization]:
    tree = draw(trees())
    units = [unit.unit_id for unit in tree.units]
    ous = draw(st.lists(st.sampled_from([ROOT_ID, *units]), unique=True, max_size=3))
    texts = [*units, *(member.account_id for member in tree.members), "*-sandbox", "Alice*", "nobody"]
    exclude = draw(st.lists(st.sampled_from(texts), unique=True, max_size=4))
    return tree, Organization("smrep", tuple(ous), tuple(exclude), management=draw(st.booleans()))


def ancestors(tree: OrganizationTree, member: Member) -> set[str]:
    """Return the OUs above an account, and the root."""
    parents = {unit.unit_id: unit.parent for unit in tree.units}
    above = [member.parent]
    while above[-1] != ROOT_ID:
        above.append(parents[above[-1]])
    return set(above)


def found_in(tree: OrganizationTree, organization: Organization) -> tuple[FakeAws, Members]:
    aws = FakeAws()
    aws.simulator.put_organization(tree)
    return aws, find_members(aws, HOME, organization)


@given(organizations())
def test_an_account_is_covered_if_an_ou_above_it_is_meant_and_nothing_excludes_it(
    drawn: tuple[OrganizationTree, Organization],
) -> None:
    tree, organization = drawn
    expected = {
        member.account_id
        for member in tree.members
        if (not organization.ous or ancestors(tree, member) & {*organization.ous})
        and not {member.account_id, *ancestors(tree, member)} & {*organization.exclude}
        and not any(fnmatchcase(member.name, text) for text in organization.exclude)
        and member.state == "ACTIVE"
        and (member.account_id != OWN or organization.management)
    }
    aws, members = found_in(tree, organization)
    found = choose_accounts(organization, members, ())
    assert [account.account for account in found] == sorted({account.account for account in found})
    assert {account.account for account in found if account.role} == expected
    assert all((account.role is None) == (account.skipped is not None) for account in found)
    asked = [subject for operation, _, subject in aws.calls if operation == UNITS]
    assert len(asked) == len(set(asked)) * (1 + tree.empty_pages), "an OU is listed once"


@given(organizations(), st.integers(0, 3))
def test_a_block_beats_what_is_found(drawn: tuple[OrganizationTree, Organization], count: int) -> None:
    tree, organization = drawn
    _, members = found_in(tree, organization)
    ids = [*(member.account_id for member in tree.members), "999999999999"][-count:] if count else []
    blocks = [AccountRole(f"account[{at}]", f"arn:aws:iam::{id_}:role/x") for at, id_ in enumerate(ids)]
    found = choose_accounts(organization, members, blocks)
    alone = choose_accounts(organization, members, ())
    assert [account.role for account in found[: len(blocks)]] == blocks
    assert list(found[len(blocks) :]) == [account for account in alone if account.account not in ids]


def test_the_whole_organization_takes_one_list_and_needs_no_tree() -> None:
    members = (Member(OWN, "management"), *(Member(f"{number:012}", "x") for number in range(45)))
    aws, found = found_in(OrganizationTree(OWN, (), members), Organization("smrep", exclude=("*-sandbox",)))
    assert {operation for operation, _, _ in aws.calls} == {LIST_ACCOUNTS}
    assert (len(aws.calls), len(found.accounts)) == (3, 46)


def refusal(tree: OrganizationTree | None, organization: Organization, **faults: Any) -> UsageError | AwsError:
    aws = FakeAws()
    if tree:
        aws.simulator.put_organization(tree)
    aws.faults(**faults)
    with pytest.raises((UsageError, AwsError)) as caught:
        find_members(aws, HOME, organization)
    assert isinstance(caught.value, UsageError | AwsError)
    return caught.value


def test_an_unknown_ou_is_a_mistake_in_the_manifest_also_where_it_is_excluded() -> None:
    tree = OrganizationTree(OWN, (), (Member(OWN, "management"),))
    for field in ("ous", "exclude"):
        error = refusal(tree, Organization("smrep", **{field: ("ou-ab12-11111111",)}))
        assert (error.outcome, error.code) == (Outcome.USAGE, "ParentNotFoundException")
        assert error.message.startswith(f"organization.{field}: ")
        assert "ou-ab12-11111111" in error.message
        assert error.hint == "find the OU, from the root down:\n  aws organizations list-roots"


def test_an_account_outside_any_organization_is_a_mistake_too() -> None:
    error = refusal(None, Organization("smrep"))
    assert (error.outcome, error.code) == (Outcome.USAGE, "AWSOrganizationsNotInUseException")
    assert "Your account is not a member of an organization." in error.message


@pytest.mark.parametrize("operation", [BELOW, UNITS])
def test_a_denied_call_ends_the_search_and_names_who_may_ask(operation: str) -> None:
    tree = OrganizationTree(OWN, (Unit(unit_id(1), "x"),), (Member(OWN, "management"),))
    organization = Organization("smrep", (unit_id(1),))
    error = refusal(tree, organization, denied=frozenset({(operation, "us-east-1")}))
    assert isinstance(error, Denied)
    assert error.outcome is Outcome.ACCESS
    assert f"not authorized to perform: organizations:{operation}" in error.message
    assert str(error.hint).endswith(":\n  smrep iam-policy --primary-region us-east-1 --for accounts")


def test_only_part_of_the_tree_is_never_taken_for_all_of_it() -> None:
    tree = OrganizationTree(
        OWN, (Unit(unit_id(1), "x"), Unit(unit_id(2), "y", unit_id(1))), (Member(OWN, "management"),)
    )
    aws = FakeAws()
    aws.simulator.put_organization(tree)
    aws.lose[BELOW] = ["", "before"]
    with pytest.raises(AwsError, match=unit_id(2)):
        find_members(aws, HOME, Organization("smrep", (unit_id(1),)))
