"""What is claimed of a replica's key where KMS denies the look."""

from __future__ import annotations

from typing import Any

import pytest
from cli.verify_sandbox import WEST, deny, replicated
from fixtures import Sandbox


def sandbox_with_a_replica(sandbox: Sandbox) -> Sandbox:
    """Add a replica under AWS's own key, and a customer's key beside it."""
    replicated(sandbox)
    sandbox.key("alias/dr")
    return sandbox


def kinds(document: dict[str, Any]) -> list[str]:
    return [each["kind"] for secret in document["secrets"] for row in secret["replicas"] for each in row["findings"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [(("replicate", "prod/db"), 0), (("verify", "prod/db", "--timeout", "2"), 4), (("audit",), 4)],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_another_key_is_not_claimed_where_kms_denies_the_look(
    sandbox: Sandbox, words: tuple[str, ...], code: int
) -> None:
    deny(sandbox_with_a_replica(sandbox), "DescribeKey")
    done = sandbox.smrep(*words, "-r", f"{WEST}=alias/dr", "--json")
    assert (done.code, set(kinds(done.document))) == (code, {"unchecked"})


@pytest.mark.parametrize("words", [("replicate", "prod/db"), ("verify", "prod/db", "--timeout", "2"), ("audit",)])
def test_and_is_where_it_does_not(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    done = sandbox_with_a_replica(sandbox).smrep(*words, "-r", f"{WEST}=alias/dr", "--json")
    assert (done.code, set(kinds(done.document))) == (5, {"wrong_key"})
    assert "wrong_key, wrong_key" not in done.err


def test_a_key_can_be_changed_in_place_all_the_same(sandbox: Sandbox) -> None:
    deny(sandbox_with_a_replica(sandbox), "DescribeKey")
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/dr", "--no-preflight", "--json")
    assert done.document["secrets"][0]["replicas"][0]["changed"] is True
    shown = sandbox.call("DescribeSecret", WEST, SecretId="prod/db")
    assert shown["KmsKeyId"] == "alias/dr"
