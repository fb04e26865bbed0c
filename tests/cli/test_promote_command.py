"""`smrep promote` from its words to its exit code, over real boto3 and HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.test_terminal import Terminal
from fixtures import Sandbox

from smrep.sandbox.faults import Drop
from smrep.sandbox.simulator import ApiError

Make = Callable[..., Sandbox]
STOP = "StopReplicationToReplica"
FAR = "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"
ONE_TRY = {"AWS_MAX_ATTEMPTS": "1"}
"""Reads of a dead Region are made once, so that tests are quick."""


def replicated(make: Make, *regions: str, names: tuple[str, ...] = ("prod/db",), **faults: object) -> Sandbox:
    """Return a sandbox in which the secrets are replicated and nothing is logged yet."""
    sandbox = make(**faults)
    with sandbox.simulator.undisturbed():
        for name in names:
            sandbox.create(name)
            added = [{"Region": each} for each in regions or ("us-west-2",)]
            sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=added)
    return sandbox


def arn_in(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> str:
    with sandbox.simulator.undisturbed():
        return str(sandbox.call("DescribeSecret", region, SecretId=name)["ARN"])


def stands_alone(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> bool:
    with sandbox.simulator.undisturbed():
        return "PrimaryRegion" not in sandbox.call("DescribeSecret", region, SecretId=name)


def regions_called(sandbox: Sandbox) -> set[str]:
    return {call.region for call in sandbox.simulator.log}


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
    silent = [line for line in lines if "the old primary in us-east-1 was asked once and did not tell" in line]
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
    assert "stands alone already; nothing was sent" in done.err
    assert "to be cut off" not in done.err
    assert [call.operation for call in sandbox.simulator.log] == ["DescribeSecret"]


def test_once_it_has_replicas_of_its_own_it_is_a_primary_itself(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    added = [{"Region": "eu-west-1"}]
    sandbox.call("ReplicateSecretToRegions", "us-west-2", SecretId="prod/db", AddReplicaRegions=added)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json")
    assert done.code == 2
    assert "prod/db in us-west-2 is the primary itself" in done.document["error"]["message"]
    assert len(sandbox.log(STOP)) == 1


def test_what_the_old_primary_lists_still_and_who_stays_is_said(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", "sa-east-1")
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    warnings = [line.removeprefix("warning: ") for line in done.err.splitlines() if line.startswith("warning: ")]
    assert done.code == 0
    assert any(each.startswith("the old primary in us-east-1 lists us-west-2 still, as InSync") for each in warnings)
    assert "eu-west-1, sa-east-1 stay with the old primary in us-east-1" in warnings
    assert sandbox.call("DescribeSecret", "eu-west-1", SecretId="prod/db")["PrimaryRegion"] == "us-east-1"


def test_an_old_primary_that_lists_nothing_more_is_passed_over_in_silence(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, promoted_entry="dropped")
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    assert "old primary" not in done.err


def test_text_is_one_row(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes")
    assert done.rows == [["prod/db", "us-west-2", "-", "alias/aws/secretsmanager", "promote", "stands alone"]]


def test_the_table_says_that_it_stands_alone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "table")
    assert "1 of 1 stands alone" in done.out
    assert "not listed" not in done.out


def test_dry_run_sends_nothing_and_asks_nobody(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "-n", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    assert (row["action"], row["changed"], row["arn"]) == ("promote", False, arn_in(sandbox))
    assert "to be cut off from its primary in us-east-1 for good" in done.err
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


# confirmation


@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_without_an_answer_nothing_is_sent(make_sandbox: Make, flags: tuple[str, ...]) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "-o", "json", *flags)
    document = done.document
    assert (done.code, document["result"], document["error"]["code"]) == (2, "usage", "ConfirmationNeeded")
    assert document["error"]["hint"] == "--yes answers it: smrep promote prod/db -r us-west-2 --yes"
    assert document["secrets"][0]["replicas"][0]["changed"] is False
    assert sandbox.log(STOP) == []


def test_the_command_to_confirm_keeps_what_was_typed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["--timeout", "2m", "--no-wait", "--expect-account", "123456789012"]
    hint = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", *words, "--json").document["error"]["hint"]
    again = hint.removeprefix("--yes answers it: smrep ").split()
    assert [word for word in (*words, "--yes") if word not in again] == []
    assert (sandbox.smrep(*again).code, stands_alone(sandbox)) == (0, True)


def test_the_command_to_confirm_keeps_the_primary_that_was_typed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["promote", "prod/db", "-r", "us-west-2", "--primary-region", "us-east-1", "--json"]
    assert "--primary-region us-east-1" in sandbox.smrep(*words).document["error"]["hint"]


@pytest.mark.parametrize("name", ["SMREP_YES", "SMREP_PROMOTE_YES"])
def test_no_variable_answers_a_confirmation(make_sandbox: Make, name: str) -> None:
    sandbox = replicated(make_sandbox)
    assert sandbox.smrep("promote", "prod/db", "-r", "us-west-2", **{name: "1"}).code == 2
    assert sandbox.log(STOP) == []


def test_standard_input_needs_yes(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    done = sandbox.smrep("promote", "-", "-r", "us-west-2", "--json", stdin="a\nb\n")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert sandbox.log(STOP) == []
    done = sandbox.smrep("promote", "-", "-r", "us-west-2", "--yes", stdin="a\nb\n")
    assert (done.code, [row[0] for row in done.rows]) == (0, ["a", "b"])


def test_nothing_on_standard_input_is_nothing_to_do(sandbox: Sandbox) -> None:
    done = sandbox.smrep("promote", "-", "-r", "us-west-2", stdin="")
    assert (done.code, done.out, sandbox.simulator.log) == (0, "", [])


def test_the_secrets_name_confirms(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "promote", arn_in(sandbox), "-r", "us-west-2")
    terminal.read_until("type the secret's name to go on: ")
    assert "to be cut off from its primary in us-east-1 for good" in terminal.seen
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert stands_alone(sandbox)


@pytest.mark.parametrize("answer", ["y\n", "us-west-2\n", "\x04"])
def test_anything_else_does_not(make_sandbox: Make, answer: str) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "promote", "prod/db", "-r", "us-west-2")
    terminal.read_until("type the secret's name to go on: ")
    terminal.type(answer)
    assert terminal.end() == 2
    assert "not confirmed; nothing was sent" in terminal.seen
    assert sandbox.log(STOP) == []


@pytest.mark.parametrize(("answer", "code"), [("2\n", 0), ("a\n", 2)])
def test_several_secrets_ask_for_their_count(make_sandbox: Make, answer: str, code: int) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    sandbox.create("alone", region="us-west-2")
    terminal = Terminal(sandbox, "promote", "a", "b", "alone", "-r", "us-west-2")
    terminal.read_until("type the number of secrets that will be changed to go on: ")
    terminal.type(answer)
    assert terminal.end() == code
    assert len(sandbox.log(STOP)) == (2 if code == 0 else 0)


# refusals


@pytest.mark.parametrize(
    "words",
    [
        ("-r", "us-west-2,eu-west-1"),
        ("-r", "us-west-2", "-r", "eu-west-1"),
        ("-r", "us-west-2", "--primary-region", "us-west-2"),
        ("-r", "us-west-2", "--primary-region", "cn-north-1"),
        ("-r", "us-west-2=alias/dr"),
        ("-r", "nowhere"),
        (),
    ],
)
def test_a_wrong_command_line_asks_nobody(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    done = sandbox.smrep("promote", "prod/db", *words, "--yes", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")
    assert sandbox.simulator.log == []


def test_an_arn_of_another_partition_asks_nobody(sandbox: Sandbox) -> None:
    arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:prod/db-a1b2c3"
    done = sandbox.smrep("promote", arn, "-r", "us-west-2", "--yes", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")
    assert sandbox.simulator.log == []


def test_the_primary_itself_is_exit_2(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-east-1", "--yes", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")
    assert "is the primary itself" in done.document["error"]["message"]
    assert sandbox.log(STOP) == []


def test_a_replica_of_another_primary_than_the_one_typed_is_exit_1(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["promote", "prod/db", "-r", "us-west-2", "--primary-region", "eu-west-1", "--yes", "--json"]
    done = sandbox.smrep(*words)
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "OtherPrimary")
    assert sandbox.log(STOP) == []
    right = ["promote", "prod/db", "-r", "us-west-2", "--primary-region", "us-east-1", "--yes"]
    assert (sandbox.smrep(*right).code, stands_alone(sandbox)) == (0, True)


def test_a_flag_that_names_another_primary_than_the_arn_sends_nothing(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    arn = arn_in(sandbox, "us-east-1")
    done = sandbox.smrep("promote", arn, "-r", "us-west-2", "--primary-region", "eu-west-1", "--yes", "--json")
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "OtherPrimary")
    assert sandbox.log(STOP) == []


def test_a_missing_secret_is_exit_1_and_does_not_stop_the_others(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "nowhere", "prod/db", "-r", "us-west-2", "--yes", "--json")
    missing, promoted = done.document["secrets"]
    assert (done.code, missing["error"]["code"]) == (1, "ResourceNotFoundException")
    assert "--region us-west-2" in missing["error"]["hint"]
    assert promoted["result"] == "ok"


@pytest.mark.parametrize("operation", [STOP, "DescribeSecret"])
def test_what_is_denied_is_exit_4_with_the_permission(make_sandbox: Make, operation: str) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({(operation, "us-west-2")}))
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json")
    (secret,) = done.document["secrets"]
    error = secret["error"] or secret["replicas"][0]["error"]
    assert (done.code, done.document["result"], error["code"]) == (4, "access", "AccessDeniedException")
    assert f"allow secretsmanager:{operation} on " in error["hint"]
    assert f"hint: allow secretsmanager:{operation} on " in done.err
    assert not stands_alone(sandbox)


def test_a_replica_of_another_account_is_refused(sandbox: Sandbox) -> None:
    sandbox.create(region="us-west-2")
    link = {"PrimarySecretARN": FAR, "ReplicationStatus": "InSync"}
    sandbox.simulator.set_cross_account("prod/db", "us-west-2", primary=link)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["error"]["code"]) == (1, "CrossAccountReplica")
    assert FAR in secret["error"]["message"]
    assert secret["cross_account"]["primary"]["arn"] == FAR
    assert sandbox.log(STOP) == []


def test_a_secret_scheduled_for_deletion_is_refused(sandbox: Sandbox) -> None:
    sandbox.create(region="us-west-2")
    sandbox.call("DeleteSecret", "us-west-2", SecretId="prod/db")
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json")
    error = done.document["secrets"][0]["error"]
    assert (done.code, error["code"]) == (1, "pending_deletion")
    assert error["hint"].startswith("aws secretsmanager restore-secret --secret-id arn:")
    assert error["hint"].endswith("--region us-west-2")


def test_another_account_is_exit_2_before_any_write(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["-r", "us-west-2", "--yes", "--expect-account", "999999999999", "--json"]
    done = sandbox.smrep("promote", "prod/db", *words)
    assert (done.code, done.document["error"]["code"]) == (2, "AccountMismatch")
    assert sandbox.log(STOP) == []
    sandbox.simulator.log.clear()
    assert sandbox.smrep("promote", arn_in(sandbox), *words).code == 2
    assert sandbox.simulator.log == []


def test_a_replica_region_in_outage_is_exit_1(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, outages=frozenset({"us-west-2"}))
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json", **ONE_TRY)
    assert (done.code, sandbox.simulator.log) == (1, [])


# lost answers, quotas, events


def test_a_lost_answer_is_looked_for_with_the_primarys_region_down(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, drops=(Drop(STOP, "after"),), outages=frozenset({"us-east-1"}))
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--json", **ONE_TRY)
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    assert len(sandbox.log(STOP)) == 1


def test_throttling_for_ever_names_the_command_that_tries_again(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, write_quota=0)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "1s", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]["code"]) == (3, False, "ThrottlingException")
    assert done.document["error"]["hint"] == "smrep promote prod/db -r us-west-2 --timeout 1m"


def test_ndjson_tells_the_request_before_it_goes_out(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "ndjson")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [each["type"] for each in events][:3] == ["version", "plan", "request"]
    assert (events[2]["operation"], events[2]["region"], events[2]["regions"]) == (STOP, "us-west-2", ["us-west-2"])
    assert events[-1]["document"]["result"] == "ok"


def test_a_hint_stays_in_the_account_that_was_typed(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = replicated(make_sandbox)
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["promote", "prod/db", "-r", "us-west-2", "--profile", "staging", "--json"]
    hint = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document["error"]["hint"]
    assert "smrep promote --profile staging prod/db -r us-west-2 --yes" in hint
