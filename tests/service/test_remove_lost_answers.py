"""`remove` on the simulator: a lost answer is looked for, and nothing is sent twice without a look."""

from __future__ import annotations

import threading
import time

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, is_there, only
from service.remove_scene import REMOVE, DenyingAws, prepare, removals, remove, replicated

from smrep.errors import NotFound, Outcome, Unanswered


def test_a_lost_answer_is_looked_for_and_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["after"]
    row = only(remove(aws, WEST))
    assert (row.outcome, row.changed, aws.count(REMOVE)) == (Outcome.OK, True, 1)
    assert not is_there(aws)


def test_a_lost_request_is_sent_again_once_after_the_list_had_its_time(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.lose[REMOVE] = ["before"]
    started = aws.clock.time
    (secret,) = remove(aws, WEST, IRELAND)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.OK, True)] * 2
    assert (aws.count(REMOVE), removals(aws)) == (2, [[WEST, IRELAND]])
    assert aws.clock.time - started >= 15.0 + 30.0


def test_a_write_that_is_never_answered_is_sent_twice_at_most(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["before"] * 9
    (secret,) = remove(aws, WEST, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, aws.count(REMOVE)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the request for removal from us-west-2" in secret.notes[0]


def test_a_second_lost_answer_is_looked_for_too(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["before", "after"]
    (secret,) = remove(aws, WEST)
    assert (secret.outcome, secret.notes, aws.count(REMOVE)) == (Outcome.OK, (), 2)


def test_what_could_not_be_looked_for_is_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST)
    aws.lose[REMOVE] = ["before"]

    def silent(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise Unanswered("connection was closed")

    aws.on_call = silent
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (aws.count(REMOVE), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_no_wait_does_not_take_a_lost_request_for_accepted(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["before", "before"]
    row = only(remove(aws, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_a_lost_answer_at_timeout_zero_is_looked_for_once_and_not_sent_again_blindly(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["after"]
    row = only(remove(aws, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed, aws.count(REMOVE)) == (Outcome.PENDING, True, 1)


def test_a_lost_request_in_which_one_region_is_then_refused_is_isolated(aws: FakeAws) -> None:
    aws = DenyingAws(aws.clock, aws.simulator)
    replicated(aws, WEST, IRELAND)
    aws.spared = ()
    aws.lose[REMOVE] = ["before"]
    run = prepare(aws, WEST, IRELAND)

    def forbid(operation: str, region: str) -> None:
        if operation == REMOVE:
            aws.spared = (IRELAND,)

    aws.on_call = forbid
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.ACCESS]
    assert removals(aws) == [[WEST]]


def test_a_not_found_of_the_primary_after_a_lost_answer_is_not_taken_for_removed(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST, timeout_s=60.0)
    aws.lose[REMOVE] = ["before"]

    def vanish(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise NotFound("Secrets Manager can't find the specified secret.")

    aws.on_call = vanish
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, aws.count(REMOVE)) == (Outcome.PENDING, False, 1)


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[REMOVE] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(aws, WEST)
    run.state.on_heartbeat = interrupt
    aws.on_call = lambda operation, _region: answered.wait(60) and None if operation == REMOVE else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds nothing, and may not send again
    until = time.monotonic() + 60
    while not run.secrets()[0].notes and aws.count(REMOVE) == 1:
        assert time.monotonic() < until
    assert aws.count(REMOVE) == 1
    assert run.was_sent
