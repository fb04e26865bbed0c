"""`smrep retry` over real boto3 and HTTP: who bears the name in the Region that Failed."""

from __future__ import annotations

import re
import shlex

import pytest
from cli.document_rows import rows_of
from cli.retry_sandbox import HOME, IRELAND, WEST, heal, sent
from fixtures import Sandbox, commands_in


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
    assert (done.code, row["status"], row["error"]["code"]) == (1, None, "name_conflict")
    assert victim in done.err
    assert "--force-overwrite" in done.err
    assert sent(sandbox) == []


def test_a_namesake_needs_a_yes_besides_the_force(sandbox: Sandbox) -> None:
    victim = clash(sandbox)
    done = sandbox.smrep("retry", "prod/db", "--force-overwrite", "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert f"prod/db in us-west-2 will be replaced for good by a replica of us-east-1: {victim}" in done.err
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
    commands = re.findall(
        r"aws secretsmanager (\S+) --secret-id (\S+) --region (\S+?)( --force\S+)?$", hint, re.MULTILINE
    )
    assert [name for name, *_ in commands] == ["stop-replication-to-replica", "delete-secret"]
    for name, secret_id, region, forced in commands:
        operation = "".join(word.title() for word in name.split("-"))
        more = {"ForceDeleteWithoutRecovery": True} if forced else {}
        sandbox.call(operation, region, SecretId=secret_id, **more)
    again = shlex.split(commands_in(hint)[-1])
    assert sandbox.smrep(*again[1:]).code == 0


def test_a_namesake_does_not_hide_what_aws_said(sandbox: Sandbox) -> None:
    clash(sandbox)
    done = sandbox.smrep("retry", "prod/db")
    assert done.code == 1
    assert "us-west-2 Failed before: Replication failed: Secret name prod/db already exists" in done.err
