"""The steps of a rehearsal, and what it is said to have come to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smrep.regions import Region
from smrep.rules.recovery.drill_timeline import (
    DrillResult,
    Readable,
    SecretTimeline,
    Span,
    StepResult,
    Track,
    differences,
    seconds,
    steps,
    third_region,
    verdict,
)
from smrep.rules.recovery.failover_record import RegionPair

PAIR = RegionPair(Region("us-east-1"), Region("us-west-2"))
EVERY = steps(PAIR, "dr.jsonl")
CURRENT, STALE, NONE, DOWN = Readable
ALL = tuple(StepResult(each, number, 1.0, 0 if each.words else None) for number, each in enumerate(EVERY))


def course(*states, name="db"):
    """A course in one Region, a second for each state."""
    spans = tuple(Span(at, at + 1, *state) for at, state in enumerate(states))
    return SecretTimeline(name, (Track("us-east-1", spans),))


def test_each_step_says_what_comes_and_which_command_is_typed_on_the_day():
    assert [(each.name, each.what, each.command) for each in steps(PAIR, "dr.jsonl")] == [
        ("outage", "us-east-1 goes down", None),
        (
            "failover",
            "promote the replicas in us-west-2, so that they accept new values",
            "smrep failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --yes",
        ),
        ("write", "put a new value into each secret in us-west-2", None),
        ("recovery", "us-east-1 comes back, with its old values", None),
        (
            "failback",
            "replicate the promoted secrets to us-east-1 and to third Regions",
            "smrep failback --record dr.jsonl --yes",
        ),
        (
            "return",
            "make us-east-1 the primary Region again, with replicas in us-west-2",
            "smrep failback --record dr.jsonl --return-primary --yes",
        ),
    ]


def test_a_path_with_a_space_can_be_pasted():
    assert "--record 'my dr.jsonl'" in str(steps(PAIR, "my dr.jsonl")[1].command)


@pytest.mark.parametrize(
    ("source", "target", "third"),
    [
        ("us-east-1", "us-west-2", "eu-west-1"),
        ("eu-west-1", "us-east-1", "ap-southeast-2"),
        ("us-gov-west-1", "us-gov-east-1", None),
        ("cn-north-1", "cn-northwest-1", None),
        ("us-east-99", "us-east-1", None),
    ],
)
def test_the_third_region_is_another_one_of_the_partition(source, target, third):
    assert third_region(RegionPair(Region(source), Region(target))) == third


def test_all_well_is_no_problem():
    assert verdict(EVERY, ALL, [course((CURRENT, True))], []) == ()


def test_a_command_that_failed_is_told_with_what_was_not_done_for_it():
    taken = [*ALL[:4], StepResult(EVERY[4], 4, 1, 1)]
    assert verdict(EVERY, taken, [], []) == (
        "step 5, smrep failback --record dr.jsonl --yes, ended with exit code 1",
        "skipped after that: return",
    )
    assert verdict(EVERY, ALL[:4], [], []) == ("skipped after that: failback, return",)


def test_a_gap_in_reading_is_told_and_an_old_value_is_not_none():
    old, gone = course((CURRENT, True), (STALE, True), name="a"), course((NONE, False), (DOWN, False), name="b")
    mixed = course((STALE, False), (NONE, False), name="c")
    then = course((CURRENT, False), (STALE, False), (CURRENT, False), (NONE, True), (NONE, False), name="d")
    assert verdict(EVERY, ALL, [old, gone, mixed, then], []) == (
        "a: every Region had only an old value for 1.0 s, from 1.0 s on",
        "b: no Region had the current value for 2.0 s, from 0 s on",
        "c: no Region had the current value for 2.0 s, from 0 s on",
        "d: every Region had only an old value for 1.0 s, from 1.0 s on",
        "d: no Region had the current value for 2.0 s, from 3.0 s on",
    )


def test_secrets_with_the_same_difference_at_the_end_are_listed_together():
    left = [(name, "us-east-1 shows no secret") for name in "abcde"]
    assert verdict(EVERY, ALL, [], left) == ("at the end, us-east-1 shows no secret: a, b, c and 2 more",)


HOME = {"db": ("arn:1", "a primary")}
WELL = (course((CURRENT, True)),)
LAGGING = (
    SecretTimeline(
        "db", tuple(Track(region, course((CURRENT, True), (NONE, True)).tracks[0].spans) for region in "xy")
    ),
)


@pytest.mark.parametrize(
    ("after", "found", "how"),
    [
        (HOME, WELL, []),
        (
            {"db": ("arn:1", "a replica of us-west-2")},
            WELL,
            ["us-east-1 shows a replica of us-west-2 instead of a primary"],
        ),
        ({}, WELL, ["us-east-1 shows no secret instead of a primary"]),
        ({"db": ("arn:2", "a primary")}, WELL, ["us-east-1 has a different ARN"]),
        (HOME, (course((CURRENT, True), (STALE, True)),), ["the current value cannot be read in us-east-1"]),
        (HOME, LAGGING, ["the current value cannot be read in x and y"]),
        (HOME, (course((NONE, False), (NONE, False)),), []),  # nothing was there before either
        (HOME, (), []),  # nobody watched it
    ],
)
def test_a_secret_that_differs_from_before_has_not_failed_back(after, found, how):
    assert list(differences(PAIR, HOME, after, found)) == [("db", each) for each in how]


def test_a_secret_that_was_none_before_and_is_none_now_is_as_before():
    assert list(differences(PAIR, {"db": ("", "no secret")}, {}, ())) == []


def test_the_totals_are_the_longest_of_all_secrets():
    one = course((CURRENT, True), (STALE, False), (NONE, False), (CURRENT, True), name="a")
    other = course((CURRENT, True), (CURRENT, True), (CURRENT, False), (CURRENT, True), name="b")
    whole = DrillResult(PAIR, None, datetime.now(UTC), 4.0, EVERY, ALL, (one, other), ())
    assert (whole.unreadable_s, whole.unwritable_s, whole.none_writable_s, whole.twice_writable_s) == (2, 2, 1, 0)


@pytest.mark.parametrize(
    ("long_s", "words"), [(0.0, "0 s"), (0.004, "<0.1 s"), (0.05, "0.1 s"), (0.96, "1.0 s"), (12.34, "12.3 s")]
)
def test_a_short_time_is_not_told_as_none(long_s, words):
    assert seconds(long_s) == words
