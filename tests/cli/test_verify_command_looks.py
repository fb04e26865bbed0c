"""`smrep verify` over real boto3 and HTTP: what could not be looked at, and of which secret."""

from __future__ import annotations

import shlex

import pytest
from cli.document_rows import kinds, row_of
from cli.verify_sandbox import HOME, WEST, deny, put, replicated, stale
from fixtures import Sandbox, commands_in

from smrep.sandbox.faults import Faults


@pytest.mark.parametrize(
    ("operation", "region", "permission"),
    [
        ("DescribeSecret", WEST, "secretsmanager:DescribeSecret"),
        ("ListSecretVersionIds", WEST, "secretsmanager:ListSecretVersionIds"),
        ("ListSecretVersionIds", HOME, "secretsmanager:ListSecretVersionIds"),
        ("DescribeKey", WEST, "kms:DescribeKey"),
    ],
)
def test_a_denied_look_is_exit_4_and_never_a_pass(
    sandbox: Sandbox, operation: str, region: str, permission: str
) -> None:
    replicated(sandbox, sandbox.key("alias/dr"))
    deny(sandbox, operation, region)
    words = ["verify", "prod/db", "-r", f"{WEST}={'alias/other' if operation == 'DescribeKey' else 'alias/dr'}"]
    done = sandbox.smrep(*words, "--json")
    row = row_of(done)
    assert (done.code, done.document["result"]) == (4, "access")
    assert (row["verified"], set(kinds(row))) == (None, {"unchecked"})
    assert any(permission in each["hint"] for each in row["findings"])
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert line.startswith("warning: unchecked, which is not a pass: ")
    assert all(f"hint: {each['hint']}" in done.err.splitlines() for each in row["findings"])
    for output in ("text", "table"):
        shown = sandbox.smrep(*words, "-o", output)
        assert (shown.code, row["findings"][0]["message"] in shown.out + shown.err) == (4, True)


def test_a_denied_list_does_not_hide_a_stale_version(sandbox: Sandbox) -> None:
    stale(sandbox)
    deny(sandbox, "ListSecretVersionIds")
    done = sandbox.smrep("verify", "prod/db", "--timeout", "0", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], set(kinds(row))) == (4, False, {"stale", "unchecked"})


def test_a_text_row_that_proves_nothing_does_not_read_like_one_that_does(sandbox: Sandbox) -> None:
    replicated(sandbox)
    proved = sandbox.smrep("verify", "prod/db").rows
    deny(sandbox, "ListSecretVersionIds")
    assert sandbox.smrep("verify", "prod/db").rows != proved


def test_a_region_in_outage_is_exit_3_with_the_command_that_looks_again(sandbox: Sandbox) -> None:
    key = sandbox.key("alias/dr")
    replicated(sandbox, key)
    sandbox.simulator.faults = Faults(outages=frozenset({WEST}))
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=alias/dr", "--timeout", "1s", "--json")
    assert (done.code, done.document["result"], row_of(done)["verified"]) == (3, "pending", None)
    assert done.document["error"]["code"] == "Timeout"
    hint = shlex.split(commands_in(done.document["error"]["hint"])[0])
    assert hint[:3] == ["smrep", "verify", "prod/db"]
    assert f"{WEST}=alias/dr" in hint  # without the key, less would be verified


def test_a_stale_findings_command_verifies_no_less(sandbox: Sandbox) -> None:
    key = sandbox.key()
    replicated(sandbox, key)
    sandbox.simulator.faults = Faults(value_delay_s=3600.0)
    put(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}={key}", "--timeout", "0", "--json")
    (finding,) = row_of(done)["findings"]
    assert f"smrep verify prod/db --primary-region us-east-1 -r {WEST}={key}" in finding["hint"]


def test_no_credentials_is_exit_4(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert (done.code, done.document["result"]) == (4, "access")


# which secret


def test_a_secret_without_replicas_is_exit_1(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("verify", "prod/db", "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["error"]["code"]) == (1, "NoReplicas")
    assert "hint: add one:\n  smrep replicate prod/db --primary-region us-east-1 -r REGION" in done.err


def test_a_replica_is_followed_to_its_primary(sandbox: Sandbox) -> None:
    arn = replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--primary-region", WEST, "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["arn"], secret["replicas"][0]["verified"]) == (0, arn, True)
    assert "is a replica; smrep reports its primary in us-east-1" in done.err


def test_a_missing_secret_is_exit_1(sandbox: Sandbox) -> None:
    done = sandbox.smrep("verify", "nowhere", "--json")
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "ResourceNotFoundException")


@pytest.mark.parametrize(
    "words",
    [
        ("prod/db", "-r", HOME),
        ("prod/db", "-r", "cn-north-1"),
        ("prod/db", "-r", "us-wst-2"),
        ("prod/db", "-r", f"{WEST}=arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"),
        ("prod/db", "-r", f"{WEST}=alias/a,{WEST}=alias/b"),
        ("prod/db", "--timeout", "soon"),
        ("prod/db", "--expect-account", "999999999999"),
        ("prod/db", "--force-overwrite"),
        (),
    ],
)
def test_a_mistake_is_exit_2(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    replicated(sandbox)
    assert sandbox.smrep("verify", *words).code == 2


def test_nothing_on_standard_input_is_no_proof(sandbox: Sandbox) -> None:
    assert sandbox.smrep("verify", "-", stdin="\n").code == 2


def test_a_pipe_is_told_what_was_proved(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db")
    assert (done.code, "prod/db us-west-2 InSync, and holds the current version" in done.err) == (0, True)


def test_and_what_was_not(sandbox: Sandbox) -> None:
    stale(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--timeout", "0")
    assert (done.code, "prod/db us-west-2 stale" in done.err) == (5, True)
