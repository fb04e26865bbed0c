"""`doctor` on the simulator: all clear, or each kind of thing that stands in a Region's way."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated, the
from service.doctor_scene import doctor, end


def test_a_region_with_nothing_in_the_way_is_clear(aws: FakeAws) -> None:
    aws.create()
    found = doctor(aws, WEST)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn, row.error) == (0, [], None, None, None)
    assert row.note == "name is free"
    assert (row.action, row.changed, row.verified) == (None, False, None)


def test_a_replica_in_order_is_clear_and_shown(aws: FakeAws) -> None:
    arn = replicated(aws, key=new_key(aws, alias="alias/dr"))
    found = doctor(aws)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn) == (0, [], "InSync", arn.replace(HOME, WEST))
    assert (row.note or "").startswith("our replica, last changed 20")


def test_without_regions_every_listed_one_is_looked_into(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = doctor(aws)
    assert [row.region for row in secret.replicas] == [WEST, IRELAND]


def test_only_the_regions_that_were_named_are_looked_into(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    assert only(doctor(aws, IRELAND)).region == IRELAND
    assert (WEST) not in {region for _, region, _ in aws.calls}


# each kind


def test_a_name_conflict(aws: FakeAws) -> None:
    aws.create()
    victim = aws.create(region=WEST)
    found = doctor(aws, WEST)
    finding = the(only(found), "name_conflict")
    assert (end(found), kinds(only(found))) == (1, ["name_conflict"])
    assert victim in finding.message
    assert "--force-overwrite" in (finding.hint or "")


def test_a_replica_of_another_primary(aws: FakeAws) -> None:
    replica_of_another(aws)
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])
    assert "stop-replication-to-replica" in (the(only(found), "orphan").hint or "")


def replica_of_another(aws: FakeAws) -> None:
    aws.create(region=IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    aws.create()


def test_a_replica_of_a_dead_primary(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 100
    aws.create()
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])


@pytest.mark.parametrize("entry", ["kept", "dropped"])
@pytest.mark.parametrize("regions", [(), (WEST,)])
def test_a_promoted_replica(aws: FakeAws, entry: str, regions: tuple[str, ...]) -> None:
    replicated(aws)
    aws.faults(promoted_entry=entry)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    found = doctor(aws, *(regions or ((WEST,) if entry == "dropped" else ())))
    assert (end(found), kinds(only(found))) == (1, ["promoted"])


def test_a_replica_that_is_being_removed(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (3, ["removing"])
    assert the(only(found), "removing").hint


def test_a_secret_that_is_scheduled_for_deletion_keeps_its_name(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.call("DeleteSecret", WEST, SecretId="prod/db", RecoveryWindowInDays=7)
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (1, ["pending_deletion"])
    assert "restore-secret" in (the(only(found), "pending_deletion").hint or "")


def test_a_failed_region(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    found = doctor(aws)
    finding = the(only(found), "failed")
    assert (end(found), only(found).status, kinds(only(found))) == (1, "Failed", ["failed"])
    assert "no luck" in finding.message
    assert "smrep retry prod/db" in (finding.hint or "")


def test_a_failed_region_with_the_name_conflict_that_is_why(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.replicate_by_hand(WEST)
    assert kinds(only(doctor(aws))) == ["failed", "name_conflict"]


@pytest.mark.parametrize("word", ["InProgress", "Pending", "Detached", "Odd"])
def test_a_region_that_is_not_settled(aws: FakeAws, word: str) -> None:
    replicated(aws)
    aws.simulator.set_replication_status("prod/db", HOME, WEST, word)
    found = doctor(aws)
    assert (end(found), only(found).status, kinds(only(found))) == (3, word, ["in_progress"])


def test_a_region_listed_in_sync_where_nothing_is(aws: FakeAws) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    found = doctor(aws)
    assert (end(found), kinds(only(found))) == (1, ["missing"])


def test_a_region_that_is_not_enabled_is_told_once_and_its_keys_are_not_asked(aws: FakeAws) -> None:
    aws.create()
    aws.faults(disabled_regions=frozenset({WEST}))
    found = doctor(aws, f"{WEST}=alias/dr", IRELAND)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (1, ["region_disabled"], [])
    assert the(west, "region_disabled").hint == "enable it:\n  aws account enable-region --region-name us-west-2"
    assert aws.count("DescribeKey", WEST) == 0


def test_a_region_with_a_replica_that_was_disabled_since(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    aws.faults(disabled_regions=frozenset({WEST}))
    found = doctor(aws, f"{WEST}=alias/other")
    assert (end(found), kinds(only(found))) == (1, ["region_disabled"])


def test_a_region_that_aws_does_not_list(aws: FakeAws) -> None:
    aws.create()
    found = doctor(aws, "us-west-9=alias/dr")
    assert (end(found), kinds(only(found))) == (1, ["region_unknown"])
    assert "us-west-9" in the(only(found), "region_unknown").message


def test_a_secret_that_a_service_manages_is_a_warning(aws: FakeAws) -> None:
    aws.create("rds!cluster-1")
    found = doctor(aws, WEST, names=("rds!cluster-1",))
    assert (end(found), kinds(only(found))) == (0, ["managed"])
    assert the(only(found), "managed").severity == "warning"
