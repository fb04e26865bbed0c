"""`apply` in several accounts: each has its own end, each secret says whose it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, ADD, HOME, IRELAND, PROD, WEST, manifest, rows, stocked
from fixtures import Done, Sandbox

from smrep.sandbox.simulator.simulated_aws import Faults

THEIRS = "222222222222"
ROLES: list[dict[str, Any]] = [{"role_arn": f"arn:aws:iam::{account}:role/smrep"} for account in (THEIRS, ACCOUNT)]
YES = ("--yes", "--json")


@pytest.fixture
def both(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Two accounts, each with the secrets prod/a and prod/b."""
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", replication_delay_s=0.0)
    theirs = sandbox.simulator.account(THEIRS)
    for name in ("prod/a", "prod/b"):
        theirs.call("secretsmanager", "CreateSecret", HOME, {"Name": name, "SecretString": "s3cret"})
    sandbox.simulator.log.clear()
    return sandbox


def apply(sandbox: Sandbox, tmp_path: Path, *words: str) -> Done:
    return sandbox.smrep("apply", "-f", manifest(tmp_path, account=ROLES), *words)


def statuses(done: Done) -> dict[tuple[str, str], str | None]:
    """Return (account, secret) -> the status of its only Region."""
    return {
        (each["account_id"], each["name"]): each["replicas"][0]["status"] if each["replicas"] else None
        for each in done.document["secrets"]
    }


def test_namesakes_of_two_accounts_are_told_apart_in_every_output(both: Sandbox, tmp_path: Path) -> None:
    names = [(account, name) for account in (THEIRS, ACCOUNT) for name in ("prod/a", "prod/b")]
    planned = both.smrep("plan", "-f", manifest(tmp_path, account=ROLES), "-o", "table")
    done = apply(both, tmp_path, *YES)
    assert (done.code, statuses(done)) == (0, dict.fromkeys(names, "InSync"))
    report = tmp_path / "audit.xml"
    words = ("audit", "-f", manifest(tmp_path, {**PROD, "regions": [IRELAND]}, account=ROLES), "--report", str(report))
    audited = both.smrep(*words)
    assert {(row[6], row[0]) for row in audited.rows} == set(names)
    assert f"prod/a (account {THEIRS})" in planned.out
    assert f"prod/a (account {ACCOUNT})" in planned.out
    for shown in (both.smrep(*words, "-o", "table").out, report.read_text()):
        assert all(f"{name} (account {account})" in " ".join(shown.split()) for account, name in names), shown
    assert all(f"prod/a (account {account})" in audited.err for account in (THEIRS, ACCOUNT))


def test_one_account_needs_no_telling(both: Sandbox, tmp_path: Path) -> None:
    done = both.smrep("apply", "-f", manifest(tmp_path), *YES)
    assert all("account_id" not in each for each in done.document["secrets"])
    assert {row[6] for row in both.smrep("apply", "-f", manifest(tmp_path), "--yes").rows} == {ACCOUNT}


@pytest.mark.parametrize("denied", ["ListSecrets", "ReplicateSecretToRegions"])
def test_what_is_denied_in_one_account_is_done_in_the_other(both: Sandbox, tmp_path: Path, denied: str) -> None:
    both.simulator.account(THEIRS).set_faults(Faults(denied=frozenset({(denied, HOME)}), replication_delay_s=0.0))
    done = apply(both, tmp_path, *YES)
    assert (done.code, done.document["result"]) == (4, "access")
    assert {key: word for key, word in statuses(done).items() if key[0] == ACCOUNT} == {
        (ACCOUNT, "prod/a"): "InSync",
        (ACCOUNT, "prod/b"): "InSync",
    }
    assert THEIRS in done.err


def test_a_role_that_can_not_be_taken_on_stops_no_other_account(both: Sandbox, tmp_path: Path) -> None:
    both.simulator.put_trust(ROLES[0]["role_arn"], "an external id that nobody gives")
    done = apply(both, tmp_path, *YES)
    error = done.document["error"]
    assert (done.code, error["code"]) == (4, "SomeAccountsLost")
    assert (
        f"1 of 2 accounts failed; the result covers only the others: account[0], account {THEIRS}: "
        in (error["message"])
    )
    assert {row["status"] for row in rows(done).values()} == {"InSync"}
    assert len([call for call in both.simulator.log if call.operation == ADD]) == 2


def test_a_hint_leads_to_the_account_of_its_secret(both: Sandbox, tmp_path: Path) -> None:
    audited = both.smrep("audit", "-f", manifest(tmp_path, account=ROLES), "--json")
    for secret in audited.document["secrets"]:
        (finding,) = secret["replicas"][0]["findings"]
        assert f"--role-arn arn:aws:iam::{secret['account_id']}:role/smrep" in finding["hint"]
        assert f"-r {WEST}" in finding["hint"]


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_a_shard_says_which_it_is_and_which_names_its_accounts_lack(
    both: Sandbox, tmp_path: Path, command: str
) -> None:
    both.simulator.account(THEIRS).call("secretsmanager", "CreateSecret", HOME, {"Name": "dev/a", "SecretString": "x"})
    named = {"name": "named", "names": ["dev/a", "gone"], "regions": [WEST]}
    words = (command, "-f", manifest(tmp_path, PROD, named, account=ROLES), "--json")
    theirs, ours = (both.smrep(*words, "--shard", f"{number}/2").document for number in (1, 2))
    assert (theirs["shard"], ours["shard"]) == ("1/2", "2/2")
    assert [[each["name"] for each in document["absent"]] for document in (theirs, ours)] == [
        ["gone"],
        ["dev/a", "gone"],
    ]
    assert {each["error"]["code"] for each in ours["absent"]} == {"ResourceNotFoundException"}
    assert f"--role-arn {ROLES[1]['role_arn']}" in ours["absent"][0]["error"]["hint"]
    assert {each["name"]: each["rules"] for each in theirs["secrets"]} == {
        "dev/a": ["named"],
        "prod/a": ["prod"],
        "prod/b": ["prod"],
    }
    assert ("unmatched" in theirs, ours["unmatched"]) == (False, ["replicate[1]: named: name dev/a or gone"])
    whole = both.smrep(*words).document
    assert not {"shard", "absent", "unmatched"} & set(whole)
    assert [each["name"] for each in whole["secrets"] if each["error"]] == ["gone"]
