"""`rekey` on the simulator: what is no replica in order is left as it is."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, new_key, only, replicated
from service.rekeying_scene import REPLICATE, error_of, prepare, rekey, writes

from smrep.errors import Outcome, UsageError


def stop(world: World, *, recreate: bool = False) -> tuple[str, str, str]:
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    assert (row.outcome, row.changed, writes(world)) == (Outcome.FAILED, False, [])
    return error_of(row)


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_without_a_replica_is_missing(world: World, recreate: bool) -> None:
    replicated(world, IRELAND)
    code, _, hint = stop(world, recreate=recreate)
    assert (code, hint) == ("missing", REPLICATE)


def test_the_hint_for_what_is_listed_and_not_there_is_no_command_that_refuses_it_too(world: World) -> None:
    from service.replicating_scene import replicate

    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    code, _, hint = stop(world)
    refused = only(replicate(world, f"{WEST}=alias/new"))
    assert (code, refused.outcome, refused.changed) == ("missing", Outcome.FAILED, False)
    assert hint != REPLICATE


@pytest.mark.parametrize("recreate", [False, True])
def test_a_promoted_replica_is_left_alone(world: World, recreate: bool) -> None:
    replicated(world)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert stop(world, recreate=recreate)[0] == "promoted"


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("listed", [False, True])
def test_a_namesake_is_left_alone(world: World, recreate: bool, listed: bool) -> None:
    world.create()
    world.create(region=WEST)
    if listed:
        world.replicate_by_hand(WEST)
    code, message, _ = stop(world, recreate=recreate)
    assert code in ("name_clash", "missing" if not listed else "failed")
    assert WEST in message


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_of_another_primary_is_left_alone(world: World, recreate: bool) -> None:
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    assert stop(world, recreate=recreate)[0] == "orphan"


def test_a_failed_region_is_stopped_with_what_mends_it(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    code, message, hint = stop(world)
    assert (code, "no luck" in message) == ("failed", True)
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in hint


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_in_progress_is_pending(world: World, recreate: bool) -> None:
    world.faults(replication_delay_s=1000.0)
    replicated(world)
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    code, _, hint = error_of(row)
    assert (row.outcome, row.changed, code) == (Outcome.PENDING, False, "in_progress")
    assert hint == "smrep wait prod/db --primary-region us-east-1 -r us-west-2"
    assert writes(world) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_that_is_being_removed_is_pending_with_the_command_for_later(world: World, recreate: bool) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.PENDING, False, "removing")
    assert error_of(row)[2] == REPLICATE
    assert writes(world) == []


@pytest.mark.parametrize("word", ["Pending", "Detached", "Paused"])
def test_an_unknown_status_is_not_in_order(world: World, word: str) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.simulator.set_replication_status("prod/db", HOME, WEST, word)
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.status, writes(world)) == (Outcome.PENDING, False, word, [])


def test_a_replica_given_for_its_primary_is_refused_with_the_exact_command(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = rekey(world, f"{IRELAND}=alias/new", home=WEST)
    assert (secret.outcome, secret.replicas) == (Outcome.FAILED, ())
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new"


def test_the_exact_command_keeps_recreate(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = rekey(world, f"{IRELAND}=alias/new", home=WEST, recreate=True)
    assert secret.error is not None
    assert secret.error.hint == "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --recreate"


def test_a_primary_marked_for_deletion_is_refused(world: World) -> None:
    world.create()
    world.call("DeleteSecret", SecretId="prod/db", RecoveryWindowInDays=7)
    (secret,) = rekey(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome, writes(world)) == ("pending_deletion", Outcome.FAILED, [])


def test_a_missing_secret_is_one_trouble(world: World) -> None:
    (secret,) = rekey(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("ResourceNotFoundException", Outcome.FAILED)


def test_a_secret_of_another_account_than_expected_is_a_usage_error(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError):
        prepare(world, f"{WEST}=alias/new", expect_account="999999999999")
    assert writes(world) == []
