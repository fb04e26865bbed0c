"""The failover record as a value: what its lines add up to, and what is not a record."""

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
from smrep.rules.recovery.failover_record import (
    Record,
    RecordMark,
    RegionPair,
    header,
    mark_line,
    promoting_line,
    read,
    regions,
    versions,
)

PAIR = RegionPair(HOME, WEST)
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
PROMISED = promoting_line(SECRET, "abc")


def lines(*more: dict[str, Any], head: dict[str, Any] | None = None) -> list[str]:
    return [json.dumps(each) for each in (head or header(PAIR), *more)]


def test_a_secret_is_as_its_first_line_shows_it() -> None:
    record = read(lines(PROMISED), "dr.jsonl")
    (entry,) = record.entries.values()
    assert record.pair == PAIR
    assert (entry.name, entry.arn, entry.mark) == ("prod/db", ARN, RecordMark.PROMOTING)
    assert (entry.kms_key_id, entry.rotation, entry.policy_sha256) == ("alias/dr", True, "abc")
    assert entry.stages == {("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")}
    assert entry.tags == (("team", "db"),)
    assert record.unfinished == [entry]
    assert not entry.is_promoted


def test_the_line_before_a_promotion_has_all_that_is_known_of_the_secret() -> None:
    assert promoting_line(SECRET, None) == {
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
    record = read(lines(PROMISED, mark_line(RecordMark.PROMOTED, ARN)), "dr.jsonl")
    (entry,) = record.entries.values()
    assert entry.is_promoted
    assert entry.stages == {("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1")}
    assert record.unfinished == []


def test_what_leaves_third_regions_adds_up_until_it_is_back() -> None:
    first = mark_line(RecordMark.LEAVING, ARN, regions=regions([Target(IRELAND, "alias/x")]))
    second = mark_line(RecordMark.LEAVING, ARN, regions=regions([Target(SYDNEY), Target(IRELAND, "alias/y")]))
    (entry,) = read(lines(PROMISED, first, second), "dr.jsonl").entries.values()
    assert set(entry.third) == {Target(IRELAND, "alias/y"), Target(SYDNEY)}
    for mark in (RecordMark.PROTECTED, RecordMark.RETURNED):
        (entry,) = read(lines(PROMISED, first, mark_line(mark, ARN)), "dr.jsonl").entries.values()
        assert entry.third == ()


def test_both_sides_level_is_what_later_changes_are_held_against() -> None:
    level = mark_line(RecordMark.LEVEL, ARN, versions={"v9": ["AWSCURRENT"]})
    (entry,) = read(lines(PROMISED, level), "dr.jsonl").entries.values()
    assert entry.stages == {("AWSCURRENT", "v9")}


def test_a_second_failover_begins_anew() -> None:
    left = mark_line(RecordMark.LEAVING, ARN, regions=regions([Target(IRELAND)]))
    (entry,) = read(lines(PROMISED, left, PROMISED), "dr.jsonl").entries.values()
    assert (entry.mark, entry.third) == (RecordMark.PROMOTING, ())


def test_what_was_asked_to_be_replaced_is_known_until_it_is() -> None:
    asked = mark_line(RecordMark.REPLACING, ARN, region=HOME)
    (entry,) = read(lines(PROMISED, asked), "dr.jsonl").entries.values()
    assert entry.replacing == HOME
    for later in (mark_line(RecordMark.PROTECTED, ARN), mark_line(RecordMark.LEVEL, ARN, versions={})):
        (entry,) = read(lines(PROMISED, asked, later), "dr.jsonl").entries.values()
        assert entry.replacing is None


def test_a_failure_does_not_undo_what_another_run_did() -> None:
    failed = mark_line(RecordMark.FAILED, ARN, error={"code": "X", "message": "y"})
    (entry,) = read(lines(PROMISED, PROMISED, mark_line(RecordMark.PROMOTED, ARN), failed), "dr.jsonl").entries.values()
    assert entry.mark is RecordMark.PROMOTED
    (entry,) = read(lines(PROMISED, failed), "dr.jsonl").entries.values()
    assert entry.mark is RecordMark.FAILED


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
    whole = lines(PROMISED, mark_line(RecordMark.PROMOTED, ARN))
    at = cut.draw(st.integers(1, len(whole[-1]) - 1))
    torn = [*whole[:-1], whole[-1][:at], *whole[-1:]]
    record = read(torn, "dr.jsonl")
    assert record.torn == (3,)
    assert record.entries[ARN].is_promoted


CUT = '{"ts": "2026-11-2'


@pytest.mark.parametrize(
    ("later", "lost"),
    [
        ([], {3: CUT}),
        ([mark_line(RecordMark.LEVEL, ARN, versions={})], {3: CUT}),
        ([PROMISED], {}),
        ([mark_line(RecordMark.PROMOTED, ARN)], {}),
        ([mark_line(RecordMark.FAILED, ARN)], {}),
        ([PROMISED, mark_line(RecordMark.RETURNED, ARN)], {}),
    ],
)
def test_what_was_cut_off_is_lost_until_a_failover_goes_on(later: list[dict[str, Any]], lost: dict[int, str]) -> None:
    record = read([*lines(PROMISED), CUT, *lines(*later)[1:]], "dr.jsonl")
    assert (record.torn, record.lost) == ((3,), lost)


def test_an_empty_line_is_passed_over() -> None:
    head, *more = lines(PROMISED)
    assert list(read([head, " ", *more], "dr.jsonl").entries) == [ARN]
    assert read(["", CUT], "dr.jsonl").torn == (2,)


def test_a_second_run_writes_the_same_header_again() -> None:
    record = read([*lines(PROMISED), *lines(mark_line(RecordMark.PROMOTED, ARN))], "dr.jsonl")
    assert record.entries[ARN].is_promoted


def test_an_empty_file_is_a_record_that_has_not_begun() -> None:
    assert read([""], "dr.jsonl") == Record()


ELSEWHERE = ARN.replace("us-west-2", "eu-west-1")
NONE = {
    "line 1: KeyError: 'schema'": [json.dumps(PROMISED)],
    "line 1: ValueError: its schema is 'smrep-failover/2'; this version reads smrep-failover/1": lines(
        head={**header(PAIR), "schema": "smrep-failover/2"}
    ),
    "line 1: 'Oregon' is not an AWS Region": lines(head={**header(PAIR), "to": "Oregon"}),
    "line 1: TypeError: 7 is not a string": lines(head={**header(PAIR), "from": 7}),
    "line 3: ValueError: it names us-west-2 and us-east-1, unlike the lines before": [
        *lines(PROMISED),
        json.dumps(header(RegionPair(WEST, HOME))),
    ],
    "line 2: ValueError: 'lost' is not a valid RecordMark": lines({"result": "lost", "arn": ARN}),
    f"line 2: ValueError: no line before says that {ARN} would be promoted": lines(mark_line(RecordMark.PROMOTED, ARN)),
    f"line 2: ValueError: {ELSEWHERE} is not in us-west-2": lines({**PROMISED, "arn": ELSEWHERE}),
    "line 2: 'prod/db' is not the ARN of a secret": lines({**PROMISED, "arn": "prod/db"}),
    "line 2: TypeError: ['v'] is not a string": lines({**PROMISED, "arn": ["v"]}),
    "line 2: KeyError: 'name'": lines({"result": "promoting", "arn": ARN}),
    "line 2: TypeError: 1 is not a string": lines({**PROMISED, "tags": {"a": 1}}),
    "line 2: ValueError: a name has 1 to 512 characters": lines({**PROMISED, "name": ""}),
    "line 2: TypeError: ['x'] is not a string": lines({**PROMISED, "kms_key_id": ["x"]}),
    "line 2: TypeError: 8 is not a string": lines({**PROMISED, "policy_sha256": 8}),
    "line 2: TypeError: 9 is not a string": lines({**PROMISED, "versions": {"v1": [9]}}),
    "line 3: TypeError: 7 is not a string": lines(
        PROMISED, mark_line(RecordMark.LEAVING, ARN, regions=[{"region": IRELAND, "kms_key": 7}])
    ),
    "line 3: TypeError: 5 is not a string": lines(
        PROMISED, mark_line(RecordMark.LEAVING, ARN, regions=[{"region": 5}])
    ),
    "line 3: KeyError: 'kms_key'": lines(PROMISED, mark_line(RecordMark.LEAVING, ARN, regions=[{"region": IRELAND}])),
    "line 3: TypeError: None is not a string": lines(PROMISED, mark_line(RecordMark.REPLACING, ARN, region=None)),
}


@pytest.mark.parametrize("why", NONE)
def test_what_is_no_record_is_refused_with_its_line(why: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(NONE[why], "dr.jsonl")
    assert raised.value.message == f"dr.jsonl is not a failover record: {why}"
    assert raised.value.hint == "use the file that failover --record wrote"
    assert raised.value.code == "RecordError"


@pytest.mark.parametrize(
    "record",
    [
        [json.dumps([1])],
        [json.dumps("x")],
        lines({**PROMISED, "versions": ["v1"]}),
        lines({**PROMISED, "name": "x" * 513}),
    ],
)
def test_what_has_the_wrong_shape_is_no_record(record: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^dr\.jsonl is not a failover record: line [12]: "):
        read(record, "dr.jsonl")


@pytest.mark.parametrize("name", ["x", "x" * 512])
def test_a_name_may_be_as_long_as_awss(name: str) -> None:
    (entry,) = read(lines({**PROMISED, "name": name}), "dr.jsonl").entries.values()
    assert entry.name == name


@pytest.mark.parametrize("record", [["{", "}"], ["127.0.0.1 localhost"], ["", "{ ts"]])
def test_a_file_without_a_line_of_json_is_no_record(record: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        read(record, "dr.jsonl")
    assert raised.value.message == "dr.jsonl is not a failover record: it has no JSON lines"
    assert raised.value.code == "RecordError"


@given(text=st.text())
def test_no_text_is_more_than_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert read(text.split("\n"), "dr.jsonl").entries == {}
