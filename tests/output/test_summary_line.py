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
TROUBLE = Problem("name_conflict", "another secret", None, None, Outcome.FAILED)


def report(command: str, counts: dict[str, int], *secrets: SecretReport, dry_run: bool = False) -> RunReport:
    began = datetime(2026, 11, 23, tzinfo=UTC)
    return RunReport(command, Outcome.OK, 0, began, 4.25, dry_run=dry_run, secrets=secrets, summary=counts)


def listed(*roles: str) -> list[SecretReport]:
    return [SecretReport(f"s{place}", Outcome.OK, role=role) for place, role in enumerate(roles)]


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


IRELAND = Region("eu-west-1")


def found(*kinds: str, region: Region = WEST) -> RegionReport:
    findings = tuple(Finding(Kind(kind), Severity.ERROR, "x") for kind in kinds)
    return RegionReport(region, Outcome.DRIFT if findings else Outcome.OK, findings=findings)


def audited(*rows: tuple[RegionReport, ...]) -> list[SecretReport]:
    return [SecretReport(f"s{place}", Outcome.OK, replicas=replicas) for place, replicas in enumerate(rows)]


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        (audited(*[(found(),)] * 37), "All 37 secrets have a current replica in us-west-2"),
        (
            audited(*[(found(), found(region=IRELAND))] * 37),
            "All 37 secrets have a current replica in eu-west-1 and us-west-2",
        ),
        (
            audited((found(),), (found(region=IRELAND),)),
            "All 2 secrets have a current replica wherever one is wanted",
        ),
        (audited((found(),)), "1 secret has a current replica in us-west-2"),
        ([], "0 secrets"),
    ],
)
def test_where_all_is_well_an_audit_says_so_in_a_sentence(secrets: list[SecretReport], words: str) -> None:
    counts = {"secrets": len(secrets), "covered": len(secrets), "missing": 0, "failed": 0}
    assert summary_line(report("audit", counts, *secrets)) == f"{words} (4.2 s)."


def test_an_audit_counts_trouble_per_region() -> None:
    one = audited((found(),), (found("missing"),), (found("missing"),), (found("failed", "name_conflict"),))
    counts = {"secrets": 4, "covered": 1, "missing": 2, "failed": 1, "name_conflict": 1}
    assert fleet_counts(report("audit", counts, *one)) == (
        "1 of 4 secrets has a current replica in us-west-2; 2 missing, 1 failed, 1 with a name conflict"
    )
    two = audited((found("missing"), found("missing", region=IRELAND)), (found(), found("missing", region=IRELAND)))
    assert fleet_counts(report("audit", {"secrets": 2, "covered": 0, "missing": 2}, *two)) == (
        "0 of 2 secrets have a current replica in eu-west-1 and us-west-2; "
        "2 missing in eu-west-1, 1 missing in us-west-2"
    )


def test_a_region_that_no_rule_wants_is_not_where_a_replica_is_current() -> None:
    extra = audited((found(), found("extra", region=IRELAND)), (found(),))
    assert fleet_counts(report("audit", {"secrets": 2, "covered": 2, "extra": 1}, *extra)) == (
        "2 of 2 secrets have a current replica in us-west-2; 1 not wanted in eu-west-1"
    )


@pytest.mark.parametrize(
    ("command", "counts", "words"),
    [
        ("failover", {"secrets": 500, "promoted": 498, "failed": 2}, "Failed over 498 of 500 secrets; 2 failed"),
        ("failover", {"secrets": 4, "to_promote": 4}, "4 of 4 secrets to fail over"),
        ("failover", {"secrets": 3, "already": 3}, "3 secrets failed over before: nothing to do"),
        (
            "failover",
            {"secrets": 3, "promoted": 1, "already": 1, "denied": 1},
            "Failed over 1 of 3 secrets; 1 done before, 1 denied",
        ),
        ("failback", {"secrets": 3, "led": 3}, "Failed back 3 of 3 secrets"),
        ("failback", {"secrets": 3, "to_lead": 1, "left_alone": 2}, "1 of 3 secrets to fail back; 2 skipped"),
        ("failback", {"secrets": 1, "pending": 1}, "Failed back 0 of 1 secret; 1 not finished"),
        ("failback", {"secrets": 0}, "Failed back 0 of 0 secrets"),
    ],
)
def test_a_failover_and_a_failback_are_sentences(command: str, counts: dict[str, int], words: str) -> None:
    assert summary_line(report(command, counts)) == f"{words} (4.2 s)."


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
        ({"secrets": 2, "changed": 0, "keep": 4}, "2 secrets: nothing to do, 4 kept"),
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
        ({"secrets": 3, "replicas": 1, "unseen": 2}, "1 secret with 1 replica, 2 more not checked"),
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


@given(st.lists(st.lists(st.sampled_from(Kind), max_size=3, unique=True), max_size=8), st.integers(0, 99))
def test_the_words_of_an_audit_are_its_counts(kinds: list[list[Kind]], covered: int) -> None:
    secrets = [SecretReport("s", Outcome.DRIFT if names else Outcome.OK, replicas=(found(*names),)) for names in kinds]
    counts = coverage.summary(secrets, covered)
    head, _, trouble = fleet_counts(report("audit", counts, *secrets)).partition("; ")
    said = {int(number) for number in re.findall(r"\d+(?= )", head)}
    assert said == {counts.pop("covered"), counts.pop("secrets")}
    told = [int(number) for number in re.findall(r"(?:^|, )(\d+) ", trouble)]
    assert sorted(told) == sorted(filter(None, counts.values()))
    assert "_" not in trouble
