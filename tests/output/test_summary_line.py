"""Many secrets in one line: every count is said once, with its word, and nothing that is nought."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.output.summary_line import fleet_counts, list_counts, summary_line
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet import coverage
from smrep.rules.fleet.plan_counts import COUNTED, result_counts, tally

WEST = Region("us-west-2")
TROUBLE = Problem("name_clash", "another secret", None, None, Outcome.FAILED)


def report(command: str, counts: dict[str, int], *secrets: SecretReport, dry_run: bool = False) -> RunReport:
    began = datetime(2026, 11, 23, tzinfo=UTC)
    return RunReport(command, Outcome.OK, 0, began, 4.25, dry_run=dry_run, secrets=secrets, summary=counts)


def listed(*roles: str) -> list[SecretReport]:
    return [SecretReport(f"s{place}", Outcome.OK, role=role) for place, role in enumerate(roles)]


def audited(*checked_by: str) -> list[SecretReport]:
    return [SecretReport(f"s{place}", Outcome.OK, checked_by=how) for place, how in enumerate(checked_by)]


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ([], "0 secrets"),
        (["primary"], "1 secret: 1 primary"),
        (["standalone", "primary", "standalone"], "3 secrets: 2 standalone, 1 primary"),
        (["replica"] * 1200, "1200 secrets: 1200 replica"),
    ],
)
def test_a_list_is_counted_by_role(roles: list[str], words: str) -> None:
    listing = RunReport("list", Outcome.OK, 0, datetime(2026, 11, 23, tzinfo=UTC), 4.25, secrets=listed(*roles))
    assert list_counts(listing) == words
    assert summary_line(listing) == f"{words} (4.2 s)"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"secrets": 1, "covered": 1}, "1 secret: 1 covered"),
        ({"secrets": 0, "covered": 0, "missing": 0}, "0 secrets: 0 covered"),
        (
            {"secrets": 312, "covered": 290, "missing": 18, "failed": 4, "in_progress": 1, "stale": 0},
            "312 secrets: 290 covered, 18 missing, 4 failed, 1 in progress",
        ),
        (
            {"secrets": 5, "covered": 0, "wrong_key": 1, "extra": 2, "orphan": 1, "in_trouble": 1},
            (
                "5 secrets: 0 covered, 1 under another key, 2 in an extra Region, 1 left by another or a dead primary, "
                "1 in trouble"
            ),
        ),
        (
            {"secrets": 2, "covered": 0, "removing": 1, "region_disabled": 1},
            "2 secrets: 0 covered, 1 being removed, 1 in a Region that is not enabled",
        ),
    ],
)
def test_an_audit_is_counted_by_what_was_found(counts: dict[str, int], words: str) -> None:
    assert fleet_counts(report("audit", counts)) == words


@pytest.mark.parametrize(
    ("checked_by", "words"),
    [
        (["list", "list"], "2 secrets: 2 covered by listing"),
        (["describe", "describe"], "2 secrets: 2 covered"),
        (["describe", "list"], "2 secrets: 2 covered (1 of them by listing)"),
    ],
)
def test_an_audit_says_how_it_knows(checked_by: list[str], words: str) -> None:
    assert fleet_counts(report("audit", {"secrets": 2, "covered": 2}, *audited(*checked_by))) == words


def test_what_a_list_could_not_show_is_not_covered_by_listing() -> None:
    unlisted = SecretReport("s", Outcome.ACCESS, checked_by="list")
    counts = {"secrets": 3, "covered": 2, "unchecked": 1}
    words = "3 secrets: 2 covered (1 of them by listing), 1 not fully checked"
    assert fleet_counts(report("audit", counts, *audited("describe", "list"), unlisted)) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"secrets": 312, "add": 18, "keep": 290}, "312 secrets: 18 to add, 290 to keep"),
        (
            dict(zip(("secrets", *COUNTED), range(1, 8), strict=True)),
            "1 secret: 2 to add, 3 to retry, 4 to remove, 5 under another key, 6 blocked, 7 to keep",
        ),
        ({"secrets": 2, "add": 1, "in_trouble": 1}, "2 secrets: 1 to add, 1 secret in trouble"),
        ({"secrets": 3, "remove": 1, "in_trouble": 2}, "3 secrets: 1 to remove, 2 secrets in trouble"),
        ({"secrets": 2, "keep": 4}, "2 secrets: 4 to keep, nothing to do"),
    ],
)
def test_a_plan_is_counted_by_what_is_to_be_done(counts: dict[str, int], words: str) -> None:
    assert fleet_counts(report("plan", counts, dry_run=True)) == words
    assert fleet_counts(report("apply", counts | {"changed": 0}, dry_run=True)) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"secrets": 2, "changed": 0, "keep": 4}, "2 secrets: 0 replicas changed, 4 kept"),
        ({"secrets": 1, "changed": 1}, "1 secret: 1 replica changed"),
        (
            {"secrets": 9, "changed": 8, "failed": 1, "pending": 2, "wrong_key": 3, "keep": 8, "in_trouble": 1},
            "9 secrets: 8 replicas changed, 1 failed, 2 not finished, 3 under another key, 8 kept, 1 secret in trouble",
        ),
    ],
)
def test_a_run_is_counted_by_what_was_done(counts: dict[str, int], words: str) -> None:
    assert fleet_counts(report("apply", counts)) == words


@pytest.mark.parametrize("counts", [{"secrets": 1, "blocked": 1}, {"secrets": 1, "wrong_key": 1}, {"in_trouble": 1}])
def test_what_is_not_as_it_should_be_is_not_nothing_to_do(counts: dict[str, int]) -> None:
    assert "nothing to do" not in fleet_counts(report("plan", counts, dry_run=True))


def test_an_empty_plan_has_nothing_to_do() -> None:
    assert fleet_counts(report("plan", {"secrets": 0}, dry_run=True)) == "0 secrets: nothing to do"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"secrets": 2, "replicas": 3, "unseen": 0}, "2 secrets with 3 replicas"),
        ({"secrets": 3, "replicas": 1, "unseen": 2}, "1 secret with 1 replica, 2 more not seen"),
    ],
)
def test_an_export_is_counted_by_what_was_found(counts: dict[str, int], words: str) -> None:
    assert fleet_counts(report("export", counts)) == words


def test_what_has_begun_nothing_yet_is_a_plan() -> None:
    assert fleet_counts(report("apply", {"secrets": 1, "add": 1})) == "1 secret: 1 to add"


# from the rows to the words


def row(what: str) -> RegionReport:
    if what == "blocked":
        return RegionReport(WEST, Outcome.FAILED, error=TROUBLE)
    if what == "wrong_key":
        finding = Finding(Kind.WRONG_KEY, Severity.ERROR, "under another key")
        return RegionReport(WEST, Outcome.DRIFT, action=Action.KEEP, findings=(finding,))
    return RegionReport(WEST, Outcome.OK, action=Action(what), changed=what != "keep")


SECRETS = st.lists(
    st.builds(
        lambda words, error: SecretReport("s", Outcome.OK, replicas=tuple(map(row, words)), error=error),
        st.lists(st.sampled_from(COUNTED), max_size=4),
        st.none() | st.just(TROUBLE),
    )
)


def said(words: str) -> dict[str, int]:
    """Return what is counted, by its words."""
    assert ":" in words
    parts = re.split(r"[:,;] ", words)
    return {what.strip(): int(count) for count, what in re.findall(r"(\d+) ([a-zA-Z' ]+)", "\n".join(parts))}


@given(SECRETS, st.integers(0, 9), st.integers(0, 9))
def test_the_words_of_a_plan_are_its_counts(secrets: list[SecretReport], kept: int, healthy: int) -> None:
    counts = tally(secrets, kept, healthy)
    words = said(fleet_counts(report("plan", counts, *secrets, dry_run=True)))
    assert sum(words.pop(word, 0) for word in ("secret", "secrets")) == counts["secrets"]
    assert sum(words.pop(word, 0) for word in ("secret in trouble", "secrets in trouble")) == counts.get(
        "in_trouble", 0
    )
    assert 0 not in words.values()
    assert sum(words.values()) == sum(counts[word] for word in COUNTED)


@given(SECRETS, st.integers(0, 9), st.integers(0, 9))
def test_the_words_of_a_run_are_its_counts(secrets: list[SecretReport], kept: int, healthy: int) -> None:
    counts = result_counts(secrets, kept, healthy)
    words = said(fleet_counts(report("apply", counts, *secrets)))
    changed = sum(words.pop(word, 0) for word in ("replica changed", "replicas changed"))
    assert (changed, words.get("kept", 0)) == (counts["changed"], counts["keep"])
    assert words.get("failed", 0) == counts["failed"] == counts["blocked"]


@given(st.lists(st.lists(st.sampled_from(Kind), max_size=3), max_size=8), st.integers(0, 99))
def test_the_words_of_an_audit_are_its_counts(kinds: list[list[Kind]], covered: int) -> None:
    secrets = []
    for names in kinds:
        rows = tuple(RegionReport(WEST, Outcome.DRIFT, findings=(Finding(k, Severity.ERROR, "x"),)) for k in names)
        secrets.append(SecretReport("s", Outcome.DRIFT if names else Outcome.OK, replicas=rows))
    counts = coverage.summary(secrets, covered)
    words = said(fleet_counts(report("audit", counts, *secrets)))
    assert sum(words.pop(word, 0) for word in ("secret", "secrets")) == counts.pop("secrets")
    assert words.pop("covered") == counts.pop("covered")
    assert sorted(words.values()) == sorted(filter(None, counts.values()))
    assert not any("_" in word for word in words)
