"""The failover record as a value: what its lines add up to, and what is no record."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.model import Secret, Target
from smrep.rules.record import Mark, Pair, Record, header, marked, promoting, read, regions, versions

PAIR = Pair(HOME, WEST)
ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-a1b2c3"
SECRET = Secret(
    ARN,
    "prod/db",
    WEST,
    HOME,
    "alias/dr",
    rotation_enabled=True,
    stages=(("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")),
    tags=(("team", "db"),),
)
PROMISED = promoting(SECRET, "abc")


def lines(*more: dict[str, Any], head: dict[str, Any] | None = None) -> list[str]:
    return [json.dumps(each) for each in (head or header(PAIR), *more)]


def test_a_secret_is_as_its_first_line_shows_it() -> None:
    record = read(lines(PROMISED), "dr.jsonl")
    (entry,) = record.entries.values()
    assert record.pair == PAIR
    assert (entry.name, entry.arn, entry.mark) == ("prod/db", ARN, Mark.PROMOTING)
    assert (entry.kms_key_id, entry.rotation, entry.policy_sha256) == ("alias/dr", True, "abc")
    assert entry.stages == {("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")}
    assert entry.tags == (("team", "db"),)
    assert record.unfinished == [entry]
    assert not entry.is_promoted


def test_the_line_before_a_promotion_has_all_that_is_known_of_the_secret() -> None:
    assert promoting(SECRET, None) == {
        "result": "promoting",
        "name": "prod/db",
        "arn": ARN,
        "kms_key_id": "alias/dr",
        "versions": {"v2": ["AWSCURRENT"], "v1": ["AWSPREVIOUS"]},
        "rotation": True,
        "tags": {"team": "db"},
        "policy_sha256": None,
    }


def test_later_lines_count_and_leave_what_they_do_not_speak_of() -> None:
    record = read(lines(PROMISED, marked(Mark.PROMOTED, ARN)), "dr.jsonl")
    (entry,) = record.entries.values()
    assert entry.is_promoted
    assert entry.stages == {("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")}
    assert record.unfinished == []


def test_what_leaves_third_regions_adds_up_until_it_is_back() -> None:
    first = marked(Mark.LEAVING, ARN, regions=regions([Target(IRELAND, "alias/x")]))
    second = marked(Mark.LEAVING, ARN, regions=regions([Target(SYDNEY), Target(IRELAND, "alias/y")]))
    (entry,) = read(lines(PROMISED, first, second), "dr.jsonl").entries.values()
    assert set(entry.third) == {Target(IRELAND, "alias/y"), Target(SYDNEY)}
    for mark in (Mark.PROTECTED, Mark.RETURNED):
        (entry,) = read(lines(PROMISED, first, marked(mark, ARN)), "dr.jsonl").entries.values()
        assert entry.third == ()


def test_both_sides_level_is_what_later_changes_are_held_against() -> None:
    level = marked(Mark.LEVEL, ARN, versions={"v9": ["AWSCURRENT"]})
    (entry,) = read(lines(PROMISED, level), "dr.jsonl").entries.values()
    assert entry.stages == {("AWSCURRENT", "v9")}


def test_a_second_failover_begins_anew() -> None:
    left = marked(Mark.LEAVING, ARN, regions=regions([Target(IRELAND)]))
    (entry,) = read(lines(PROMISED, left, PROMISED), "dr.jsonl").entries.values()
    assert (entry.mark, entry.third) == (Mark.PROMOTING, ())


def test_what_was_asked_to_be_replaced_is_known_until_it_is() -> None:
    asked = marked(Mark.REPLACING, ARN, region=HOME)
    (entry,) = read(lines(PROMISED, asked), "dr.jsonl").entries.values()
    assert entry.replacing == HOME
    for later in (marked(Mark.PROTECTED, ARN), marked(Mark.LEVEL, ARN, versions={})):
        (entry,) = read(lines(PROMISED, asked, later), "dr.jsonl").entries.values()
        assert entry.replacing is None


def test_a_failure_does_not_undo_what_another_run_did() -> None:
    failed = marked(Mark.FAILED, ARN, error={"code": "X", "message": "y"})
    (entry,) = read(lines(PROMISED, PROMISED, marked(Mark.PROMOTED, ARN), failed), "dr.jsonl").entries.values()
    assert entry.mark is Mark.PROMOTED
    (entry,) = read(lines(PROMISED, failed), "dr.jsonl").entries.values()
    assert entry.mark is Mark.FAILED


def test_of_two_secrets_that_bore_a_name_the_newer_counts() -> None:
    other = ARN[:-6] + "zzzzzz"
    record = read(lines(PROMISED, {**PROMISED, "arn": other}), "dr.jsonl")
    assert [each.arn for each in record.newest] == [other]
    again = read(lines(PROMISED, {**PROMISED, "arn": other}, PROMISED), "dr.jsonl")
    assert [each.arn for each in again.newest] == [ARN]
    assert record.account == "123456789012"


def test_a_first_line_that_was_cut_off_is_no_record_yet() -> None:
    record = read(['{"ts": "2026-11-2'], "dr.jsonl")
    assert (record.pair, record.torn) == (None, (1,))


def test_versions_are_written_by_their_ids() -> None:
    assert versions(SECRET) == {"v2": ["AWSCURRENT"], "v1": ["AWSPREVIOUS"]}


@given(cut=st.data())
def test_a_line_that_was_cut_off_is_left_out_and_told(cut: st.DataObject) -> None:
    whole = lines(PROMISED, marked(Mark.PROMOTED, ARN))
    at = cut.draw(st.integers(1, len(whole[-1]) - 1))
    torn = [*whole[:-1], whole[-1][:at], *whole[-1:]]
    record = read(torn, "dr.jsonl")
    assert record.torn == (3,)
    assert record.entries[ARN].is_promoted


def test_an_empty_file_is_a_record_that_has_not_begun() -> None:
    assert read([""], "dr.jsonl") == Record()


NONE = {
    "no header": [json.dumps(PROMISED)],
    "another schema": lines(head={**header(PAIR), "schema": "smrep-failover/2"}),
    "no Region": lines(head={**header(PAIR), "to": "Oregon"}),
    "no object": [json.dumps([1])],
    "a word": [json.dumps("x")],
    "another pair": [*lines(PROMISED), json.dumps(header(Pair(WEST, HOME)))],
    "an unknown mark": lines({"result": "lost", "arn": ARN}),
    "a secret not begun": lines(marked(Mark.PROMOTED, ARN)),
    "a secret elsewhere": lines({**PROMISED, "arn": ARN.replace("us-west-2", "eu-west-1")}),
    "no ARN": lines({**PROMISED, "arn": "prod/db"}),
    "versions that are none": lines({**PROMISED, "versions": ["v1"]}),
    "tags that are none": lines({**PROMISED, "tags": {"a": 1}}),
    "a name that is none": lines({**PROMISED, "name": ""}),
    "a key that is none": lines({**PROMISED, "kms_key_id": ["x"]}),
    "a third key that is none": lines(PROMISED, marked(Mark.LEAVING, ARN, regions=[{"region": IRELAND, "kms_key": 7}])),
    "nothing but dust": ["{", "}"],
    "one line of dust": ["127.0.0.1 localhost"],
}


@pytest.mark.parametrize("why", NONE)
def test_what_is_no_record_is_refused_with_its_line(why: str) -> None:
    with pytest.raises(UsageError, match=r"dr\.jsonl is no failover record") as raised:
        read(NONE[why], "dr.jsonl")
    assert raised.value.code == "RecordError"


@given(text=st.text())
def test_no_text_is_more_than_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert read(text.split("\n"), "dr.jsonl").entries == {}
