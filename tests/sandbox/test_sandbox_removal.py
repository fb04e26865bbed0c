"""The end of a replica: removed, promoted, stranded, and what may be written to it until then."""

import pytest

WEST, IRELAND = "us-west-2", "eu-west-1"
IN_SYNC = ("InSync", "Replication succeeded")
NO_WRITE = (
    "InvalidParameterException",
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
)
CLASH = ("Failed", f"Replication failed: Secret name db already exists in region {WEST}.")


def test_every_write_on_a_replica_is_refused(account):
    account.replicated(WEST)
    params = {"SecretId": "db"}
    writes = {
        "PutSecretValue": {"SecretString": "two"},
        "UpdateSecret": {"Description": "mine"},
        "TagResource": {"Tags": [{"Key": "a", "Value": "b"}]},
        "UntagResource": {"TagKeys": ["a"]},
        "DeleteSecret": {},
        "ReplicateSecretToRegions": {"AddReplicaRegions": [{"Region": IRELAND}]},
        "RemoveRegionsFromReplication": {"RemoveReplicaRegions": [IRELAND]},
    }
    for operation, more in writes.items():
        assert account.refusal(operation, WEST, **params, **more) == NO_WRITE


def test_removing_drops_the_region_at_once_and_the_replica_later(account):
    account.replicated(WEST)
    assert account.remove(WEST)["ReplicationStatus"] == []
    assert "ReplicationStatus" not in account.describe()
    account.tick(39.9)
    assert account.value(region=WEST) == "one"
    account.tick(0.1)
    assert not account.exists("db", WEST)


def test_removing_what_is_not_listed_is_no_mistake(account):
    account.secret()
    assert account.remove(WEST)["ReplicationStatus"] == []


def test_removing_a_failed_region_keeps_the_name_conflict(account):
    account.secret(region=WEST)
    account.replicated(WEST)
    account.remove(WEST)
    account.tick(1000)
    assert account.status() == {}
    assert account.exists("db", WEST)


def test_removing_a_region_in_progress_means_nothing_is_made_there(account):
    account.secret()
    account.replicate(WEST)
    account.remove(WEST)
    account.tick(1000)
    assert not account.exists("db", WEST)


def test_adding_a_region_back_while_its_old_replica_lives_fails(account):
    account.replicated(WEST)
    account.remove(WEST)
    account.replicate(WEST)
    account.tick(2)
    assert account.status() == {WEST: CLASH}
    account.tick(40)
    account.replicate(WEST)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}


def test_a_primary_with_replicas_cannot_be_deleted(account):
    account.replicated(WEST, IRELAND)
    arn = account.describe()["ARN"]
    code, message = account.refusal("DeleteSecret", SecretId="db")
    assert code == "InvalidParameterException"
    assert message == f"You can't delete secret {arn} that still has replica regions [{IRELAND}, {WEST}]."


@pytest.mark.parametrize("strands", [True, False])
def test_deleting_the_primary_during_a_removal_strands_the_replica(account_with, strands):
    account = account_with(strands_replicas=strands)
    account.replicated(WEST)
    account.remove(WEST)
    account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    account.tick(1000)
    assert not account.exists("db", "us-east-1")
    assert account.exists("db", WEST) is strands
    if strands:
        assert account.describe(region=WEST)["PrimaryRegion"] == "us-east-1"
        assert account.refusal("DeleteSecret", WEST, SecretId="db") == NO_WRITE


def test_promotion_makes_a_standalone_secret_with_the_same_arn(account):
    account.replicated(WEST)
    before = account.describe(region=WEST)
    answer = account.sm("StopReplicationToReplica", WEST, SecretId=before["ARN"])
    assert answer == {"ARN": before["ARN"]}
    after = account.describe(region=WEST)
    assert "PrimaryRegion" not in after
    assert after["KmsKeyId"] == before["KmsKeyId"]
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(10)
    assert account.value(region=WEST) == "one"
    account.sm("PutSecretValue", WEST, SecretId="db", SecretString="three")
    assert account.value() == "two"


def test_the_old_primary_keeps_the_promoted_region_as_it_was(account):
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.tick(100)
    assert account.status() == {WEST: IN_SYNC}
    account.remove(WEST)
    account.tick(100)
    assert account.exists("db", WEST), "a removal must never reach a promoted secret"


def test_a_promoted_name_conflict_of_ours_is_overwritten_only_by_force(account_with):
    account = account_with(promoted_entry="dropped")
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.sm("PutSecretValue", WEST, SecretId="db", SecretString="theirs")
    account.replicate(WEST)
    account.tick(2)
    assert account.status() == {WEST: CLASH}
    account.replicate(WEST, force=True)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}
    assert account.value(region=WEST) == "one"


def test_a_stranded_replica_goes_on_by_itself(account):
    account.replicated(WEST)
    account.remove(WEST)
    account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    account.tick(1000)
    account.sm("UpdateSecret", WEST, SecretId="db", KmsKeyId=account.key(WEST))
    account.replicated(WEST)
    text = f"Replication failed: Secret name db is currently replicated to {WEST} with a different arn"
    assert account.status() == {WEST: ("Failed", text)}
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.sm("DeleteSecret", WEST, SecretId="db")


def test_the_old_primary_can_be_told_to_drop_the_promoted_region(account_with):
    account = account_with(promoted_entry="dropped", keeps_primary_region=False)
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    assert not {"ReplicationStatus", "PrimaryRegion"} & account.describe().keys()


def test_promotion_saves_a_replica_from_its_removal(account):
    account.replicated(WEST)
    account.remove(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.tick(1000)
    assert account.exists("db", WEST)


@pytest.mark.parametrize("region", ["us-east-1", IRELAND])
def test_only_a_replica_can_be_promoted(account, region):
    account.replicated(WEST)
    account.secret(region=IRELAND)
    code, _ = account.refusal("StopReplicationToReplica", region, SecretId="db")
    assert code == "InvalidRequestException"


def test_primary_region_stays_after_the_last_removal_unless_told_otherwise(account, account_with):
    for holder, stays in ((account, True), (account_with(keeps_primary_region=False), False)):
        holder.replicated(WEST)
        holder.remove(WEST)
        assert ("PrimaryRegion" in holder.describe()) is stays
