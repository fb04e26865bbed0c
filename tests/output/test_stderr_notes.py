"""The same trouble of many secrets is told once, with the first of them as the example."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST

from smrep.errors import Outcome
from smrep.output.stderr_notes import Issue, group_issues
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, Severity


def trouble(code: str, hint: str | None = "look") -> Problem:
    return Problem(code, f"{code} it is", hint, None, Outcome.FAILED)


def finding(kind: Kind, severity: Severity = Severity.ERROR, hint: str | None = None) -> Finding:
    return Finding(kind, severity, f"{kind.value} it is", hint)


def row(*findings: Finding, error: Problem | None = None, region: Any = WEST) -> RegionReport:
    return RegionReport(region, Outcome.FAILED, findings=findings, error=error)


def secret(*rows: RegionReport, name: str = "a", error: Problem | None = None, **fields: Any) -> SecretReport:
    return SecretReport(name, Outcome.FAILED, replicas=rows, error=error, **fields)


def named(issues: list[Issue]) -> list[tuple[str, str | None, list[str]]]:
    return [(issue.kind, issue.region, issue.names) for issue in issues]


def test_a_secrets_own_trouble_is_of_no_region() -> None:
    (issue,) = group_issues([secret(error=trouble("NotFound"))])
    assert issue == Issue("NotFound", None, "NotFound it is", "look", ["a"])


def test_a_regions_trouble_is_of_that_region() -> None:
    (issue,) = group_issues([secret(row(error=trouble("Denied")))])
    assert issue == Issue("Denied", WEST, "Denied it is", "look", ["a"])


def test_a_finding_is_told_under_its_kind() -> None:
    (issue,) = group_issues([secret(row(finding(Kind.NAME_CONFLICT, hint="rename")))])
    assert issue == Issue("name_conflict", WEST, "name_conflict it is", "rename", ["a"])


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (row(finding(Kind.MISSING)), ["missing"]),
        (row(finding(Kind.MISSING, Severity.WARNING)), []),
        (row(finding(Kind.MISSING, Severity.INFO)), []),
        (row(finding(Kind.UNCHECKED, Severity.WARNING)), ["unchecked"]),
        (row(finding(Kind.MISSING), error=trouble("Denied")), ["Denied"]),
        (row(finding(Kind.MISSING), error=trouble("missing")), ["missing"]),
        (row(finding(Kind.UNCHECKED), error=trouble("Denied")), ["Denied", "unchecked"]),
        (row(finding(Kind.UNCHECKED), error=trouble("unchecked")), ["unchecked"]),
        (row(), []),
    ],
)
def test_what_stops_a_region_is_told_once_and_what_merely_tells_something_is_not(
    row: RegionReport, kinds: list[str]
) -> None:
    assert [issue.kind for issue in group_issues([secret(row)])] == kinds


def test_the_same_trouble_in_the_same_region_is_one_matter_of_several_secrets() -> None:
    lost = finding(Kind.MISSING)
    issues = group_issues(
        [
            secret(row(lost), row(lost, region=IRELAND), name="a"),
            secret(row(finding(Kind.FAILED)), row(lost), name="b"),
            secret(row(lost), row(lost), name="c", account="123456789012"),
        ]
    )
    assert named(issues) == [
        ("missing", WEST, ["a", "b", "c (account 123456789012)"]),
        ("missing", IRELAND, ["a"]),
        ("failed", WEST, ["b"]),
    ]


def test_a_secret_is_named_once_where_the_same_is_amiss_twice() -> None:
    lost = finding(Kind.MISSING)
    assert named(group_issues([secret(row(lost, lost), name="a"), secret(row(lost, lost), name="b")])) == [
        ("missing", WEST, ["a", "b"])
    ]


def test_the_first_secret_gives_the_words() -> None:
    first = Finding(Kind.MISSING, Severity.ERROR, "a is missing", "replicate a")
    second = Finding(Kind.MISSING, Severity.ERROR, "b is missing", "replicate b")
    (issue,) = group_issues([secret(row(first), name="a"), secret(row(second), name="b")])
    assert issue.title == "missing in us-west-2 (2 secrets): a, b"
    assert issue.example == "for example: a is missing"
    assert issue.next_step == "for the first, replicate a"


def test_one_secret_is_told_in_its_own_words() -> None:
    issue = Issue("name_conflict", WEST, "the message", "the hint", ["a"])
    assert (issue.title, issue.example, issue.next_step) == ("the message", None, "the hint")


def test_of_many_secrets_three_are_named() -> None:
    issue = Issue("name_conflict", HOME, "the message", None, list("abcde"))
    assert issue.title == "name conflict in us-east-1 (5 secrets): a, b, c and 2 more"
    assert issue.next_step is None


def test_a_matter_of_no_region_names_none() -> None:
    assert Issue("AccessDenied", None, "the message", None, ["a", "b"]).title == "AccessDenied (2 secrets): a, b"


@pytest.mark.parametrize("effect", [Kind.FAILED, Kind.MISSING])
def test_what_a_name_conflict_explains_is_no_issue_of_its_own(effect: Kind) -> None:
    explained = secret(row(finding(effect), finding(Kind.NAME_CONFLICT)))
    assert [issue.kind for issue in group_issues([explained])] == ["name_conflict"]
    assert [issue.kind for issue in group_issues([secret(row(finding(effect)))])] == [effect.value]


def test_a_missing_key_does_not_explain_a_missing_replica() -> None:
    both = secret(row(finding(Kind.MISSING), finding(Kind.KEY_MISSING)))
    assert [issue.kind for issue in group_issues([both])] == ["missing", "key_missing"]
