"""Terraform with its AWS provider takes over what `smrep export --terraform` wrote, and finds nothing to change."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures import ROOT, Sandbox
from typed_pages import expected_code

from smrep.rules.manifest.terraform import quoted

pytestmark = pytest.mark.peer

HOME, WEST, IRELAND, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
PAGE = (ROOT / "docs/terraform.md").read_text()
IMPLIED = (Path.home() / ".terraform.d/plugins", Path("/usr/local/share/terraform/plugins"))
NOT_AWSS = ["force_overwrite_replica_secret", "recovery_window_in_days"]
HOSTILE = (
    '${var.x} %{ if true } $${ %%{ $$${a} %{{ ${"} \\${ \\" \\n',
    'line\nline\r\n\ttab "quoted" \\ \x00\x1b[31m\x7f\u202e\u2028\u200b\ufeff',
    "##[error] ::error:: /* # // <<EOT\nEOT\n",
    "e\u0301 caf\u00e9 \U0001f512 \U000e0001",
    "$",
    "%",
    "\\",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def plugins() -> Path | None:
    """Return the folder of providers that TF_PLUGIN_DIR names, or that Terraform looks into by itself."""
    named = os.environ.get("TF_PLUGIN_DIR")
    folders = [Path(named)] if named else IMPLIED
    return next((each for each in folders if any(each.glob("*/hashicorp/aws/*"))), None)


needs_terraform = pytest.mark.skipif(not shutil.which("terraform"), reason="NO TERRAFORM, SO NOTHING READS ITS BLOCKS")
needs_provider = pytest.mark.skipif(
    not plugins(), reason="NO AWS PROVIDER FOR TERRAFORM, SO NOBODY PLANS: TF_PLUGIN_DIR names a folder that has it"
)


def terraform(line: str, folder: Path, sandbox: Sandbox, stdin: str = "") -> subprocess.CompletedProcess[str]:
    env = sandbox.env | {
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_CLI_ARGS": "-no-color",
        "TF_CLI_ARGS_init": f"-input=false -plugin-dir={plugins()}",
        "TF_CLI_ARGS_plan": "-input=false",
        "TF_CLI_ARGS_apply": "-input=false -auto-approve",
    }
    words = line.partition("#")[0].split()
    return subprocess.run(
        words, env=env, cwd=folder, input=stdin, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def estate(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return a sandbox with replicas of every kind that Terraform could trip over."""
    sandbox = make_sandbox(primary_shows_rekey=False)
    with sandbox.simulator.undisturbed():
        own = sandbox.key("alias/own", HOME)
        for region in (WEST, IRELAND):
            sandbox.key("alias/dr", region)

        def secret(name: str, *replicas: str, keys: dict[str, str] | None = None, **more: Any) -> None:
            added = [{"Region": each, **({"KmsKeyId": keys[each]} if keys else {})} for each in replicas]
            sandbox.create(name, AddReplicaRegions=added, **more)

        secret("prod/plain", WEST, IRELAND, SYDNEY)
        secret("prod/keyed", WEST, IRELAND, keys={WEST: "alias/dr", IRELAND: "alias/aws/secretsmanager"}, KmsKeyId=own)
        secret("prod/alias", WEST, KmsKeyId="alias/own", Description="under an alias")
        secret("prod/tagged", WEST, Tags=[{"Key": "team", "Value": "${pay}"}, {"Key": "é:/=+-@ x", "Value": ""}])
        for name in ("prod/a/b", "prod/a_b", "prod/a.b", "-rf", "0", "prod/db-AbCdEf", "prod/failed", "prod/slow"):
            secret(name, WEST)
        for number, text in enumerate(HOSTILE):
            secret(f"hostile/{number}", WEST, Description=text)
        secret("rds!cluster-1", WEST)
        sandbox.create("prod/alone")
        secret("prod/policy", WEST)
        denied = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
        sandbox.call("PutResourcePolicy", SecretId="prod/policy", ResourcePolicy=policy)
        sandbox.simulator.set_replication_status("prod/failed", HOME, IRELAND, "Failed", "${of} the\nweather")
        sandbox.simulator.set_replication_status("prod/slow", HOME, SYDNEY, "InProgress")
        sandbox.create("prod/promoted", WEST, AddReplicaRegions=[{"Region": HOME}])
        sandbox.call("StopReplicationToReplica", HOME, SecretId="prod/promoted")
        sandbox.call("ReplicateSecretToRegions", HOME, SecretId="prod/promoted", AddReplicaRegions=[{"Region": SYDNEY}])
    sandbox.call(
        "UpdateSecret", WEST, SecretId="prod/plain", KmsKeyId="alias/dr"
    )  # of which the primary learns nothing
    return sandbox


@needs_terraform
def test_its_strings_mean_to_terraform_what_they_mean_to_us(sandbox: Sandbox, tmp_path: Path) -> None:
    console = f"base64encode(jsonencode([{', '.join(map(quoted, HOSTILE))}]))\n"
    done = terraform("terraform console", tmp_path, sandbox, console)
    assert done.returncode == 0, done.stderr
    told = json.loads(base64.b64decode(done.stdout.strip().strip('"')))
    assert told == [unicodedata.normalize("NFC", text) for text in HOSTILE]


@needs_terraform
@needs_provider
def test_it_imports_all_and_changes_nothing(estate: Sandbox, tmp_path: Path) -> None:
    written = estate.smrep("export", "--terraform").out
    (tmp_path / "secrets.tf").write_text(written)
    (provider,) = blocks("hcl")
    (tmp_path / "main.tf").write_text(provider)
    assert "# us-west-2 shows the key alias/dr" in written
    count = written.count("\nimport {\n")
    assert count == 4 + 8 + len(HOSTILE) + 2
    formatted = terraform("terraform fmt -check -diff -", tmp_path, estate, written)
    assert formatted.returncode == 0, formatted.stdout
    estate.simulator.log.clear()
    init, plan, apply, again = blocks("sh")[1].splitlines()
    for line in (init, plan, apply, again):
        done = terraform(line, tmp_path, estate)
        assert done.returncode == expected_code(line), (line, done.stdout, done.stderr)
        if line == plan:
            assert f"Plan: {count} to import, 0 to add, {count} to change, 0 to destroy." in done.stdout
            changes = re.findall(r"^ +[-+~/]+ (\S+) += (.*)", done.stdout, re.MULTILINE)
            assert sorted(changes) == sorted([(NOT_AWSS[0], "false"), (NOT_AWSS[1], "30")] * count)
        if line == apply:
            assert f"{count} imported, 0 added, {count} changed, 0 destroyed." in done.stdout
        if line == again:
            assert "No changes." in done.stdout
    assert {call.operation for call in estate.simulator.log} <= {
        "DescribeSecret", "GetResourcePolicy", "GetCallerIdentity"
    }  # fmt: skip
