"""What GitHub's runner and its Markdown make of a run: annotations and a summary, whatever the words are."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.output import github
from smrep.output.terminal import Messages
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
WEST, EU = Region("us-west-2"), Region("eu-west-1")


@pytest.fixture(autouse=True)
def _runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


def report(
    *rows: RegionReport, name: str = "prod/db", whole: Problem | None = None, **trouble: Problem | None
) -> RunReport:
    secrets = (SecretReport(name, Outcome.FAILED, ARN, Region("us-east-1"), rows, whole),)
    return RunReport(
        "replicate",
        Outcome.FAILED,
        1,
        datetime(2026, 11, 23, tzinfo=UTC),
        4.2,
        secrets=secrets,
        error=trouble.get("run"),
    )


def trouble(message: str, hint: str | None = None, outcome: Outcome = Outcome.FAILED) -> Problem:
    return Problem("SomeCode", message, hint, None, outcome)


def failed(message: str, region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.FAILED, None, "Failed", message, action=Action.ADD)


def unescaped(command: str) -> str:
    """Return an annotation's message as the runner reads it. Source: ActionCommand.cs of actions/runner."""
    match = re.fullmatch(r"::error title=([^:,]*)::(.*)", command)
    assert match, command
    return match[2].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_one_annotation_per_region_that_failed() -> None:
    rows = (
        failed("no luck"),
        RegionReport(EU, Outcome.ACCESS, error=trouble("denied, it says", "allow it: 100%", Outcome.ACCESS)),
        RegionReport(Region("sa-east-1"), Outcome.OK, None, "InSync"),
        RegionReport(Region("ap-south-1"), Outcome.PENDING, None, "InProgress"),
    )
    assert list(github.failures(report(*rows))) == [
        "::error title=smrep replicate%3A prod/db in us-west-2::no luck",
        "::error title=smrep replicate%3A prod/db in eu-west-1::denied, it says%0Ahint: allow it: 100%25",
    ]


def test_a_finding_brings_its_hint() -> None:
    finding = Finding(Kind.MISSING, Severity.ERROR, "no replica there", "smrep replicate prod/db -r eu-west-1")
    (line,) = github.failures(report(RegionReport(EU, Outcome.FAILED, findings=(finding,))))
    assert unescaped(line) == "no replica there\nhint: smrep replicate prod/db -r eu-west-1"


def test_a_trouble_of_the_whole_secret_is_annotated_once() -> None:
    whole = trouble("can't find it")
    (line,) = github.failures(report(whole=whole))
    assert line == "::error title=smrep replicate%3A prod/db::can't find it"
    (line,) = github.failures(report(RegionReport(WEST, Outcome.FAILED), whole=whole))
    assert line == "::error title=smrep replicate%3A prod/db in us-west-2::can't find it"
    (line,) = github.failures(report(RegionReport(WEST, Outcome.PENDING), whole=whole))
    assert line == "::error title=smrep replicate%3A prod/db::can't find it"


def test_a_row_without_a_word_is_annotated_too() -> None:
    assert [unescaped(line) for line in github.failures(report(RegionReport(WEST, Outcome.FAILED)))] == ["failed"]


def test_what_ended_the_run_comes_first_and_an_interrupt_is_no_error() -> None:
    late = Problem("Timeout", "still open after 1s", "smrep wait x", None, Outcome.PENDING)
    first, second = github.failures(report(failed("no luck"), run=late))
    assert first == "::error title=smrep replicate::still open after 1s%0Ahint: smrep wait x"
    assert "no luck" in second
    assert list(github.failures(report(run=trouble("stopped", None, Outcome.INTERRUPTED)))) == []


HOSTILE = ["\x1b[2J", "x\n::error::y", "x\r::add-mask::y", "##[error]z", "100%0A::stop-commands::t", "a::b,c=d", "::x"]


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)), st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_no_word_starts_a_second_command(name: str, message: str) -> None:
    (line,) = github.failures(report(failed(message), name=name))
    assert len(line.splitlines()) == 1
    assert "##[" not in line
    assert re.search(r"::[A-Za-z]", line.removeprefix("::error")[1:].replace("::", "", 1)) is None
    assert "\n" not in unescaped(line)
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", unescaped(line)) is None


def cells(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def test_the_summary_is_a_table() -> None:
    row = RegionReport(EU, Outcome.OK, None, "InSync", "Replication succeeded", action=Action.KEEP)
    assert github.summary(report(failed("no luck"), row)) == (
        "### smrep replicate: failed\n"
        "\n"
        "| Secret | Region | Status | Action | Message |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| prod/db | us-west-2 | Failed | add | no luck |\n"
        "| prod/db | eu-west-1 | InSync | keep | Replication succeeded |\n"
        "\n"
        "1 of 2 failed, 1 of 2 in sync (4.2 s)\n"
        "\n"
    )


def test_an_arn_is_no_emoji() -> None:
    assert cells(github.summary(report(failed(f"see {ARN}"))))[0][4] == f"<code>see {ARN}</code>"


@given(st.text(), st.text())
def test_no_word_leaves_its_cell(name: str, message: str) -> None:
    ((shown, region, status, action, said),) = cells(github.summary(report(failed(message), name=name)))
    assert (region, status, action) == (WEST, "Failed", "add")
    for cell in (shown, said):
        inside = re.sub(r"&#\d+;|<!-- -->", "", cell.removeprefix("<code>").removesuffix("</code>"))
        assert re.search(r"[\\`*_~$|<>&\[\]\x00-\x1f]", inside) is None


def published(messages: Messages, **env: str) -> str:
    github.publish(report(failed("no luck")), messages, env)
    assert isinstance(messages.stream, io.StringIO)
    return messages.stream.getvalue()


@pytest.mark.parametrize("env", [{}, {"GITHUB_ACTIONS": "false"}, {"CI": "true"}])
def test_elsewhere_nothing_is_told(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "summary"
    assert published(Messages(io.StringIO()), GITHUB_STEP_SUMMARY=str(file), **env) == ""
    assert not file.exists()


def test_summaries_are_added_and_quiet_keeps_the_annotations(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    for _ in range(2):
        env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
        assert published(Messages(io.StringIO(), quiet=True), **env).startswith("::error title=")
    assert file.read_text().count("### smrep replicate: failed\n") == 2


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    written = published(Messages(io.StringIO()), GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert f"warning: the job's summary could not be written to {tmp_path}: " in written


def test_without_standard_error_the_summary_is_written_still(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
    github.publish(report(failed("no luck")), Messages(None), env)
    assert "no luck" in file.read_text()
