"""What a plan and a run come to: the word for each Region, the counts, and the lines that group them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.fleet.plan_counts import COUNTED, ORDER, action_of, groups, result_counts, tally

WEST, IRELAND = Region("us-west-2"), Region("eu-west-1")
TROUBLE = Problem("name_conflict", "another secret", None, None, Outcome.FAILED)
WRONG_KEY = Finding(Kind.WRONG_KEY, Severity.ERROR, "under another key")
WORDS: dict[str, RegionReport] = {
    "add": RegionReport(WEST, Outcome.OK, action=Action.ADD),
    "retry": RegionReport(WEST, Outcome.OK, action=Action.RETRY),
    "remove": RegionReport(WEST, Outcome.OK, action=Action.REMOVE),
    "keep": RegionReport(WEST, Outcome.OK, action=Action.KEEP),
    "wrong_key": RegionReport(WEST, Outcome.DRIFT, action=Action.KEEP, findings=(WRONG_KEY,)),
    "blocked": RegionReport(WEST, Outcome.FAILED, error=TROUBLE),
}
SECRETS = st.lists(
    st.builds(
        lambda words, rules: SecretReport("s", Outcome.OK, replicas=tuple(WORDS[each] for each in words), rules=rules),
        st.lists(st.sampled_from(list(WORDS)), max_size=4),
        st.sampled_from([("one",), ("two",), ("one", "two")]),
    )
)


def secret(name: str, *rows: RegionReport, error: Problem | None = None, rule: str = "r") -> SecretReport:
    return SecretReport(name, Outcome.OK, replicas=rows, error=error, rules=(rule,))


@pytest.mark.parametrize("word", WORDS)
def test_each_region_has_one_word(word: str) -> None:
    assert action_of(WORDS[word]) == word


def test_what_was_begun_and_failed_is_what_it_was_meant_to_be() -> None:
    assert action_of(RegionReport(WEST, Outcome.FAILED, action=Action.ADD, error=TROUBLE)) == "add"


def test_a_removal_that_was_stopped_is_blocked_and_one_that_was_begun_is_not() -> None:
    stopped = RegionReport(WEST, Outcome.FAILED, action=Action.REMOVE, error=TROUBLE)
    assert action_of(stopped) == "blocked"
    assert action_of(replace(stopped, changed=True)) == "remove"


def test_a_replica_that_went_by_itself_is_not_counted_as_removed() -> None:
    assert action_of(RegionReport(WEST, Outcome.OK, action=Action.REMOVE, note="gone")) == "keep"
    assert action_of(RegionReport(WEST, Outcome.OK, action=Action.REMOVE, note="gone", changed=True)) == "remove"


def test_a_plan_without_secrets_has_all_its_words_at_nought() -> None:
    assert tally([], 0, 0) == dict.fromkeys(("secrets", *COUNTED, "in_trouble"), 0)


@given(SECRETS, st.integers(0, 9), st.integers(0, 9))
def test_every_region_and_every_secret_is_counted_once(secrets: list[SecretReport], kept: int, healthy: int) -> None:
    counts = tally(secrets, kept, healthy)
    assert counts["secrets"] == len(secrets) + healthy
    assert sum(counts[word] for word in COUNTED) == sum(len(each.replicas) for each in secrets) + kept
    assert counts["keep"] >= kept


def test_a_secret_in_trouble_is_counted_and_not_its_regions() -> None:
    found = [secret("a", error=TROUBLE), *(secret(name, WORDS["add"]) for name in "bcd")]
    assert tally(found, 0, 0)["in_trouble"] == 1


def test_what_was_done_is_counted_by_how_it_ended() -> None:
    rows = [
        RegionReport(WEST, Outcome.OK, action=Action.ADD, changed=True),
        RegionReport(WEST, Outcome.FAILED, action=Action.ADD, changed=True, error=TROUBLE),
        RegionReport(WEST, Outcome.PENDING, action=Action.ADD, changed=True),
        RegionReport(WEST, Outcome.ACCEPTED, action=Action.REMOVE, changed=True),
        RegionReport(WEST, Outcome.ACCESS, action=Action.ADD),
    ]
    counts = result_counts((secret(str(number), row) for number, row in enumerate(rows)), 3, 2)
    assert (counts["changed"], counts["failed"], counts["pending"], counts["denied"]) == (4, 1, 2, 1)
    assert (counts["add"], counts["remove"], counts["keep"], counts["secrets"]) == (4, 1, 3, 7)


@given(SECRETS)
def test_the_groups_hold_every_region_once_in_the_order_of_the_words(secrets: list[SecretReport]) -> None:
    found = list(groups(secrets))
    counts = Counter(action_of(row) for each in secrets for row in each.replicas)
    assert sum((Counter({each.action: each.count}) for each in found), Counter[str]()) == counts
    assert len({(each.rules, each.action, each.region, each.key) for each in found}) == len(found)
    for rules in {each.rules for each in found}:
        places = [ORDER.index(each.action) for each in found if each.rules == rules]
        assert places == sorted(places)


def test_a_group_names_its_first_three_and_counts_all() -> None:
    (group,) = groups([secret(name, WORDS["add"]) for name in "abcde"])
    assert (group.names, group.count) == (["a", "b", "c"], 5)


def test_regions_rules_and_keys_part_groups_and_the_key_of_what_is_removed_does_not() -> None:
    def row(region: Region, action: Action, key: str) -> RegionReport:
        return RegionReport(region, Outcome.OK, wanted_key=key, action=action)

    found = groups(
        [
            secret("a", row(WEST, Action.ADD, "alias/a"), row(IRELAND, Action.REMOVE, "alias/a"), rule="2"),
            secret("b", row(WEST, Action.ADD, "alias/b"), row(IRELAND, Action.REMOVE, "alias/b"), rule="2"),
            secret("c", row(WEST, Action.ADD, "alias/a"), rule="1"),
        ]
    )
    told = [(each.rules, each.action, each.region, each.key, each.names) for each in found]
    assert told == [
        (("2",), "add", WEST, "alias/a", ["a"]),
        (("2",), "add", WEST, "alias/b", ["b"]),
        (("2",), "remove", IRELAND, None, ["a", "b"]),
        (("1",), "add", WEST, "alias/a", ["c"]),
    ]


def test_what_is_blocked_is_grouped_by_why_in_the_order_of_regions() -> None:
    def blocked(region: Region, code: str | None = None) -> RegionReport:
        error = Problem(code, "why", None, None, Outcome.FAILED) if code else None
        return RegionReport(region, Outcome.FAILED, error=error)

    found = groups(
        [
            secret(
                "a", blocked(WEST, "orphan"), blocked(WEST, "AccessDenied"), blocked(WEST), blocked(IRELAND, "orphan")
            ),
            secret("b", error=TROUBLE),
            secret("c", blocked(WEST, "orphan"), error=TROUBLE),
            secret("d", RegionReport(WEST, Outcome.FAILED, action=Action.ADD, error=TROUBLE)),
        ]
    )
    assert [(each.rules, each.action, each.region, each.why, each.names) for each in found] == [
        (("r",), "add", WEST, None, ["d"]),
        (("r",), "blocked", None, "name_conflict", ["b", "c"]),
        (("r",), "blocked", IRELAND, "orphan", ["a"]),
        (("r",), "blocked", WEST, None, ["a"]),
        (("r",), "blocked", WEST, "AccessDenied", ["a"]),
        (("r",), "blocked", WEST, "orphan", ["a", "c"]),
    ]
