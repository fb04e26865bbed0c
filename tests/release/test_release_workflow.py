"""The workflow that releases: what starts it, what each job may do, and whose code runs where."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import ROOT

from smrep import __version__

TEXT = (ROOT / ".github/workflows/release.yml").read_text()
FLOW: Any = yaml.safe_load(TEXT)
JOBS: dict[str, Any] = FLOW["jobs"]
ACTION = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def uses(job: str) -> list[str]:
    """Return the actions of a job, without their versions."""
    return [step["uses"].partition("@")[0] for step in JOBS[job]["steps"] if "uses" in step]


def runs(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_only_a_tag_of_a_version_starts_it() -> None:
    assert FLOW[True] == {"push": {"tags": ["v*"]}}  # YAML takes `on` for yes
    assert FLOW["concurrency"]["cancel-in-progress"] is False


def test_each_job_may_do_what_it_needs_and_no_more() -> None:
    assert FLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
    }
    assert {name for name, job in JOBS.items() if "environment" in job} == {"publish"}
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_every_action_is_a_commit_that_tells_its_version() -> None:
    lines = [line.split("uses: ")[1] for line in TEXT.splitlines() if "uses: " in line]
    assert len(lines) == sum(len(uses(name)) for name in JOBS)
    assert all(re.fullmatch(rf"{ACTION.pattern} # v\d+\.\d+\.\d+", line) for line in lines)
    assert len(set(lines)) == len({line.partition("@")[0] for line in lines})


def test_what_holds_an_identity_token_runs_none_of_our_code() -> None:
    for name in ("attest", "publish"):
        assert uses(name)[0] == "actions/download-artifact"
        assert len(uses(name)) == 2
        assert runs(name) == []
    assert uses("attest")[1:] == ["actions/attest-build-provenance"]
    assert uses("publish")[1:] == ["pypa/gh-action-pypi-publish"]


def test_the_clone_keeps_no_credentials_and_nothing_comes_from_a_cache() -> None:
    for job in JOBS.values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}
    assert not re.search(r"cache|secrets\.|password|_token|://", str(FLOW))


def test_nothing_is_put_into_a_command_but_by_the_shell() -> None:
    """`${{ }}` in a command is text before it is a word: a tag's name could be a command."""
    assert "${{" not in TEXT


def test_what_was_tested_and_built_once_is_what_is_published() -> None:
    assert JOBS["attest"]["needs"] == ["test", "build"]
    assert JOBS["publish"]["needs"] == "attest"
    assert runs("test") == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert runs("build")[1:] == ["make package"]
    assert re.search(r"^package:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    kept = [step["with"] for job in JOBS.values() for step in job["steps"] if "artifact@" in step.get("uses", "")]
    assert [(each["name"], each["path"]) for each in kept] == [("dist", "dist/")] * 3


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (f"v{__version__}", 0),
        (f"v{__version__}0", 1),
        (__version__, 1),
        ("v", 1),
        ("", 1),
        (f"v{__version__} -o 1", 1),
        ("v$(exit 0)", 1),
    ],
)
def test_a_tag_that_is_not_the_version_ends_it(tag: str, code: int) -> None:
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GITHUB_REF_NAME": tag}
    done = subprocess.run(["bash", "-e", "-c", runs("build")[0]], cwd=ROOT, env=env, check=False)
    assert done.returncode == code
