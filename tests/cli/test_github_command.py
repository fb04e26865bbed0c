"""Under GitHub Actions: annotations on standard error and the job's summary, from a run's words to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, Sandbox

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"

Make = Callable[..., Sandbox]
HOSTILE = "\x1b[2Jno luck\n::error::second\r##[error]third | `x` 100%0A::add-mask::t"


def annotations(text: str) -> list[str]:
    """The lines that GitHub's runner takes for commands. Source: ActionCommand.cs of actions/runner."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_each_region_that_failed_and_no_other_is_annotated(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(failures={"eu-west-1": HOSTILE})
    sandbox.create()
    file = tmp_path / "summary"
    words = ["replicate", "prod/db", "-r", "us-west-2,eu-west-1", "-q"]
    done = sandbox.smrep(*words, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(file))
    assert done.code == 1
    (line,) = annotations(done.err)
    assert line.startswith(
        "::error title=smrep replicate%3A prod/db in eu-west-1::\\x1b[2Jno luck\\x0a: :error: :second\\x0d# #["
    )
    assert "third | `x` 100%250A: :add-mask: :t%0Ahint: " in line
    assert annotations(done.out) == []
    title, _, _, _, good, bad, *_, closing, _ = file.read_text().splitlines()
    assert title == "### smrep replicate: failed"
    assert good == "| prod/db | us-west-2 | InSync | add | Replication succeeded |"
    assert bad.startswith("| prod/db | eu-west-1 | Failed | add | ")
    assert bad.count("|") == 6
    assert "`" not in bad
    assert closing.startswith("1 of 2 in sync, 1 of 2 failed (")


@pytest.mark.parametrize("output", ["text", "json", "ndjson", "name", "table"])
def test_standard_output_stays_the_same(sandbox: Sandbox, output: str, tmp_path: Path) -> None:
    done = sandbox.smrep(
        "status", f"{ARN}::error::x", "-o", output, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "summary")
    )
    assert annotations(done.out) == []
    (line,) = annotations(done.err)
    assert line.startswith("::error title=smrep status::': :error: :x' is not a secret's name")


def test_a_timeout_is_annotated_once(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--timeout", "1s", GITHUB_ACTIONS="true")
    (line,) = annotations(done.err)
    assert line.startswith(
        "::error title=smrep replicate::not finished after 1s: prod/db us-west-2 (InProgress)%0Ahint: "
    )


def test_a_wrong_command_line_is_annotated(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "summary"
    done = sandbox.smrep("replicat", "x", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(file))
    assert annotations(done.err) == [
        (
            "::error title=smrep::no such command: 'replicat'; did you mean replicate?%0A"
            "hint: see its help:%0A  smrep --help"
        )
    ]
    assert file.read_text() == "### smrep: usage\n\nno such command: 'replicat'; did you mean replicate?\n\n"


def test_a_good_run_is_only_summed_up(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("what others wrote\n")
    sandbox.create()
    done = sandbox.smrep(
        "replicate", "prod/db", "-r", "us-west-2", "-q", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(file)
    )
    assert (done.code, done.err) == (0, "")
    assert file.read_text().startswith("what others wrote\n### smrep replicate: ok\n")


def test_elsewhere_there_is_neither(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "summary"
    done = sandbox.smrep("status", "nowhere", GITHUB_STEP_SUMMARY=str(file))
    assert annotations(done.err) == []
    assert not file.exists()


def test_a_summary_that_cannot_be_written_is_a_warning(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.create()
    done = sandbox.smrep("status", "prod/db", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "where"))
    assert done.code == 0
    assert "warning: the job's summary could not be written to " in done.err


@pytest.mark.process
def test_closed_streams_are_survived(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "summary"
    script = f"{BIN}/smrep status nowhere >&- 2>&- <&-; echo $?"
    env = {**sandbox.env, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert "can't find" in file.read_text()
