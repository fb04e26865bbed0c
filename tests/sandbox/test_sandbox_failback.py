"""The way back after a promotion: the old primary is overwritten from the secret that was promoted, or it is not."""

import pytest

WEST, IRELAND = "us-west-2", "eu-west-1"
IN_SYNC = ("InSync", "Replication succeeded")
GUARDED = (
    "Failed",
    "Replication failed: Secret name db in region us-east-1 has replica regions and can't be overwritten.",
)


def fail_over(account, *others):
    """Replicate to WEST and to others, promote WEST, and give what stands there a value of its own."""
    account.replicated(WEST, *others)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.sm("PutSecretValue", WEST, SecretId="db", SecretString="promoted")


def fail_back(account, *, force=True):
    """Replicate from WEST to the old primary's Region; return what WEST shows for it in the end."""
    wanted = [{"Region": "us-east-1"}]
    more = {"AddReplicaRegions": wanted, "ForceOverwriteReplicaSecret": force}
    account.sm("ReplicateSecretToRegions", WEST, SecretId="db", **more)
    account.tick(2)
    return account.status(region=WEST)["us-east-1"]


def test_an_old_primary_that_lists_only_the_promoted_region_is_overwritten(account):
    fail_over(account)
    assert account.status() == {WEST: IN_SYNC}
    assert fail_back(account, force=False)[0] == "Failed"
    assert account.value() == "one"
    assert fail_back(account) == IN_SYNC
    assert account.value() == "promoted"
    assert account.describe()["PrimaryRegion"] == WEST
    assert account.status() == {}


def test_a_stale_entry_guards_the_old_primary_where_it_is_told_to(account_with):
    account = account_with(stale_entry_guards=True)
    fail_over(account)
    assert fail_back(account) == GUARDED
    assert account.value() == "one"


def test_an_old_primary_is_guarded_by_a_replica_that_is_there(account):
    fail_over(account, IRELAND)
    assert fail_back(account) == GUARDED
    assert account.value() == "one"


def test_an_old_primary_is_guarded_by_a_replica_under_way(account_with):
    account = account_with(replication_delay_by_region={IRELAND: 60})
    fail_over(account)
    account.replicate(IRELAND)
    assert fail_back(account) == GUARDED
    account.tick(60)
    assert account.status()[IRELAND] == IN_SYNC


def test_an_old_primary_is_not_guarded_by_a_region_that_failed_or_is_being_removed(account_with):
    account = account_with(failures={"sa-east-1": "no"})
    fail_over(account, IRELAND, "sa-east-1")
    account.remove(IRELAND)
    assert fail_back(account) == IN_SYNC


def test_what_was_still_to_happen_to_an_overwritten_primary_does_not(account_with):
    """A value that the old primary had sent on its way is no later word than that of what took its place."""
    account = account_with(value_delay_s=100, removal_delay_s=1)
    fail_over(account, IRELAND)
    account.sm("PutSecretValue", SecretId="db", SecretString="lost")
    account.sm("PutSecretValue", SecretId="db", SecretString="lost too")
    account.remove(IRELAND)
    account.tick(1)
    assert fail_back(account) == IN_SYNC
    account.sm("StopReplicationToReplica", SecretId="db")
    account.replicate(IRELAND)
    account.tick(2)
    assert account.value(region=IRELAND) == "promoted"
    account.tick(200)
    assert account.value() == account.value(region=IRELAND) == "promoted"


@pytest.mark.parametrize("again", [True, False])
def test_a_deletion_that_was_called_off_is_not_the_overwriters(account, again):
    fail_over(account)
    account.remove(WEST)
    account.sm("DeleteSecret", SecretId="db", RecoveryWindowInDays=7)
    account.sm("RestoreSecret", SecretId="db")
    assert fail_back(account) == IN_SYNC
    if again:
        account.sm("StopReplicationToReplica", SecretId="db")
    account.tick(8 * 86_400)
    assert account.value() == "promoted"


@pytest.mark.parametrize("strands", [True, False])
def test_a_replica_that_an_overwritten_primary_was_removing_is_left_as_by_a_deleted_one(account_with, strands):
    account = account_with(strands_replicas=strands)
    fail_over(account, IRELAND)
    account.remove(IRELAND)
    assert fail_back(account) == IN_SYNC
    account.tick(100)
    assert account.exists("db", IRELAND) is strands
