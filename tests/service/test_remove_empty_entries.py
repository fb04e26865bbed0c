"""`remove` on the simulator: entries of the primary's list with nothing behind them, or not yet."""

from __future__ import annotations

from fakes import HOME, WEST, World, is_there, only
from service.removing_scene import REMOVE, listed, prepare, remove

from smrep.errors import Outcome


def test_a_failed_entry_with_nothing_there_is_dropped(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults()
    run = prepare(world, WEST)
    assert run.stakes == (
        ("prod/db", "to be removed for good from us-west-2: the entry of prod/db, with nothing there"),
    )
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, row.status) == (Outcome.OK, True, None)
    assert listed(world) == []
    assert world.clock.sleeps == []


def test_an_in_sync_entry_with_nothing_behind_it_is_dropped(world: World) -> None:
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, listed(world)) == (Outcome.OK, True, [])


def test_an_entry_in_progress_is_not_gone_at_the_first_not_found(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=60.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    started = world.clock.time
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, listed(world)) == (Outcome.OK, True, [])
    assert 15.0 <= world.clock.time - started <= 15.0 + 5.5
    world.clock.time += 1000
    assert not is_there(world)


def test_a_replica_that_comes_into_being_after_all_is_waited_out(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=60.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    world.faults(replication_delay_s=0.0, removal_delay_s=20.0)
    began = world.clock.time

    def late(operation: str, region: str) -> None:  # AWS finishes what was under way, and only then takes it back
        if operation == "DescribeSecret" and region == WEST and world.clock.time - began > 8 and not late_done:
            late_done.append(True)
            world.replicate_by_hand(WEST, settle_s=0.0)
            world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])

    late_done: list[bool] = []
    run = prepare(world, WEST)
    world.on_call = late
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert late_done
    assert world.clock.time - began >= 28.0
    assert not is_there(world)
