"""`smrep retry` over real boto3 and HTTP: what is tried again, and what is not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest
from cli.document_rows import kinds, rows_of
from cli.retry_sandbox import HOME, IRELAND, WEST, failed, heal, sent
from fixtures import Sandbox, commands_in

Make = Callable[..., Sandbox]


@pytest.mark.process
def test_only_what_failed_is_tried_again(sandbox: Sandbox) -> None:
    failed(sandbox, WEST, also=(IRELAND,))
    done = sandbox.process("retry", "prod/db", "-o", "json")
    (row,) = rows_of(done)
    assert (done.code, done.document["command"], done.document["result"]) == (0, "retry", "ok")
    assert (row["region"], row["action"], row["changed"], row["status"]) == (WEST, "retry", True, "InSync")
    assert sent(sandbox) == [[{"Region": WEST}]]


def test_a_named_region_in_sync_is_unchanged(sandbox: Sandbox) -> None:
    failed(sandbox, WEST, also=(IRELAND,))
    done = sandbox.smrep("retry", "prod/db", "-r", f"{WEST},{IRELAND}", "--json")
    assert [(row["region"], row["action"], row["changed"]) for row in rows_of(done)] == [
        (WEST, "retry", True),
        (IRELAND, "keep", False),
    ]


def test_it_says_on_standard_error_why_each_had_failed(sandbox: Sandbox) -> None:
    failed(sandbox, WEST, IRELAND)
    done = sandbox.smrep("retry", "prod/db")
    assert done.code == 0
    for region in (WEST, IRELAND):
        (line,) = [line for line in done.err.splitlines() if line.startswith(f"{region} Failed before: ")]
        assert "no luck" in line
        assert "so smrep tries again" in line
    assert [row[1:3] for row in done.rows] == [[WEST, "InSync"], [IRELAND, "InSync"]]


def test_the_table_shows_what_was_done(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    done = sandbox.smrep("retry", "prod/db", "-o", "table")
    assert re.search(r"us-west-2\s+InSync\s+retry\n", done.out)
    assert "1 of 1 in sync" in done.out


def test_nothing_failed_is_exit_0_and_nothing_is_sent(sandbox: Sandbox) -> None:
    failed(sandbox, also=(WEST,))
    done = sandbox.smrep("retry", "prod/db", "--json")
    assert (done.code, [(row["action"], row["changed"]) for row in rows_of(done)]) == (0, [("keep", False)])
    assert sent(sandbox) == []


def test_a_region_that_is_not_listed_is_missing_and_exit_1(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    done = sandbox.smrep("retry", "prod/db", "-r", IRELAND, "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["error"]["code"], kinds(row)) == (1, None, "missing", ["missing"])
    assert "hint: add it:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err
    assert sent(sandbox) == []


def test_it_fails_again_with_exit_1_and_the_command_for_the_next_time(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    heal(sandbox, failures={WEST: "Replication failed: worse luck"})
    done = sandbox.smrep("retry", "prod/db", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["status_message"]) == (1, "Failed", "Replication failed: worse luck")
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in row["error"]["hint"]


def test_a_region_in_progress_is_waited_for(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=1.0)
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    done = sandbox.smrep("retry", "prod/db", "--timeout", "30s", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["action"], row["status"]) == (0, "keep", "InSync")
    assert len(sent(sandbox)) == 1  # the one by hand


def test_a_dry_run_sends_nothing(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    done = sandbox.smrep("retry", "prod/db", "-n", "--json")
    (row,) = rows_of(done)
    assert (done.code, done.document["dry_run"], row["action"], row["changed"]) == (0, True, "retry", False)
    assert sent(sandbox) == []


def test_no_wait_is_exit_0_and_pending(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    heal(sandbox, replication_delay_s=60.0)
    done = sandbox.smrep("retry", "prod/db", "--no-wait", "--json")
    assert (done.code, done.document["result"], rows_of(done)[0]["status"]) == (0, "pending", "InProgress")


def test_several_secrets_from_standard_input(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    sandbox.create("other")
    done = sandbox.smrep("retry", "-", stdin="prod/db\nnowhere\n")
    assert (done.code, [row[:3] for row in done.rows]) == (1, [["prod/db", WEST, "InSync"], ["nowhere", "-", "-"]])


def test_the_recorded_key_is_kept_and_another_taken_where_named(sandbox: Sandbox) -> None:
    key = sandbox.key("alias/dr")
    failed(sandbox, WEST, IRELAND, key=key)
    done = sandbox.smrep("retry", "prod/db", "-r", WEST, "--json")
    assert (done.code, rows_of(done)[0]["kms_key_id"]) == (0, key)
    done = sandbox.smrep("retry", "prod/db", "-r", f"{IRELAND}=alias/aws/secretsmanager", "--json")
    assert (done.code, rows_of(done)[0]["kms_key_id"]) == (0, "alias/aws/secretsmanager")


@pytest.mark.parametrize("regions", [(), ("-r", IRELAND)])
def test_a_replica_is_refused_with_the_command_to_run(sandbox: Sandbox, regions: tuple[str, ...]) -> None:
    failed(sandbox, IRELAND, also=(WEST,))
    done = sandbox.smrep("retry", "prod/db", *regions, "--primary-region", WEST)
    assert done.code == 1
    (command,) = commands_in(done.err)
    assert shlex.split(command)[:3] == ["smrep", "retry", "prod/db"]
    assert sandbox.smrep(*shlex.split(command)[1:]).code == 0
    assert sent(sandbox) == [[{"Region": IRELAND}]]


@pytest.mark.parametrize(
    "words",
    [
        ("prod/db", "-r", HOME),
        ("prod/db", "--overwrite-arn", "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-a1b2c3"),
        ("prod/db", "--kms-key", "alias/dr"),
        (),
    ],
)
def test_a_mistake_is_exit_2(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    sandbox.create()
    assert sandbox.smrep("retry", *words).code == 2


def test_a_denied_repeat_is_exit_4(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    heal(sandbox, denied=frozenset({("ReplicateSecretToRegions", HOME)}))
    done = sandbox.smrep("retry", "prod/db", "--json")
    assert (done.code, rows_of(done)[0]["error"]["code"]) == (4, "AccessDeniedException")


def test_a_stopped_region_is_not_said_to_be_tried_again(sandbox: Sandbox) -> None:
    key = sandbox.key()
    failed(sandbox, WEST, key=key)
    sandbox.simulator.set_key_state(key, WEST, "Disabled")
    done = sandbox.smrep("retry", "prod/db")
    assert done.code == 1
    assert "no luck" in done.err
    assert "so smrep tries again" not in done.err
    assert sent(sandbox) == []
