"""`remove` on the simulator: gone is what the target itself answers, and that is waited for."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, is_there, kinds, only
from service.remove_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import Outcome
from smrep.report import Action


def delete_primary(aws: FakeAws) -> None:
    aws.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 1000


def test_a_removal_is_waited_for_until_the_target_answers_not_found(aws: FakeAws) -> None:
    replicated(aws)
    started = aws.clock.time
    row = only(remove(aws, WEST))
    assert (row.outcome, row.action, row.changed, row.status, row.arn) == (Outcome.OK, Action.REMOVE, True, None, None)
    assert 30.0 <= aws.clock.time - started <= 30.0 + 5.5
    assert not is_there(aws)
    assert (aws.count(REMOVE), kinds(row)) == (1, [])


def test_a_primary_deleted_too_early_strands_its_replica(aws: FakeAws) -> None:
    replicated(aws)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    delete_primary(aws)
    assert not is_there(aws, HOME)
    assert is_there(aws, WEST)


def test_a_primary_deleted_at_once_after_remove_leaves_no_orphan(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = remove(aws, WEST, IRELAND)
    assert secret.outcome is Outcome.OK
    delete_primary(aws)
    assert [is_there(aws, each) for each in (HOME, WEST, IRELAND)] == [False, False, False]


@pytest.mark.parametrize("ticks", [1, 2, 5])
def test_interrupted_and_repeated_it_still_waits_and_leaves_no_orphan(aws: FakeAws, ticks: int) -> None:
    replicated(aws)
    acting = prepare(aws, WEST).act()
    for _ in range(ticks):
        next(acting)
    acting.close()  # as an interrupt does
    assert is_there(aws)

    again = only(remove(aws, WEST))
    assert (again.outcome, again.changed, again.status) == (Outcome.OK, False, None)
    assert (aws.count(REMOVE), len(removals(aws))) == (0, 1)
    assert not is_there(aws)

    third = only(remove(aws, WEST))
    assert (third.outcome, third.changed, kinds(third)) == (Outcome.OK, False, [])
    assert (aws.count(REMOVE), len(removals(aws))) == (0, 1)
    delete_primary(aws)
    assert not is_there(aws)


def test_a_second_run_that_may_not_wait_long_enough_is_pending_and_says_why(aws: FakeAws) -> None:
    replicated(aws)
    remove(aws, WEST, timeout_s=5.0)
    row = only(remove(aws, WEST, timeout_s=5.0))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])
    assert row.arn is not None
    assert (
        row.findings[0].hint == "wait until it is gone:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2"
    )


def test_never_a_replica_at_all_is_done_and_nothing_is_sent(aws: FakeAws) -> None:
    aws.create()
    row = only(remove(aws, WEST))
    assert (row.outcome, row.changed, row.action) == (Outcome.OK, False, Action.REMOVE)
    assert (aws.count(REMOVE), aws.clock.sleeps) == (0, [])


def test_a_stranded_replica_is_never_said_to_be_gone(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST, timeout_s=120.0)
    acting = run.act()
    next(acting)
    aws.call("DeleteSecret", SecretId="prod/db")  # somebody does not wait
    for _ in acting:
        pass
    row = only(run.secrets())
    assert is_there(aws)
    assert (row.outcome, kinds(row), row.changed) == (Outcome.PENDING, ["removing"], True)


def test_a_primary_marked_for_deletion_is_refused(aws: FakeAws) -> None:
    replicated(aws)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.call("DeleteSecret", SecretId="prod/db")
    (secret,) = remove(aws, WEST)
    assert (secret.outcome, secret.error and secret.error.code) == (Outcome.FAILED, "pending_deletion")


def test_the_deadline_leaves_what_is_still_there_pending(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, removal_delay_s=999.0, removal_delay_by_region={IRELAND: 3.0})
    started = aws.clock.time
    (secret,) = remove(aws, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert [row.changed for row in secret.replicas] == [True, True]
    assert aws.clock.time - started == pytest.approx(20.0)
    assert kinds(secret.replicas[0]) == ["removing"]


def test_timeout_zero_sends_and_looks_once(aws: FakeAws) -> None:
    replicated(aws)
    row = only(remove(aws, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, True)
    assert aws.clock.sleeps == []
    assert aws.count("DescribeSecret", WEST) == 3  # the look of the plan, the one right before, and the one after


def test_no_wait_ends_with_what_aws_accepted(aws: FakeAws) -> None:
    replicated(aws)
    row = only(remove(aws, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.ACCEPTED, True)
    assert aws.clock.sleeps == []
    assert is_there(aws)


def test_no_wait_does_not_take_somebody_elses_removal_for_done(aws: FakeAws) -> None:
    replicated(aws)
    remove(aws, WEST, wait=False)
    row = only(remove(aws, WEST, wait=False))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])


def test_dry_run_decides_and_sends_nothing(aws: FakeAws) -> None:
    replicated(aws)
    row = only(prepare(aws, WEST).secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.REMOVE, False, "InSync")
    assert (aws.count(REMOVE), listed(aws)) == (0, [WEST])


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST)
    aws.lose["DescribeSecret"] = ["", *["before"] * 4]  # the first is the look right before the request
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert not is_there(aws)


def test_an_outage_of_the_target_while_waiting_is_not_taken_for_gone(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST, timeout_s=60.0)
    acting = run.act()
    next(acting)
    aws.faults(removal_delay_s=30.0, outages=frozenset({WEST}))
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_look_that_is_denied_while_waiting_is_not_taken_for_gone(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    run = prepare(aws, WEST, IRELAND, timeout_s=60.0)
    acting = run.act()
    next(acting)
    aws.faults(removal_delay_s=30.0, denied=frozenset({("DescribeSecret", WEST)}))
    for _ in acting:
        pass
    (secret,) = run.secrets()
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.ACCESS, True), (Outcome.OK, True)]


def test_the_primarys_region_is_not_needed_while_waiting(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST)
    acting = run.act()
    next(acting)
    before = aws.count("DescribeSecret", HOME)
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert aws.count("DescribeSecret", HOME) == before
