"""Runs the steps of action.yml in order, as GitHub's runner does with a composite action.

Source: CompositeActionHandler.cs, ScriptHandler.cs and FileCommandManager.cs of actions/runner.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fixtures import ROOT, VALIDATOR, Sandbox

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
INSTALL_PATIENCE_S = 600.0
"""The safety net of a step, which may install packages on a busy machine."""
EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")


@dataclass
class Ended:
    """What a workflow sees of the action."""

    code: int = 0
    """That of the step that failed."""
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        """The JSON document at the path that the action tells, which fits the schema and the exit code."""
        document = json.loads(Path(self.outputs["document"]).read_text())
        VALIDATOR.validate(document)
        assert document["exit_code"] == self.code
        assert document["result"] == self.outputs["result"]
        return document


@dataclass
class Runner:
    """A machine with a job on it."""

    sandbox: Sandbox
    packages: Path
    """A folder with what constraints.txt pins, which pip finds installed and so need not fetch."""
    temp: Path
    """The action may have been used before with it."""
    job: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What all steps so far have added to the job's summary."""
        return "".join(each.read_text() for each in sorted(self.job.glob("step-*/STEP_SUMMARY")))

    @property
    def workspace(self) -> Path:
        """Where the steps are run."""
        return self.job / "workspace"

    def use(self, during: Callable[[], None] | None = None, **inputs: str) -> Ended:
        """Use the action with these inputs; when `during` comes back, the job is cancelled."""
        assert inputs.keys() <= ACTION["inputs"].keys()
        given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
        known = {f"inputs.{name}": value for name, value in given.items()}
        ended = Ended()
        for step in STEPS:
            if ended.code and step.get("if") != "always()":
                continue
            assert step.get("if") in (None, "always()")
            assert step["shell"] == "bash"
            assert step.keys() <= {"name", "id", "if", "shell", "env", "run"}
            env = {name: evaluate(value, known) for name, value in step.get("env", {}).items()}
            code, log, outputs = self._step(step["run"], env, during if "ACTION_COMMAND" in env else None)
            ended.code = ended.code or code
            ended.log += log
            known |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in outputs.items()}
        ended.outputs = {name: evaluate(each["value"], known) for name, each in ACTION["outputs"].items()}
        return ended

    def _step(
        self, script: str, env: Mapping[str, str], during: Callable[[], None] | None
    ) -> tuple[int, str, dict[str, str]]:
        """Run one step; return its exit code, its log and its outputs."""
        self.workspace.mkdir(exist_ok=True)
        folder = self.job / f"step-{len(list(self.job.glob('step-*')))}"
        folder.mkdir()
        files = {each: folder / each for each in ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")}
        for each in files.values():
            each.touch()
        (folder / "script.sh").write_text(script)
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", folder / "script.sh"],
            env={
                **self.sandbox.env,
                **{f"GITHUB_{name}": str(path) for name, path in files.items()},
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_WORKSPACE": str(self.workspace),
                "RUNNER_OS": "Linux",
                "RUNNER_TEMP": str(self.temp),
                "PYTHONPATH": str(self.packages),
                "PIP_NO_INDEX": "1",
                **self.extra,
                **env,
            },
            cwd=self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if during:
            during()
            process.send_signal(signal.SIGINT)
        log, _ = process.communicate(timeout=INSTALL_PATIENCE_S)
        assert "Traceback" not in log, log
        assert not any(files[each].read_text() for each in ("ENV", "PATH", "STATE"))
        return process.returncode, log, read_outputs(files["OUTPUT"].read_text())


def lay_traps(workspace: Path) -> None:
    """Put modules into a workspace that end whatever imports them."""
    workspace.mkdir(exist_ok=True)
    for name in ("pip", "venv", "json", "shlex", "smrep", "boto3"):
        (workspace / f"{name}.py").write_text("raise SystemExit(99)\n")


def evaluate(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its expressions replaced; what a step did not write is empty, what no context has an error."""

    def value(found: re.Match[str]) -> str:
        assert re.fullmatch(r"inputs\.[a-z]+|steps\.[a-z]+\.outputs\.[a-z]+", found[1]), found[1]
        assert found[1] in known or found[1].startswith("steps."), found[1]
        return known.get(found[1], "")

    return EXPRESSION.sub(value, text)


def read_outputs(text: str) -> dict[str, str]:
    """Return the outputs in a file that GITHUB_OUTPUT named; the last of a name counts."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, end = line.partition("<<")
            value = []
            for each in lines:
                if each == end:
                    break
                value.append(each)
            found[name] = "\n".join(value)
        elif line:
            name, sign, rest = line.partition("=")
            assert sign, line
            found[name] = rest
    return found
