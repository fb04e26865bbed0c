"""`smrep retry`, and what preflight stops, from their words to their exit codes, over real boto3 and HTTP."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]
HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
NO_LUCK = "Replication failed: no luck"


def heal(sandbox: Sandbox, **faults: Any) -> None:
    sandbox.simulator.faults = Faults(**{"replication_delay_s": 0.0, "force_delete_delay_s": 0.0, **faults})


def failed(sandbox: Sandbox, *regions: str, also: tuple[str, ...] = (), key: str | None = None) -> str:
    """Make a primary whose replicas Failed in these Regions, for a cause that is gone by now."""
    arn = sandbox.create()
    heal(sandbox, failures=dict.fromkeys(regions, NO_LUCK))
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in (*regions, *also)]
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    sandbox.call("DescribeSecret", SecretId="prod/db")  # lets what is due happen
    heal(sandbox)
    sandbox.simulator.log.clear()
    return arn


def new_key(sandbox: Sandbox, alias: str | None = None, region: str = WEST, **params: Any) -> str:
    metadata = sandbox.call("CreateKey", region, "kms", **params)["KeyMetadata"]
    if alias:
        sandbox.call("CreateAlias", region, "kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def rows_of(done: Done) -> list[dict[str, Any]]:
    (secret,) = done.document["secrets"]
    rows: list[dict[str, Any]] = secret["replicas"]
    return rows


def kinds(row: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in row["findings"]]


def sent(sandbox: Sandbox) -> list[Any]:
    return [call.params["AddReplicaRegions"] for call in sandbox.log("ReplicateSecretToRegions")]


# what is tried again


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
        (line,) = [line for line in done.err.splitlines() if line.startswith(f"{region} had Failed: ")]
        assert "no luck" in line
        assert "is tried again" in line
    assert [row[1:3] for row in done.rows] == [[WEST, "InSync"], [IRELAND, "InSync"]]


def test_the_table_shows_what_was_done(sandbox: Sandbox) -> None:
    failed(sandbox, WEST)
    done = sandbox.smrep("retry", "prod/db", "-o", "table")
    assert re.search(r"us-west-2\s+InSync\s+retry\s+Replication succeeded", done.out)
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
    assert "hint: smrep replicate prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err
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
    key = new_key(sandbox, "alias/dr")
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
    (hint,) = [line.removeprefix("hint: ") for line in done.err.splitlines() if line.startswith("hint: ")]
    assert shlex.split(hint)[:3] == ["smrep", "retry", "prod/db"]
    assert sandbox.smrep(*shlex.split(hint)[1:]).code == 0
    assert sent(sandbox) == [[{"Region": IRELAND}]]


# who bears the name


def clash(sandbox: Sandbox) -> str:
    heal(sandbox)
    sandbox.create()
    victim = sandbox.create(region=WEST)
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    sandbox.call("DescribeSecret", SecretId="prod/db")
    sandbox.simulator.log.clear()
    return victim


def test_a_namesake_is_explained_and_left_alone(sandbox: Sandbox) -> None:
    victim = clash(sandbox)
    done = sandbox.smrep("retry", "prod/db", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["error"]["code"]) == (1, None, "name_clash")
    assert victim in done.err
    assert "--force-overwrite" in done.err
    assert sent(sandbox) == []


def test_a_namesake_needs_a_yes_besides_the_force(sandbox: Sandbox) -> None:
    victim = clash(sandbox)
    done = sandbox.smrep("retry", "prod/db", "--force-overwrite", "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert f"to be destroyed for good in us-west-2: {victim}" in done.err
    assert "smrep retry prod/db" in done.document["error"]["hint"]
    assert sent(sandbox) == []


def test_a_namesake_is_overwritten_with_force_and_yes(sandbox: Sandbox) -> None:
    clash(sandbox)
    done = sandbox.smrep("retry", "prod/db", "--force-overwrite", "--yes", "--verify", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["action"], row["status"], row["verified"]) == (0, "overwrite", "InSync", True)


@pytest.mark.parametrize("force", [(), ("--force-overwrite", "--yes")])
def test_a_replica_of_another_primary_is_cured_by_the_commands_in_the_hint(
    sandbox: Sandbox, force: tuple[str, ...]
) -> None:
    heal(sandbox)
    sandbox.create()
    sandbox.create(region=IRELAND)
    for home in (IRELAND, HOME):
        sandbox.call("ReplicateSecretToRegions", home, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
        sandbox.call("DescribeSecret", home, SecretId="prod/db")
    sandbox.simulator.log.clear()
    done = sandbox.smrep("retry", "prod/db", *force, "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["error"]["code"], sent(sandbox)) == (1, None, "orphan", [])

    hint = row["error"]["hint"]
    commands = re.findall(r"aws secretsmanager (\S+) --secret-id (\S+) --region (\S+?)( --force\S+)?(?=;|$)", hint)
    assert [name for name, *_ in commands] == ["stop-replication-to-replica", "delete-secret"]
    for name, secret_id, region, forced in commands:
        operation = "".join(word.title() for word in name.split("-"))
        more = {"ForceDeleteWithoutRecovery": True} if forced else {}
        sandbox.call(operation, region, SecretId=secret_id, **more)
    again = shlex.split(hint.rpartition("; then: ")[2])
    assert sandbox.smrep(*again[1:]).code == 0


# what preflight stops


@pytest.mark.parametrize(
    ("state", "kind"), [(None, "key_missing"), ("Disabled", "key_disabled"), ("PendingDeletion", "key_disabled")]
)
@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_a_bad_key_stops_its_region_and_the_others_go_on(
    sandbox: Sandbox, command: str, state: str | None, kind: str
) -> None:
    key = new_key(sandbox) if state else "11111111-2222-3333-4444-555555555555"
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
    key = new_key(sandbox, KeySpec="RSA_2048")
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--json")
    assert (done.code, rows_of(done)[0]["error"]["code"]) == (1, "key_unusable")


def test_without_preflight_aws_says_it(sandbox: Sandbox) -> None:
    key = new_key(sandbox)
    sandbox.create()
    sandbox.simulator.set_key_state(key, WEST, "Disabled")
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--no-preflight", "--json")
    (row,) = rows_of(done)
    assert (done.code, row["status"], row["error"]["code"]) == (1, "Failed", "ReplicationFailed")
    assert f"aws kms describe-key --key-id {key} --region us-west-2" in row["error"]["hint"]
    assert {call.operation for call in sandbox.simulator.log}.isdisjoint({"ListSecretVersionIds", "ListRegions"})


def test_what_could_not_be_checked_is_one_line(sandbox: Sandbox) -> None:
    key = new_key(sandbox, region=HOME)
    sandbox.create(KmsKeyId=key)
    heal(sandbox, denied=frozenset({("DescribeKey", HOME), ("ListSecretVersionIds", HOME)}))
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST},{IRELAND}", "--json")
    assert done.code == 0
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert line.count("could not be checked") == 2  # the primary's key, and the keys of its versions
    for row in rows_of(done):
        assert kinds(row) == ["unchecked", "unchecked"]


def test_an_old_version_under_a_disabled_key_is_found_before_anything_is_sent(sandbox: Sandbox) -> None:
    key = new_key(sandbox, region=HOME)
    sandbox.create(KmsKeyId=key)
    sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="old", VersionStages=["OLD"])
    sandbox.call("UpdateSecret", SecretId="prod/db", KmsKeyId=new_key(sandbox, region=HOME))
    sandbox.call("DisableKey", HOME, "kms", KeyId=key)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--json")
    (row,) = rows_of(done)
    assert (done.code, row["error"]["code"], "OLD" in row["error"]["message"]) == (1, "key_disabled", True)
    assert sent(sandbox) == []
    command = row["error"]["hint"].partition(" (")[0]
    assert command == f"aws kms enable-key --key-id {key} --region us-east-1"
    sandbox.call("EnableKey", HOME, "kms", KeyId=key)
    assert sandbox.smrep("replicate", "prod/db", "-r", WEST).code == 0


def test_a_region_that_is_not_enabled_is_stopped(sandbox: Sandbox) -> None:
    sandbox.create()
    heal(sandbox, disabled_regions=frozenset({"af-south-1"}))
    done = sandbox.smrep("replicate", "prod/db", "-r", f"af-south-1,{WEST}", "--json")
    stopped, added = rows_of(done)
    assert (done.code, stopped["status"], stopped["error"]["code"]) == (1, None, "region_disabled")
    assert "hint: aws account enable-region --region-name af-south-1\n" in done.err
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
    key = new_key(sandbox)
    failed(sandbox, WEST, key=key)
    sandbox.simulator.set_key_state(key, WEST, "Disabled")
    done = sandbox.smrep("retry", "prod/db")
    assert done.code == 1
    assert "no luck" in done.err
    assert "is tried again" not in done.err
    assert sent(sandbox) == []


def test_a_namesake_does_not_hide_what_aws_said(sandbox: Sandbox) -> None:
    clash(sandbox)
    done = sandbox.smrep("retry", "prod/db")
    assert done.code == 1
    assert "us-west-2 had Failed: Replication failed: Secret name prod/db already exists" in done.err
