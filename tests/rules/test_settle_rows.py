"""A Region's course as a row, and the rows as the report of a secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import CrossAccount, Replica, Secret
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.replication.replica_state import (
    LEFTOVER_S,
    ReplicaState,
    after_check,
    after_request,
    outcome,
    region_report,
    secret_report,
    worst_first,
)

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN.format(HOME), "prod/db", HOME, HOME)
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
SYNCED = Replica(WEST, "InSync", "Replication succeeded", "alias/listed", MOMENT)
FAILED = Replica(WEST, "Failed", "no luck")
WRONG = Finding(Kind.WRONG_KEY, Severity.ERROR, "another key")
ERROR = Problem("AccessDeniedException", "no", None, None, Outcome.ACCESS)


def test_a_row_carries_all_that_is_known_of_the_course() -> None:
    course = ReplicaState(
        WEST,
        wanted_key="alias/dr",
        overwrites="arn:x",
        action=Action.ADD,
        seen=SYNCED,
        accepted=True,
        verified=True,
        findings=(WRONG,),
    )
    assert region_report(course, PRIMARY) == RegionReport(
        region=WEST,
        outcome=Outcome.DRIFT,
        arn=ARN.format(WEST),
        status="InSync",
        status_message="Replication succeeded",
        kms_key_id="alias/listed",
        wanted_key="alias/dr",
        overwrites="arn:x",
        last_accessed=MOMENT,
        action=Action.ADD,
        changed=True,
        verified=True,
        findings=(WRONG,),
    )


def test_a_region_that_is_not_listed_has_no_words_of_aws_and_no_arn() -> None:
    assert region_report(ReplicaState(WEST, wanted_key="alias/dr", action=Action.ADD), PRIMARY) == RegionReport(
        region=WEST, outcome=Outcome.PENDING, kms_key_id="alias/dr", wanted_key="alias/dr", action=Action.ADD
    )


@pytest.mark.parametrize("waiting", [True, False])
@pytest.mark.parametrize("dry_run", [True, False])
def test_an_error_is_the_end_of_a_row(waiting: bool, dry_run: bool) -> None:
    shown = region_report(ReplicaState(WEST, accepted=True, error=ERROR), PRIMARY, waiting=waiting, dry_run=dry_run)
    assert (shown.outcome, shown.error) == (Outcome.ACCESS, ERROR)


@pytest.mark.parametrize(
    ("accepted", "seen", "ended"),
    [
        (True, None, Outcome.ACCEPTED),
        (False, None, Outcome.PENDING),
        (True, SYNCED, Outcome.OK),
        (True, FAILED, Outcome.FAILED),
    ],
)
def test_without_waiting_a_request_that_aws_took_is_enough(
    accepted: bool, seen: Replica | None, ended: Outcome
) -> None:
    course = ReplicaState(WEST, seen=seen, accepted=accepted)
    assert region_report(course, PRIMARY, waiting=False).outcome is ended
    assert region_report(course, PRIMARY).outcome is (Outcome.PENDING if ended is Outcome.ACCEPTED else ended)


@pytest.mark.parametrize("seen", [None, SYNCED, FAILED])
def test_a_dry_run_is_well_whatever_is_listed(seen: Replica | None) -> None:
    assert region_report(ReplicaState(WEST, seen=seen), PRIMARY, dry_run=True).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("fields", "dry_run", "key"),
    [
        ({"seen": SYNCED, "own_key": "alias/own"}, False, "alias/own"),
        ({"seen": SYNCED}, False, "alias/listed"),
        ({"seen": FAILED}, False, None),
        ({}, False, "alias/dr"),
        ({"seen": SYNCED, "action": Action.RETRY}, True, "alias/dr"),
        ({"seen": SYNCED, "own_key": "alias/own", "action": Action.ADD}, True, "alias/dr"),
        ({"seen": SYNCED, "action": Action.KEEP}, True, "alias/listed"),
        ({"seen": SYNCED, "own_key": "alias/own", "action": Action.KEEP}, True, "alias/own"),
    ],
)
def test_the_key_is_the_one_over_there_or_in_a_dry_run_the_one_to_be_sent(
    fields: dict[str, Any], dry_run: bool, key: str | None
) -> None:
    assert (
        region_report(ReplicaState(WEST, wanted_key="alias/dr", **fields), PRIMARY, dry_run=dry_run).kms_key_id == key
    )


@given(st.sampled_from(list(Outcome)), st.booleans())
def test_a_proof_weighs_with_the_key(proved: Outcome, wrong: bool) -> None:
    course = ReplicaState(WEST, seen=SYNCED, proved=proved, findings=(WRONG,) if wrong else ())
    lighter = (Outcome.OK, Outcome.ACCEPTED)
    assert outcome(course) is (Outcome.DRIFT if wrong and proved in lighter else proved)


# a request begins a course anew


def test_a_request_makes_what_was_listed_before_a_leftover() -> None:
    before = ReplicaState(WEST, seen=FAILED, held_until_gone=True, error=ERROR)
    assert after_request(before, 7.0, accepted=False) == ReplicaState(WEST, seen=FAILED, leftover=FAILED, sent_at=7.0)
    assert after_request(before, 7.0, accepted=True).accepted is True


def test_an_old_failure_counts_as_new_half_a_minute_after_the_request() -> None:
    course = after_request(ReplicaState(WEST, seen=FAILED), 100.0, accepted=True)
    assert [outcome(after_check(course, FAILED, now)) for now in (129.9, 130.0)] == [Outcome.PENDING, Outcome.FAILED]


def test_time_alone_makes_nothing_of_a_request_that_aws_may_not_have_taken() -> None:
    course = after_request(ReplicaState(WEST, seen=FAILED), 0.0, accepted=False)
    assert outcome(after_check(course, FAILED, 10 * LEFTOVER_S)) is Outcome.PENDING


def test_a_leftover_without_a_request_of_ours_never_becomes_news() -> None:
    course = ReplicaState(WEST, seen=FAILED, leftover=FAILED, accepted=True)
    assert outcome(after_check(course, FAILED, 10 * LEFTOVER_S)) is Outcome.PENDING


# the secret


def ended(outcome: Outcome) -> RegionReport:
    return RegionReport(WEST, outcome)


@pytest.mark.parametrize(
    ("rows", "error", "worst"),
    [
        ([], None, Outcome.OK),
        ([Outcome.OK, Outcome.PENDING], None, Outcome.PENDING),
        ([Outcome.PENDING, Outcome.FAILED], ERROR, Outcome.FAILED),
        ([Outcome.OK], ERROR, Outcome.ACCESS),
        ([], ERROR, Outcome.ACCESS),
    ],
)
def test_a_secret_ends_as_the_worst_of_its_rows_and_its_own_trouble(
    rows: list[Outcome], error: Problem | None, worst: Outcome
) -> None:
    assert secret_report(PRIMARY, [ended(each) for each in rows], error).outcome is worst


def test_a_secret_is_told_by_name_arn_and_region_with_its_rows_in_order() -> None:
    shared = CrossAccount()
    rows = [ended(Outcome.OK), ended(Outcome.PENDING)]
    assert secret_report(replace(PRIMARY, cross_account=shared), rows, ERROR, ["a note"]) == SecretReport(
        name="prod/db",
        outcome=Outcome.ACCESS,
        arn=PRIMARY.arn,
        primary_region=HOME,
        replicas=tuple(rows),
        error=ERROR,
        cross_account=shared,
        notes=("a note",),
    )
    assert secret_report(PRIMARY, []) == SecretReport("prod/db", Outcome.OK, PRIMARY.arn, HOME)


@pytest.mark.parametrize(
    ("before", "entry", "taken"),
    [
        (None, SYNCED, True),  # it appeared
        (FAILED, replace(FAILED, status="InProgress"), True),  # it changed
        (FAILED, FAILED, False),
        (None, None, False),
    ],
)
def test_a_request_was_taken_once_something_new_is_listed(
    before: Replica | None, entry: Replica | None, taken: bool
) -> None:
    waiting = after_request(ReplicaState(WEST, action=Action.RETRY, seen=before), 10.0, accepted=False)
    assert after_check(waiting, entry, 11.0).accepted is taken
    assert after_check(replace(waiting, accepted=True), entry, 11.0).accepted is True


def test_what_is_listed_says_nothing_of_a_request_that_was_not_sent() -> None:
    assert after_check(ReplicaState(WEST, action=Action.KEEP), SYNCED, 11.0).accepted is False


def test_the_worst_secrets_come_first_and_those_alike_as_they_came() -> None:
    ends = [Outcome.OK, Outcome.FAILED, Outcome.PENDING, Outcome.OK, Outcome.FAILED]
    found = worst_first(SecretReport(name, end) for name, end in zip("abcde", ends, strict=True))
    assert [each.name for each in found] == ["b", "e", "c", "a", "d"]
