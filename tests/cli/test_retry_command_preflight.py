"""`smrep retry` and `smrep replicate` over real boto3 and HTTP: what is found before anything is sent."""

from __future__ import annotations

import pytest
from cli.document_rows import kinds, rows_of
from cli.retry_sandbox import HOME, IRELAND, WEST, failed, heal, sent
from fixtures import Sandbox


@pytest.mark.parametrize(
    ("state", "kind"), [(None, "key_missing"), ("Disabled", "key_disabled"), ("PendingDeletion", "key_disabled")]
)
@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_a_bad_key_stops_its_region_and_the_others_go_on(
    sandbox: Sandbox, command: str, state: str | None, kind: str
) -> None:
    key = sandbox.key() if state else "11111111-2222-3333-4444-555555555555"
    failed(sandbox, WEST, IRELAND)
    if state:
        sandbox.simulator.set_key_state(key, WEST, state)
    done = sandbox.smrep(command, "prod/db", "-r", f"{WEST}={key},{IRELAND}", "--json")
    stopped, mended = rows_of(done)
    assert (done.code, stopped["status"], stopped["error"]["code"]) == (1, None, kind)
    assert kind in kinds(stopped)
    assert f"error: {stopped['error']['message']}\n" in done.err
    assert "hint: " in done.err
    assert (mended["status"], mended["changed"]) == ("InSync", True)
    assert sent(sandbox) == [[{"Region": IRELAND}]]


def test_a_key_that_is_no_symmetric_one_is_stopped(sandbox: Sandbox) -> None:
    key = sandbox.key(KeySpec="RSA_2048")
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--json")
    assert (done.code, rows_of(done)[0]["error"]["code"]) == (1, "key_unusable")


def test_without_preflight_aws_says_it(sandbox: Sandbox) -> None:
    key = sandbox.key()
    sandbox.create()
    sandbox.simulator.set_key_state(key, WEST, "Disabled")
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--no-preflight", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["error"]["code"]) == (1, "Failed", "ReplicationFailed")
    assert f"aws kms enable-key --key-id {key} --region us-west-2" in row["error"]["hint"]
    assert {call.operation for call in sandbox.simulator.log}.isdisjoint({"ListSecretVersionIds", "ListRegions"})


def test_what_could_not_be_checked_is_one_line(sandbox: Sandbox) -> None:
    key = sandbox.key(region=HOME)
    sandbox.create(KmsKeyId=key)
    heal(sandbox, denied=frozenset({("DescribeKey", HOME), ("ListSecretVersionIds", HOME)}))
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST},{IRELAND}", "--json")
    assert done.code == 0
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert line.count("could not be checked") == 2  # the primary's key, and the keys of its versions
    for row in rows_of(done):
        assert kinds(row) == ["unchecked", "unchecked"]


def test_an_old_version_under_a_disabled_key_is_found_before_anything_is_sent(sandbox: Sandbox) -> None:
    key = sandbox.key(region=HOME)
    sandbox.create(KmsKeyId=key)
    sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="old", VersionStages=["OLD"])
    sandbox.call("UpdateSecret", SecretId="prod/db", KmsKeyId=sandbox.key(region=HOME))
    sandbox.call("DisableKey", HOME, "kms", KeyId=key)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--json")
    (row,) = rows_of(done)
    assert (done.code, row["error"]["code"], "OLD" in row["error"]["message"]) == (1, "key_disabled", True)
    assert sent(sandbox) == []
    command = row["error"]["hint"].partition(" (")[0]
    assert command == (f"enable the key:\n  aws kms enable-key --key-id {key} --region us-east-1")
    sandbox.call("EnableKey", HOME, "kms", KeyId=key)
    assert sandbox.smrep("replicate", "prod/db", "-r", WEST).code == 0


def test_a_region_that_is_not_enabled_is_stopped(sandbox: Sandbox) -> None:
    sandbox.create()
    heal(sandbox, disabled_regions=frozenset({"af-south-1"}))
    done = sandbox.smrep("replicate", "prod/db", "-r", f"af-south-1,{WEST}", "--json")
    stopped, added = rows_of(done)
    assert (done.code, stopped["status"], stopped["error"]["code"]) == (1, None, "region_disabled")
    assert "hint: enable it:\n  aws account enable-region --region-name af-south-1\n" in done.err
    assert (added["status"], sent(sandbox)) == ("InSync", [[{"Region": WEST}]])


def test_where_one_list_of_regions_is_denied_the_other_is_asked(sandbox: Sandbox) -> None:
    sandbox.create()
    heal(sandbox, disabled_regions=frozenset({"af-south-1"}), denied=frozenset({("ListRegions", HOME)}))
    done = sandbox.smrep("replicate", "prod/db", "-r", "af-south-1", "--json")
    assert (done.code, rows_of(done)[0]["error"]["code"]) == (1, "region_disabled")


def test_where_both_lists_of_regions_are_denied_it_is_unchecked_and_tried(sandbox: Sandbox) -> None:
    sandbox.create()
    both = frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)})
    heal(sandbox, disabled_regions=frozenset({"af-south-1"}), denied=both)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"af-south-1,{WEST}", "--json")
    tried, added = rows_of(done)
    assert (done.code, tried["status"], kinds(tried)) == (1, "Failed", ["unchecked"])
    assert (added["status"], kinds(added)) == ("InSync", [])


def test_a_warning_reaches_the_person(sandbox: Sandbox) -> None:
    sandbox.create("rds!db-1")
    done = sandbox.smrep("replicate", "rds!db-1", "-r", WEST)
    assert done.code == 0
    assert "is managed by the AWS service rds" in done.err
