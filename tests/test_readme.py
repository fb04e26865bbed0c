"""README's runbooks, pasted line by line into a shell with a sandbox."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import ROOT, Sandbox

from smrep.sandbox.seed import seed_sample

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Return the part of README under a heading of the second level."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    return str(found)


def runbooks() -> dict[str, list[str]]:
    """Return the lines of each runbook's block, by its title."""
    found = re.findall(r"^### (.+?)\n.*?```sh\n(.*?)```", section("Runbooks"), re.DOTALL | re.MULTILINE)
    return {title: block.splitlines() for title, block in found}


def ready(sandbox: Sandbox) -> Sandbox:
    """Fill the sandbox as `--seed` does."""
    seed_sample(sandbox.simulator)
    return sandbox


def paste(sandbox: Sandbox, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=sandbox.env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def expected_code(line: str) -> int:
    """Return the exit code that a line's comment tells, 0 where it tells none."""
    told = re.search(r"# exit (\d+)", line)
    return int(told[1]) if told else 0


@pytest.mark.parametrize("title", runbooks())
def test_a_runbook_does_what_it_says(make_sandbox: Callable[..., Sandbox], title: str, tmp_path: Path) -> None:
    sandbox = ready(make_sandbox(removal_delay_s=0.5))
    for line in runbooks()[title]:
        done = paste(sandbox, line, tmp_path)
        assert done.returncode == expected_code(line), (line, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("title", ["In CI", "In scripts"])
def test_the_lines_for_scripts_run(make_sandbox: Callable[..., Sandbox], title: str, tmp_path: Path) -> None:
    sandbox = ready(make_sandbox())
    (block,) = re.findall(r"```sh\n(.*?)```", section(title), re.DOTALL)
    for line in block.splitlines():
        if not shutil.which("jq"):
            line = line.partition(" | jq")[0]  # noqa: PLW2901 - all but jq's own part
        done = paste(sandbox, line.replace("--timeout 10m", "--timeout 1s"), tmp_path)
        assert done.returncode in (0, 1), (line, done.stdout, done.stderr)  # prod/web/session has a Failed Region
        assert "Usage" not in done.stderr
        assert "Traceback" not in done.stderr


def test_the_lines_about_many_secrets_end_as_they_say(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = ready(make_sandbox())
    (block,) = re.findall(r"```sh\n(.*?)```", section("Many secrets"), re.DOTALL)
    for line in block.splitlines():
        done = paste(sandbox, line, tmp_path)
        expected = expected_code(line) or ("-o name" in line and 5) or 0  # the pipe ends as its first part does
        assert done.returncode == expected, (line, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_every_command_is_in_the_table() -> None:
    from smrep.cli import COMMANDS

    for name in COMMANDS:
        assert f"| `smrep {name} " in README, name


def test_the_runbooks_are_all_there() -> None:
    assert len(runbooks()) >= 6
    assert len(runbooks()) == section("Runbooks").count("\n### ")
