"""The course of a replication: in progress, in sync, failed, overwritten, kept up to date."""

import pytest

WEST, IRELAND, SYDNEY = "us-west-2", "eu-west-1", "ap-southeast-2"
IN_SYNC = ("InSync", "Replication succeeded")
CLASH = ("Failed", f"Replication failed: Secret name db already exists in region {WEST}.")


def test_a_replication_is_in_progress_then_in_sync(account):
    account.secret()
    answer = account.replicate(WEST)
    assert answer["ReplicationStatus"] == [
        {"Region": WEST, "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"}
    ]
    account.tick(1.9)
    assert account.status() == {WEST: ("InProgress", None)}
    assert not account.exists("db", WEST)
    account.tick(0.1)
    assert account.status() == {WEST: IN_SYNC}
    assert account.exists("db", WEST)


def test_a_replica_has_its_primarys_suffix_versions_and_change_date_but_its_own_creation(account):
    account.replicated(WEST)
    primary, replica = account.describe(), account.describe(region=WEST)
    assert replica["ARN"] == primary["ARN"].replace("us-east-1", WEST)
    assert replica["VersionIdsToStages"] == primary["VersionIdsToStages"]
    assert replica["LastChangedDate"] == primary["LastChangedDate"]
    assert replica["CreatedDate"] == primary["CreatedDate"] + 2
    assert primary["PrimaryRegion"] == replica["PrimaryRegion"] == "us-east-1"


def test_a_secret_that_was_never_replicated_has_no_primary_region(account):
    account.secret()
    assert not {"PrimaryRegion", "ReplicationStatus"} & account.describe().keys()


def test_regions_settle_each_in_its_own_time(account_with):
    account = account_with(replication_delay_by_region={SYDNEY: 4.0})
    account.secret()
    account.replicate(WEST, SYDNEY)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC, SYDNEY: ("InProgress", None)}
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC, SYDNEY: IN_SYNC}


def test_create_secret_can_replicate_at_once(account):
    answer = account.secret(AddReplicaRegions=[{"Region": WEST}])
    assert [row["Status"] for row in answer["ReplicationStatus"]] == ["InProgress"]
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}


def test_one_region_fails_and_the_others_do_not(account_with):
    account = account_with(failures={IRELAND: "KMS says no"})
    account.secret()
    account.replicate(WEST, IRELAND)
    assert account.status()[IRELAND] == ("InProgress", None)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC, IRELAND: ("Failed", "KMS says no")}
    assert not account.exists("db", IRELAND)


def test_a_failed_region_stays_listed_and_is_tried_again(account_with):
    account = account_with(failures={WEST: "no"})
    account.replicated(WEST)
    account.simulator.faults = type(account.simulator.faults)()
    account.tick(1000)
    assert account.status() == {WEST: ("Failed", "no")}
    account.replicate(WEST)
    assert account.status() == {WEST: ("InProgress", None)}
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}


def test_a_repeated_call_changes_nothing(account):
    key = account.key(WEST)
    account.replicated(WEST)
    again = [{"Region": WEST, "KmsKeyId": key}]
    answer = account.sm("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=again)
    assert answer["ReplicationStatus"][0]["Status"] == "InSync"
    assert answer["ReplicationStatus"][0]["KmsKeyId"] == "alias/aws/secretsmanager"


@pytest.mark.parametrize("target", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_the_own_region_and_another_partition_are_refused_at_once(account, target):
    account.secret()
    refusal = ("InvalidParameterException", "Invalid replica region.")
    wanted = [{"Region": target}]
    assert account.refusal("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=wanted) == refusal
    assert account.refusal("CreateSecret", Name="new", AddReplicaRegions=wanted) == refusal
    assert not account.exists("new", "us-east-1")


def test_a_missing_region_and_one_named_twice_are_refused(account):
    account.secret()
    missing = account.refusal("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=[{}])
    assert missing == ("InvalidParameterException", "Invalid replica region.")
    twice = [{"Region": WEST}, {"Region": WEST}]
    code, _ = account.refusal("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=twice)
    assert code == "InvalidParameterException"


def test_a_name_conflict_makes_it_fail_and_stays(account):
    account.secret(region=WEST, SecretString="theirs")
    account.replicated(WEST)
    assert account.status() == {WEST: CLASH}
    assert account.value(region=WEST) == "theirs"


def test_force_replaces_a_standalone_name_conflict(account):
    account.secret(region=WEST, SecretString="theirs")
    account.secret()
    account.replicate(WEST, force=True)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}
    assert account.value(region=WEST) == "one"


def test_force_spares_a_replica_of_another_primary(account):
    account.secret(region=IRELAND, AddReplicaRegions=[{"Region": WEST}])
    account.tick(2)
    account.secret()
    account.replicate(WEST, force=True)
    account.tick(2)
    text = f"Replication failed: Secret name db is currently replicated to {WEST} with a different arn"
    assert account.status() == {WEST: ("Failed", text)}


def test_force_spares_a_primary_with_replicas_and_a_secret_pending_deletion(account):
    account.secret(region=WEST, AddReplicaRegions=[{"Region": SYDNEY}])
    account.secret(region=IRELAND)
    account.sm("DeleteSecret", IRELAND, SecretId="db")
    account.tick(2)
    account.secret()
    account.replicate(WEST, IRELAND, force=True)
    account.tick(2)
    assert {word for word, _ in account.status().values()} == {"Failed"}
    assert "replica regions" in account.status()[WEST][1]
    assert "scheduled for deletion" in account.status()[IRELAND][1]


def test_a_foreign_replica_is_cured_by_promoting_and_deleting_it(account):
    account.secret(region=IRELAND, AddReplicaRegions=[{"Region": WEST}])
    account.tick(2)
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.sm("DeleteSecret", WEST, SecretId="db", ForceDeleteWithoutRecovery=True)
    account.tick(1)
    account.replicate(WEST)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}


def test_a_change_under_way_when_the_replica_is_promoted_or_removed_never_arrives(account):
    account.replicated(WEST, IRELAND)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.remove(IRELAND)
    account.tick(10)
    assert account.value(region=WEST) == account.value(region=IRELAND) == "one"


def test_a_failed_replica_gets_nothing_until_it_is_tried_again(account):
    account.replicated(WEST)
    account.simulator.set_replication_status("db", "us-east-1", WEST, "Failed", "no")
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(10)
    assert account.value(region=WEST) == "one"
    account.replicate(WEST)
    account.tick(2)
    assert account.value(region=WEST) == "two"
    assert account.status() == {WEST: IN_SYNC}


def test_a_new_value_reaches_the_replica_later_while_it_stays_in_sync(account_with):
    account = account_with(value_delay_s=30.0)
    account.replicated(WEST)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(10)
    account.sm("PutSecretValue", SecretId="db", SecretString="three")
    account.tick(19)
    assert account.status() == {WEST: IN_SYNC}
    assert account.value(region=WEST) == "one"
    account.tick(1)
    assert account.value(region=WEST) == "two"
    account.tick(10)
    assert account.value(region=WEST) == "three"
    assert account.describe()["VersionIdsToStages"] == account.describe(region=WEST)["VersionIdsToStages"]


def test_a_change_that_arrives_after_a_later_one_is_ignored(account_with):
    account = account_with(value_delay_s=30.0)
    account.replicated(WEST)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.simulator.faults = type(account.simulator.faults)(value_delay_s=0.0)
    account.sm("PutSecretValue", SecretId="db", SecretString="three")
    account.tick(60)
    assert account.value(region=WEST) == "three"


def test_description_and_tags_replicate_too(account):
    account.replicated(WEST)
    account.sm("UpdateSecret", SecretId="db", Description="ledger")
    account.sm("TagResource", SecretId="db", Tags=[{"Key": "dr", "Value": "true"}])
    account.tick(2)
    replica = account.describe(region=WEST)
    assert replica["Description"] == "ledger"
    assert replica["Tags"] == [{"Key": "dr", "Value": "true"}]


def test_a_change_that_cannot_be_written_makes_the_region_failed_and_leaves_it_readable(account_with):
    account = account_with()
    account.replicated(WEST)
    account.simulator.faults = type(account.simulator.faults)(failures={WEST: "no"})
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(2)
    assert account.status() == {WEST: ("Failed", "no")}
    assert account.value(region=WEST) == "one"


def test_any_status_word_can_be_forced(account):
    account.secret()
    account.replicate(WEST)
    account.simulator.set_replication_status("db", "us-east-1", WEST, "Pending", "waiting for its primary")
    account.simulator.set_replication_status("db", "us-east-1", IRELAND, "Perplexed")
    account.tick(10)
    assert account.status() == {WEST: ("Pending", "waiting for its primary"), IRELAND: ("Perplexed", None)}


def test_the_replicas_last_access_is_shown_by_the_primary(account):
    account.replicated(WEST)
    account.value(region=WEST)
    midnight = account.time - account.time % 86_400
    assert account.describe()["ReplicationStatus"][0]["LastAccessedDate"] == midnight
    assert account.describe(region=WEST)["LastAccessedDate"] == midnight
    assert "LastAccessedDate" not in account.describe()


def test_a_moved_label_takes_the_entry_out_of_in_sync_for_a_while(account):
    account.replicated(WEST)
    old = account.sm("GetSecretValue", SecretId="db")["VersionId"]
    new = account.sm("PutSecretValue", SecretId="db", SecretString="two", VersionStages=["AWSPENDING"])["VersionId"]
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}
    move = {"SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": new, "RemoveFromVersionId": old}
    account.sm("UpdateSecretVersionStage", **move)
    account.sm("UpdateSecretVersionStage", SecretId="db", VersionStage="AWSPENDING", RemoveFromVersionId=new)
    assert account.status() == {WEST: ("InProgress", None)}
    assert account.describe(region=WEST)["VersionIdsToStages"] == {old: ["AWSCURRENT"], new: ["AWSPENDING"]}
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}
    assert account.describe(region=WEST)["VersionIdsToStages"] == {old: ["AWSPREVIOUS"], new: ["AWSCURRENT"]}


def test_a_moved_label_leaves_the_entry_of_a_promoted_replica(account):
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    version = account.sm("GetSecretValue", SecretId="db")["VersionId"]
    account.sm("UpdateSecretVersionStage", SecretId="db", VersionStage="x", MoveToVersionId=version)
    assert account.status() == {WEST: IN_SYNC}


def test_what_is_stuck_arrives_and_stays_in_progress_until_it_is_replicated_anew(account_with):
    account = account_with(stuck=frozenset({WEST}), removal_delay_s=0.0)
    account.secret()
    account.replicate(WEST)
    account.tick(60)
    assert account.status() == {WEST: ("InProgress", None)}
    assert account.exists("db", WEST)
    account.simulator.faults = type(account.simulator.faults)(removal_delay_s=0.0)
    account.tick(60)
    assert account.status() == {WEST: ("InProgress", None)}
    account.sm("RemoveRegionsFromReplication", SecretId="db", RemoveReplicaRegions=[WEST])
    account.replicate(WEST)
    account.tick(2)
    assert account.status() == {WEST: IN_SYNC}


def test_a_later_change_can_get_stuck_too(account):
    account.replicated(WEST)
    account.simulator.faults = type(account.simulator.faults)(stuck=frozenset({WEST}))
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(60)
    assert account.status() == {WEST: ("InProgress", None)}
    assert account.describe(region=WEST)["VersionIdsToStages"] == account.describe()["VersionIdsToStages"]
