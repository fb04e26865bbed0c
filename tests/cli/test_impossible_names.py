"""Names that no secret can have are refused before any call, also where they come through a pipe."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures import Sandbox

COMMANDS = {
    "status": ("status", "-"),
    "wait": ("wait", "-"),
    "verify": ("verify", "-"),
    "replicate": ("replicate", "-", "-r", "us-west-2"),
    "retry": ("retry", "-"),
    "remove": ("remove", "-", "-r", "us-west-2", "--yes"),
    "promote": ("promote", "-", "-r", "us-west-2", "--yes"),
    "rekey": ("rekey", "-", "-r", "us-west-2=alias/dr"),
    "doctor": ("doctor", "-"),
    "iam-policy": ("iam-policy", "-"),
    "failover": ("failover", "-", "--from", "us-east-1", "--to", "us-west-2", "--record", "-x", "--dry-run"),
}
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b1c2d3"
LINES = {
    "names with tabs between": ("prod/a\tprod/b\tprod/c\n", "tr '\\t' '\\n'"),
    "rows of the AWS CLI": ("SECRETLIST\tarn:aws:secretsmanager:us-east-1:123456789012:secret:a-b1c2d3\t1.0\n", "tr "),
    "ARNs with tabs between": (f"{ARN}\t{ARN}\n", "tr '\\t' '\\n'"),
    "JSON": ('{\n    "SecretList": [\n', "--query 'SecretList[].[Name]' --output text"),
    "a list of JSON": ('["prod/a", "prod/b"]\n', "--query 'SecretList[].[Name]' --output text"),
}


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_that_brings_no_names(sandbox: Sandbox, tmp_path: Any, command: str, lines: str) -> None:
    text, way_out = LINES[lines]
    words = [str(tmp_path / "record") if word == "-x" else word for word in COMMANDS[command]]
    done = sandbox.smrep(*words, stdin=text)
    assert done.code == 2, done.err
    assert way_out in done.err
    assert sandbox.simulator.log == []


@pytest.mark.parametrize("command", ["status", "list", "audit", "export"])
def test_what_git_bash_makes_of_a_name(sandbox: Sandbox, command: str) -> None:
    path = "C:/Program Files/Git/prod/"
    words = (
        ("status", path)
        if command == "status"
        else (command, "--prefix", path, *(("-r", "us-west-2") * (command == "audit")))
    )
    done = sandbox.smrep(*words)
    assert (done.code, sandbox.simulator.log) == (2, [])
    assert "hint: turn that off:\n  export MSYS_NO_PATHCONV=1" in done.err


def test_json_has_the_document(sandbox: Sandbox) -> None:
    done = sandbox.smrep("status", "a\tb", "--json")
    assert (done.document["result"], done.document["error"]["code"]) == ("usage", "UsageError")


@pytest.mark.parametrize("name", ["prod/{db}-abcdef", "prod/*", "pr\u00f6d-abcdef", "x\u200bdb-abcdef", ""])
def test_an_arn_that_no_secret_can_have(sandbox: Sandbox, name: str) -> None:
    done = sandbox.smrep("status", f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}", "--json")
    assert (done.code, done.document["result"], sandbox.simulator.log) == (2, "usage", [])


def test_a_managed_secrets_arn_and_one_without_its_suffix_are_taken(sandbox: Sandbox) -> None:
    for name in ("rds!cluster-1-AbC123", "prod/db_x+y=z.@-a1b2c3", "prod/db"):
        done = sandbox.smrep("status", f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}", "--json")
        assert (done.code, len(sandbox.log("DescribeSecret"))) == (1, 1), done.err
        sandbox.simulator.log.clear()
