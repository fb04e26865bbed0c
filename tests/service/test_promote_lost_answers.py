"""`promote` on the simulator: a lost answer is looked for, and nothing is sent twice without a look."""

from __future__ import annotations

import threading
import time

import pytest
from fakes import HOME, WEST, World, only
from service.promoting_scene import STOP, prepare, promote, replicated, stands_alone

from smrep.errors import Outcome


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    world.lose[STOP] = ["after"]
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 1)


def test_a_lost_request_is_sent_again_once_after_a_look(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"]
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 2)
    assert world.clock.time >= 15.0
    first, second = (number for number, call in enumerate(world.calls) if call[0] == STOP)
    assert ("DescribeSecret", WEST) in [call[:2] for call in world.calls[first:second]]


def test_a_write_that_is_never_answered_is_sent_twice_at_most(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"] * 9
    (secret,) = promote(world, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, world.count(STOP)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the request" in secret.notes[0]
    assert [region for _, region, _ in world.calls if region == HOME] == []


def test_what_could_not_be_looked_for_is_not_sent_again(world: World) -> None:
    replicated(world)
    run = prepare(world, timeout_s=60.0)
    world.lose[STOP] = ["before"]
    world.lose["DescribeSecret"] = ["before"] * 99
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (world.count(STOP), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_a_lost_answer_is_looked_for_with_no_wait_too(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["after"]
    row = only(promote(world, wait=False))
    assert (row.outcome, row.changed, stands_alone(world)) == (Outcome.OK, True, True)


def test_a_promotion_that_shows_late_after_a_lost_answer_is_not_sent_again(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"]

    def late(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(world.clock.sleeps) == 4 and not stands_alone(world):
            world.call(STOP, WEST, SecretId="prod/db")

    world.on_call = late
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 1)


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(world, pulse=interrupt)
    world.on_call = lambda operation, _region: answered.wait(10) and None if operation == STOP else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds a replica still, and may not send again
    until = time.monotonic() + 10
    while not run.secrets()[0].notes and world.count(STOP) == 1:
        assert time.monotonic() < until
    assert (world.count(STOP), run.was_sent) == (1, True)
