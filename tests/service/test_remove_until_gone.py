"""`remove` on the simulator: gone is what the target itself answers, and that is waited for."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, is_there, kinds, only
from service.removing_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import Outcome
from smrep.report import Action


def delete_primary(world: World) -> None:
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 1000


def test_a_removal_is_waited_for_until_the_target_answers_not_found(world: World) -> None:
    replicated(world)
    started = world.clock.time
    row = only(remove(world, WEST))
    assert (row.outcome, row.action, row.changed, row.status, row.arn) == (Outcome.OK, Action.REMOVE, True, None, None)
    assert 30.0 <= world.clock.time - started <= 30.0 + 5.5
    assert not is_there(world)
    assert (world.count(REMOVE), kinds(row)) == (1, [])


def test_a_primary_deleted_too_early_strands_its_replica(world: World) -> None:
    replicated(world)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    delete_primary(world)
    assert not is_there(world, HOME)
    assert is_there(world, WEST)


def test_a_primary_deleted_at_once_after_remove_leaves_no_orphan(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = remove(world, WEST, IRELAND)
    assert secret.outcome is Outcome.OK
    delete_primary(world)
    assert [is_there(world, each) for each in (HOME, WEST, IRELAND)] == [False, False, False]


@pytest.mark.parametrize("ticks", [1, 2, 5])
def test_interrupted_and_repeated_it_still_waits_and_leaves_no_orphan(world: World, ticks: int) -> None:
    replicated(world)
    acting = prepare(world, WEST).act()
    for _ in range(ticks):
        next(acting)
    acting.close()  # as an interrupt does
    assert is_there(world)

    again = only(remove(world, WEST))
    assert (again.outcome, again.changed, again.status) == (Outcome.OK, False, None)
    assert (world.count(REMOVE), len(removals(world))) == (0, 1)
    assert not is_there(world)

    third = only(remove(world, WEST))
    assert (third.outcome, third.changed, kinds(third)) == (Outcome.OK, False, [])
    assert (world.count(REMOVE), len(removals(world))) == (0, 1)
    delete_primary(world)
    assert not is_there(world)


def test_a_second_run_that_may_not_wait_long_enough_is_pending_and_says_why(world: World) -> None:
    replicated(world)
    remove(world, WEST, timeout_s=5.0)
    row = only(remove(world, WEST, timeout_s=5.0))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])
    assert row.arn is not None
    assert row.findings[0].hint == "smrep remove prod/db --primary-region us-east-1 -r us-west-2"


def test_never_a_replica_at_all_is_done_and_nothing_is_sent(world: World) -> None:
    world.create()
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, row.action) == (Outcome.OK, False, Action.REMOVE)
    assert (world.count(REMOVE), world.clock.sleeps) == (0, [])


def test_a_stranded_replica_is_never_said_to_be_gone(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=120.0)
    acting = run.act()
    next(acting)
    world.call("DeleteSecret", SecretId="prod/db")  # somebody does not wait
    for _ in acting:
        pass
    row = only(run.secrets())
    assert is_there(world)
    assert (row.outcome, kinds(row), row.changed) == (Outcome.PENDING, ["removing"], True)


def test_a_primary_marked_for_deletion_is_refused(world: World) -> None:
    replicated(world)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db")
    (secret,) = remove(world, WEST)
    assert (secret.outcome, secret.error and secret.error.code) == (Outcome.FAILED, "pending_deletion")


def test_the_deadline_leaves_what_is_still_there_pending(world: World) -> None:
    replicated(world, WEST, IRELAND, removal_delay_s=999.0, removal_delay_by_region={IRELAND: 3.0})
    started = world.clock.time
    (secret,) = remove(world, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert [row.changed for row in secret.replicas] == [True, True]
    assert world.clock.time - started == pytest.approx(20.0)
    assert kinds(secret.replicas[0]) == ["removing"]


def test_timeout_zero_sends_and_looks_once(world: World) -> None:
    replicated(world)
    row = only(remove(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, True)
    assert world.clock.sleeps == []
    assert world.count("DescribeSecret", WEST) == 2  # the look before, and the one after


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    replicated(world)
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.ACCEPTED, True)
    assert world.clock.sleeps == []
    assert is_there(world)


def test_no_wait_does_not_take_somebody_elses_removal_for_done(world: World) -> None:
    replicated(world)
    remove(world, WEST, wait=False)
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])


def test_dry_run_decides_and_sends_nothing(world: World) -> None:
    replicated(world)
    row = only(prepare(world, WEST).secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.REMOVE, False, "InSync")
    assert (world.count(REMOVE), listed(world)) == (0, [WEST])


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    world.lose["DescribeSecret"] = ["before"] * 4
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert not is_there(world)


def test_an_outage_of_the_target_while_waiting_is_not_taken_for_gone(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=60.0)
    acting = run.act()
    next(acting)
    world.faults(removal_delay_s=30.0, outages=frozenset({WEST}))
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_look_that_is_denied_while_waiting_is_not_taken_for_gone(world: World) -> None:
    replicated(world, WEST, IRELAND)
    run = prepare(world, WEST, IRELAND, timeout_s=60.0)
    acting = run.act()
    next(acting)
    world.faults(removal_delay_s=30.0, denied=frozenset({("DescribeSecret", WEST)}))
    for _ in acting:
        pass
    (secret,) = run.secrets()
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.ACCESS, True), (Outcome.OK, True)]


def test_the_primarys_region_is_not_needed_while_waiting(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    acting = run.act()
    next(acting)
    before = world.count("DescribeSecret", HOME)
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert world.count("DescribeSecret", HOME) == before
