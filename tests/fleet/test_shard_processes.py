"""Shards as processes of their own, at once: together they do each secret once, and none does another's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ADD, WEST, manifest, sent, stocked
from fixtures import VALIDATOR, Sandbox

NAMES = tuple(f"prod/{number:02}" for number in range(16))
ACCOUNTS = ("111111111111", "222222222222")
Make = Callable[..., Sandbox]

pytestmark = pytest.mark.process


def together(sandbox: Sandbox, runs: Sequence[tuple[list[str], dict[str, str]]]) -> list[dict[str, Any]]:
    """Run smrep so many times side by side, each with its own words and environment; return the documents."""
    documents = []
    for process in [sandbox.start(*words, "-o", "json", **env) for words, env in runs]:
        with process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        documents.append(json.loads(out))
        VALIDATOR.validate(documents[-1])
    return documents


def test_the_shards_of_one_account_do_each_secret_once_however_each_is_told_its_number(
    make_sandbox: Make, tmp_path: Path
) -> None:
    sandbox = stocked(make_sandbox, *NAMES)
    words = ["apply", "-f", manifest(tmp_path), "--yes", "--rate", "50", "--shard"]
    documents = together(
        sandbox,
        [
            ([*words, "1/3"], {}),
            ([*words, "auto/3"], {"AWS_BATCH_JOB_ARRAY_INDEX": "1"}),
            ([*words, "auto/3"], {"JOB_COMPLETION_INDEX": "2"}),
        ],
    )
    told = [secret["name"] for document in documents for secret in document["secrets"]]
    assert sorted(told) == sorted(NAMES)
    assert Counter(sent(sandbox)) == {(ADD, name, (WEST,)): 1 for name in NAMES}
    assert all(document["secrets"] for document in documents)


def test_accounts_are_dealt_whole_where_there_are_as_many_and_shared_where_there_are_fewer(
    make_sandbox: Make, tmp_path: Path
) -> None:
    sandbox = make_sandbox()
    for account in ACCOUNTS:
        for name in NAMES:
            params = {"Name": name, "SecretString": "s3cret"}
            sandbox.simulator.account(account).call("secretsmanager", "CreateSecret", "us-east-1", params)
    roles = [{"role_arn": f"arn:aws:iam::{account}:role/dr"} for account in ACCOUNTS]
    words = ["apply", "-f", manifest(tmp_path, account=roles), "--yes", "--rate", "100", "--shard"]  # 50 an account
    wholes = [sandbox.smrep(*words, f"{number}/2", "--dry-run", "-o", "json").document for number in (1, 2)]
    assert [{each["arn"].split(":")[4] for each in document["secrets"]} for document in wholes] == [
        {account} for account in ACCOUNTS
    ]
    parts = together(sandbox, [([*words, f"{number}/4"], {}) for number in range(1, 5)])
    assert [len({each["arn"].split(":")[4] for each in document["secrets"]}) for document in parts] == [1] * 4
    told = Counter((each["arn"].split(":")[4], each["name"]) for document in parts for each in document["secrets"])
    assert told == {(account, name): 1 for account in ACCOUNTS for name in NAMES}
    arns = Counter(str(call.secret_id) for call in sandbox.log(ADD))
    assert Counter(arn.split(":")[4] for arn in arns.elements()) == dict.fromkeys(ACCOUNTS, len(NAMES))
    assert set(arns.values()) == {1}
