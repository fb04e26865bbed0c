"""What the simulated AWS does badly when it is told to."""

import pytest

from smrep.sandbox.faults import Drop, DropCounter, Faults
from smrep.sandbox.simulator.simulated_aws import ApiError

WEST = "us-west-2"
IN_SYNC = ("InSync", "Replication succeeded")


def test_the_write_quota_is_shared_by_its_group_and_counted_per_region(account_with):
    account = account_with(write_quota=2)
    account.secret()
    account.secret(region=WEST)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.sm("UpdateSecret", SecretId="db", Description="x")
    refusal = account.refusal("RemoveRegionsFromReplication", SecretId="db", RemoveReplicaRegions=[WEST])
    assert refusal == ("ThrottlingException", "Rate exceeded")
    account.describe()
    account.sm("PutSecretValue", WEST, SecretId="db", SecretString="two")
    account.tick(0.999)
    assert account.refusal("UpdateSecret", SecretId="db")[0] == "ThrottlingException"
    account.tick(0.001)
    account.sm("UpdateSecret", SecretId="db", Description="y")


def test_a_denied_operation_names_the_caller_the_action_and_the_secret(account_with):
    account = account_with(denied=frozenset({("DescribeSecret", WEST), ("DescribeKey", WEST)}))
    account.secret()
    account.describe()
    code, message = account.refusal("DescribeSecret", WEST, SecretId="db")
    assert code == "AccessDeniedException"
    assert message.startswith(
        "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: "
        "secretsmanager:DescribeSecret on resource: db"
    )
    with pytest.raises(ApiError, match="kms:DescribeKey on resource: alias/dr"):
        account.kms("DescribeKey", WEST, KeyId="alias/dr")


def test_a_new_region_is_listed_late(account_with):
    account = account_with(list_lag_s=5.0)
    account.secret()
    answer = account.replicate(WEST)
    assert [row["Status"] for row in answer["ReplicationStatus"]] == ["InProgress"]
    account.tick(4.9)
    assert "ReplicationStatus" not in account.describe()
    assert account.exists("db", WEST)
    account.tick(0.1)
    assert account.status() == {WEST: IN_SYNC}


def test_a_region_tried_again_goes_on_showing_its_old_failure_for_as_long(account_with):
    account = account_with(failures={WEST: "no"}, list_lag_s=5.0)
    account.secret()
    account.replicate(WEST)
    account.tick(10)
    account.simulator.faults = Faults(list_lag_s=5.0)
    assert account.replicate(WEST)["ReplicationStatus"][0]["Status"] == "InProgress"
    account.tick(4.9)
    assert account.status() == {WEST: ("Failed", "no")}
    account.tick(0.1)
    assert account.status() == {WEST: IN_SYNC}


def test_nothing_reaches_a_region_in_an_outage_until_it_is_back(account_with):
    account = account_with(outages=frozenset({WEST}))
    account.replicated(WEST, "eu-west-1")
    account.tick(100)
    assert account.status() == {WEST: ("InProgress", None), "eu-west-1": IN_SYNC}
    account.simulator.faults = Faults()
    assert account.status()[WEST] == IN_SYNC


def test_a_value_still_under_way_when_the_primary_goes_down_is_missing_in_the_replica(account):
    account.replicated(WEST)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.simulator.faults = Faults(outages=frozenset({"us-east-1"}))
    account.tick(100)
    assert account.value(region=WEST) == "one"
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    account.simulator.faults = Faults()
    account.tick(100)
    assert account.value(region=WEST) == "one"


def test_faults_set_later_do_not_change_what_has_already_happened(account):
    account.secret()
    account.replicate(WEST)
    account.tick(2)
    account.simulator.faults = Faults(failures={WEST: "too late"})
    assert account.status() == {WEST: IN_SYNC}


def test_drops_are_counted_per_operation():
    counter, drops = DropCounter(), (Drop("A", "before"), Drop("A", "after", times=2), Drop("B", "after"))
    taken = [counter.take(drops, operation) for operation in "AABAABC"]
    assert taken == ["before", "after", "after", "after", None, None, None]
    assert counter.take((Drop("A", "before"),), "A") == "before"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Drop("A", "during"),
        lambda: Faults(replication_delay_s=-1),
        lambda: Faults(listing_lag_s=-1),
        lambda: Faults(removal_delay_by_region={WEST: -1}),
        lambda: Faults(promoted_entry="lost"),
    ],
)
def test_faults_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match=r"a delay|dropped"):
        make()
