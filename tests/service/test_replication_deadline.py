"""`replicate` on the simulator: how long it waits, and what is pending when its time is up."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, only
from service.replicating_scene import prepare, replicate, request_for

from smrep.errors import Outcome


def test_the_deadline_leaves_open_regions_pending(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=5.0, replication_delay_by_region={WEST: 999.0})
    (secret,) = replicate(world, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert world.clock.time == pytest.approx(20.0)


def test_timeout_zero_looks_once(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, "InProgress", True)
    assert world.clock.sleeps == []


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST, wait=False))
    assert (row.outcome, row.status, row.changed) == (Outcome.ACCEPTED, "InProgress", True)
    assert world.count("DescribeSecret", HOME) == 1


def test_throttling_is_sent_again_until_it_passes(world: World) -> None:
    for name in ("a", "b", "c"):
        world.create(name)
    world.clock.time += 5
    world.faults(write_quota=1)
    secrets = replicate(world, WEST, names=("a", "b", "c"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    done = [call for call in world.simulator.log if call.operation == "ReplicateSecretToRegions" and not call.code]
    assert len(done) == 3


def test_throttling_for_ever_ends_at_the_deadline(world: World) -> None:
    world.create()
    world.faults(write_quota=0)
    row = only(replicate(world, WEST, timeout_s=30.0))
    assert row.outcome is Outcome.PENDING
    assert row.error is not None
    assert row.error.code == "ThrottlingException"
    assert row.changed is False
    assert world.clock.time == pytest.approx(30.0)


def test_requests_that_hang_do_not_outlast_the_deadline_for_ever(world: World) -> None:
    names = tuple(f"s{number}" for number in range(12))
    for name in names:
        world.create(name)
    world.lose["ReplicateSecretToRegions"] = ["before"] * 99

    def hang(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            world.clock.sleep(10.0)

    world.on_call = hang
    secrets = replicate(world, WEST, names=names, timeout_s=3.0)
    assert {secret.outcome for secret in secrets} == {Outcome.PENDING}
    begun = world.count("ReplicateSecretToRegions")
    assert 1 <= begun <= 4  # those that were begun together
    codes = [secret.replicas[0].error and secret.replicas[0].error.code for secret in secrets]
    assert codes.count("NotSent") == 12 - begun
    hint = secrets[-1].replicas[0].error
    assert hint is not None
    assert hint.hint == "smrep replicate s11 --primary-region us-east-1 -r us-west-2"


def test_a_look_that_took_the_whole_time_does_not_keep_the_request_back(world: World) -> None:
    world.create()

    def slow(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and not world.sent():
            world.clock.sleep(9.0)

    world.on_call = slow
    row = only(replicate(world, WEST, timeout_s=2.0))
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_nothing_more_is_sent_once_a_run_has_ended(world: World) -> None:
    names = tuple(f"s{number}" for number in range(9))
    for name in names:
        world.create(name)
    run = prepare(world, request_for(WEST, names=names))
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    sent = world.count("ReplicateSecretToRegions")
    assert sent == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4


def test_a_kms_that_hangs_does_not_hold_the_result_up(world: World) -> None:
    import threading

    world.create()
    never = threading.Event()
    metadata = world.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    world.call("CreateAlias", WEST, service="kms", AliasName="alias/dr", TargetKeyId=metadata["KeyId"])
    run = prepare(world, request_for(f"{WEST}=alias/dr"), timeout_s=3.0)
    world.faults(replication_delay_s=0.0)
    world.on_call = lambda operation, _region: never.wait(20) and None if operation == "DescribeKey" else None
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    for _ in run.act():
        pass
    never.set()
    assert only(run.secrets()).outcome in {Outcome.OK, Outcome.PENDING}
