"""`smrep promote` over real boto3 and HTTP: what it refuses, what it may not do, and answers that are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli.promote_sandbox import ONE_TRY, STOP, arn_in, stands_alone
from cli.replicated_sandbox import replicated
from fixtures import Sandbox

from smrep.sandbox.faults import Drop

Make = Callable[..., Sandbox]
FAR = "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"


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
    assert "is the primary, which cannot be promoted" in done.document["error"]["message"]
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


def test_an_arn_of_a_third_region_is_exit_2_and_promotes_nothing(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = arn_in(sandbox, "us-west-2").replace("us-west-2", "eu-west-1")
    done = sandbox.smrep("promote", arn, "-r", "us-west-2", "--yes", "--json")
    assert (done.code, sandbox.log(STOP)) == (2, [])
    error = done.document["error"]
    assert f"{arn} is in eu-west-1, but -r us-west-2 has a replica of us-east-1" in error["message"]
    assert arn_in(sandbox, "us-west-2") in error["hint"]


def test_a_missing_secret_is_exit_1_and_does_not_stop_the_others(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("promote", "nowhere", "prod/db", "-r", "us-west-2", "--yes", "--json")
    missing, promoted = done.document["secrets"]
    assert (done.code, missing["error"]["code"]) == (1, "ResourceNotFoundException")
    assert "smrep list --primary-region us-west-2" in missing["error"]["hint"]
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
    assert error["hint"].startswith("restore it:\n  aws secretsmanager restore-secret --secret-id arn:")
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


# lost answers, quotas


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
    assert done.document["error"]["hint"] == ("to resume:\n  smrep promote prod/db -r us-west-2 --timeout 1m")


def test_a_hint_stays_in_the_account_that_was_typed(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = replicated(make_sandbox)
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["promote", "prod/db", "-r", "us-west-2", "--profile", "staging", "--json"]
    hint = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document["error"]["hint"]
    assert "smrep promote --profile staging prod/db -r us-west-2 --yes" in hint
