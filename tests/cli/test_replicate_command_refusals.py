"""`smrep replicate` over real boto3 and HTTP: what it refuses, overwrites only when told to, or may not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import Sandbox

Make = Callable[..., Sandbox]


def test_a_replica_is_refused_with_the_command_to_run(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "eu-west-1", "--primary-region", "us-west-2")
    assert done.code == 1
    assert "hint: use the primary:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err


def test_a_namesake_stops_its_region(sandbox: Sandbox) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    stopped, added = done.document["secrets"][0]["replicas"]
    assert (done.code, stopped["status"], stopped["error"]["code"]) == (1, None, "name_conflict")
    assert victim in stopped["findings"][0]["message"]
    assert added["status"] == "InSync"


@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_an_overwrite_without_an_answer_sends_nothing_at_all(sandbox: Sandbox, flags: tuple[str, ...]) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--force-overwrite", "--json", *flags)
    assert (done.code, done.document["result"]) == (2, "usage")
    assert done.document["error"]["code"] == "ConfirmationNeeded"
    told = f"prod/db in us-west-2 will be replaced for good by a replica of us-east-1: {victim}, last changed "
    assert told in done.err
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_an_overwrite_with_yes_replaces_the_namesake(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "--yes", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["action"], row["status"], row["changed"]) == (0, "overwrite", "InSync", True)
    assert [(each["kind"], each["severity"]) for each in row["findings"]] == [("name_conflict", "warning")]
    assert "error:" not in done.err


@pytest.mark.parametrize("flag", ["SMREP_YES", "SMREP_FORCE_OVERWRITE", "SMREP_REPLICATE_YES"])
def test_no_variable_answers_a_confirmation(sandbox: Sandbox, flag: str) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", **{flag: "1"})
    assert done.code == 2


def test_access_denied_is_exit_4(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ReplicateSecretToRegions", "us-east-1")}))
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["result"]) == (4, "access")
    (row,) = done.document["secrets"][0]["replicas"]
    assert row["error"]["code"] == "AccessDeniedException"
    assert "secretsmanager:ReplicateSecretToRegions" in row["error"]["hint"]


def test_unchecked_is_one_line_on_stderr(make_sandbox: Make) -> None:
    sandbox = make_sandbox(
        denied=frozenset({("DescribeSecret", "us-west-2"), ("DescribeSecret", "eu-west-1")}),
    )
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1")
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert "us-west-2" in line
    assert "eu-west-1" in line
    assert done.code == 0


def test_what_is_unchecked_is_said_of_a_region_that_was_refused_too(make_sandbox: Make) -> None:
    add = ("ReplicateSecretToRegions", "us-east-1")
    sandbox = make_sandbox(denied=frozenset({("DescribeSecret", "us-west-2"), add}))
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    assert done.code == 4
    assert len([line for line in done.err.splitlines() if "unchecked" in line]) == 1


def test_no_credentials_is_exit_4(sandbox: Sandbox) -> None:
    done = sandbox.smrep(
        "replicate", "prod/db", "-r", "us-west-2", "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None
    )
    assert (done.code, done.document["result"]) == (4, "access")
    assert "aws configure sso" in done.document["error"]["hint"]


def test_a_refused_replica_is_named_by_its_primary(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    words = ["replicate", "prod/db", "-r", "eu-west-1", "--primary-region", "us-west-2", "-n", "--timeout", "2m"]
    assert sandbox.smrep(*words, "-o", "name").out == f"{arn}\n"
    error = sandbox.smrep(*words, "--json").document["secrets"][0]["error"]
    assert error["hint"] == (
        "use the primary:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1 --timeout 2m --dry-run"
    )


def test_a_hint_stays_in_the_account_that_was_typed(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["replicate", "prod/db", "-r", "us-west-2", "--profile", "staging", "--json"]
    (row,) = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document["secrets"][0]["replicas"]
    assert victim in row["error"]["message"]
    assert "aws --profile staging secretsmanager describe-secret" in row["error"]["hint"]
    assert "smrep replicate --profile staging prod/db" in row["error"]["hint"]
    assert "--expect-account 123456789012 --force-overwrite" in row["error"]["hint"]


def test_an_unconfirmed_overwrite_is_not_told_as_one(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "-o", "table")
    assert (done.code, "nothing was sent: 1 of 1 to overwrite" in done.out) == (2, True)
    assert "hint: to confirm it:\n  smrep replicate prod/db" in done.err
    assert "-r us-west-2 --force-overwrite --yes\n" in done.err
