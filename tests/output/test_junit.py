"""An audit as JUnit XML: what passes, what does not, and that any word in it leaves it XML."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.output.artifacts.junit import junit
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Finding, Kind, LazyReports, Problem, RegionReport, RunReport, SecretReport, Severity

WEST, EU = Region("us-west-2"), Region("eu-west-1")
BEGAN = datetime(2026, 11, 23, 11, tzinfo=timezone(timedelta(hours=1)))


def report(*secrets: SecretReport, outcome: Outcome = Outcome.DRIFT, error: Problem | None = None) -> RunReport:
    return RunReport("audit", outcome, outcome.exit_code, BEGAN, 4.25, secrets=secrets, error=error)


def secret(*rows: RegionReport, outcome: Outcome = Outcome.DRIFT, error: Problem | None = None) -> SecretReport:
    return SecretReport("prod/db", outcome, None, Region("us-east-1"), rows, error)


def row(outcome: Outcome, *findings: Finding, error: Problem | None = None) -> RegionReport:
    return RegionReport(WEST, outcome, findings=findings, error=error)


def finding(kind: Kind, hint: str | None = None, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(kind, severity, f"it is {kind}", hint)


def trouble(outcome: Outcome, *details: str) -> Problem:
    return Problem("SomeCode", "no luck", "look at it:\n  smrep doctor", "r-1", outcome, details)


def suite(run: RunReport) -> ET.Element:
    """Return the one suite, whose counts are those of its cases."""
    root = ET.fromstring("".join(junit(run)))
    (only,) = root
    tags = Counter(part.tag for case in only for part in case)
    for element in (root, only):
        counts = [int(element.attrib[part]) for part in ("tests", "failures", "errors")]
        assert counts == [len(only), tags["failure"], tags["error"]]
    assert set(tags) <= {"failure", "error"}
    assert all(len(case) <= 1 for case in only)
    return only


def verdict(row: RegionReport) -> tuple[str, str | None]:
    """Return what the row's case is: passed, or failure or error with its type."""
    (case,) = suite(report(secret(row, outcome=row.outcome), outcome=row.outcome))
    assert case.attrib == {"classname": "prod/db", "name": WEST}
    return (case[0].tag, case[0].get("type")) if len(case) else ("passed", None)


def test_the_whole_of_it() -> None:
    rows = (RegionReport(EU, Outcome.OK), row(Outcome.DRIFT, finding(Kind.MISSING, "smrep replicate 'prod/db'")))
    denied = SecretReport("b", Outcome.ACCESS, error=trouble(Outcome.ACCESS, "line 1"))
    assert "".join(junit(report(secret(*rows), denied))) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites tests="3" failures="1" errors="1" time="4.250">\n'
        '<testsuite name="smrep audit" tests="3" failures="1" errors="1" skipped="0" time="4.250"'
        ' timestamp="2026-11-23T10:00:00Z">\n'
        '<testcase classname="prod/db" name="eu-west-1"/>\n'
        '<testcase classname="prod/db" name="us-west-2"><failure type="missing" message="it is missing">'
        "missing: it is missing\nhint: smrep replicate 'prod/db'</failure></testcase>\n"
        '<testcase classname="b" name="-"><error type="SomeCode" message="no luck">'
        "SomeCode: no luck\nline 1\nhint: look at it:\n  smrep doctor\nrequest id: r-1</error></testcase>\n"
        "</testsuite>\n</testsuites>\n"
    )


UNCHECKED, OPEN = finding(Kind.UNCHECKED), finding(Kind.IN_PROGRESS)
QUIET = finding(Kind.EXTRA, severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row(Outcome.OK), ("passed", None)),
        (row(Outcome.OK, finding(Kind.EXTRA, severity=Severity.INFO)), ("passed", None)),
        (row(Outcome.DRIFT, QUIET, finding(Kind.STALE)), ("failure", "stale")),
        (row(Outcome.DRIFT, QUIET), ("failure", "extra")),
        (row(Outcome.DRIFT), ("failure", "drift")),
        (row(Outcome.FAILED, finding(Kind.FAILED)), ("failure", "failed")),
        (row(Outcome.FAILED, QUIET, error=trouble(Outcome.FAILED)), ("failure", "SomeCode")),
        (row(Outcome.PENDING), ("failure", "in_progress")),
        (row(Outcome.PENDING, QUIET, OPEN), ("failure", "in_progress")),
        (row(Outcome.PENDING, UNCHECKED, OPEN), ("failure", "in_progress")),
        (row(Outcome.PENDING, UNCHECKED), ("error", "unchecked")),
        (row(Outcome.PENDING, error=trouble(Outcome.PENDING)), ("error", "SomeCode")),
        (row(Outcome.ACCESS, UNCHECKED), ("error", "unchecked")),
        (row(Outcome.ACCESS, error=trouble(Outcome.ACCESS)), ("error", "SomeCode")),
        (row(Outcome.BUG), ("error", "bug")),
    ],
)
def test_a_row_is_a_case(row: RegionReport, expected: tuple[str, str | None]) -> None:
    assert verdict(row) == expected


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("findings", [(), (UNCHECKED,)])
def test_only_what_is_good_passes(outcome: Outcome, findings: tuple[Finding, ...]) -> None:
    passed = outcome is Outcome.OK
    assert (verdict(row(outcome, *findings))[0] == "passed") == passed
    (case,) = suite(report(secret(outcome=outcome), outcome=outcome))
    assert (case.get("name"), len(case) == 0) == ("-", passed)


def test_a_secret_that_its_rows_do_not_explain_is_a_case_too() -> None:
    good = RegionReport(EU, Outcome.OK)
    for lost in (secret(good), secret(good, error=trouble(Outcome.FAILED))):
        whole, case = suite(report(lost))
        assert (whole.get("name"), len(whole), case.get("name"), len(case)) == ("-", 1, EU, 0)
    assert len(suite(report(secret(good, row(Outcome.DRIFT))))) == 2


def test_a_run_that_ended_badly_does_not_look_good() -> None:
    (case,) = suite(report(outcome=Outcome.ACCESS, error=trouble(Outcome.ACCESS)))
    assert (case.attrib, case[0].tag) == ({"classname": "smrep audit", "name": "-"}, "error")
    covered = secret(RegionReport(EU, Outcome.OK), outcome=Outcome.OK)
    *_, case = suite(report(covered))
    assert (case[0].tag, case[0].attrib) == ("error", {"type": "drift", "message": "the run ended with exit code 5"})
    assert [len(case) for case in suite(report(covered, outcome=Outcome.OK))] == [0]
    assert len(suite(report(outcome=Outcome.OK))) == 0


def test_many_secrets_are_read_twice_and_one_by_one() -> None:
    made: list[int] = []

    def make(number: int) -> SecretReport:
        made.append(number)
        return secret(row(Outcome.DRIFT, finding(Kind.MISSING)))

    parts = junit(
        RunReport("audit", Outcome.DRIFT, 5, BEGAN.astimezone(UTC), 1.0, secrets=LazyReports(range(1000), make))
    )
    head = [next(parts) for _ in range(4)]
    assert 'failures="1000"' in head[2]
    assert len(made) <= 1002
    assert len([*head, *parts]) == 1004
    assert len(made) == 2000


hostile = st.sampled_from(
    ["]]>", "<", "&", '"', "'", "\x00", "\n", "\t", "\r", "\x85", "\ud800", "\ufffe", "&#0;", "é"]
)
words = st.text(st.characters()) | st.lists(hostile, min_size=1).map("".join)


@given(words, words, words, st.booleans())
@example("<![CDATA[", "]]>", "<!--", False)
@example("\ud800\udc00", "\x1b[2J", "\uffff", True)
def test_any_word_leaves_it_xml_and_comes_back(name: str, message: str, hint: str, whole: bool) -> None:
    bad = Problem(name, message or "-", hint, hint, Outcome.FAILED, (message,))
    what = Finding(Kind.MISSING, Severity.ERROR, message or "-", hint)
    rows = () if whole else (RegionReport(Region(name), Outcome.DRIFT, findings=(what,)),)
    (case,) = suite(report(SecretReport(name, Outcome.DRIFT, None, None, rows, bad if whole else None)))
    assert (case.get("classname"), case.get("name")) == (safe(name), "-" if whole else safe(name))
    assert case[0].get("message") == safe(message or "-")
    assert "\n".join(map(safe, f"hint: {hint}".split("\n"))) in (case[0].text or "") or not hint
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "".join(case.itertext()))
    "".join(junit(report(SecretReport(name, Outcome.OK)))).encode()
