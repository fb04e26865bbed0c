"""`smrep sandbox exec --manifest`: the Lambda function handles the events of what a command does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli.apply_sandbox import WEST, manifest
from fixtures import ROOT, Sandbox

pytestmark = pytest.mark.process
CREATE = 'import boto3; boto3.client("secretsmanager").create_secret(Name="prod/new", SecretString="x")'
FAST = ("--replication-delay", "0s")


def test_every_secret_that_a_command_creates_is_protected_before_the_sandbox_ends(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    state, log = tmp_path / "state.json", tmp_path / "log"
    words = ("sandbox", "exec", *FAST, "--manifest", manifest(tmp_path), "--state", str(state), "--log", str(log))
    done = sandbox.process(*words, "--", sys.executable, "-c", CREATE)
    assert (done.code, done.out) == (0, ""), done.err
    created, labelled = done.err.splitlines()
    for line, name in ((created, "CreateSecret"), (labelled, "Secret Label Updated")):
        assert line.startswith(f"event {name} prod/new-")
        assert line.endswith(f": {WEST} InSync")
    assert log.read_text().count("ReplicateSecretToRegions") == 1
    after = sandbox.process("sandbox", "exec", "--state", str(state), "--", "smrep", "status", "prod/new")
    assert after.rows[0][1:3] == [WEST, "InSync"]


def test_a_manifest_with_a_mistake_is_told_for_each_event(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "dr.toml"
    file.write_text("schema = 2\n")
    done = sandbox.process("sandbox", "exec", "--manifest", str(file), "--", sys.executable, "-c", CREATE)
    assert done.code == 0
    assert "schema" in done.err.splitlines()[-1]


@pytest.mark.docs
def test_the_demo_ends_with_two_protected_secrets(sandbox: Sandbox) -> None:
    words = ("sandbox", "exec", *FAST, "--manifest", str(ROOT / "docs/continuous_demo.toml"), "--")
    done = sandbox.process(*words, sys.executable, str(ROOT / "docs/continuous_demo.py"))
    assert done.code == 0, done.err
    assert "prod/payments/api: us-west-2 InSync, eu-west-1 InSync" in done.out
    assert done.out.splitlines()[-1] == "  reports/ftp: us-west-2 InSync"
