"""`smrep verify` over real boto3 and HTTP: what is proved, and the differences that are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cli.document_rows import kinds, row_of
from cli.verify_sandbox import HOME, WEST, put, replicated, stale
from fixtures import Sandbox

Make = Callable[..., Sandbox]


@pytest.mark.process
def test_all_is_right(sandbox: Sandbox) -> None:
    arn = replicated(sandbox)
    done = sandbox.process("verify", "prod/db", "-o", "json")
    assert (done.code, done.document["result"], done.document["command"]) == (0, "ok", "verify")
    assert row_of(done) == {
        "region": WEST,
        "arn": arn.replace(HOME, WEST),
        "result": "ok",
        "status": "InSync",
        "status_message": "Replication succeeded",
        "kms_key_id": "alias/aws/secretsmanager",
        "last_accessed_date": None,
        "action": None,
        "changed": False,
        "verified": True,
        "findings": [],
        "error": None,
    }


def test_no_value_is_read_and_nothing_is_written(sandbox: Sandbox) -> None:
    replicated(sandbox, sandbox.key("alias/dr"))
    before = len(sandbox.simulator.log)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=alias/dr", "--debug")
    assert done.code == 0
    called = {call.operation for call in sandbox.simulator.log[before:]}
    assert called == {"DescribeSecret", "ListSecretVersionIds"} | called & {"DescribeKey"}
    assert "s3cret" not in done.out + done.err


def test_text_is_one_row_with_its_eight_columns(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db")
    assert done.rows == [
        ["prod/db", WEST, "InSync", "alias/aws/secretsmanager", "-", "Replication succeeded", "123456789012", "true"]
    ]


def test_the_table_says_that_it_is_verified(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-o", "table")
    assert done.code == 0
    assert "VERIFIED" in done.out
    assert "yes" in done.out
    assert "1 of 1 in sync" in done.out


def test_names_are_printed_once(sandbox: Sandbox) -> None:
    arn = replicated(sandbox)
    assert sandbox.smrep("verify", "prod/db", "-o", "name").out == f"{arn}\n"


def test_ndjson_ends_with_the_document(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-o", "ndjson")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert (events[0]["type"], events[-1]["type"]) == ("version", "result")
    assert events[-1]["document"]["secrets"][0]["replicas"][0]["verified"] is True


def test_a_query_finds_what_is_not_verified(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--query", "secrets[].replicas[?verified != `true`][].region")
    assert (done.code, json.loads(done.out)) == (0, [])


def test_several_secrets_from_standard_input(sandbox: Sandbox) -> None:
    for name in ("a", "b"):
        replicated(sandbox, name=name)
    done = sandbox.smrep("verify", "-", stdin="a\nb\n")
    assert (done.code, [row[0] for row in done.rows]) == (0, ["a", "b"])


# differences


def test_the_previous_version_is_exit_5(sandbox: Sandbox) -> None:
    version = stale(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--timeout", "0", "--json")
    row = row_of(done)
    assert (done.code, done.document["result"], done.document["error"]) == (5, "drift", None)
    assert (row["status"], row["verified"], kinds(row)) == ("InSync", False, ["stale"])
    assert version in row["findings"][0]["message"]
    assert f"error: {row['findings'][0]['message']}\n" in done.err


def test_the_previous_version_is_told_as_that_in_every_format(sandbox: Sandbox) -> None:
    version = stale(sandbox)
    text = sandbox.smrep("verify", "prod/db", "--timeout", "0")
    ((_, region, status, _, _, message, _, verified),) = text.rows
    assert (text.code, region, status, version in message, verified) == (5, WEST, "InSync", True, "false")
    table = sandbox.smrep("verify", "prod/db", "--timeout", "0", "-o", "table")
    assert (table.code, "stale" in table.out, "under another key" in table.out) == (5, True, False)
    assert version in table.out + table.err


def test_a_version_that_arrives_in_time_passes(make_sandbox: Make) -> None:
    sandbox = make_sandbox(value_delay_s=1.0)
    replicated(sandbox)
    put(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--timeout", "20s", "--json")
    assert (done.code, row_of(done)["verified"], row_of(done)["findings"]) == (0, True, [])


def test_another_key_is_exit_5_with_the_command_that_changes_it(sandbox: Sandbox) -> None:
    replicated(sandbox)
    key = sandbox.key()
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}={key}", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], set(kinds(row))) == (5, False, {"wrong_key"})
    assert f":\n  smrep rekey prod/db --primary-region us-east-1 -r {WEST}={key}\n" in done.err


def test_a_key_that_does_not_exist_is_exit_5(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=11111111-2222-3333-4444-555555555555", "--timeout", "2s")
    assert done.code == 5


def test_a_version_left_under_the_old_key_is_exit_5(sandbox: Sandbox) -> None:
    old, new = sandbox.key(), sandbox.key()
    replicated(sandbox, old)
    sandbox.simulator.set_key_state(old, WEST, "Disabled")
    sandbox.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId=new)
    done = sandbox.smrep("verify", "prod/db", "--timeout", "0", "--json")
    row = row_of(done)
    assert (done.code, kinds(row), row["kms_key_id"]) == (5, ["wrong_key"], new)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda s: s.call("StopReplicationToReplica", WEST, SecretId="prod/db"), "promoted"),
        (
            lambda s: s.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST]),
            "removing",
        ),
        (lambda s: s.simulator.set_replication_status("prod/db", HOME, "eu-west-1", "InSync"), "missing"),
    ],
)
def test_what_is_not_our_replica_is_exit_5_and_said(
    sandbox: Sandbox, spoil: Callable[[Sandbox], Any], kind: str
) -> None:
    replicated(sandbox)
    spoil(sandbox)
    region = "eu-west-1" if kind == "missing" else WEST
    done = sandbox.smrep("verify", "prod/db", "-r", region, "--timeout", "0", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], kinds(row)) == (5, False, [kind])
    assert row["findings"][0]["message"] in done.err
    table = sandbox.smrep("verify", "prod/db", "-r", region, "--timeout", "0", "-o", "table")
    assert row["findings"][0]["message"] in table.out + table.err


def test_a_failed_region_is_exit_1(make_sandbox: Make) -> None:
    sandbox = make_sandbox(failures={WEST: "Replication failed: no luck"})
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], kinds(row), row["error"]["code"]) == (1, False, ["failed"], "ReplicationFailed")


def test_one_failed_secret_and_one_stale_is_exit_1(sandbox: Sandbox) -> None:
    stale(sandbox)
    done = sandbox.smrep("verify", "prod/db", "nowhere", "--timeout", "0", "--json")
    assert (done.code, [each["result"] for each in done.document["secrets"]]) == (1, ["drift", "failed"])
