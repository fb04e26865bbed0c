"""docs/continuous.md: its stack is deployed in moto as the page says, and its tables name what is there."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from fixtures import ROOT, Sandbox
from peers.test_continuous_stack import parsed, pytestmark
from sample_events import native
from typed_pages import Block, check_blocks, fenced, page_env, read_blocks, section, type_commands

__all__ = ["pytestmark"]  # moto warns there and here of what it does not know

PAGE = (ROOT / "docs/continuous.md").read_text()
MANIFEST = {"schema": 1, "primary_region": "us-east-1", "replicate": [{"prefix": ["prod/"], "regions": ["us-west-2"]}]}
MAKE = "lambda:\n\tmkdir -p dist\n\techo PK > dist/smrep-lambda-$(PYTHON).zip\n"
"""Stands in for ours, which tests/release tries."""


def columns(title: str) -> list[list[str]]:
    """Return the rows of a section's table, the head left out."""
    rows = re.findall(r"^\| (.*) \|$", section(PAGE, title), re.MULTILINE)
    return [re.split(r" ?\| ?", row) for row in rows[1:] if not row.startswith("---")]


def test_the_page_deploys_a_stack_on_hold_and_ends_the_hold(moto: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / "Makefile").write_text(MAKE)
    (tmp_path / "dr.toml").write_text(json.dumps(MANIFEST))
    without_docker = json.dumps({"lambda": {"use_docker": False}}).encode()
    urllib.request.urlopen(f"{moto.url}/moto-api/config", without_docker).close()
    boto3.client("s3", endpoint_url=moto.url).create_bucket(Bucket="bucket")
    text = section(PAGE, "Deploy it").replace("BUCKET", "bucket")
    (policies,) = re.findall(r"PolicyArns=\S+", text)
    text = text.replace("Hold=false", f"Hold=false {policies}")  # moto cannot keep a list as it was
    *until_held, release = read_blocks(text)

    assert typed(until_held, moto, tmp_path) == {
        "SMREP_MANIFEST": "s3://bucket/dr.toml",
        "SMREP_DOCUMENTS": "s3://bucket/smrep",
        "SMREP_HOLD": "1",
    }
    assert typed([release], moto, tmp_path)["SMREP_HOLD"] == "0"


def typed(blocks: list[Block], moto: Sandbox, folder: Path) -> dict[str, str]:
    """Type the blocks, and return the function's settings after them."""
    commands = [command for block in blocks for command in block.commands]
    check_blocks(blocks, type_commands(commands, page_env(moto), folder))
    shutil.rmtree(folder / "notes")
    function = boto3.client("lambda", endpoint_url=moto.url).get_function_configuration(FunctionName="smrep")
    variables: dict[str, str] = function["Environment"]["Variables"]
    return variables


def test_an_event_is_tried_at_a_desk(sandbox: Sandbox, tmp_path: Path) -> None:
    arn = sandbox.create()
    (tmp_path / "dr.toml").write_text(json.dumps(MANIFEST))
    (tmp_path / "event.json").write_text(json.dumps(native(arn)))
    (block,) = read_blocks(section(PAGE, "Try it at a desk"))
    (done,) = type_commands(block.commands, page_env(sandbox), tmp_path)
    assert (done.code, "1 to add" in done.out) == (0, True), done.out
    assert "ReplicateSecretToRegions" not in {call.operation for call in sandbox.simulator.log}


def test_the_parameters_are_those_of_the_template() -> None:
    parameters = parsed()["Parameters"]
    rows = [
        (re.findall(r"`(\w+)`", names), re.findall(r"`([^`]+)`", defaults))
        for names, defaults, _ in columns("Deploy it")
    ]
    assert sorted(name for names, _ in rows for name in names) == sorted(parameters)
    for names, defaults in rows:
        assert [
            str(parameters[name]["Default"]) for name in names if parameters[name].get("Default", "") != ""
        ] == defaults


def test_the_alarms_are_those_of_the_template() -> None:
    alarms = [name for name, each in parsed()["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert sorted(re.findall(r"`(\w+)`", "".join(row[0] for row in columns("When an alarm rings")))) == sorted(alarms)


def test_the_calls_are_those_of_the_rule() -> None:
    pattern: Any = parsed()["Resources"]["Calls"]["Properties"]["EventPattern"]
    told = re.findall(r"`(\w+)`", "".join(row[0] for row in columns("What starts it")))
    assert sorted(told) == sorted(pattern["detail"]["eventName"])


def test_the_image_has_the_functions_handler() -> None:
    (dockerfile,) = fenced(PAGE, "dockerfile")
    function = parsed()["Resources"]["Function"]["Properties"]
    assert json.loads(re.findall(r"^CMD (.*)$", dockerfile, re.MULTILINE)[0]) == function["Handler"]["Fn::If"][1:2]
