"""When a Region is done, and which outcome counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import Replica, Secret
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, Severity
from smrep.rules.replication.replica_state import (
    LEFTOVER_S,
    ReplicaState,
    after_check,
    after_request,
    has_moved,
    outcome,
    region_report,
    worst,
)

THERE = Region("us-west-2")
statuses = st.sampled_from(["InSync", "InProgress", "Failed", "Pending", "Odd", None])
entries = st.one_of(st.none(), st.builds(Replica, st.just(THERE), statuses, st.sampled_from([None, "a", "no luck"])))
OLD = Replica(THERE, "Failed", "no luck")


def retried(now: float = 0.0) -> ReplicaState:
    return after_request(ReplicaState(THERE, action=Action.RETRY, seen=OLD), now, accepted=True)


def test_a_leftover_failure_is_not_the_result() -> None:
    course = after_check(retried(), OLD, 10.0)
    assert (outcome(course), course.is_open) == (Outcome.PENDING, True)


@pytest.mark.parametrize("news", [Replica(THERE, "InProgress"), Replica(THERE, "Failed", "another reason")])
def test_another_status_or_message_makes_what_follows_count(news: Replica) -> None:
    course = after_check(after_check(retried(), news, 1.0), OLD, 2.0)
    assert outcome(course) is Outcome.FAILED


def test_another_request_id_makes_a_leftover_failure_no_news() -> None:
    """AWS writes a new id into the message of the same trouble."""
    words = "Replication failed: Secrets Manager can't encrypt the secret value: no (Request ID: {}; Proxy: null)"
    first, later = (Replica(THERE, "Failed", words.format(each)) for each in ("0b3a", "77c1"))
    course = after_request(ReplicaState(THERE, action=Action.RETRY, seen=first), 0.0, accepted=True)
    assert outcome(after_check(course, later, LEFTOVER_S - 0.1)) is Outcome.PENDING
    assert outcome(after_check(course, later, LEFTOVER_S)) is Outcome.FAILED


def test_after_half_a_minute_the_same_failure_counts() -> None:
    assert outcome(after_check(retried(), OLD, LEFTOVER_S - 0.1)) is Outcome.PENDING
    assert outcome(after_check(retried(), OLD, LEFTOVER_S)) is Outcome.FAILED


def test_an_entry_that_is_missing_for_a_while_proves_nothing() -> None:
    course = after_check(after_check(retried(), None, 1.0), OLD, 2.0)
    assert outcome(course) is Outcome.PENDING


@given(st.lists(entries, max_size=8), st.booleans())
def test_a_course_is_ok_only_if_the_last_look_showed_in_sync(seen: list[Replica | None], retry: bool) -> None:
    course = retried() if retry else ReplicaState(THERE)
    failed = False
    for number, entry in enumerate(seen):
        course = after_check(course, entry, float(number))
        failed = failed or outcome(course) is Outcome.FAILED
    if outcome(course) is Outcome.OK:
        assert seen[-1] is not None
        assert seen[-1].status == "InSync"
    assert failed == (outcome(course) is Outcome.FAILED), "a failure of ours is for good"
    assert course.is_open == (outcome(course) is Outcome.PENDING)


@given(entries)
def test_moving_is_appearing_or_changing(entry: Replica | None) -> None:
    fresh = after_request(ReplicaState(THERE, action=Action.ADD), 0.0, accepted=False)
    assert has_moved(after_check(fresh, entry, 1.0)) == (entry is not None)
    again = after_request(ReplicaState(THERE, action=Action.RETRY, seen=OLD), 0.0, accepted=False)
    changed = entry is not None and (entry.status, entry.message) != (OLD.status, OLD.message)
    assert has_moved(after_check(again, entry, 1.0)) == changed


def test_in_sync_under_another_key_is_drift() -> None:
    wrong = Finding(Kind.WRONG_KEY, Severity.ERROR, "another key")
    assert outcome(ReplicaState(THERE, seen=Replica(THERE, "InSync"), findings=(wrong,))) is Outcome.DRIFT


def test_an_error_ends_a_course() -> None:
    error = Problem("AccessDeniedException", "no", None, None, Outcome.ACCESS)
    course = ReplicaState(THERE, seen=Replica(THERE, "InSync"), error=error)
    assert (outcome(course), course.is_open) == (Outcome.ACCESS, False)
    assert after_check(course, Replica(THERE, "Failed"), 1.0) is course


def test_the_order_of_outcomes_is_that_of_the_exit_codes_page() -> None:
    order = [Outcome.FAILED, Outcome.ACCESS, Outcome.PENDING, Outcome.DRIFT, Outcome.OK]
    assert [each.exit_code for each in order] == [1, 4, 3, 5, 0]
    for place, heavier in enumerate(order):
        for lighter in order[place:]:
            assert worst([lighter, heavier]) is heavier


@given(st.lists(st.sampled_from(list(Outcome))))
def test_the_worst_does_not_depend_on_the_order(outcomes: list[Outcome]) -> None:
    assert worst(outcomes) is worst(reversed(outcomes))
    assert worst(outcomes) in (outcomes or [Outcome.OK])


def test_the_half_minute_counts_from_the_request() -> None:
    assert outcome(after_check(retried(100.0), OLD, 100.0 + LEFTOVER_S - 1)) is Outcome.PENDING
    assert outcome(after_check(retried(100.0), OLD, 100.0 + LEFTOVER_S)) is Outcome.FAILED


def test_an_old_in_sync_never_counts_by_time_alone() -> None:
    old = Replica(THERE, "InSync", "Replication succeeded")
    course = after_request(ReplicaState(THERE, action=Action.OVERWRITE, seen=old), 0.0, accepted=True)
    assert outcome(after_check(course, old, 1e6)) is Outcome.PENDING


def test_an_arn_is_given_only_where_something_backs_it() -> None:
    primary = Secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b", "a", Region("us-east-1"))
    synced, failed = Replica(THERE, "InSync"), Replica(THERE, "Failed")
    error = Problem("x", "x", None, None, Outcome.FAILED)
    assert (
        region_report(ReplicaState(THERE, seen=synced), primary).arn
        == "arn:aws:secretsmanager:us-west-2:123456789012:secret:a-b"
    )
    assert region_report(ReplicaState(THERE, seen=failed, replica_seen=True), primary).arn is not None
    assert region_report(ReplicaState(THERE, seen=failed), primary).arn is None
    assert region_report(ReplicaState(THERE, seen=synced, error=error), primary).arn is None
