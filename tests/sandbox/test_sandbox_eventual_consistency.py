"""ListSecrets some way behind: what it goes on showing, and what DescribeSecret says meanwhile."""

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from sandbox.steps import REGIONS, STEP, take

from smrep.sandbox.faults import Faults

WEST, HOME = "us-west-2", "us-east-1"
LAG_S = 300.0


@pytest.fixture
def account(account_with):
    return account_with(listing_lag_s=LAG_S)


def listed(account, region=HOME, **params):
    """Name -> row, page by page."""
    rows, token = {}, None
    while True:
        answer = account.sm("ListSecrets", region, MaxResults=2, NextToken=token, **params)
        for row in answer["SecretList"]:
            assert row["Name"] not in rows
            rows[row["Name"]] = row
        token = answer.get("NextToken")
        if token is None:
            return rows


def settled(account, *regions):
    """A secret, with replicas where told, that ListSecrets has heard of."""
    account.replicated(*regions) if regions else account.secret()
    account.tick(LAG_S)


def test_a_new_secret_is_listed_late_and_described_at_once(account):
    account.secret()
    account.tick(LAG_S - 0.001)
    assert listed(account) == {}
    assert account.exists("db", HOME)
    account.tick(0.001)
    assert set(listed(account)) == {"db"}


def test_a_first_replication_shows_late_on_both_sides(account):
    settled(account)
    account.replicate(WEST)
    account.tick(2)
    assert account.describe()["PrimaryRegion"] == account.describe(region=WEST)["PrimaryRegion"] == HOME
    assert "PrimaryRegion" not in listed(account)["db"]
    assert listed(account, Filters=[{"Key": "primary-region", "Values": [HOME]}]) == {}
    account.tick(LAG_S - 2)
    assert listed(account)["db"]["PrimaryRegion"] == HOME
    assert listed(account, WEST) == {}
    account.tick(2)
    assert listed(account, WEST)["db"]["PrimaryRegion"] == HOME


def test_a_replica_that_is_gone_is_listed_a_while_longer(account):
    settled(account, WEST)
    account.remove(WEST)
    account.tick(40)
    assert not account.exists("db", WEST)
    assert listed(account, WEST)["db"]["PrimaryRegion"] == HOME
    account.tick(LAG_S)
    assert listed(account, WEST) == {}


def test_a_promoted_replica_is_listed_as_a_replica_a_while_longer(account):
    settled(account, WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId=account.describe(region=WEST)["ARN"])
    assert "PrimaryRegion" not in account.describe(region=WEST)
    assert listed(account, WEST)["db"]["PrimaryRegion"] == HOME
    account.tick(LAG_S)
    assert "PrimaryRegion" not in listed(account, WEST)["db"]


def test_a_new_value_is_listed_late_in_every_region(account):
    settled(account, WEST)
    before = listed(account)["db"]["SecretVersionsToStages"]
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(2)
    after = account.describe(region=WEST)["VersionIdsToStages"]
    assert before != after == account.describe()["VersionIdsToStages"]
    assert all(listed(account, region)["db"]["SecretVersionsToStages"] == before for region in (HOME, WEST))
    account.tick(LAG_S)
    assert all(listed(account, region)["db"]["SecretVersionsToStages"] == after for region in (HOME, WEST))


def test_each_of_several_changes_shows_in_its_turn(account):
    settled(account)
    for text in ("a", "b", "c"):
        account.sm("UpdateSecret", SecretId="db", Description=text)
        account.tick(100)
    shown = []
    for _ in range(3):
        shown.append(listed(account)["db"].get("Description"))
        account.tick(100)
    assert shown == ["a", "b", "c"]


def test_a_name_in_new_hands_is_listed_as_the_old_secret(account):
    account.secret(region=WEST)
    settled(account)
    old = account.describe(region=WEST)["ARN"]
    account.replicate(WEST, force=True)
    account.tick(2)
    assert account.describe(region=WEST)["ARN"] != old
    assert listed(account, WEST)["db"]["ARN"] == old


def test_a_scene_is_listed_at_once(account):
    with account.simulator.undisturbed():
        account.secret("api")
    assert set(listed(account)) == {"api"}


def test_what_changed_before_a_lag_was_wanted_is_listed_at_once(account_with):
    account = account_with()
    account.secret()
    account.simulator.faults = Faults(listing_lag_s=LAG_S)
    account.secret("late")
    assert set(listed(account)) == {"db"}
    account.simulator.faults = Faults()
    assert set(listed(account)) == {"db", "late"}


@given(
    steps=st.lists(STEP, max_size=25),
    lag=st.sampled_from([0.5, 2.0, 10.0, 47.0, 300.0]),
    looks=st.booleans(),
    more=st.fixed_dictionaries({}, optional={"strands_replicas": st.booleans(), "promoted_entry": st.just("dropped")}),
)
def test_a_lagging_list_is_the_list_of_that_long_ago(account_with, steps, lag, looks, more):
    """The other account takes the same steps, only as far as the lagging list can know of them."""
    behind, then = account_with(listing_lag_s=lag, **more), account_with(**more)
    start, taken = behind.time, []
    for step in steps:
        taken.append((behind.time, step))
        take(behind, step)
        if looks:
            listed(behind)
    moment = max(behind.time - lag, start)
    behind.time = moment + lag
    for at, step in taken:
        if at <= moment and step[0] != "tick":
            then.time = at
            take(then, step)
    then.time = moment
    for region in REGIONS:
        wanted = {"IncludePlannedDeletion": True}
        assert listed(behind, region, **wanted) == listed(then, region, **wanted)
        assert list(listed(behind, region)) == list(listed(then, region))


@examples(40)
@given(steps=st.lists(STEP, max_size=20))
def test_a_list_without_lag_shows_what_is_described(account_with, steps):
    account = account_with()
    for step in steps:
        take(account, step)
        for region in REGIONS:
            row = listed(account, region, IncludePlannedDeletion=True).get("db")
            if row is None:
                assert not account.exists("db", region)
                continue
            described = account.describe(region=region)
            versions = {"VersionIdsToStages": row.pop("SecretVersionsToStages")}
            described.pop("ReplicationStatus", None)
            assert {**row, **versions} == described
