"""`smrep remove` over real boto3 and HTTP: what it refuses, what it may not do, and answers that are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli.remove_sandbox import REMOVE, is_there
from cli.replicated_sandbox import replicated
from fixtures import Sandbox

from smrep.sandbox.faults import Drop

Make = Callable[..., Sandbox]


def test_a_namesake_is_refused_and_other_regions_go_on(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "eu-west-1")
    victim = sandbox.create(region="us-west-2")
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "Failed", "already exists")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--json")
    stopped, removed = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["result"]) == (1, "failed")
    assert (stopped["status"], stopped["changed"], stopped["error"]["code"]) == (None, False, "name_conflict")
    assert [(each["kind"], each["severity"]) for each in stopped["findings"]] == [("name_conflict", "error")]
    assert victim in stopped["error"]["message"]
    assert victim in stopped["error"]["hint"]
    assert (removed["changed"], removed["error"]) == (True, None)
    assert [call.params["RemoveReplicaRegions"] for call in sandbox.log(REMOVE)] == [["eu-west-1"]]
    assert is_there(sandbox)


def test_a_promoted_replica_is_refused(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.call("StopReplicationToReplica", "us-west-2", SecretId="prod/db")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes")
    ((_, region, status, _, action, message, *_),) = done.rows
    assert (done.code, region, status, action) == (1, "us-west-2", "-", "remove")
    assert "was promoted, and removing the Region may delete it" in message
    assert "error: " in done.err
    assert "hint: look at it:\n  aws secretsmanager describe-secret --secret-id arn:" in done.err
    assert sandbox.log(REMOVE) == []


def test_a_look_that_is_denied_is_exit_4_and_unchecked(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", denied=frozenset({("DescribeSecret", "us-west-2")}))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--json")
    stopped, removed = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["result"]) == (4, "access")
    assert [each["kind"] for each in stopped["findings"]] == ["unchecked"]
    assert "secretsmanager:DescribeSecret in us-west-2" in stopped["error"]["hint"]
    assert removed["changed"] is True


def test_what_is_unchecked_is_told_once_on_stderr(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("DescribeSecret", "us-west-2")}))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes")
    assert len([line for line in done.err.splitlines() if "prod/db in us-west-2" in line]) == 1


def test_a_denied_removal_is_exit_4_with_the_permission(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({(REMOVE, "us-east-1")}))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]["code"]) == (4, False, "AccessDeniedException")
    assert row["status"] == "InSync", "the replica is still there"
    assert row["error"]["hint"].startswith("allow secretsmanager:RemoveRegionsFromReplication on arn:")
    assert row["error"]["request_id"]


def test_a_target_in_outage_is_refused(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, outages=frozenset({"us-west-2"}))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json", AWS_MAX_ATTEMPTS="1")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["error"]["code"]) == (1, "unchecked")
    assert sandbox.log(REMOVE) == []


def test_a_replica_is_refused_with_the_command_to_run(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    words = ["remove", "prod/db", "-r", "eu-west-1", "--primary-region", "us-west-2", "--yes"]
    done = sandbox.smrep(*words)
    assert done.code == 1
    assert "error: prod/db in us-west-2 is a replica; its primary is in us-east-1\n" in done.err
    assert "hint: use the primary:\n  smrep remove prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err
    assert sandbox.log(REMOVE) == []


def test_the_hint_stays_in_the_account_that_was_typed(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["remove", "prod/db", "-r", "us-west-2", "--profile", "staging", "--yes", "--timeout", "0", "--json"]
    document = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document
    (row,) = document["secrets"][0]["replicas"]
    assert document["error"]["hint"].startswith("to resume:\n  smrep remove --profile staging prod/db")
    assert row["findings"][0]["hint"].startswith("wait until it is gone:\n  smrep remove --profile staging prod/db")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-r", "us-east-1"), 2),
        (("-r", "cn-north-1"), 2),
        (("-r", "us-west-2,us-west-2"), 2),
        (("-r", "us-west-2=alias/dr"), 2),
        ((), 2),
        (("-r", "us-west-2", "--timeout", "soon"), 2),
    ],
)
def test_a_wrong_command_line_asks_nobody(sandbox: Sandbox, words: tuple[str, ...], code: int) -> None:
    done = sandbox.smrep("remove", "prod/db", *words, "--yes", "--json")
    assert (done.code, done.document["result"]) == (code, "usage")
    assert sandbox.simulator.log == []


def test_another_account_is_exit_2_before_any_write(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["-r", "us-west-2", "--yes", "--expect-account", "999999999999", "--json"]
    done = sandbox.smrep("remove", "prod/db", *words)
    assert (done.code, done.document["error"]["code"]) == (2, "AccountMismatch")
    sandbox.simulator.log.clear()
    done = sandbox.smrep("remove", "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-abcdef", *words)
    assert (done.code, sandbox.simulator.log) == (2, [])


def test_a_missing_secret_is_exit_1(sandbox: Sandbox) -> None:
    done = sandbox.smrep("remove", "nowhere", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "ResourceNotFoundException")


def test_a_lost_answer_is_looked_for(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, drops=(Drop(REMOVE, "after"),))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    assert len(sandbox.log(REMOVE)) == 1


def test_throttling_for_ever_names_the_command_that_tries_again(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, write_quota=0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "1s", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]["code"]) == (3, False, "ThrottlingException")
    assert done.document["error"]["message"] == "not finished after 1s: prod/db us-west-2 (perhaps not sent)"
    assert done.document["error"]["hint"].startswith(
        "to resume:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2"
    )
    assert "goes on" not in done.err
