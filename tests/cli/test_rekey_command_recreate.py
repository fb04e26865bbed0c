"""`smrep rekey --recreate` over real boto3 and HTTP: it asks, and names what brings the replica back."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable

import pytest
from cli.document_rows import row_of
from cli.rekey_sandbox import NEW, WEST, replicated, value_in, writes
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox, commands_in

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]
REPLICATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"


def test_recreate_asks_and_says_loudly_what_it_does(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--json", "-q")
    assert (done.code, done.document["result"], done.document["error"]["code"]) == (2, "usage", "ConfirmationNeeded")
    assert "warning: prod/db will be missing in us-west-2 from its removal until it is replicated again" in done.err
    hint = "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate --yes"
    assert done.document["error"]["hint"] == f"to confirm it:\n  {hint}"
    assert (writes(sandbox), value_in(sandbox)) == ([], "s3cret")
    assert sandbox.smrep(*shlex.split(hint)[1:]).code == 0


@pytest.mark.parametrize("flag", ["SMREP_YES", "SMREP_RECREATE", "SMREP_REKEY_YES", "SMREP_REKEY_RECREATE"])
def test_no_variable_recreates_or_answers(make_sandbox: Make, flag: str) -> None:
    sandbox = replicated(make_sandbox)
    assert sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", **{flag: "1"}).code == 2
    assert sandbox.smrep("rekey", "prod/db", "-r", NEW, **{flag: "1"}).code == 0
    assert writes(sandbox) == ["UpdateSecret"]


@pytest.mark.terminal
def test_no_input_is_not_overruled_by_a_terminal(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate", "--no-input")
    assert terminal.end() == 2
    assert writes(sandbox) == []


@pytest.mark.process
def test_recreate_with_yes_takes_it_away_and_makes_it_anew(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=0.7)
    done = sandbox.process("rekey", "prod/db", "-r", NEW, "--recreate", "--yes", "--json")
    row = row_of(done)
    assert (done.code, row["action"], row["changed"], row["verified"]) == (0, "rekey", True, True)
    assert (row["status"], row["kms_key_id"], row["error"]) == ("InSync", "alias/new", None)
    assert writes(sandbox) == ["RemoveRegionsFromReplication", "ReplicateSecretToRegions"]
    assert done.document["elapsed_s"] >= 0.7
    assert "will be missing in us-west-2" in done.err
    assert value_in(sandbox) == "s3cret"


def test_recreate_of_what_is_right_already_neither_asks_nor_warns(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/new")
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--json")
    assert (done.code, row_of(done)["action"], row_of(done)["changed"]) == (0, "keep", False)
    assert "will be missing" not in done.err
    assert writes(sandbox) == []


def test_recreate_with_a_dry_run_warns_and_does_not_ask(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "-n", "--json")
    assert (done.code, row_of(done)["action"], writes(sandbox)) == (0, "rekey", [])
    assert "will be missing in us-west-2" in done.err


@pytest.mark.parametrize("flags", [(), ("--no-preflight",)])
def test_recreate_refuses_a_key_that_may_not_be_looked_at(make_sandbox: Make, flags: tuple[str, ...]) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("DescribeKey", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--yes", "--json", *flags)
    assert (done.code, row_of(done)["error"]["code"], writes(sandbox)) == (4, "unchecked", [])


@pytest.mark.terminal
def test_the_secrets_name_confirms(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate")
    terminal.read_until("to continue: ")
    assert "will be missing in us-west-2" in terminal.seen
    assert writes(sandbox) == []
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert writes(sandbox) == ["RemoveRegionsFromReplication", "ReplicateSecretToRegions"]


@pytest.mark.terminal
def test_another_answer_does_not(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate")
    terminal.read_until("to continue: ")
    terminal.type("yes\n")
    assert terminal.end() == 2
    assert "not confirmed; nothing was sent" in terminal.seen
    assert writes(sandbox) == []


def test_the_deadline_before_it_is_gone_is_exit_3_with_the_command_that_makes_it_anew(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--yes", "--timeout", "1s", "--json")
    error, row = done.document["error"], row_of(done)
    assert (done.code, done.document["result"], error["code"]) == (3, "pending", "Timeout")
    assert (row["changed"], row["arn"]) == (True, None)
    assert error["hint"] == f"to resume:\n  {REPLICATE} --timeout 1m"
    assert writes(sandbox) == ["RemoveRegionsFromReplication"]
    sandbox.simulator.faults = Faults()
    with sandbox.simulator.undisturbed():
        sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")
        sandbox.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    again = sandbox.smrep(*shlex.split(commands_in(error["hint"])[0])[1:], "--json")
    assert (again.code, row_of(again)["kms_key_id"], value_in(sandbox)) == (0, "alias/new", "s3cret")


def test_the_deadline_before_it_is_gone_says_more_than_that_the_new_key_is_not_seen(make_sandbox: Make) -> None:
    """The whole secret will be missing there, and nothing is at work on making it anew."""
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--yes", "--timeout", "1s", "--json")
    assert "(new key not seen yet)" not in done.document["error"]["message"]


def interrupted(make: Make, number: signal.Signals, code: int) -> tuple[Sandbox, Done]:
    sandbox = replicated(make, removal_delay_s=60.0)
    process = sandbox.start("rekey", "prod/db", "-r", NEW, "--recreate", "--yes", "--json")
    sandbox.wait_for("RemoveRegionsFromReplication")
    looks = len(sandbox.log("DescribeSecret"))
    sandbox.wait_for("DescribeSecret", looks + 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    return sandbox, Done(process.returncode, out, err)


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_between_names_the_command_that_makes_it_anew(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox, done = interrupted(make_sandbox, number, code)
    assert done.document["result"] == "interrupted"
    assert done.document["error"]["hint"] == f"to resume:\n  {REPLICATE}"
    assert (row_of(done)["changed"], row_of(done)["arn"]) == (True, None)
    assert writes(sandbox) == ["RemoveRegionsFromReplication"]


@pytest.mark.process
def test_a_signal_in_between_does_not_say_that_aws_goes_on_changing_the_key(make_sandbox: Make) -> None:
    """Nothing makes the replica anew any more: who believes that would find no secret there."""
    _, done = interrupted(make_sandbox, signal.SIGINT, 130)
    assert "goes on changing the key" not in done.document["error"]["message"]
