"""docs/ci.md: its lines typed into a shell with a sandbox, its workflows and jobs read and their steps run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from action.runner import ACTION, Runner, evaluate
from fixtures import ROOT, Sandbox
from typed_pages import expected_code, find_missing, paste, read_blocks, type_commands

from smrep.sandbox.seed import sample_estate, seed

PAGE = (ROOT / "docs/ci.md").read_text()
YAML: list[dict[str, Any]] = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
*WORKFLOWS, GITLAB = YAML
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="jq IS NOT INSTALLED: NOTHING THAT USES IT WAS RUN")


def seeded(sandbox: Sandbox) -> Sandbox:
    seed(sandbox.simulator, sample_estate())
    return sandbox


@pytest.mark.docs
@needs_jq
def test_what_is_typed_ends_as_the_page_says_and_shows_what_it_shows(sandbox: Sandbox, tmp_path: Path) -> None:
    blocks = read_blocks(PAGE)
    typed = [command for block in blocks for command in block.commands]
    done = type_commands(typed, seeded(sandbox).env, tmp_path)
    assert [each.code for each in done] == [expected_code(each) for each in typed], done[-1]
    seen = iter(done)
    for block in blocks:
        out = "".join(next(seen).out for _ in block.commands)
        assert find_missing(["...", *block.shown], out) is None, out
    assert len(blocks) == 3


@pytest.mark.docs
@needs_jq
@pytest.mark.parametrize(
    ("names", "code", "shown"),
    [
        ("prod/payments/db", 1, "prod/payments/db in us-west-2: no luck\n"),
        ("prod/nowhere", 1, "Secrets Manager can't find the specified secret"),
    ],
)
def test_the_script_for_anywhere_fails_where_smrep_does_and_shows_why(
    make_sandbox: Callable[..., Sandbox], tmp_path: Path, names: str, code: int, shown: str
) -> None:
    sandbox = seeded(make_sandbox(failures={"us-west-2": "no luck"}))
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "case $ended" in block]
    done = paste(sandbox, script.replace("prod/payments/db", names), tmp_path)
    assert (done.returncode, shown in done.stdout) == (code, True), done.stdout


@pytest.mark.release
@needs_jq
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_does_what_it_says(runner: Runner, workflow: dict[str, Any]) -> None:
    seeded(runner.sandbox)
    (job,) = workflow["jobs"].values()
    known = {"inputs.secrets": "prod/payments/db\nprod/orders/db"}
    for step in job["steps"]:
        if "smrep@" in step.get("uses", ""):
            ended = runner.use(**{name: evaluate(value, known) for name, value in step["with"].items()})
            assert (ended.code, ended.document["result"]) == (0, "ok"), ended.log
            known |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in ended.outputs.items()}
        elif "run" in step:
            (script,) = [f"{name}={evaluate(value, known)}; {step['run']}" for name, value in step["env"].items()]
            done = paste(runner.sandbox, script, runner.workspace)
            assert "us-west-2\tInSync\t\n" in done.stdout, done.stderr
    assert workflow["permissions"]["id-token"] == "write"
    assert runner.sandbox.log("ReplicateSecretToRegions")


def test_every_action_is_pinned_by_its_commit_and_no_script_has_an_expression_in_it() -> None:
    steps = [step for workflow in WORKFLOWS for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step["run"] for step in steps if "run" in step)


def test_the_tables_have_every_input_and_output() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [*ACTION["inputs"], *ACTION["outputs"]]


@pytest.mark.docs
def test_the_jobs_for_gitlab_run(sandbox: Sandbox, tmp_path: Path) -> None:
    seeded(sandbox)
    *installs, export, write = GITLAB["default"]["before_script"]
    assert all(each.startswith("pip install --quiet ") for each in installs)
    assert paste(sandbox, f"AWS_TOKEN=t; {export}; {write}; cat $AWS_WEB_IDENTITY_TOKEN_FILE", tmp_path).stdout == "t"
    ((replicate,), (audit,)) = (GITLAB[name]["script"] for name in ("replicate", "audit"))
    done = [paste(sandbox, each, tmp_path).returncode for each in (audit, replicate, audit)]
    assert done == [5, 0, 0]  # that one is missing before
    for name in ("smrep.json", "audit.xml"):
        assert (tmp_path / name).stat().st_size
        assert any(name in str(job["artifacts"]) for job in (GITLAB["replicate"], GITLAB["audit"]))
    assert ET.parse(tmp_path / "audit.xml").getroot().tag == "testsuites"


def test_every_link_leads_somewhere() -> None:
    for target, title in re.findall(r"\]\(([^)#:]+)#?([^)]*)\)", PAGE):
        titles = re.findall(r"^##+ (.+)$", (ROOT / "docs" / target).read_text(), re.MULTILINE)
        assert title in ["", *(each.lower().replace(" ", "-") for each in titles)], (target, title)
    assert "(docs/ci.md)" in (ROOT / "README.md").read_text()
