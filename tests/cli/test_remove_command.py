"""`smrep remove` from its words to its exit code, over real boto3 and HTTP."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.simulator import ApiError

Make = Callable[..., Sandbox]
REMOVE = "RemoveRegionsFromReplication"
NAMES = ("prod/db",)


def replicated(make: Make, *regions: str, names: tuple[str, ...] = NAMES, **faults: object) -> Sandbox:
    """Return a sandbox in which the secrets are replicated, removals take no time, and nothing is logged yet."""
    sandbox = make(**{"removal_delay_s": 0.0, **faults})
    with sandbox.simulator.undisturbed():
        for name in names:
            sandbox.create(name)
            added = [{"Region": each} for each in regions or ("us-west-2",)]
            sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=added)
    return sandbox


def is_there(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> bool:
    try:
        sandbox.call("DescribeSecret", region, SecretId=name)
    except ApiError as error:
        return error.code != "ResourceNotFoundException"
    return True


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


def test_a_primary_deleted_at_once_after_remove_leaves_no_orphan(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=1.0)
    assert sandbox.process("remove", "prod/db", "-r", "us-west-2", "--yes").code == 0
    sandbox.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    assert not is_there(sandbox)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_waiting_and_the_command_that_goes_on(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    process = sandbox.start("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    sandbox.wait_for(REMOVE)
    while len(sandbox.log("DescribeSecret")) < 4:  # the primary, the target, two polls
        sandbox.wait_for("DescribeSecret")
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    document = Done(process.returncode, out, err).document
    (row,) = document["secrets"][0]["replicas"]
    assert (process.returncode, document["result"], row["changed"]) == (code, "interrupted", True)
    assert [each["kind"] for each in row["findings"]] == ["removing"]
    assert "stopped waiting; AWS goes on removing" in err
    assert document["error"]["hint"] == "smrep remove prod/db --primary-region us-east-1 -r us-west-2"
    assert "Traceback" not in err

    again = sandbox.smrep(*document["error"]["hint"].split()[1:], "--timeout", "1s", "--json")
    (row,) = again.document["secrets"][0]["replicas"]
    assert (again.code, row["changed"], len(sandbox.log(REMOVE))) == (3, False, 1)
    sandbox.simulator.faults = Faults()
    with sandbox.simulator.undisturbed():
        sandbox.call("StopReplicationToReplica", "us-west-2", SecretId="prod/db")
        sandbox.call("DeleteSecret", "us-west-2", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    third = sandbox.smrep(*document["error"]["hint"].split()[1:], "--json")
    assert (third.code, third.document["secrets"][0]["replicas"][0]["changed"]) == (0, False)
    assert len(sandbox.log(REMOVE)) == 1


def test_an_interrupt_of_the_second_run_names_the_command_too(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--no-wait")
    looks = len(sandbox.log("DescribeSecret"))
    process = sandbox.start("remove", "prod/db", "-r", "us-west-2", "--json")
    while len(sandbox.log("DescribeSecret")) < looks + 4:
        sandbox.wait_for("DescribeSecret")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    error = Done(process.returncode, out, err).document["error"]
    assert process.returncode == 130
    assert "AWS goes on removing" in error["message"]
    assert error["hint"] == "smrep remove prod/db --primary-region us-east-1 -r us-west-2"


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
    assert any("delete no primary before a second smrep remove is done" in each for each in warnings(done))
    again = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--no-wait", "--json")
    assert (again.code, again.document["result"]) == (3, "pending")  # this run asked AWS for nothing


def test_the_deadline_names_what_is_not_gone_and_the_command(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"us-west-2": 60.0})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--timeout", "1s", "--json")
    document = done.document
    assert (done.code, document["result"], document["error"]["code"]) == (3, "pending", "Timeout")
    assert document["error"]["message"] == "still open after 1s: prod/db us-west-2 (not gone yet)"
    hint = document["error"]["hint"]
    assert hint == "smrep remove prod/db --primary-region us-east-1 -r us-west-2 --timeout 1m"
    waiting, gone = document["secrets"][0]["replicas"]
    assert [each["kind"] for each in waiting["findings"]] == ["removing"]
    assert waiting["findings"][0]["severity"] == "info"
    assert waiting["arn"].startswith("arn:aws:secretsmanager:us-west-2:")
    assert (gone["findings"], gone["arn"], gone["changed"]) == ([], None, True)


def test_timeout_zero_looks_once(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "0", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (3, True)


def test_dry_run_sends_nothing_and_asks_nobody(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n", "--json")
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"]) == ("remove", False, "InSync")
    assert "to be removed for good from us-west-2: arn:" in done.err
    assert "dry run: nothing was sent" in done.err
    assert sandbox.log(REMOVE) == []
    text = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n")
    assert text.rows == [
        ["prod/db", "us-west-2", "InSync", "alias/aws/secretsmanager", "remove", "Replication succeeded"]
    ]
    table = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n", "-o", "table")
    assert "dry run, nothing was sent: " in table.out


def test_text_is_one_row_per_region(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"eu-west-1": 60.0})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--timeout", "1s")
    assert done.code == 3
    gone, waiting = done.rows
    assert gone == ["prod/db", "us-west-2", "-", "-", "remove", "gone"]
    assert waiting == ["prod/db", "eu-west-1", "-", "alias/aws/secretsmanager", "remove", "being removed"]


def test_name_prints_the_primary_arn_once(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    assert sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "-o", "name").out == f"{arn}\n"


def test_the_table_of_a_removal_that_is_done_says_so(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "table")
    assert done.code == 0
    assert "1 of 1 gone" in done.out


def test_the_table_of_a_removal_under_way_does_not_claim_it_is_gone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "0", "-o", "table")
    gone = sandbox.smrep("remove", "prod/db", "-r", "eu-west-1", "--yes", "--timeout", "0", "-o", "table")
    assert (done.code, gone.code) == (3, 0)
    endings = [each.out.splitlines()[-1].partition(" (")[0] for each in (done, gone)]
    assert endings[0] != endings[1]


def test_progress_tells_when_a_replica_is_gone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"eu-west-1": 2.5})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", CI="true")
    assert done.code == 0
    lines = [line for line in done.err.splitlines() if line.startswith("prod/db ")]
    assert "prod/db us-west-2 gone" in lines
    assert [line for line in lines if "eu-west-1" in line] == [
        "prod/db eu-west-1 being removed",
        "prod/db eu-west-1 gone",
    ]


def test_progress_never_says_of_a_refused_region_that_it_is_being_removed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "eu-west-1", removal_delay_s=0.5)
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", CI="true")
    assert done.code == 1
    assert "prod/db eu-west-1 gone" in done.err
    assert [line for line in done.err.splitlines() if line.startswith("prod/db us-west-2 ")] == []


def test_the_victim_is_shown_before_it_is_removed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", "us-west-2", SecretId="prod/db")["ARN"]
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-q")
    (line,) = done.err.splitlines()
    assert line.startswith(f"warning: to be removed for good from us-west-2: {arn}, last changed 2")
    assert "last accessed not recorded, rotation off" in line


def test_nothing_but_reads_and_the_removal_is_called(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_s=0.5)
    sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes")
    assert {call.operation for call in sandbox.simulator.log} == {"DescribeSecret", REMOVE}
    (sent,) = sandbox.log(REMOVE)
    assert (sent.region, sent.params["RemoveReplicaRegions"]) == ("us-east-1", ["us-west-2", "eu-west-1"])


def test_debug_shows_the_write_and_no_contents(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--debug")
    (write,) = [line for line in done.err.splitlines() if REMOVE in line]
    assert write.startswith(f"debug: {REMOVE} us-east-1 status=200 code=- request_id=")
    assert "attempts=1" in write
    assert "s3cret" not in done.err


# confirmation


@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_without_an_answer_nothing_is_sent(make_sandbox: Make, flags: tuple[str, ...]) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-o", "json", *flags)
    document = done.document
    assert (done.code, document["result"], document["error"]["code"]) == (2, "usage", "ConfirmationNeeded")
    hint = document["error"]["hint"]
    assert hint == "--yes answers it: smrep remove prod/db --primary-region us-east-1 -r us-west-2 --yes"
    (row,) = document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"]) == ("remove", False, "InSync")
    assert "to be removed for good from us-west-2: arn:" in done.err
    assert sandbox.log(REMOVE) == []
    assert is_there(sandbox)


def test_the_command_to_confirm_keeps_what_was_typed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    words = ["--timeout", "2m", "--no-wait", "--expect-account", "123456789012"]
    hint = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", *words, "--json").document["error"]["hint"]
    again = hint.removeprefix("--yes answers it: smrep ").split()
    for word in (*words, "--yes", "-r", "us-west-2"):
        assert word in again
    done = sandbox.smrep(*again)
    assert (done.code, len(sandbox.log(REMOVE))) == (0, 1)


@pytest.mark.parametrize("name", ["SMREP_YES", "SMREP_REMOVE_YES"])
def test_no_variable_answers_a_confirmation(make_sandbox: Make, name: str) -> None:
    sandbox = replicated(make_sandbox)
    assert sandbox.smrep("remove", "prod/db", "-r", "us-west-2", **{name: "1"}).code == 2
    assert sandbox.log(REMOVE) == []


def test_standard_input_needs_yes(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    done = sandbox.smrep("remove", "-", "-r", "us-west-2", "--json", stdin="a\nb\n")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert sandbox.log(REMOVE) == []
    done = sandbox.smrep("remove", "-", "-r", "us-west-2", "--yes", stdin="a\nb\n")
    assert (done.code, [row[:2] for row in done.rows]) == (0, [["a", "us-west-2"], ["b", "us-west-2"]])


def test_nothing_on_standard_input_is_nothing_to_do(sandbox: Sandbox) -> None:
    done = sandbox.smrep("remove", "-", "-r", "us-west-2", stdin="")
    assert (done.code, done.out) == (0, "")
    assert "named no secret" in done.err


def test_nothing_to_send_is_nothing_to_confirm(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create("clash")
    sandbox.create("clash", region="us-west-2")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, False)
    assert sandbox.smrep("remove", "clash", "-r", "us-west-2").code == 1
    assert sandbox.log(REMOVE) == []


def test_the_secrets_name_confirms(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2,eu-west-1")
    terminal.read_until("type the secret's name to go on: ")
    assert terminal.seen.count("to be removed for good from ") == 2
    assert sandbox.log(REMOVE) == []
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert len(sandbox.log(REMOVE)) == 1
    assert not is_there(sandbox)


@pytest.mark.parametrize("answer", ["yes\n", "\n", "prod\n", "us-west-2\n", "\x04"])
def test_anything_else_does_not(make_sandbox: Make, answer: str) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2")
    terminal.read_until("type the secret's name to go on: ")
    terminal.type(answer)
    assert terminal.end() == 2
    assert "not confirmed; nothing was sent" in terminal.seen
    assert sandbox.log(REMOVE) == []


@pytest.mark.parametrize(("answer", "code"), [("2\n", 0), ("a\n", 2), ("3\n", 2)])
def test_several_secrets_ask_for_their_count(make_sandbox: Make, answer: str, code: int) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    sandbox.create("never-replicated")
    terminal = Terminal(sandbox, "remove", "a", "b", "never-replicated", "-r", "us-west-2")
    terminal.read_until("type the number of secrets that will be changed to go on: ")
    terminal.type(answer)
    assert terminal.end() == code
    assert len(sandbox.log(REMOVE)) == (2 if code == 0 else 0)


def test_ctrl_c_at_the_prompt_sends_nothing(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2")
    terminal.read_until("type the secret's name to go on: ")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 130
    assert "nothing was sent" in terminal.seen
    assert sandbox.log(REMOVE) == []


def test_the_live_table_does_not_speak_of_a_replication(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=1.0)
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2", "--yes", columns=120)
    assert terminal.end() == 0
    assert "Ctrl-C" in terminal.seen
    assert "not the replication" not in terminal.seen


# refusals


def test_a_namesake_is_refused_and_other_regions_go_on(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "eu-west-1")
    victim = sandbox.create(region="us-west-2")
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "Failed", "already exists")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--json")
    stopped, removed = done.document["secrets"][0]["replicas"]
    assert (done.code, done.document["result"]) == (1, "failed")
    assert (stopped["status"], stopped["changed"], stopped["error"]["code"]) == (None, False, "name_clash")
    assert [(each["kind"], each["severity"]) for each in stopped["findings"]] == [("name_clash", "error")]
    assert victim in stopped["error"]["message"]
    assert victim in stopped["error"]["hint"]
    assert (removed["changed"], removed["error"]) == (True, None)
    assert [call.params["RemoveReplicaRegions"] for call in sandbox.log(REMOVE)] == [["eu-west-1"]]
    assert is_there(sandbox)


def test_a_promoted_replica_is_refused(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.call("StopReplicationToReplica", "us-west-2", SecretId="prod/db")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes")
    ((_, region, status, _, action, message),) = done.rows
    assert (done.code, region, status, action) == (1, "us-west-2", "-", "remove")
    assert "was our replica once and stands alone now" in message
    assert "error: " in done.err
    assert "hint: look at it: aws secretsmanager describe-secret --secret-id arn:" in done.err
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
    assert len([line for line in done.err.splitlines() if "could not be looked at" in line]) == 1


def test_a_denied_removal_is_exit_4_with_the_permission(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({(REMOVE, "us-east-1")}))
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]["code"]) == (4, False, "AccessDeniedException")
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
    assert "hint: smrep remove prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err
    assert sandbox.log(REMOVE) == []


def test_the_hint_stays_in_the_account_that_was_typed(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["remove", "prod/db", "-r", "us-west-2", "--profile", "staging", "--yes", "--timeout", "0", "--json"]
    document = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document
    (row,) = document["secrets"][0]["replicas"]
    assert document["error"]["hint"].startswith("smrep remove --profile staging prod/db")
    assert row["findings"][0]["hint"].startswith("smrep remove --profile staging prod/db")


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
    assert done.document["error"]["message"] == "still open after 1s: prod/db us-west-2 (not known to be sent)"
    assert done.document["error"]["hint"].startswith("smrep remove prod/db --primary-region us-east-1 -r us-west-2")
    assert "goes on" not in done.err


def test_an_entry_with_nothing_behind_it_is_said_to_be_only_that(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "Failed", "no luck")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    assert "to be removed for good from us-west-2: the entry of prod/db, with nothing there" in done.err


def test_ndjson_tells_the_request_before_it_goes_out(make_sandbox: Make) -> None:
    import json

    sandbox = replicated(make_sandbox, removal_delay_s=0.5)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "ndjson")
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [each["type"] for each in events]
    assert (kinds[:3], kinds[-1]) == (["version", "plan", "request"], "result")
    assert (events[2]["operation"], events[2]["regions"]) == (REMOVE, ["us-west-2"])
    assert events[-1]["document"]["result"] == "ok"
