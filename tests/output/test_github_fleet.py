"""What GitHub shows of a run over many secrets: what matters, few of it, and the counts of all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hostile.output_checks import acts, commands, plain_markdown
from hostile.payloads import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.output.github import MOST_ANNOTATIONS, MOST_BYTES, failures, summary
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet import coverage
from smrep.rules.fleet.plan_counts import result_counts
from smrep.rules.replication.replica_state import worst

HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
BEGAN = datetime(2026, 11, 23, tzinfo=UTC)
DENIED = Problem("AccessDeniedException", "not allowed", "allow it", None, Outcome.ACCESS)
MISSING = Finding(Kind.MISSING, Severity.ERROR, "no replica there", "smrep replicate")


@pytest.fixture(autouse=True)
def _runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


def secret(name: str, *rows: RegionReport, error: Problem | None = None) -> SecretReport:
    outcome = worst([*(row.outcome for row in rows), *([error.outcome] if error else [])])
    return SecretReport(name, outcome, None, HOME, rows, error)


def kept(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.OK, status="InSync", action=Action.KEEP)


def added(outcome: Outcome = Outcome.OK, status: str = "InSync", region: Region = WEST) -> RegionReport:
    return RegionReport(region, outcome, status=status, status_message="so it is", action=Action.ADD, changed=True)


def failed(region: Region = WEST) -> RegionReport:
    return added(Outcome.FAILED, "Failed", region)


def missing(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.DRIFT, findings=(MISSING,))


def covered(region: Region = WEST) -> RegionReport:
    return RegionReport(region, Outcome.OK, note="current by listing")


def report(*secrets: SecretReport, command: str = "apply", error: Problem | None = None) -> RunReport:
    counts = result_counts(secrets, 0, 0) if command == "apply" else coverage.summary(secrets, 0)
    outcome = worst(secret_report.outcome for secret_report in secrets)
    return RunReport(command, outcome, 0, BEGAN, 1.25, secrets=secrets, summary=counts, error=error)


def names(markdown: str) -> list[str]:
    """Return what stands in the first column."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [line.split("|")[1].strip() for line in lines[2:]]


# the summary


def test_where_all_is_well_no_empty_table_is_told() -> None:
    text = summary(report(secret("prod/a", covered()), command="audit"))
    assert "| Secret" not in text
    assert "1 secret" in text


def test_a_run_in_the_summary() -> None:
    run = report(secret("prod/a", failed()), secret("prod/b", kept()), secret("prod/c", added()))
    assert summary(run) == (
        "### smrep apply: failed\n"
        "\n"
        "| Secret | Region | Status | Action | Message |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| prod/a | us-west-2 | Failed | add | so it is |\n"
        "| prod/c | us-west-2 | InSync | add | so it is |\n"
        "\n"
        "3 secrets: 2 replicas changed, 1 failed, 1 kept (1.2 s)\n"
        "\n"
    )


def test_an_audit_in_the_summary() -> None:
    run = report(secret("prod/a", missing()), secret("prod/b", covered()), command="audit")
    text = summary(run)
    assert text.startswith("### smrep audit: drift\n")
    assert "| prod/a | us-west-2 | - | - | no replica there |\n" in text
    assert names(text) == ["prod/a"]
    assert "\n1 of 2 secrets has a current replica in us-west-2; 1 missing (1.2 s).\n" in text


@pytest.mark.parametrize(
    ("count", "words"), [(10, "so it is"), (10, "x" * 4096), (500, "x" * 4096), (12_000, "so it is")]
)
def test_no_more_than_github_takes_and_what_is_left_out_is_counted(count: int, words: str) -> None:
    row = replace(added(), status_message=words)
    text = summary(report(*(secret(f"s{number:05}", row) for number in range(count))))
    shown = names(text)
    assert shown == [f"s{number:05}" for number in range(len(shown))]
    assert len(shown) >= 100 or len(shown) == count
    assert len(text.encode()) < MOST_BYTES + 10_000 < 1024 * 1024
    hidden = count - len(shown)
    assert (f"\nand {hidden} more rows, in the result\n" in text) is bool(hidden)
    assert f"\n{count} secrets: " in text


def test_what_is_well_takes_no_row_from_what_is_not() -> None:
    well = [secret(f"s{number}", kept(), covered(IRELAND)) for number in range(3_000)]
    text = summary(report(*well, secret("prod/a", failed()), secret("prod/b", error=DENIED)))
    assert names(text) == ["prod/a", "prod/b"]
    assert "rows" not in text


def test_few_secrets_are_all_in_it() -> None:
    secrets = tuple(secret(f"s{number}", kept()) for number in range(30))
    run = RunReport("replicate", Outcome.OK, 0, BEGAN, 1.25, secrets=secrets)
    assert names(summary(run)) == [secret_report.name for secret_report in secrets]


# the annotations


def test_no_more_annotations_than_github_shows() -> None:
    run = report(*(secret(f"s{number}", failed(IRELAND), failed()) for number in range(1000)))
    lines = list(failures(run))
    assert len(lines) == MOST_ANNOTATIONS
    places = [f"s{number} in {region}" for number in range(5) for region in (IRELAND, WEST)]
    assert lines == [f"::error title=smrep apply%3A {place}::so it is" for place in places]


def test_what_ended_the_run_is_annotated_first() -> None:
    first, second = failures(
        report(secret("a", failed()), error=Problem("x", "no more", "go on", None, Outcome.FAILED))
    )
    assert first == "::error title=smrep apply::no more%0Ahint: go on"
    assert second.endswith("::so it is")


def test_what_is_well_or_merely_different_is_not_annotated() -> None:
    secrets = [secret(f"s{number}", missing()) for number in range(30)] + [secret("ok", covered())]
    assert list(failures(report(*secrets, command="audit"))) == []


def test_failures_behind_thousands_that_are_well_are_annotated() -> None:
    well = [secret(f"s{number}", kept()) for number in range(2000)]
    lost = secret("prod/b", error=DENIED)
    assert list(failures(report(*well, lost))) == ["::error title=smrep apply%3A prod/b::not allowed%0Ahint: allow it"]


@given(st.lists(st.sampled_from(["kept", "added", "failed", "missing", "lost"]), max_size=30))
def test_each_of_the_first_failures_is_annotated_once(fates: list[str]) -> None:
    rows = {"kept": kept(), "added": added(), "failed": failed(), "missing": missing()}
    secrets = [
        secret(f"s{place}", error=DENIED) if fate == "lost" else secret(f"s{place}", rows[fate])
        for place, fate in enumerate(fates)
    ]
    wanted = [f"s{place}" for place, fate in enumerate(fates) if fate in ("failed", "lost")]
    lines = list(failures(report(*secrets)))
    assert [re.findall(r"%3A (s\d+)(?: in us-west-2)?::", line) for line in lines] == [[name] for name in wanted[:10]]


# hostile words


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("command", ["apply", "audit"])
def test_no_word_leaves_its_place(kind: str, command: str) -> None:
    hostile = TEXTS[kind]
    row = RegionReport(WEST, Outcome.FAILED, status=hostile, status_message=hostile, action=Action.ADD)
    trouble = Problem(hostile, hostile, hostile, None, Outcome.FAILED)
    run = report(secret(hostile, row), secret(f"b{hostile}", error=trouble), command=command, error=trouble)
    plain_markdown(summary(run))
    assert len(names(summary(run))) == 2
    lines = list(failures(run))
    assert len(lines) == 3
    for text in (summary(run), *lines):
        assert acts(text) == []
        assert commands(text) == []
        assert len(text.splitlines()) == text.count("\n") + (not text.endswith("\n"))
