"""`remove` on the simulator: a lost answer is looked for, and nothing is sent twice without a look."""

from __future__ import annotations

import threading
import time

import pytest
from fakes import HOME, IRELAND, WEST, World, is_there, only
from service.removing_scene import REMOVE, Choosy, prepare, removals, remove, replicated

from smrep.errors import NotFound, Outcome, Unanswered


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["after"]
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.OK, True, 1)
    assert not is_there(world)


def test_a_lost_request_is_sent_again_once_after_the_list_had_its_time(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.lose[REMOVE] = ["before"]
    started = world.clock.time
    (secret,) = remove(world, WEST, IRELAND)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.OK, True)] * 2
    assert (world.count(REMOVE), removals(world)) == (2, [[WEST, IRELAND]])
    assert world.clock.time - started >= 15.0 + 30.0


def test_a_write_that_is_never_answered_is_sent_twice_at_most(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    (secret,) = remove(world, WEST, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, world.count(REMOVE)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the removal from us-west-2" in secret.notes[0]


def test_a_second_lost_answer_is_looked_for_too(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before", "after"]
    (secret,) = remove(world, WEST)
    assert (secret.outcome, secret.notes, world.count(REMOVE)) == (Outcome.OK, (), 2)


def test_what_could_not_be_looked_for_is_not_sent_again(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    world.lose[REMOVE] = ["before"]

    def silent(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise Unanswered("connection was closed")

    world.on_call = silent
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (world.count(REMOVE), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_no_wait_does_not_take_a_lost_request_for_accepted(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before", "before"]
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_a_lost_answer_at_timeout_zero_is_looked_for_once_and_not_sent_again_blindly(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["after"]
    row = only(remove(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.PENDING, True, 1)


def test_a_lost_request_in_which_one_region_is_then_refused_is_isolated(world: World) -> None:
    world = Choosy(world.clock, world.simulator)
    replicated(world, WEST, IRELAND)
    world.spared = ()
    world.lose[REMOVE] = ["before"]
    run = prepare(world, WEST, IRELAND)

    def forbid(operation: str, region: str) -> None:
        if operation == REMOVE:
            world.spared = (IRELAND,)

    world.on_call = forbid
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.ACCESS]
    assert removals(world) == [[WEST]]


def test_a_not_found_of_the_primary_after_a_lost_answer_is_not_taken_for_removed(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=60.0)
    world.lose[REMOVE] = ["before"]

    def vanish(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise NotFound("Secrets Manager can't find the specified secret.")

    world.on_call = vanish
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.PENDING, False, 1)


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(world, WEST, pulse=interrupt)
    world.on_call = lambda operation, _region: answered.wait(10) and None if operation == REMOVE else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds nothing, and may not send again
    until = time.monotonic() + 10
    while not run.secrets()[0].notes and world.count(REMOVE) == 1:
        assert time.monotonic() < until
    assert world.count(REMOVE) == 1
    assert run.was_sent
