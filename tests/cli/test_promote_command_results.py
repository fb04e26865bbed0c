"""`smrep promote` over real boto3 and HTTP: what it does without the primary, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cli.promote_sandbox import ONE_TRY, STOP, arn_in, stands_alone
from cli.replicated_sandbox import replicated
from fixtures import Sandbox

from smrep.sandbox.simulator.simulated_aws import ApiError

Make = Callable[..., Sandbox]


def regions_called(sandbox: Sandbox) -> set[str]:
    return {call.region for call in sandbox.simulator.log}


@pytest.mark.process
def test_a_replica_is_promoted_and_takes_values(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    home, there = arn_in(sandbox, "us-east-1"), arn_in(sandbox)
    with pytest.raises(ApiError):
        sandbox.call("PutSecretValue", "us-west-2", SecretId="prod/db", SecretString="mine")
    done = sandbox.process("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "json")
    document = done.document
    assert (done.code, document["result"], document["command"]) == (0, "ok", "promote")
    assert (document["primary_region"], document["primary_region_source"]) == ("us-east-1", "replica")
    assert document["account_id"] == "123456789012"
    (secret,) = document["secrets"]
    assert (secret["name"], secret["arn"], secret["primary_region"], secret["result"]) == (
        "prod/db",
        home,
        "us-east-1",
        "ok",
    )
    assert secret["replicas"] == [
        {
            "region": "us-west-2",
            "arn": there,
            "result": "ok",
            "status": None,
            "status_message": None,
            "kms_key_id": "alias/aws/secretsmanager",
            "last_accessed_date": None,
            "action": "promote",
            "changed": True,
            "verified": None,
            "findings": [],
            "error": None,
        }
    ]
    sandbox.call("PutSecretValue", "us-west-2", SecretId="prod/db", SecretString="mine")
    assert stands_alone(sandbox)


@pytest.mark.parametrize("variable", ["us-east-1", "eu-west-1", None])
def test_the_dead_region_is_not_needed_whatever_the_environment_says(make_sandbox: Make, variable: str | None) -> None:
    sandbox = replicated(make_sandbox, outages=frozenset({"us-east-1", "eu-west-1"}))
    words = ["promote", "prod/db", "-r", "us-west-2", "--yes", "--json"]
    done = sandbox.smrep(*words, AWS_REGION=variable, AWS_DEFAULT_REGION=variable, **ONE_TRY)
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]) == (0, True, None)
    assert regions_called(sandbox) == {"us-west-2"}
    assert stands_alone(sandbox)
    lines = done.err.splitlines()
    silent = [
        line for line in lines if "the old primary in us-east-1 did not say which Regions it still lists: " in line
    ]
    assert (len(silent), silent[0].startswith("warning: ")) == (1, True)
    assert [line for line in lines if line.startswith("error: ")] == []


def test_a_variable_that_is_no_region_does_not_stop_a_promotion(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", AWS_REGION="nowhere", AWS_DEFAULT_REGION="x")
    assert (done.code, stands_alone(sandbox)) == (0, True)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_the_arn_of_the_primary_or_of_the_replica_will_do(make_sandbox: Make, region: str) -> None:
    sandbox = replicated(make_sandbox, outages=frozenset({"us-east-1"}))
    with sandbox.simulator.undisturbed():
        arn = arn_in(sandbox, region)
    done = sandbox.smrep("promote", arn, "-r", "us-west-2", "--yes", AWS_REGION="us-east-1", **ONE_TRY)
    assert (done.code, stands_alone(sandbox)) == (0, True)
    (sent,) = sandbox.log(STOP)
    assert (sent.region, sent.params["SecretId"]) == ("us-west-2", arn_in(sandbox))


def test_running_again_changes_nothing_and_needs_no_confirmation(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    sandbox.simulator.log.clear()
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["action"], row["status"]) == (0, False, "promote", None)
    assert row["arn"] == arn_in(sandbox)
    assert "is already standalone; nothing was sent" in done.err
    assert "to be cut off" not in done.err
    assert [call.operation for call in sandbox.simulator.log] == ["DescribeSecret"]


def test_once_it_has_replicas_of_its_own_it_is_a_primary_itself(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    added = [{"Region": "eu-west-1"}]
    sandbox.call("ReplicateSecretToRegions", "us-west-2", SecretId="prod/db", AddReplicaRegions=added)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json")
    assert done.code == 2
    assert "prod/db in us-west-2 is the primary, which cannot be promoted" in done.document["error"]["message"]
    assert len(sandbox.log(STOP)) == 1


def test_what_the_old_primary_lists_still_and_who_stays_is_said(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", "sa-east-1")
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    warnings = [line.removeprefix("warning: ") for line in done.err.splitlines() if line.startswith("warning: ")]
    assert done.code == 0
    assert any(
        each.startswith("the old primary in us-east-1 still lists us-west-2 as InSync; ignore that status")
        for each in warnings
    )
    assert "eu-west-1, sa-east-1 stay with the old primary in us-east-1" in warnings
    assert sandbox.call("DescribeSecret", "eu-west-1", SecretId="prod/db")["PrimaryRegion"] == "us-east-1"


def test_an_old_primary_that_lists_nothing_more_is_passed_over_in_silence(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, promoted_entry="dropped")
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    assert "old primary" not in done.err


def test_text_is_one_row(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    assert done.rows == [
        ["prod/db", "us-west-2", "-", "alias/aws/secretsmanager", "promote", "standalone", "123456789012", "-"]
    ]


def test_the_table_says_that_it_stands_alone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "table")
    assert "1 of 1 standalone" in done.out
    assert "not listed" not in done.out


def test_dry_run_sends_nothing_and_asks_nobody(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "-n", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    assert (row["action"], row["changed"], row["arn"]) == ("promote", False, arn_in(sandbox))
    assert "prod/db in us-west-2 will become standalone for good" in done.err
    assert [call.operation for call in sandbox.simulator.log] == ["DescribeSecret"]
    assert regions_called(sandbox) == {"us-west-2"}


def test_no_wait_is_exit_0_and_pending(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--no-wait", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["result"], row["changed"]) == (0, "pending", True)


def test_nothing_but_reads_and_the_promotion_is_called(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    calls = [(call.operation, call.region) for call in sandbox.simulator.log]
    assert calls == [
        ("DescribeSecret", "us-west-2"),
        (STOP, "us-west-2"),
        ("DescribeSecret", "us-west-2"),
        ("DescribeSecret", "us-east-1"),
    ]


def test_ndjson_tells_the_request_before_it_goes_out(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "ndjson")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [each["type"] for each in events][:3] == ["version", "plan", "request"]
    assert (events[2]["operation"], events[2]["region"], events[2]["regions"]) == (STOP, "us-west-2", ["us-west-2"])
    assert events[-1]["document"]["result"] == "ok"
