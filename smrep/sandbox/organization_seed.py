"""Organizations that a sandbox starts with: a sample, or one from a JSON file.

The file has an object with these keys, all optional: `management` (twelve digits; default: the sandbox's own account),
`units` (OUs, as objects with `id`, `name` and `parent`), `accounts` (objects with `id`, `name`, `parent`, `state`, and
`roles`: false where no role can be assumed), `delegated` (accounts that may list the others), `empty_pages` and
`status_only` (true or false). Without `parent`, an OU or account is right below the root, r-sbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from smrep.sandbox.seed import ACCOUNT, check_object, mistake, read_json
from smrep.sandbox.simulator.organization_tree import ROOT_ID, STATES, Member, OrganizationTree, Unit

_TYPES: Mapping[str, type] = {
    "management": str,
    "units": list,
    "accounts": list,
    "delegated": list,
    "empty_pages": bool,
    "status_only": bool,
}
_UNIT_ID = re.compile(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", re.ASCII)


def sample_organization(management: str, count: int | None = None) -> OrganizationTree:
    """Return a small realistic organization, or one with `count` accounts `app-NNNN` below two nested OUs."""
    units = (
        Unit("ou-sbox-workloads", "workloads"),
        Unit("ou-sbox-production", "production", "ou-sbox-workloads"),
        Unit("ou-sbox-sandboxes", "sandboxes"),
    )
    own = Member(management, "management")
    if count is not None:
        parents = ("ou-sbox-workloads", "ou-sbox-production")
        apps = [Member(f"2{number:011}", f"app-{number:04}", parents[number % 2]) for number in range(count)]
        return OrganizationTree(management, units, (own, *apps))
    members = (
        Member("111111111111", "payments-prod", "ou-sbox-production"),
        Member("222222222222", "orders-prod", "ou-sbox-production"),
        Member("333333333333", "payments-test", "ou-sbox-workloads"),
        Member("444444444444", "old-reports", "ou-sbox-workloads", "SUSPENDED"),
        Member("555555555555", "alice-sandbox", "ou-sbox-sandboxes"),
    )
    return OrganizationTree(management, units, (own, *members))


def read_organization(text: str, own_account: str) -> OrganizationTree:
    """Return the organization in a JSON text. Raises: ValueError with the path of the first mistake."""
    value = read_json(text)
    check_object(value, "$", _TYPES)
    management = value.get("management", own_account)
    _check_account(management, "$.management")
    for number, account in enumerate(value.get("delegated", [])):
        _check_account(account, f"$.delegated[{number}]")
    units = {unit.unit_id: unit for unit in _read_units(value.get("units", []))}
    members = {member.account_id: member for member in _read_members(value.get("accounts", []))}
    members.setdefault(management, Member(management, "management"))
    for path, parent in [
        *((f"OU {unit.unit_id}", unit.parent) for unit in units.values()),
        *((f"account {member.account_id}", member.parent) for member in members.values()),
    ]:
        if parent != ROOT_ID and parent not in units:
            raise mistake(path, f"its parent {parent!r} is neither {ROOT_ID} nor an OU")
    return OrganizationTree(
        management,
        tuple(units.values()),
        tuple(members.values()),
        frozenset(value.get("delegated", [])),
        value.get("empty_pages", False),
        value.get("status_only", False),
    )


def _read_units(entries: list[Any]) -> Iterator[Unit]:
    for number, entry in enumerate(entries):
        path = f"$.units[{number}]"
        check_object(entry, path, {"id": str, "name": str, "parent": str}, needed="id")
        if not _UNIT_ID.fullmatch(entry["id"]):
            raise mistake(f"{path}.id", f"not an OU's id such as ou-sbox-11111111: {entry['id']!r}")
        yield Unit(entry["id"], entry.get("name", entry["id"]), entry.get("parent", ROOT_ID))


def _read_members(entries: list[Any]) -> Iterator[Member]:
    types = {"id": str, "name": str, "parent": str, "state": str, "roles": bool}
    for number, entry in enumerate(entries):
        path = f"$.accounts[{number}]"
        check_object(entry, path, types, needed="id")
        _check_account(entry["id"], f"{path}.id")
        state = entry.get("state", "ACTIVE")
        if state not in STATES:
            raise mistake(f"{path}.state", f"not one of {', '.join(STATES)}: {state!r}")
        name, parent = entry.get("name") or entry["id"], entry.get("parent", ROOT_ID)
        yield Member(entry["id"], name, parent, state, entry.get("roles", True))


def _check_account(value: object, path: str) -> None:
    if not isinstance(value, str) or not ACCOUNT.fullmatch(value):
        raise mistake(path, f"not an account id of twelve digits: {value!r}")
