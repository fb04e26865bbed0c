"""How a secret stands in a Region, in the page's words: what is covered, and that what is unchecked is no pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from output.page_reports import EU, LOST, WEST, finding, secret
from output.test_json_document import secrets

from smrep.errors import Outcome
from smrep.output.artifacts.html import COVERED, MEANINGS, State, Totals, state_of, trouble_of
from smrep.report import Kind, RegionReport, SecretReport, Severity

UNCHECKED = finding(Kind.UNCHECKED, severity=Severity.WARNING)
OPEN = finding(Kind.IN_PROGRESS, severity=Severity.WARNING)
STALE, FAILED = finding(Kind.STALE), finding(Kind.FAILED)
EXTRA = finding(Kind.EXTRA, severity=Severity.INFO)


def row(outcome: Outcome, *findings: object, status: str | None = None, error: bool = False) -> RegionReport:
    return RegionReport(
        WEST,
        outcome,
        status=status,
        findings=findings,  # type: ignore[arg-type]
        error=LOST if error else None,
    )


@pytest.mark.parametrize(
    ("replica", "by", "expected"),
    [
        (row(Outcome.OK), "list", State(("covered",), "covered", "by listing")),
        (row(Outcome.OK, status="InSync"), "describe", State(("covered",), "covered", "InSync")),
        (row(Outcome.OK), None, State(("covered",), "covered")),
        (row(Outcome.OK, EXTRA, status="InSync"), "describe", State(("extra",), "extra", "InSync", "info")),
        (row(Outcome.DRIFT, EXTRA, status="InSync"), "describe", State(("extra",), "extra", "InSync", "drift")),
        (
            row(Outcome.DRIFT, UNCHECKED, STALE),
            "list",
            State(("stale", "unchecked"), "stale, unchecked", None, "drift"),
        ),
        (row(Outcome.DRIFT, STALE, STALE), "list", State(("stale",), "stale", None, "drift")),
        (row(Outcome.DRIFT, UNCHECKED), "list", State(("unchecked",), "unchecked", None, "doubt")),
        (row(Outcome.OK, UNCHECKED), "list", State(("unchecked",), "unchecked", None, "doubt")),
        (row(Outcome.ACCESS, UNCHECKED), "list", State(("unchecked",), "unchecked", None, "doubt")),
        (row(Outcome.PENDING, UNCHECKED), "list", State(("unchecked",), "unchecked", None, "doubt")),
        (row(Outcome.PENDING, OPEN, status="InProgress"), "", State(("in_progress",), "in progress", None, "open")),
        (row(Outcome.PENDING, OPEN, status="Odd"), "", State(("in_progress",), "in progress", "Odd", "open")),
        (row(Outcome.FAILED, FAILED, status="Failed"), "", State(("failed",), "failed", None, "failed")),
        (row(Outcome.FAILED, STALE, error=True), "", State(("in_trouble", "stale"), LOST.code, None, "failed")),
        (row(Outcome.PENDING), "", State(("pending",), "pending", None, "open")),
        (row(Outcome.BUG), "", State(("bug",), "bug", None, "failed")),
    ],
)
def test_how_a_row_stands(replica: RegionReport, by: str, expected: State) -> None:
    assert state_of(replica, by) == expected


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("kind", [None, *Kind])
def test_only_what_nothing_was_found_of_and_ended_well_is_covered(outcome: Outcome, kind: Kind | None) -> None:
    state = state_of(row(outcome, *([finding(kind)] if kind else [])), "list")
    assert (
        (COVERED in state.names)
        == (state.word == COVERED)
        == (not state.tone)
        == (kind is None and outcome.word == "ok")
    )


def test_every_kind_has_its_meaning() -> None:
    assert set(Kind) <= set(MEANINGS)
    assert "not a pass" in MEANINGS[Kind.UNCHECKED]


def test_a_secret_whose_rows_tell_nothing_stands_as_a_whole() -> None:
    assert trouble_of(secret("a", error=LOST)) == State(("in_trouble",), LOST.code, tone="failed")
    assert trouble_of(SecretReport("a", Outcome.PENDING)) == State(("pending",), "pending", tone="open")
    assert trouble_of(SecretReport("a", Outcome.OK)) is trouble_of(secret("a", row(Outcome.DRIFT, STALE))) is None


@given(secrets)
def test_a_state_is_a_word_of_ours_whatever_aws_says(report: SecretReport) -> None:
    ours = {*MEANINGS, *(outcome.word for outcome in Outcome)}
    assert set(Totals.of([report]).names) <= ours


def test_the_totals_are_counted_in_one_reading() -> None:
    reports = [
        secret("a", row(Outcome.DRIFT, STALE, UNCHECKED), RegionReport(EU, Outcome.OK)),
        secret("b", row(Outcome.OK), by="list"),
        secret("c", error=LOST),
    ]
    totals = Totals.of(iter(reports))
    assert (totals.regions, dict(totals.reported)) == ((WEST, EU), {WEST: 2, EU: 1})
    assert dict(totals.states) == {
        (WEST, "stale"): 1,
        (WEST, "unchecked"): 1,
        (WEST, "covered"): 1,
        (EU, "covered"): 1,
    }
    assert (dict(totals.checked_by), dict(totals.whole)) == ({"describe": 2, "list": 1}, {"in_trouble": 1})
    assert totals.names == ["stale", "unchecked", "covered", "in_trouble"]
