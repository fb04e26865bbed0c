"""`smrep accounts`: the accounts that a manifest covers, and why it skips the others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, HOME, PROD, manifest, refused
from cli.event_stream import document, events
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults
from smrep.sandbox.organization_seed import sample_organization
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree

TREE = replace(sample_organization(ACCOUNT), empty_pages=True)
ORGANIZATION = {"role_name": "dr/smrep", "exclude": ["ou-sbox-sandboxes"], "external_id": "x-1"}
MANAGEMENT = "the management account; management = true covers it"
PAYMENTS, ORDERS, TEST, OLD, ALICE = (str(digit) * 12 for digit in range(1, 6))


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = make_sandbox()
    sandbox.simulator.put_organization(TREE)
    return sandbox


def run(sandbox: Sandbox, tmp_path: Path, *words: str, **fields: Any) -> Done:
    fields.setdefault("organization", ORGANIZATION)
    return sandbox.smrep("accounts", "-f", manifest(tmp_path, **fields), *words)


def covered(account: str, name: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a row of the document for an account that is covered."""
    role = f"arn:aws:iam::{account}:role/dr/smrep"
    row = {"account_id": account, "name": name, "state": "ACTIVE", "covered": True, "region": HOME, "role_arn": role}
    return row | {"external_id": "x-1", "skipped": None} | fields


def skipped(account: str, name: str, reason: str, state: str | None = "ACTIVE") -> dict[str, Any]:
    """Return a row of the document for an account that is skipped."""
    row = {"account_id": account, "name": name, "state": state, "covered": False, "region": None, "role_arn": None}
    return row | {"external_id": None, "skipped": reason}


def test_the_document_has_each_account_with_its_role_or_why_it_is_skipped(sandbox: Sandbox, tmp_path: Path) -> None:
    block = {"role_arn": f"arn:aws:iam::{TEST}:role/legacy", "region": "eu-west-1"}
    outside = {"role_arn": "arn:aws:iam::999999999999:role/smrep", "external_id": "y-2"}
    done = run(sandbox, tmp_path, "--json", account=[block, outside])
    assert (done.code, done.document["result"]) == (0, "ok")
    assert done.document["accounts"] == [
        covered(TEST, "payments-test", role_arn=block["role_arn"], external_id=None, region="eu-west-1"),
        covered("999999999999", state=None, **outside),
        covered(PAYMENTS, "payments-prod"),
        covered(ORDERS, "orders-prod"),
        skipped(ACCOUNT, "management", MANAGEMENT),
        skipped(OLD, "old-reports", "not active: SUSPENDED", "SUSPENDED"),
        skipped(ALICE, "alice-sandbox", "excluded by ou-sbox-sandboxes"),
    ]
    assert done.document["summary"] == {"accounts": 7, "covered": 4, "skipped": 3}
    assert (done.document["secrets"], done.document["account_id"]) == ([], None)
    assert {call.service for call in sandbox.simulator.log} == {"organizations"}, "it assumes no role"


def test_text_csv_and_names_have_a_line_for_each_account(sandbox: Sandbox, tmp_path: Path) -> None:
    text = run(sandbox, tmp_path)
    assert text.rows == [
        [PAYMENTS, "payments-prod", "ACTIVE", "covered", HOME, f"arn:aws:iam::{PAYMENTS}:role/dr/smrep", "x-1", "-"],
        [ORDERS, "orders-prod", "ACTIVE", "covered", HOME, f"arn:aws:iam::{ORDERS}:role/dr/smrep", "x-1", "-"],
        [TEST, "payments-test", "ACTIVE", "covered", HOME, f"arn:aws:iam::{TEST}:role/dr/smrep", "x-1", "-"],
        [
            ACCOUNT,
            "management",
            "ACTIVE",
            "skipped",
            "-",
            "-",
            "-",
            "the management account; management = true covers it",
        ],
        [OLD, "old-reports", "SUSPENDED", "skipped", "-", "-", "-", "not active: SUSPENDED"],
        [ALICE, "alice-sandbox", "ACTIVE", "skipped", "-", "-", "-", "excluded by ou-sbox-sandboxes"],
    ]
    assert text.err.splitlines()[-1].startswith("3 accounts covered, 3 skipped (")
    header, *rows = csv.reader(io.StringIO(run(sandbox, tmp_path, "-o", "csv").out))
    assert header == ["account_id", "name", "state", "coverage", "region", "role_arn", "external_id", "reason"]
    assert rows == text.rows
    assert run(sandbox, tmp_path, "-o", "name").out == f"{PAYMENTS}\n{ORDERS}\n{TEST}\n"
    roles = run(sandbox, tmp_path, "--query", "accounts[?covered].role_arn | [0]")
    assert json.loads(roles.out) == f"arn:aws:iam::{PAYMENTS}:role/dr/smrep"
    done = run(sandbox, tmp_path, "-o", "ndjson")
    assert [event["type"] for event in events(done)] == ["version", "result"]
    assert len(document(done)["accounts"]) == 6


def test_a_table_for_people_ends_with_counts(sandbox: Sandbox, tmp_path: Path) -> None:
    head, _, *rows, _, counts = run(sandbox, tmp_path, "-o", "table").out.strip("\n").splitlines()
    assert head.split() == ["NAME", "ACCOUNT", "REGION", "ROLE"]
    assert rows[0].split() == ["payments-prod", PAYMENTS, HOME, "dr/smrep"]
    assert rows[-1].split(maxsplit=3) == ["alice-sandbox", ALICE, "-", "skipped: excluded by ou-sbox-sandboxes"]
    assert (len(rows), counts.split(" (")[0]) == (6, "3 accounts covered, 3 skipped")


def test_of_hundreds_of_accounts_a_table_shows_those_that_a_person_reads(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.simulator.put_organization(sample_organization(ACCOUNT, 600))
    out = run(sandbox, tmp_path, "-o", "table").out
    assert (out.count("app-0"), "--verbose" in out) == (500, True)
    assert run(sandbox, tmp_path, "-o", "table", "--verbose").out.count("app-0") == 600
    assert len(run(sandbox, tmp_path).rows) == 601


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ({"state": "SUSPENDED"}, "not active: SUSPENDED"),
        ({"state": "PENDING_CLOSURE"}, "not active: PENDING_CLOSURE"),
        ({"state": "HIBERNATING"}, "not active: HIBERNATING"),
        ({"state": "active"}, "not active: active"),
        ({"state": ""}, "not active: AWS gives no state"),
    ],
)
def test_only_an_account_that_aws_calls_active_is_covered(
    sandbox: Sandbox, tmp_path: Path, account: dict[str, str], reason: str
) -> None:
    sandbox.simulator.put_organization(replace(TREE, members=(Member(OLD, "x", **account), *TREE.members[:2])))
    rows = run(sandbox, tmp_path, "--json").document["accounts"]
    assert [row["account_id"] for row in rows if row["covered"]] == [PAYMENTS]
    assert skipped(OLD, "x", reason, account["state"] or None) in rows


def test_without_an_organization_it_lists_the_blocks_and_asks_nobody(sandbox: Sandbox, tmp_path: Path) -> None:
    blocks = [{"role_arn": f"arn:aws:iam::{ORDERS}:role/dr/smrep", "region": "eu-west-1"}]
    file = manifest(tmp_path, account=blocks)
    done = sandbox.smrep("accounts", "-f", file, "--json", AWS_REGION=None)
    row = covered(ORDERS, None, state=None, region="eu-west-1", external_id=None)
    assert (done.code, done.document["accounts"]) == (0, [row])
    assert sandbox.simulator.log == []


def test_without_accounts_it_is_that_of_the_current_credentials(sandbox: Sandbox) -> None:
    text = json.dumps({"schema": 1, "account_id": ACCOUNT, "primary_region": HOME, "replicate": [PROD]})
    done = sandbox.smrep("accounts", "-f", "-", "--json", stdin=text)
    assert done.document["accounts"] == [covered(ACCOUNT, None, state=None, role_arn=None, external_id=None)]
    assert "none: the current credentials" in sandbox.smrep("accounts", "-f", "-", "-o", "table", stdin=text).out
    error = refused(sandbox, "accounts", "-f", "-", stdin=text.replace(ACCOUNT, ORDERS))
    assert error["code"] == "AccountMismatch"


def test_a_manifest_that_covers_nothing_is_shown_and_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    done = run(sandbox, tmp_path, "--json", organization={"role_name": "smrep", "exclude": ["*"]})
    assert (done.code, done.document["error"]["message"]) == (2, "[organization] covers none of 6 accounts")
    assert [row["covered"] for row in done.document["accounts"]] == [False] * 6
    assert "hint: change ous, exclude or management in [organization]" in done.err


NOBODY = OrganizationTree(PAYMENTS, (), (Member(PAYMENTS, "management"),))


@pytest.mark.parametrize(
    ("organization", "tree", "end"),
    [
        ({}, NOBODY, (2, "AWSOrganizationsNotInUseException")),
        ({}, replace(TREE, management=PAYMENTS), (4, "AccessDeniedException")),
        ({"ous": ["ou-sbox-unknown1"]}, TREE, (2, "ParentNotFoundException")),
        ({"exclude": ["ou-sbox-unknown1"]}, TREE, (2, "ParentNotFoundException")),
        ({"lookup_role_arn": f"arn:aws:iam::{OLD}:role/lookup"}, TREE, (4, "AccessDenied")),
    ],
)
def test_an_organization_that_cannot_be_asked(
    sandbox: Sandbox, tmp_path: Path, organization: dict[str, Any], tree: OrganizationTree, end: tuple[int, str]
) -> None:
    sandbox.simulator.put_organization(tree)
    done = run(sandbox, tmp_path, "--json", organization={"role_name": "smrep", **organization})
    error = done.document["error"]
    assert (done.code, error["code"], done.document["accounts"]) == (*end, [])
    assert error["hint"]


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_an_ou_that_may_not_be_looked_into_is_not_taken_for_an_empty_one(
    sandbox: Sandbox, tmp_path: Path, operation: str
) -> None:
    sandbox.simulator.faults = Faults(denied=frozenset({(operation, HOME)}))
    done = run(sandbox, tmp_path, "--json", organization={"role_name": "smrep", "ous": ["r-sbox"]})
    assert (done.code, done.document["accounts"]) == (4, [])
    assert "\n  smrep iam-policy --primary-region us-east-1 --for accounts\n" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--role-arn", f"arn:aws:iam::{ACCOUNT}:role/x"), "--role-arn and [organization] contradict each other"),
        (("--expect-account", PAYMENTS), "is for account 222222222222, but --expect-account says 111111111111"),
    ],
)
def test_what_contradicts_the_manifest(sandbox: Sandbox, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    error = refused(sandbox, "accounts", "-f", manifest(tmp_path, organization=ORGANIZATION), *words)
    assert message in error["message"]
