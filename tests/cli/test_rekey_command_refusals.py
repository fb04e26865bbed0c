"""`smrep rekey` over real boto3 and HTTP: what is no replica in order, and what is wrong at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from cli.document_rows import row_of
from cli.rekey_sandbox import NEW, WEST, replicated, writes
from fixtures import Sandbox, commands_in

Make = Callable[..., Sandbox]


def test_a_region_without_a_replica(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{NEW},eu-west-1=alias/aws/secretsmanager", "--json")
    west, ireland = done.document["secrets"][0]["replicas"]
    assert (done.code, west["changed"], ireland["error"]["code"]) == (1, True, "missing")
    hint = "add it:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1=alias/aws/secretsmanager"
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
    hint = "use the primary:\n  smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --timeout 2m"
    assert error["hint"] == hint
    (command,) = commands_in(hint)
    assert sandbox.smrep(*shlex.split(command)[1:]).code == 0


# what can be seen to be wrong at once


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-r", "us-east-1=alias/new"), "is the primary's own Region"),
        (("-r", WEST), "the new key for us-west-2 is missing"),
        (("-r", f"{NEW},eu-west-1"), "the new key for eu-west-1 is missing"),
        (("-r", f"{WEST}=arn:aws:kms:us-east-1:123456789012:key/1"), "a replica in us-west-2 needs a key in us-west-2"),
        (("-r", f"{WEST}="), "the KMS key is missing"),
        (("-r", f"{WEST}=no key"), "is not a KMS key"),
        (("-r", "us-wst-2=alias/new"), "did you mean us-west-2?"),
        (("-r", "cn-north-1=alias/new"), "secrets replicate only within a partition"),
        (("-r", NEW, "-r", NEW), "is named twice"),
        ((), "missing option"),
    ],
)
def test_a_usage_error_sends_nothing_at_all(make_sandbox: Make, words: tuple[str, ...], said: str) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", *words, "--json")
    assert (done.code, done.document["result"], done.document["command"]) == (2, "usage", "rekey")
    assert said in done.err
    assert sandbox.simulator.log == []


def test_only_one_secret_is_recreated_at_a_time(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    for words, stdin in ((("-",), "a\nb\n"), (("a", "b"), ""), (("--prefix", "prod/"), "")):
        done = sandbox.smrep("rekey", *words, "-r", NEW, "--recreate", "--yes", stdin=stdin)
        assert (done.code, sandbox.simulator.log) == (2, [])
        assert "error: --recreate takes one secret at a time\n" in done.err


def test_names_on_standard_input_are_rekeyed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    none = sandbox.smrep("rekey", "-", "-r", NEW, stdin="")
    assert (none.code, sandbox.simulator.log) == (0, [])
    assert "warning: standard input named no secret" in none.err
    assert sandbox.smrep("rekey", "-", "-r", NEW, stdin="prod/db\n").code == 0


def test_another_account_than_expected_is_exit_2(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--expect-account", "999999999999", "--json")
    assert (done.code, done.document["error"]["code"], writes(sandbox)) == (2, "AccountMismatch", [])
