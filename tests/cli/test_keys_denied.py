"""What is claimed of a replica's key where KMS denies the look, and of its versions where nobody can list them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures import Sandbox

HOME, WEST = "us-east-1", "us-west-2"
Make = Callable[..., Sandbox]


def replicated(make: Make, *denied: tuple[str, str]) -> Sandbox:
    """Return a sandbox with a replica under AWS's own key, and a customer's key beside it."""
    sandbox = make(replication_delay_s=0.0)
    sandbox.create()
    sandbox.key("alias/dr")
    assert sandbox.smrep("replicate", "prod/db", "-r", WEST).code == 0
    sandbox.simulator.faults = type(sandbox.simulator.faults)(replication_delay_s=0.0, denied=frozenset(denied))
    return sandbox


def kinds(document: dict[str, Any]) -> list[str]:
    return [each["kind"] for secret in document["secrets"] for row in secret["replicas"] for each in row["findings"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [(("replicate", "prod/db"), 0), (("verify", "prod/db", "--timeout", "2"), 4), (("audit",), 4)],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_another_key_is_not_claimed_where_kms_denies_the_look(
    make_sandbox: Make, words: tuple[str, ...], code: int
) -> None:
    done = replicated(make_sandbox, ("DescribeKey", WEST)).smrep(*words, "-r", f"{WEST}=alias/dr", "--json")
    assert (done.code, set(kinds(done.document))) == (code, {"unchecked"})


@pytest.mark.parametrize("words", [("replicate", "prod/db"), ("verify", "prod/db", "--timeout", "2"), ("audit",)])
def test_and_is_where_it_does_not(make_sandbox: Make, words: tuple[str, ...]) -> None:
    done = replicated(make_sandbox).smrep(*words, "-r", f"{WEST}=alias/dr", "--json")
    assert (done.code, set(kinds(done.document))) == (5, {"wrong_key"})
    assert "wrong_key, wrong_key" not in done.err


def test_a_key_can_be_changed_in_place_all_the_same(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, ("DescribeKey", WEST))
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/dr", "--no-preflight", "--json")
    assert done.document["secrets"][0]["replicas"][0]["changed"] is True
    shown = sandbox.call("DescribeSecret", WEST, SecretId="prod/db")
    assert shown["KmsKeyId"] == "alias/dr"
