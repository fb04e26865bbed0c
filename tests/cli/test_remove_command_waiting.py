"""`smrep remove` over real boto3 and HTTP: it waits until a replica is gone, and names the command that goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from cli.remove_sandbox import REMOVE, is_there
from cli.replicated_sandbox import replicated
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox, commands_in

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]


def warnings(done: Done) -> list[str]:
    return [line for line in done.err.splitlines() if line.startswith("warning: ")]


def test_a_replica_is_removed_and_waited_for(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_s=0.7)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "json")
    document = done.document
    assert (done.code, document["result"], document["command"], document["dry_run"]) == (0, "ok", "remove", False)
    assert (document["primary_region"], document["primary_region_source"]) == ("us-east-1", "AWS_REGION")
    (secret,) = document["secrets"]
    assert (secret["name"], secret["arn"], secret["result"], secret["error"]) == ("prod/db", arn, "ok", None)
    assert secret["replicas"] == [
        {
            "region": "us-west-2",
            "arn": None,
            "result": "ok",
            "status": None,
            "status_message": None,
            "kms_key_id": None,
            "last_accessed_date": None,
            "action": "remove",
            "changed": True,
            "verified": None,
            "findings": [],
            "error": None,
        }
    ]
    assert document["elapsed_s"] >= 0.7
    assert (is_there(sandbox), is_there(sandbox, "eu-west-1")) == (False, True)


@pytest.mark.process
def test_a_primary_deleted_at_once_after_remove_leaves_no_orphan(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=1.0)
    assert sandbox.process("remove", "prod/db", "-r", "us-west-2", "--yes").code == 0
    sandbox.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    assert not is_there(sandbox)


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_waiting_and_the_command_that_goes_on(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    process = sandbox.start("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    sandbox.wait_for(REMOVE)
    sandbox.wait_for("DescribeSecret", 6)  # the primary, the target, the look before the write, polls
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    document = Done(process.returncode, out, err).document
    (row,) = document["secrets"][0]["replicas"]
    assert (process.returncode, document["result"], row["changed"]) == (code, "interrupted", True)
    assert [each["kind"] for each in row["findings"]] == ["removing"]
    assert "stopped waiting; AWS goes on removing" in err
    assert document["error"]["hint"] == ("to resume:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2")
    assert "Traceback" not in err
    (command,) = commands_in(document["error"]["hint"])

    again = sandbox.smrep(*command.split()[1:], "--timeout", "1s", "--json")
    (row,) = again.document["secrets"][0]["replicas"]
    assert (again.code, row["changed"], len(sandbox.log(REMOVE))) == (3, False, 1)
    sandbox.simulator.faults = Faults()
    with sandbox.simulator.undisturbed():
        sandbox.call("StopReplicationToReplica", "us-west-2", SecretId="prod/db")
        sandbox.call("DeleteSecret", "us-west-2", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    third = sandbox.smrep(*command.split()[1:], "--json")
    assert (third.code, third.document["secrets"][0]["replicas"][0]["changed"]) == (0, False)
    assert len(sandbox.log(REMOVE)) == 1


@pytest.mark.process
def test_an_interrupt_of_the_second_run_names_the_command_too(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--no-wait")
    looks = len(sandbox.log("DescribeSecret"))
    process = sandbox.start("remove", "prod/db", "-r", "us-west-2", "--json")
    sandbox.wait_for("DescribeSecret", looks + 4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    error = Done(process.returncode, out, err).document["error"]
    assert process.returncode == 130
    assert "AWS goes on removing" in error["message"]
    assert error["hint"] == ("to resume:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2")


def test_the_second_run_waits_without_sending_and_needs_no_confirmation(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=2.0)
    first = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--no-wait", "--json")
    assert (first.code, first.document["result"]) == (0, "pending")
    second = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--json")  # no --yes
    (row,) = second.document["secrets"][0]["replicas"]
    assert (second.code, row["changed"], row["status"], row["findings"]) == (0, False, None, [])
    assert "an old replica of prod/db is still being removed from us-west-2" in second.err
    assert "to be removed for good" not in second.err
    assert len(sandbox.log(REMOVE)) == 1
    assert not is_there(sandbox)
    third = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--json")
    assert (third.code, third.document["secrets"][0]["replicas"][0]["changed"]) == (0, False)
    assert len(sandbox.log(REMOVE)) == 1


def test_no_wait_is_exit_0_and_pending_and_warns_of_the_primary(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--no-wait", "--json")
    document = done.document
    assert (done.code, document["result"], document["error"]) == (0, "pending", None)
    (row,) = document["secrets"][0]["replicas"]
    assert (row["changed"], row["action"], row["status"]) == (True, "remove", None)
    assert any("do not delete a primary before its replicas are gone" in each for each in warnings(done))
    again = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--no-wait", "--json")
    assert (again.code, again.document["result"]) == (3, "pending")  # this run asked AWS for nothing


def test_the_deadline_names_what_is_not_gone_and_the_command(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"us-west-2": 60.0})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--timeout", "1s", "--json")
    document = done.document
    assert (done.code, document["result"], document["error"]["code"]) == (3, "pending", "Timeout")
    assert document["error"]["message"] == "not finished after 1s: prod/db us-west-2 (not gone yet)"
    hint = document["error"]["hint"]
    assert hint == ("to resume:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2 --timeout 1m")
    waiting, gone = document["secrets"][0]["replicas"]
    assert [each["kind"] for each in waiting["findings"]] == ["removing"]
    assert waiting["findings"][0]["severity"] == "info"
    assert waiting["arn"].startswith("arn:aws:secretsmanager:us-west-2:")
    assert (gone["findings"], gone["arn"], gone["changed"]) == ([], None, True)


def test_timeout_zero_looks_once(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "0", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (3, True)


@pytest.mark.terminal
def test_the_live_table_does_not_speak_of_a_replication(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=1.0)
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2", "--yes", columns=120)
    assert terminal.end() == 0
    assert "Ctrl-C" in terminal.seen
    assert "not the replication" not in terminal.seen
