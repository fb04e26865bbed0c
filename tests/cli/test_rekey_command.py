"""`smrep rekey` from its words to its exit code, over real boto3 and HTTP."""

from __future__ import annotations

import re
import shlex
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.simulator import ApiError

Make = Callable[..., Sandbox]
WEST = "us-west-2"
NEW = f"{WEST}=alias/new"
REPLICATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"
READS = {"DescribeSecret", "ListSecretVersionIds", "DescribeKey", "ListRegions", "DescribeRegions", "GetCallerIdentity"}


def replicated(make: Make, *regions: str, key: str | None = None, **faults: Any) -> Sandbox:
    """Return a sandbox with a replicated secret and `alias/new` in each Region, and nothing logged yet."""
    sandbox = make(**{"removal_delay_s": 0.0, **faults})
    with sandbox.simulator.undisturbed():
        for region in regions or (WEST,):
            sandbox.key("alias/new", region)
            sandbox.key("alias/old", region)
        sandbox.create()
        added = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=added)
    return sandbox


def writes(sandbox: Sandbox) -> list[str]:
    return [call.operation for call in sandbox.simulator.log if call.operation not in READS]


def row_of(done: Done) -> dict[str, Any]:
    (row,) = done.document["secrets"][0]["replicas"]
    assert isinstance(row, dict)
    return row


def value_in(sandbox: Sandbox, region: str = WEST) -> str | None:
    try:
        return str(sandbox.call("GetSecretValue", region, SecretId="prod/db")["SecretString"])
    except ApiError:
        return None


# in place


def test_the_key_changes_in_place_and_is_proved(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    sandbox.simulator.log.clear()
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-o", "json")
    document, row = done.document, row_of(done)
    assert (done.code, document["result"], document["command"]) == (0, "ok", "rekey")
    assert row == {
        "region": WEST,
        "arn": arn.replace("us-east-1", WEST),
        "status": "InSync",
        "status_message": "Replication succeeded",
        "kms_key_id": "alias/new",
        "last_accessed_date": None,
        "action": "rekey",
        "changed": True,
        "verified": True,
        "findings": [],
        "error": None,
    }
    (call,) = [each for each in sandbox.simulator.log if each.operation not in READS]
    assert (call.operation, call.region) == ("UpdateSecret", WEST)
    token = call.params.pop("ClientRequestToken")  # botocore's own
    assert re.fullmatch(r"[0-9a-f-]{36}", token)
    assert call.params == {"SecretId": arn.replace("us-east-1", WEST), "KmsKeyId": "alias/new"}
    assert value_in(sandbox) == "s3cret"


def test_running_again_keeps_it(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.smrep("rekey", "prod/db", "-r", NEW)
    sandbox.simulator.log.clear()
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    row = row_of(done)
    assert (done.code, row["action"], row["changed"], row["verified"]) == (0, "keep", False, True)
    assert writes(sandbox) == []


def test_text_has_a_row_per_region(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, WEST, "eu-west-1")
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST},eu-west-1", "--kms-key", "alias/new")
    assert done.rows == [
        ["prod/db", WEST, "InSync", "alias/new", "rekey", "Replication succeeded"],
        ["prod/db", "eu-west-1", "InSync", "alias/new", "rekey", "Replication succeeded"],
    ]


def test_the_table_tells_action_key_and_proof(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-o", "table")
    assert re.search(r"us-west-2\s+InSync\s+rekey\s+yes", done.out)
    assert "key in us-west-2: alias/new\n" in done.out
    assert "1 of 1 in sync" in done.out


def test_a_lost_answer_is_looked_for(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, drops=(Drop("UpdateSecret", "after"),))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["changed"], len(sandbox.log("UpdateSecret"))) == (0, True, 1)


def test_a_denial_is_exit_4_with_the_permissions(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("UpdateSecret", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["error"]["code"]) == (4, "AccessDeniedException")
    assert "hint: allow secretsmanager:UpdateSecret on arn:" in done.err
    assert row_of(done)["error"]["request_id"]


def test_a_version_that_is_not_seen_under_the_new_key_yet_is_exit_3(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/old")
    sandbox.simulator.set_key_state("alias/old", WEST, "Disabled")
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json", "--timeout", "1s")
    row = row_of(done)
    assert (done.code, row["changed"], row["verified"], row["error"]) == (3, True, False, None)
    assert "new key not seen yet" in done.document["error"]["message"]


def test_versions_that_may_not_be_listed_are_exit_4_and_no_proof(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("ListSecretVersionIds", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    row = row_of(done)
    assert (done.code, row["changed"], row["verified"]) == (4, True, None)
    assert "warning: unchecked, which is not a pass: " in done.err


def test_a_key_that_is_missing_is_told_before_anything_is_sent(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/nowhere", "--json")
    assert (done.code, row_of(done)["error"]["code"], writes(sandbox)) == (1, "key_missing", [])
    assert "aws kms list-aliases --region us-west-2" in done.err


def test_no_preflight_leaves_it_to_aws(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/nowhere", "--no-preflight", "--json")
    assert (done.code, row_of(done)["error"]["code"]) == (1, "EncryptionFailure")
    assert writes(sandbox) == ["UpdateSecret"]


def test_throttling_for_ever_is_exit_3_with_this_command(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, write_quota=0)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--timeout", "1s", "--json")
    assert (done.code, done.document["result"], row_of(done)["changed"]) == (3, "pending", False)
    hint = "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --timeout 1m"
    assert done.document["error"]["hint"] == hint
    assert "goes on" not in done.err


def test_a_dry_run_sends_nothing_and_is_exit_0(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-n", "--json")
    row = row_of(done)
    assert (done.code, done.document["dry_run"], row["action"], row["changed"]) == (0, True, "rekey", False)
    assert writes(sandbox) == []
    assert "dry run: nothing was sent" in done.err


def test_a_dry_run_does_not_say_that_all_is_in_sync(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-n", "-o", "table")
    assert done.out.splitlines()[-1].startswith("dry run, nothing was sent: 1 of 1 to rekey")


def test_quiet_says_nothing_when_all_is_well(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "-q")
    assert (done.code, done.err) == (0, "")


def test_ndjson_tells_the_request_without_a_value(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "-o", "ndjson")
    assert done.code == 0
    assert '"type": "request"' in done.out or '"type":"request"' in done.out
    assert "UpdateSecret" in done.out
    assert "s3cret" not in done.out


def test_debug_traces_the_write_and_no_contents(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "--debug")
    (write,) = [line for line in done.err.splitlines() if "UpdateSecret" in line]
    assert write.startswith("debug: UpdateSecret us-west-2 status=200 code=- request_id=")
    assert "s3cret" not in done.err


# what is no replica in order


def test_a_region_without_a_replica(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{NEW},eu-west-1=alias/aws/secretsmanager", "--json")
    west, ireland = done.document["secrets"][0]["replicas"]
    assert (done.code, west["changed"], ireland["error"]["code"]) == (1, True, "missing")
    hint = "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1=alias/aws/secretsmanager"
    assert ireland["error"]["hint"] == hint


def test_a_region_in_progress_is_exit_3(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", WEST, "InProgress")
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["error"]["code"], writes(sandbox)) == (3, "in_progress", [])


def test_a_failed_region_is_exit_1_and_made_anew_where_that_is_asked_for(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", WEST, "Failed", "no luck")
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["error"]["code"], writes(sandbox)) == (1, "failed", [])
    assert "hint: " in done.err
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json", "--recreate", "--yes")
    row = row_of(done)
    assert (done.code, row["status"], row["kms_key_id"], row["verified"]) == (0, "InSync", "alias/new", True)


def test_a_target_that_may_not_be_looked_into_is_exit_4(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("DescribeSecret", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["error"]["code"], writes(sandbox)) == (4, "unchecked", [])


def test_a_replica_is_refused_with_the_exact_command(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, WEST, "eu-west-1")
    words = ["rekey", "prod/db", "-r", "eu-west-1=alias/new", "--primary-region", WEST, "--timeout", "2m"]
    done = sandbox.smrep(*words, "--json")
    error = done.document["secrets"][0]["error"]
    assert (done.code, error["code"]) == (1, "is_replica")
    hint = "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --timeout 2m"
    assert error["hint"] == hint
    assert sandbox.smrep(*shlex.split(hint)[1:]).code == 0


# what can be seen to be wrong at once


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-r", "us-east-1=alias/new"), "is the primary's own Region"),
        (("-r", WEST), "the new key for us-west-2 is missing"),
        (("-r", f"{NEW},eu-west-1"), "the new key for eu-west-1 is missing"),
        (("-r", f"{WEST}=arn:aws:kms:us-east-1:123456789012:key/1"), "needs a key of its own Region"),
        (("-r", f"{WEST}="), "the KMS key is missing"),
        (("-r", f"{WEST}=no key"), "is not a KMS key"),
        (("-r", "us-wst-2=alias/new"), "did you mean us-west-2?"),
        (("-r", "cn-north-1=alias/new"), "within one partition only"),
        (("-r", NEW, "-r", NEW), "is named twice"),
        ((), "missing option"),
        (("-r", NEW, "another"), "unexpected extra argument"),
    ],
)
def test_a_usage_error_sends_nothing_at_all(make_sandbox: Make, words: tuple[str, ...], said: str) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", *words, "--json")
    assert (done.code, done.document["result"], done.document["command"]) == (2, "usage", "rekey")
    assert said in done.err
    assert sandbox.simulator.log == []


def test_several_secrets_on_standard_input_are_too_many(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "-", "-r", NEW, stdin="a\nb\n")
    assert (done.code, sandbox.simulator.log) == (2, [])
    assert sandbox.smrep("rekey", "-", "-r", NEW, stdin="").code == 2
    assert sandbox.smrep("rekey", "-", "-r", NEW, stdin="prod/db\n").code == 0


def test_another_account_than_expected_is_exit_2(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--expect-account", "999999999999", "--json")
    assert (done.code, done.document["error"]["code"], writes(sandbox)) == (2, "AccountMismatch", [])


# anew


def test_recreate_asks_and_says_loudly_what_it_does(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", "--json", "-q")
    assert (done.code, done.document["result"], done.document["error"]["code"]) == (2, "usage", "ConfirmationNeeded")
    assert "warning: prod/db will be missing in us-west-2 from its removal until it is replicated anew" in done.err
    hint = "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate --yes"
    assert done.document["error"]["hint"] == f"--yes answers it: {hint}"
    assert (writes(sandbox), value_in(sandbox)) == ([], "s3cret")
    assert sandbox.smrep(*shlex.split(hint)[1:]).code == 0


@pytest.mark.parametrize("flag", ["SMREP_YES", "SMREP_RECREATE", "SMREP_REKEY_YES", "SMREP_REKEY_RECREATE"])
def test_no_variable_recreates_or_answers(make_sandbox: Make, flag: str) -> None:
    sandbox = replicated(make_sandbox)
    assert sandbox.smrep("rekey", "prod/db", "-r", NEW, "--recreate", **{flag: "1"}).code == 2
    assert sandbox.smrep("rekey", "prod/db", "-r", NEW, **{flag: "1"}).code == 0
    assert writes(sandbox) == ["UpdateSecret"]


def test_no_input_is_not_overruled_by_a_terminal(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate", "--no-input")
    assert terminal.end() == 2
    assert writes(sandbox) == []


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


def test_the_secrets_name_confirms(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate")
    terminal.read_until("type the secret's name to go on: ")
    assert "will be missing in us-west-2" in terminal.seen
    assert writes(sandbox) == []
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert writes(sandbox) == ["RemoveRegionsFromReplication", "ReplicateSecretToRegions"]


def test_another_answer_does_not(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    terminal = Terminal(sandbox, "rekey", "prod/db", "-r", NEW, "--recreate")
    terminal.read_until("type the secret's name to go on: ")
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
    assert error["hint"] == f"{REPLICATE} --timeout 1m"
    assert writes(sandbox) == ["RemoveRegionsFromReplication"]
    sandbox.simulator.faults = Faults()
    with sandbox.simulator.undisturbed():
        sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")
        sandbox.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    again = sandbox.smrep(*shlex.split(error["hint"])[1:], "--json")
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
    until = time.monotonic() + 10
    while len(sandbox.log("DescribeSecret")) < looks + 2:
        assert time.monotonic() < until
        sandbox.wait_for("DescribeSecret")
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    return sandbox, Done(process.returncode, out, err)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_between_names_the_command_that_makes_it_anew(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox, done = interrupted(make_sandbox, number, code)
    assert done.document["result"] == "interrupted"
    assert done.document["error"]["hint"] == REPLICATE
    assert (row_of(done)["changed"], row_of(done)["arn"]) == (True, None)
    assert writes(sandbox) == ["RemoveRegionsFromReplication"]


def test_a_signal_in_between_does_not_say_that_aws_goes_on_changing_the_key(make_sandbox: Make) -> None:
    """Nothing makes the replica anew any more: who believes that would find no secret there."""
    _, done = interrupted(make_sandbox, signal.SIGINT, 130)
    assert "goes on changing the key" not in done.document["error"]["message"]


def test_a_table_of_several_regions_one_of_which_fails(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, WEST, "eu-west-1", denied=frozenset({("UpdateSecret", "eu-west-1")}))
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST},eu-west-1", "--kms-key", "alias/new", "-o", "table")
    assert done.code == 4
    assert re.search(r"us-west-2\s+InSync\s+rekey\s+yes", done.out)
    assert re.search(r"eu-west-1\s+InSync\s+rekey\s+no\s+AccessDeniedException", done.out)
    assert "error: prod/db in eu-west-1 to alias/new: " in done.err
