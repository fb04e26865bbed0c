"""The operations of AWS Organizations that list accounts and OUs."""

from __future__ import annotations

from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.organization_tree import ORGANIZATION_ID, ROOT_ID, Member, OrganizationTree
from smrep.sandbox.simulator.page_tokens import encode_token, take_page
from smrep.sandbox.simulator.validation import Field, Operation

_OLD_STATUS = {"PENDING_ACTIVATION": "SUSPENDED", "CLOSED": "SUSPENDED"}
_PAGE_SIZE = 20


def _describe_organization(state: AccountState, request: Request) -> dict[str, Any]:
    """Describe the organization, to any member. Source: API_DescribeOrganization."""
    tree = _find_tree(state, request)
    arn = f"arn:aws:organizations::{tree.management}:organization/{ORGANIZATION_ID}"
    return {
        "Organization": {
            "Id": ORGANIZATION_ID,
            "Arn": arn,
            "FeatureSet": "ALL",
            "MasterAccountId": tree.management,
            "MasterAccountArn": _account_arn(tree, tree.management),
            "MasterAccountEmail": _email(tree.management),
        }
    }


def _list_roots(state: AccountState, request: Request) -> dict[str, Any]:
    """List the only root. Source: API_ListRoots."""
    tree = _check_lister(state, request)
    arn = f"arn:aws:organizations::{tree.management}:root/{ORGANIZATION_ID}/{ROOT_ID}"
    return {"Roots": [{"Id": ROOT_ID, "Arn": arn, "Name": "Root", "PolicyTypes": []}]}


def _list_accounts(state: AccountState, request: Request) -> dict[str, Any]:
    """List all accounts. Source: API_ListAccounts."""
    tree = _check_lister(state, request)
    return _cut_page(tree, request, "Accounts", [_show_account(tree, member) for member in tree.members])


def _list_accounts_for_parent(state: AccountState, request: Request) -> dict[str, Any]:
    """List the accounts right below an OU or the root. Source: API_ListAccountsForParent."""
    tree = _check_parent(state, request)
    members = (member for member in tree.members if member.parent == request.params["ParentId"])
    return _cut_page(tree, request, "Accounts", [_show_account(tree, member) for member in members])


def _list_units_for_parent(state: AccountState, request: Request) -> dict[str, Any]:
    """List the OUs right below an OU or the root. Source: API_ListOrganizationalUnitsForParent."""
    tree = _check_parent(state, request)
    stem = f"arn:aws:organizations::{tree.management}:ou/{ORGANIZATION_ID}"
    rows = [
        {"Id": unit.unit_id, "Arn": f"{stem}/{unit.unit_id}", "Name": unit.name}
        for unit in tree.units
        if unit.parent == request.params["ParentId"]
    ]
    return _cut_page(tree, request, "OrganizationalUnits", rows)


def _find_tree(state: AccountState, request: Request) -> OrganizationTree:
    tree = state.organization
    if tree is None or tree.find_member(request.caller.account_id) is None:
        raise ApiError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    return tree


def _check_lister(state: AccountState, request: Request) -> OrganizationTree:
    """Return the organization; refuse any caller but the management account and delegated administrators."""
    tree = _find_tree(state, request)
    if request.caller.account_id not in (tree.management, *tree.delegated):
        raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")
    return tree


def _check_parent(state: AccountState, request: Request) -> OrganizationTree:
    tree = _check_lister(state, request)
    if request.params["ParentId"] not in (ROOT_ID, *(unit.unit_id for unit in tree.units)):
        message = "You specified an organizational unit (OU) or root that doesn't exist."
        raise ApiError("ParentNotFoundException", message)
    return tree


def _cut_page(tree: OrganizationTree, request: Request, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one page of rows as the answer's list of this name. Choice: sorted by id."""
    params = request.params
    if tree.empty_pages and "NextToken" not in params:
        return {name: [], "NextToken": encode_token(("", ""))}
    try:
        shown, token = take_page(
            rows,
            key=lambda row: (row["Id"], ""),
            size=params.get("MaxResults", _PAGE_SIZE),
            token=params.get("NextToken"),
        )
    except ApiError as error:
        raise ApiError("InvalidInputException", error.message) from None
    return {name: shown} if token is None else {name: shown, "NextToken": token}


def _show_account(tree: OrganizationTree, member: Member) -> dict[str, Any]:
    state = {"Status": _OLD_STATUS.get(member.state, member.state)} if tree.status_only else {"State": member.state}
    return {
        "Id": member.account_id,
        "Arn": _account_arn(tree, member.account_id),
        "Email": _email(member.account_id),
        "Name": member.name,
        "JoinedMethod": "CREATED",
        **state,
    }


def _account_arn(tree: OrganizationTree, account_id: str) -> str:
    return f"arn:aws:organizations::{tree.management}:account/{ORGANIZATION_ID}/{account_id}"


def _email(account_id: str) -> str:
    return f"{account_id}@example.com"


_PAGE = {"NextToken": Field(str, high=100_000), "MaxResults": Field(int, low=1, high=_PAGE_SIZE)}
_PARENT = {
    "ParentId": Field(str, required=True, high=100, pattern=r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"),
    **_PAGE,
}
ORGANIZATIONS_OPERATIONS = {
    "DescribeOrganization": Operation(_describe_organization, {}),
    "ListRoots": Operation(_list_roots, _PAGE),
    "ListAccounts": Operation(_list_accounts, _PAGE),
    "ListAccountsForParent": Operation(_list_accounts_for_parent, _PARENT),
    "ListOrganizationalUnitsForParent": Operation(_list_units_for_parent, _PARENT),
}
"""Operation name -> operation."""
