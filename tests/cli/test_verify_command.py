"""`smrep verify` and `--verify` from their words to their exit codes, over real boto3 and HTTP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]
WEST = "us-west-2"
HOME = "us-east-1"


def replicated(sandbox: Sandbox, key: str | None = None, name: str = "prod/db") -> str:
    arn = sandbox.create(name)
    wanted = {"Region": WEST, **({"KmsKeyId": key} if key else {})}
    sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[wanted])
    return arn


def new_key(sandbox: Sandbox, alias: str | None = None, region: str = WEST) -> str:
    metadata = sandbox.call("CreateKey", region, "kms")["KeyMetadata"]
    if alias:
        sandbox.call("CreateAlias", region, "kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def put(sandbox: Sandbox, **params: Any) -> str:
    return str(sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer", **params)["VersionId"])


def stale(sandbox: Sandbox) -> str:
    replicated(sandbox)
    sandbox.simulator.faults = Faults(value_delay_s=3600.0)
    return put(sandbox)


def row_of(done: Done) -> dict[str, Any]:
    row: dict[str, Any]
    ((row,),) = [each["replicas"] for each in done.document["secrets"]]
    return row


def kinds(row: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in row["findings"]]


def deny(sandbox: Sandbox, operation: str, region: str = WEST) -> None:
    sandbox.simulator.faults = Faults(replication_delay_s=0.0, denied=frozenset({(operation, region)}))


# all is right


def test_all_is_right(sandbox: Sandbox) -> None:
    arn = replicated(sandbox)
    done = sandbox.process("verify", "prod/db", "-o", "json")
    assert (done.code, done.document["result"], done.document["command"]) == (0, "ok", "verify")
    assert row_of(done) == {
        "region": WEST,
        "arn": arn.replace(HOME, WEST),
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
    replicated(sandbox, new_key(sandbox, "alias/dr"))
    before = len(sandbox.simulator.log)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=alias/dr", "--debug")
    assert done.code == 0
    called = {call.operation for call in sandbox.simulator.log[before:]}
    assert called == {"DescribeSecret", "ListSecretVersionIds"} | called & {"DescribeKey"}
    assert "s3cret" not in done.out + done.err


def test_text_is_one_row_with_its_six_columns(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db")
    assert done.rows == [["prod/db", WEST, "InSync", "alias/aws/secretsmanager", "-", "Replication succeeded"]]


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
    ((_, region, status, _, _, message),) = text.rows
    assert (text.code, region, status, version in message) == (5, WEST, "InSync", True)
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
    key = new_key(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}={key}", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], set(kinds(row))) == (5, False, {"wrong_key"})
    assert f"hint: smrep rekey prod/db --primary-region us-east-1 -r {WEST}={key}\n" in done.err


def test_a_key_that_does_not_exist_is_exit_5(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=11111111-2222-3333-4444-555555555555", "--timeout", "2s")
    assert done.code == 5


def test_a_version_left_under_the_old_key_is_exit_5(sandbox: Sandbox) -> None:
    old, new = new_key(sandbox), new_key(sandbox)
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


# what could not be looked at


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
    replicated(sandbox, new_key(sandbox, "alias/dr"))
    deny(sandbox, operation, region)
    words = ["verify", "prod/db", "-r", f"{WEST}={'alias/other' if operation == 'DescribeKey' else 'alias/dr'}"]
    done = sandbox.smrep(*words, "--json")
    row = row_of(done)
    assert (done.code, done.document["result"]) == (4, "access")
    assert (row["verified"], set(kinds(row))) == (None, {"unchecked"})
    assert any(permission in each["hint"] for each in row["findings"])
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert line.startswith("warning: unchecked, which is not a pass: ")
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
    key = new_key(sandbox, "alias/dr")
    replicated(sandbox, key)
    sandbox.simulator.faults = Faults(outages=frozenset({WEST}))
    done = sandbox.smrep("verify", "prod/db", "-r", f"{WEST}=alias/dr", "--timeout", "1s", "--json")
    assert (done.code, done.document["result"], row_of(done)["verified"]) == (3, "pending", None)
    assert done.document["error"]["code"] == "Timeout"
    hint = shlex.split(done.document["error"]["hint"])
    assert hint[:3] == ["smrep", "verify", "prod/db"]
    assert f"{WEST}=alias/dr" in hint  # without the key, less would be verified


def test_a_stale_findings_command_verifies_no_less(sandbox: Sandbox) -> None:
    key = new_key(sandbox)
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
    assert "hint: smrep replicate prod/db --primary-region us-east-1 -r REGION" in done.err


def test_a_replica_is_followed_to_its_primary(sandbox: Sandbox) -> None:
    arn = replicated(sandbox)
    done = sandbox.smrep("verify", "prod/db", "--primary-region", WEST, "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["arn"], secret["replicas"][0]["verified"]) == (0, arn, True)
    assert "is a replica; its primary in us-east-1 is what is reported" in done.err


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


# at the end of replicate and retry


@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_verify_needs_the_wait(sandbox: Sandbox, command: str) -> None:
    sandbox.create()
    done = sandbox.smrep(command, "prod/db", "-r", WEST, "--verify", "--no-wait", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")
    assert sandbox.log("DescribeSecret") == []


def test_replicate_verify_proves_each_row(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST},eu-west-1", "--verify", "--json")
    rows = done.document["secrets"][0]["replicas"]
    assert (done.code, [(row["action"], row["verified"]) for row in rows]) == (0, [("keep", True), ("add", True)])


def test_replicate_without_verify_claims_nothing(sandbox: Sandbox) -> None:
    sandbox.create()
    assert row_of(sandbox.smrep("replicate", "prod/db", "-r", WEST, "--json"))["verified"] is None


@pytest.mark.parametrize("region", [HOME, WEST])
def test_replicate_verify_that_may_not_list_versions_is_exit_4(sandbox: Sandbox, region: str) -> None:
    sandbox.create()
    deny(sandbox, "ListSecretVersionIds", region)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["status"], row["changed"], row["verified"]) == (4, "InSync", True, None)


def test_replicate_verify_finds_another_key(sandbox: Sandbox) -> None:
    replicated(sandbox)
    key = new_key(sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], row["changed"], set(kinds(row))) == (5, False, False, {"wrong_key"})


def test_replicate_verify_in_an_outage_names_verify_to_go_on_with(sandbox: Sandbox) -> None:
    replicated(sandbox)
    sandbox.simulator.faults = Faults(outages=frozenset({WEST}))
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "--timeout", "1s", "--json")
    row = row_of(done)
    assert (done.code, row["status"], row["verified"]) == (3, "InSync", None)
    assert "smrep verify prod/db" in done.document["error"]["hint"]  # `smrep wait` would end well at once


def test_retry_verify_proves_what_it_mended(make_sandbox: Make) -> None:
    sandbox = make_sandbox(failures={WEST: "Replication failed: no luck"})
    replicated(sandbox)
    sandbox.simulator.faults = Faults(replication_delay_s=0.0)
    done = sandbox.smrep("retry", "prod/db", "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["action"], row["verified"]) == (0, "retry", True)


def test_a_dry_run_with_verify_proves_nothing(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "-n", "--json")
    assert (done.code, row_of(done)["verified"]) == (0, None)


def test_a_table_says_that_nothing_is_verified_where_nothing_could_be(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListSecretVersionIds", "us-west-2")}))
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    done = sandbox.smrep("verify", "prod/db", "-o", "table", "--timeout", "0")
    assert done.code == 4
    assert "VERIFIED" in done.out
    assert "1 of 1 not fully checked" in done.out
