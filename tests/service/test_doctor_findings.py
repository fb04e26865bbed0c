"""`doctor` on the simulator: all clear, or each kind of thing that stands in a Region's way."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, new_key, only, replicated, the
from service.examining_scene import doctor, end


def test_a_region_with_nothing_in_the_way_is_clear(world: World) -> None:
    world.create()
    found = doctor(world, WEST)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn, row.error) == (0, [], None, None, None)
    assert row.note == "nothing bears the name"
    assert (row.action, row.changed, row.verified) == (None, False, None)


def test_a_replica_in_order_is_clear_and_shown(world: World) -> None:
    arn = replicated(world, key=new_key(world, alias="alias/dr"))
    found = doctor(world)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn) == (0, [], "InSync", arn.replace(HOME, WEST))
    assert (row.note or "").startswith("our replica, last changed 20")


def test_without_regions_every_listed_one_is_looked_into(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = doctor(world)
    assert [row.region for row in secret.replicas] == [WEST, IRELAND]


def test_only_the_regions_that_were_named_are_looked_into(world: World) -> None:
    replicated(world, WEST, IRELAND)
    assert only(doctor(world, IRELAND)).region == IRELAND
    assert (WEST) not in {region for _, region, _ in world.calls}


# each kind


def test_a_namesake(world: World) -> None:
    world.create()
    victim = world.create(region=WEST)
    found = doctor(world, WEST)
    finding = the(only(found), "name_clash")
    assert (end(found), kinds(only(found))) == (1, ["name_clash"])
    assert victim in finding.message
    assert "--force-overwrite" in (finding.hint or "")


def test_a_replica_of_another_primary(world: World) -> None:
    replica_of_another(world)
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])
    assert "stop-replication-to-replica" in (the(only(found), "orphan").hint or "")


def replica_of_another(world: World) -> None:
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.create()


def test_a_replica_of_a_dead_primary(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 100
    world.create()
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])


@pytest.mark.parametrize("entry", ["kept", "dropped"])
@pytest.mark.parametrize("regions", [(), (WEST,)])
def test_a_promoted_replica(world: World, entry: str, regions: tuple[str, ...]) -> None:
    replicated(world)
    world.faults(promoted_entry=entry)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    found = doctor(world, *(regions or ((WEST,) if entry == "dropped" else ())))
    assert (end(found), kinds(only(found))) == (1, ["promoted"])


def test_a_replica_that_is_being_removed(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (3, ["removing"])
    assert the(only(found), "removing").hint


def test_a_secret_that_is_scheduled_for_deletion_keeps_its_name(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db", RecoveryWindowInDays=7)
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["pending_deletion"])
    assert "restore-secret" in (the(only(found), "pending_deletion").hint or "")


def test_a_failed_region(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    found = doctor(world)
    finding = the(only(found), "failed")
    assert (end(found), only(found).status, kinds(only(found))) == (1, "Failed", ["failed"])
    assert "no luck" in finding.message
    assert "smrep retry prod/db" in (finding.hint or "")


def test_a_failed_region_with_the_namesake_that_is_why(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.replicate_by_hand(WEST)
    assert kinds(only(doctor(world))) == ["failed", "name_clash"]


@pytest.mark.parametrize("word", ["InProgress", "Pending", "Detached", "Odd"])
def test_a_region_that_is_not_settled(world: World, word: str) -> None:
    replicated(world)
    world.simulator.set_replication_status("prod/db", HOME, WEST, word)
    found = doctor(world)
    assert (end(found), only(found).status, kinds(only(found))) == (3, word, ["in_progress"])


def test_a_region_listed_in_sync_where_nothing_is(world: World) -> None:
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    found = doctor(world)
    assert (end(found), kinds(only(found))) == (1, ["missing"])


def test_a_region_that_is_not_enabled_is_told_once_and_its_keys_are_not_asked(world: World) -> None:
    world.create()
    world.faults(disabled_regions=frozenset({WEST}))
    found = doctor(world, f"{WEST}=alias/dr", IRELAND)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (1, ["region_disabled"], [])
    assert the(west, "region_disabled").hint == "aws account enable-region --region-name us-west-2"
    assert world.count("DescribeKey", WEST) == 0


def test_a_region_with_a_replica_that_was_disabled_since(world: World) -> None:
    replicated(world, key=new_key(world, alias="alias/dr"))
    world.faults(disabled_regions=frozenset({WEST}))
    found = doctor(world, f"{WEST}=alias/other")
    assert (end(found), kinds(only(found))) == (1, ["region_disabled"])


def test_a_region_that_aws_does_not_list(world: World) -> None:
    world.create()
    found = doctor(world, "us-west-9=alias/dr")
    assert (end(found), kinds(only(found))) == (1, ["region_unknown"])
    assert "us-west-9" in the(only(found), "region_unknown").message


def test_a_secret_that_a_service_manages_is_a_warning(world: World) -> None:
    world.create("rds!cluster-1")
    found = doctor(world, WEST, names=("rds!cluster-1",))
    assert (end(found), kinds(only(found))) == (0, ["managed"])
    assert the(only(found), "managed").severity == "warning"
