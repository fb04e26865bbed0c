"""`audit`, `plan` and `apply` over the accounts of an organization: once found, they are like `[[account]]` blocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, ADD, HOME, PROD, manifest, refused, stocked
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree, Unit

MEMBERS = ("111111111111", "222222222222", "333333333333", "444444444444")
TREE = OrganizationTree(
    ACCOUNT,
    (Unit("ou-sbox-workloads", "workloads"), Unit("ou-sbox-production", "production", "ou-sbox-workloads")),
    (
        Member(ACCOUNT, "management"),
        Member(MEMBERS[0], "payments", "ou-sbox-production"),
        Member(MEMBERS[1], "orders", "ou-sbox-workloads"),
        Member(MEMBERS[2], "web"),
        Member(MEMBERS[3], "closed", "ou-sbox-production", "CLOSED"),
    ),
    empty_pages=True,
)
ORGANIZATION = {"role_name": "smrep"}


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """An organization whose accounts have the secrets prod/a and prod/b each."""
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", replication_delay_s=0.0)
    with sandbox.simulator.undisturbed():
        for account in MEMBERS:
            for name in ("prod/a", "prod/b"):
                params = {"Name": name, "SecretString": "s3cret"}
                sandbox.simulator.account(account).call("secretsmanager", "CreateSecret", HOME, params)
    sandbox.simulator.put_organization(TREE)
    sandbox.simulator.log.clear()
    return sandbox


def run(sandbox: Sandbox, tmp_path: Path, command: str, *words: str, **organization: Any) -> Done:
    file = manifest(tmp_path, organization=ORGANIZATION | organization)
    return sandbox.smrep(command, "-f", file, *words, "--json")


def accounts_of(done: Done) -> list[str]:
    """Return the accounts whose secrets a document has, each once, in order."""
    return list(dict.fromkeys(secret["account_id"] for secret in done.document["secrets"]))


def calls(sandbox: Sandbox, service: str) -> list[tuple[str, str]]:
    """Return the (operation, caller's account) of each call to a service."""
    return [(call.operation, call.account) for call in sandbox.simulator.log if call.service == service]


@pytest.mark.parametrize(("command", "code"), [("audit", 5), ("plan", 0), ("apply", 0)])
def test_the_accounts_found_are_worked_on_like_accounts_written(
    sandbox: Sandbox, tmp_path: Path, command: str, code: int
) -> None:
    options = ["-n", "--json"] if command == "apply" else ["--json"]
    blocks = [{"role_arn": f"arn:aws:iam::{account}:role/smrep"} for account in MEMBERS[:3]]
    written = sandbox.smrep(command, "-f", manifest(tmp_path, account=blocks), *options)
    found = run(sandbox, tmp_path, command, *options)
    assert found.document["secrets"] == written.document["secrets"]
    assert (found.code, written.code, accounts_of(found)) == (code, code, [*MEMBERS[:3]])
    assert "organization: 3 accounts covered, 2 skipped" in found.err
    assert [done.err.count("not AWS's own") for done in (written, found)] == [1, 1]


def test_ous_exclusions_and_the_management_account(sandbox: Sandbox, tmp_path: Path) -> None:
    assert accounts_of(run(sandbox, tmp_path, "plan", ous=["ou-sbox-workloads"])) == [*MEMBERS[:2]]
    assert accounts_of(run(sandbox, tmp_path, "plan", exclude=["ou-sbox-workloads"])) == [MEMBERS[2]]
    assert accounts_of(run(sandbox, tmp_path, "plan", exclude=["[op]*", "nobody-*"], management=True)) == [
        ACCOUNT,
        MEMBERS[2],
    ]
    done = run(sandbox, tmp_path, "plan", exclude=["nobody-*"])
    assert "warning: organization.exclude: nobody-* matches no account" in done.err


def test_a_role_that_is_missing_in_one_account_loses_that_account_and_no_other(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    members = tuple(replace(member, has_roles=member.name != "orders") for member in TREE.members)
    sandbox.simulator.put_organization(replace(TREE, members=members))
    done = run(sandbox, tmp_path, "apply", "--yes")
    error = done.document["error"]
    assert (done.code, error["code"]) == (4, "SomeAccountsLost")
    assert (
        f"1 of 3 accounts failed; the result covers only the others: organization (orders), account {MEMBERS[1]}: "
        in (error["message"])
    )
    assert accounts_of(done) == [MEMBERS[0], MEMBERS[2]]
    assert {row["status"] for secret in done.document["secrets"] for row in secret["replicas"]} == {"InSync"}


def test_a_block_gives_an_account_that_was_found_another_role_and_region(sandbox: Sandbox, tmp_path: Path) -> None:
    theirs = sandbox.simulator.account(MEMBERS[3])
    theirs.call("secretsmanager", "CreateSecret", "eu-west-1", {"Name": "prod/c", "SecretString": "s3cret"})
    sandbox.simulator.put_organization(
        replace(TREE, members=tuple(replace(member, state="ACTIVE") for member in TREE.members))
    )
    block = {"role_arn": f"arn:aws:iam::{MEMBERS[3]}:role/legacy", "region": "eu-west-1"}
    file = manifest(tmp_path, organization=ORGANIZATION, account=[block])
    done = sandbox.smrep("plan", "-f", file, "--json")
    assert accounts_of(done) == [MEMBERS[3], *MEMBERS[:3]]
    assert [secret["name"] for secret in done.document["secrets"] if secret["account_id"] == MEMBERS[3]] == ["prod/c"]
    roles = [call.params["RoleArn"] for call in sandbox.log("AssumeRole")]
    assert sorted(role.rpartition("/")[2] for role in roles) == ["legacy", "smrep", "smrep", "smrep"]


def test_a_role_for_the_lookup_is_assumed_for_nothing_else(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.simulator.put_organization(replace(TREE, delegated=frozenset({MEMBERS[2]})))
    role = f"arn:aws:iam::{MEMBERS[2]}:role/lookup"
    done = run(sandbox, tmp_path, "plan", lookup_role_arn=role, external_id="x-1")
    assert accounts_of(done) == [*MEMBERS[:3]]
    assert set(calls(sandbox, "organizations")) == {("ListAccounts", MEMBERS[2])}
    assert {account for _, account in calls(sandbox, "sts")} == {ACCOUNT}, "no role is assumed by way of another"
    assumed = {call.params["RoleArn"]: call.params["ExternalId"] for call in sandbox.log("AssumeRole")}
    assert assumed == {role: "x-1"} | {f"arn:aws:iam::{account}:role/smrep": "x-1" for account in MEMBERS[:3]}


def test_each_account_is_done_by_one_shard_and_a_new_one_moves_no_other(sandbox: Sandbox, tmp_path: Path) -> None:
    def dealt() -> dict[str, int]:
        parts = [run(sandbox, tmp_path, "plan", "--shard", f"{number}/3") for number in (1, 2, 3)]
        assert [part.code for part in parts] == [0, 0, 0]
        pairs = [(account, number) for number, part in enumerate(parts) for account in accounts_of(part)]
        assert len(pairs) == len(dict(pairs)), "no two shards share an account"
        return dict(pairs)

    before = dealt()
    assert {*before} == {*MEMBERS[:3]}
    newer = replace(TREE, members=(Member("000000000001", "new"), *TREE.members))
    sandbox.simulator.put_organization(newer)
    with sandbox.simulator.undisturbed():
        params = {"Name": "prod/a", "SecretString": "s3cret"}
        sandbox.simulator.account("000000000001").call("secretsmanager", "CreateSecret", HOME, params)
    after = dealt()
    assert {*after} == {"000000000001", *before}
    assert before.items() <= after.items()


def test_a_rate_counts_for_an_account_since_one_shard_has_all_of_it(sandbox: Sandbox, tmp_path: Path) -> None:
    words = ("apply", "--yes", "--shard", "1/3", "-n", "--rate")
    assert run(sandbox, tmp_path, *words, "150").code == 0
    sandbox.simulator.log.clear()
    error = run(sandbox, tmp_path, *words, "151").document["error"]
    assert "at most 150" in error["message"]
    assert sandbox.simulator.log == [], "a mistake that needs no call makes none"


def test_a_saved_plan_has_the_accounts_that_were_found(sandbox: Sandbox, tmp_path: Path) -> None:
    saved = tmp_path / "dr.plan"
    assert run(sandbox, tmp_path, "plan", "--out", str(saved)).code == 0
    sandbox.simulator.log.clear()
    done = sandbox.smrep("apply", "--plan", str(saved), "--yes", "--json")
    assert (done.code, sorted(set(accounts_of(done)))) == (0, [*MEMBERS[:3]])
    assert calls(sandbox, "organizations") == []
    assert len(sandbox.log(ADD)) == 6


def test_a_manifest_from_standard_input_may_have_an_organization(sandbox: Sandbox) -> None:
    text = json.dumps({"schema": 1, "organization": ORGANIZATION, "replicate": [PROD]})
    assert accounts_of(sandbox.smrep("plan", "-f", "-", "--json", stdin=text)) == [*MEMBERS[:3]]


@pytest.mark.parametrize(
    ("organization", "tree", "end"),
    [
        (
            {},
            None,
            (2, "organization: the accounts of the organization in us-east-1: Your account is not a member of"),
        ),
        (
            {"ous": ["ou-sbox-unknown1"]},
            TREE,
            (2, "organization.ous: the accounts of ou-sbox-unknown1 in us-east-1: You specified"),
        ),
        (
            {"exclude": ["ou-sbox-unknown1"]},
            TREE,
            (2, "organization.exclude: the accounts of ou-sbox-unknown1 in us-east-1: You specified"),
        ),
        (
            {},
            replace(TREE, management=MEMBERS[0]),
            (4, "the accounts of the organization in us-east-1: You don't have permissions to access this resource."),
        ),
        ({"exclude": ["*"]}, TREE, (2, "[organization] covers none of 5 accounts")),
        (
            {"ous": ["ou-sbox-production"], "exclude": ["ou-sbox-workloads"]},
            TREE,
            (2, "[organization] covers none of 3"),
        ),
    ],
)
def test_without_accounts_nothing_is_looked_at_with_the_credentials_at_hand(
    sandbox: Sandbox, tmp_path: Path, organization: dict[str, Any], tree: OrganizationTree, end: tuple[int, str]
) -> None:
    sandbox.simulator.put_organization(tree)
    for command in (("audit",), ("plan",), ("apply", "--yes")):
        done = run(sandbox, tmp_path, *command, **organization)
        assert (done.code, done.document["secrets"]) == (end[0], [])
        assert done.document["error"]["message"].startswith(end[1])
        assert done.document["error"]["hint"]
    assert calls(sandbox, "secretsmanager") == []


def test_a_denied_lookup_names_the_policy_that_allows_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.simulator.faults = Faults(denied=frozenset({("ListAccounts", "us-east-1")}))
    done = run(sandbox, tmp_path, "audit")
    assert done.code == 4
    assert "organizations:ListAccounts" in done.err
    assert "\n  smrep iam-policy --primary-region us-east-1 --for accounts\n" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--role-arn", f"arn:aws:iam::{ACCOUNT}:role/x"), "--role-arn and [organization] contradict each other"),
        (("--shard", "9/4"), "'9/4' is not a shard: shards count from 1 to 4"),
    ],
)
@pytest.mark.parametrize("command", ["audit", "plan", "apply"])
def test_mistakes_on_the_command_line_are_found_before_any_call(
    sandbox: Sandbox, tmp_path: Path, command: str, words: tuple[str, ...], message: str
) -> None:
    error = refused(sandbox, command, "-f", manifest(tmp_path, organization=ORGANIZATION), *words)
    assert error["message"] == message
    assert sandbox.simulator.log == []


def test_a_failover_is_for_one_account(sandbox: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, organization=ORGANIZATION)
    words = ("--from", HOME, "--to", "us-west-2", "--record", str(tmp_path / "dr.jsonl"))
    error = refused(sandbox, "failover", "-f", file, *words)
    assert "has several accounts, but a failover is for one account" in error["message"]
    assert sandbox.simulator.log == []


@pytest.mark.parametrize(
    ("command", "rule", "code"),
    [
        ("audit", {"names": ["prod/a", "gone"]}, 1),
        ("plan", {"names": ["prod/a", "gone"]}, 1),
        ("audit", {"prefix": "nowhere/"}, 5),
        ("plan", {"prefix": "nowhere/"}, 2),
    ],
)
def test_shards_without_an_account_hide_no_trouble_from_the_merged_result(
    sandbox: Sandbox, tmp_path: Path, command: str, rule: dict[str, Any], code: int
) -> None:
    file = manifest(tmp_path, PROD, rule | {"regions": ["us-west-2"]}, organization=ORGANIZATION)
    shards = [sandbox.smrep(command, "-f", file, "--json", "--shard", f"{number}/7") for number in range(1, 8)]
    assert [bool(shard.document["secrets"]) for shard in shards].count(True) <= 3
    files = [tmp_path / f"{number}.json" for number in range(7)]
    for path, shard in zip(files, shards, strict=True):
        path.write_text(shard.out)
    merged, whole = sandbox.smrep("merge", *map(str, files), "--json"), sandbox.smrep(command, "-f", file, "--json")
    assert merged.code == whole.code == code
    missing = [[each["name"] for each in done.document["secrets"] if each["error"]] for done in (merged, whole)]
    assert missing == [["gone"] if "names" in rule else []] * 2
