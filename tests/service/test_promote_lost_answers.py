"""`promote` on the simulator: a lost answer is looked for, and nothing is sent twice without a look."""

from __future__ import annotations

import threading
import time

import pytest
from fakes import HOME, WEST, FakeAws, only
from service.promote_scene import STOP, prepare, promote, replicated, stands_alone

from smrep.errors import Outcome


def test_a_lost_answer_is_looked_for_and_not_sent_again(aws: FakeAws) -> None:
    replicated(aws, outages=frozenset({HOME}))
    aws.lose[STOP] = ["after"]
    row = only(promote(aws))
    assert (row.outcome, row.changed, aws.count(STOP)) == (Outcome.OK, True, 1)


def test_a_lost_request_is_sent_again_once_after_a_look(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[STOP] = ["before"]
    row = only(promote(aws))
    assert (row.outcome, row.changed, aws.count(STOP)) == (Outcome.OK, True, 2)
    assert aws.clock.time >= 15.0
    first, second = (number for number, call in enumerate(aws.calls) if call[0] == STOP)
    assert ("DescribeSecret", WEST) in [call[:2] for call in aws.calls[first:second]]


def test_a_write_that_is_never_answered_is_sent_twice_at_most(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[STOP] = ["before"] * 9
    (secret,) = promote(aws, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, aws.count(STOP)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the request for promotion" in secret.notes[0]
    assert [region for _, region, _ in aws.calls if region == HOME] == []


def test_what_could_not_be_looked_for_is_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, timeout_s=60.0)
    aws.lose[STOP] = ["before"]
    aws.lose["DescribeSecret"] = ["before"] * 99
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (aws.count(STOP), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_a_lost_answer_is_looked_for_with_no_wait_too(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[STOP] = ["after"]
    row = only(promote(aws, wait=False))
    assert (row.outcome, row.changed, stands_alone(aws)) == (Outcome.OK, True, True)


def test_a_promotion_that_shows_late_after_a_lost_answer_is_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[STOP] = ["before"]

    def late(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(aws.clock.sleeps) == 4 and not stands_alone(aws):
            aws.call(STOP, WEST, SecretId="prod/db")

    aws.on_call = late
    row = only(promote(aws))
    assert (row.outcome, row.changed, aws.count(STOP)) == (Outcome.OK, True, 1)


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    aws.lose[STOP] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(aws)
    run.state.on_heartbeat = interrupt
    aws.on_call = lambda operation, _region: answered.wait(60) and None if operation == STOP else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds a replica still, and may not send again
    until = time.monotonic() + 60
    while not run.secrets()[0].notes and aws.count(STOP) == 1:
        assert time.monotonic() < until
    assert (aws.count(STOP), run.was_sent) == (1, True)
