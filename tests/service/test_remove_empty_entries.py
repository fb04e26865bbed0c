"""`remove` on the simulator: entries of the primary's list with nothing behind them, or not yet."""

from __future__ import annotations

from fakes import HOME, WEST, FakeAws, is_there, only
from service.remove_scene import REMOVE, listed, prepare, remove

from smrep.errors import Outcome


def test_a_failed_entry_with_nothing_there_is_dropped(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults()
    run = prepare(aws, WEST)
    assert run.stakes == (
        (
            "prod/db",
            "prod/db will be removed from us-west-2, where the primary lists it but no secret of that name exists",
        ),
    )
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, row.status) == (Outcome.OK, True, None)
    assert listed(aws) == []
    assert aws.clock.sleeps == []


def test_an_in_sync_entry_with_nothing_behind_it_is_dropped(aws: FakeAws) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    row = only(remove(aws, WEST))
    assert (row.outcome, row.changed, listed(aws)) == (Outcome.OK, True, [])


def test_an_entry_in_progress_is_not_gone_at_the_first_not_found(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=60.0)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    started = aws.clock.time
    row = only(remove(aws, WEST))
    assert (row.outcome, row.changed, listed(aws)) == (Outcome.OK, True, [])
    assert 15.0 <= aws.clock.time - started <= 15.0 + 5.5
    aws.clock.time += 1000
    assert not is_there(aws)


def test_a_replica_that_comes_into_being_after_all_is_waited_out(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=60.0)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    aws.faults(replication_delay_s=0.0, removal_delay_s=20.0)
    began = aws.clock.time

    def late(operation: str, region: str) -> None:  # AWS finishes what was under way, and only then takes it back
        if operation == "DescribeSecret" and region == WEST and aws.clock.time - began > 8 and not late_done:
            late_done.append(True)
            aws.replicate_by_hand(WEST, settle_s=0.0)
            aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])

    late_done: list[bool] = []
    run = prepare(aws, WEST)
    aws.on_call = late
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert late_done
    assert aws.clock.time - began >= 28.0
    assert not is_there(aws)
