"""What a watch sees of a simulated account: at each change, as of its moment, what a reader and a writer get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from sandbox.conftest import START, Account
from sandbox.steps import REGIONS, STEP, take

from smrep.sandbox.drill.availability_probe import probe
from smrep.sandbox.simulator.simulated_aws import ApiError

WEST, IRELAND = "us-west-2", "eu-west-1"


def seen_of(watch, region):
    """(seconds since the start, what is read, whether it can be written) of each sighting in a Region."""
    return [
        (round(each.at - START, 3), each.readable, each.writable) for each in watch.sightings if each.region == region
    ]


def outage(account, *regions):
    account.simulator.faults = replace(account.simulator.faults, outages=frozenset(regions))


def test_what_is_due_is_seen_as_of_its_own_time_however_late_anybody_looks(account):
    account.secret()
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
        account.replicate(WEST)
        account.tick(30)
    assert seen_of(watch, "us-east-1") == [(0, "current", True)]
    assert seen_of(watch, WEST) == [(0, "none", False), (2, "current", False)]


def test_a_replica_is_stale_from_the_write_until_the_value_arrives(account):
    account.replicated(WEST)
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
        account.tick(1)
        account.sm("PutSecretValue", SecretId="db", SecretString="two")
        account.tick(9)
    assert seen_of(watch, WEST) == [(2, "current", False), (3, "stale", False), (5, "current", False)]
    assert seen_of(watch, "us-east-1") == [(2, "current", True)]


def test_a_region_that_is_down_gives_no_answer_and_what_was_held_back_comes_when_it_is_back(account):
    account.replicated(WEST)
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
        account.sm("PutSecretValue", SecretId="db", SecretString="two")
        account.tick(1)
        outage(account, "us-east-1")
        account.tick(10)
        outage(account)
        account.tick(1)
    assert seen_of(watch, "us-east-1") == [(2, "current", True), (3, "down", False), (13, "current", True)]
    # the value was due at 4, and could not leave its Region before 13
    assert seen_of(watch, WEST) == [(2, "current", False), (2, "stale", False), (13, "current", False)]


def test_the_newest_value_stays_the_newest_when_nobody_holds_it_any_more(account):
    account.replicated(WEST)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
        account.sm("PutSecretValue", WEST, SecretId="db", SecretString="two")
        account.tick(1)
        account.sm("DeleteSecret", WEST, SecretId="db")
    assert seen_of(watch, WEST) == [(2, "current", True), (3, "none", False)]
    assert seen_of(watch, "us-east-1") == [(2, "current", True), (2, "stale", True)]


def test_an_old_primary_that_is_overwritten_is_neither_gone_nor_stale_afterwards(account):
    account.replicated(WEST)
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
        account.sm("StopReplicationToReplica", WEST, SecretId="db")
        account.sm("PutSecretValue", WEST, SecretId="db", SecretString="two")
        wanted = [{"Region": "us-east-1"}]
        more = {"AddReplicaRegions": wanted, "ForceOverwriteReplicaSecret": True}
        account.sm("ReplicateSecretToRegions", WEST, SecretId="db", **more)
        account.tick(5)
    assert seen_of(watch, "us-east-1") == [(2, "current", True), (2, "stale", True), (4, "current", False)]


def test_a_key_that_is_disabled_leaves_nothing_to_read_and_takes_nothing(account):
    key = account.key(alias="alias/dr")
    account.secret(KmsKeyId="alias/dr")
    with probe(account.simulator, ["db"], ["us-east-1"]) as watch:
        account.tick(1)
        account.kms("DisableKey", KeyId=key)
    assert seen_of(watch, "us-east-1") == [(0, "current", True), (1, "none", False)]


def test_a_region_that_is_not_enabled_has_nothing(account_with):
    account = account_with(disabled_regions=frozenset({WEST}))
    account.secret()
    with probe(account.simulator, ["db"], [WEST]) as watch:
        pass
    assert seen_of(watch, WEST) == [(0, "none", False)]


def test_the_looks_stand_in_no_log_and_reading_is_dated(account):
    account.replicated(WEST)
    logged = len(account.simulator.log)
    with probe(account.simulator, ["db"], [WEST, "us-east-1"]):
        assert len(account.simulator.log) == logged
    assert account.describe(region=WEST)["LastAccessedDate"] <= account.time
    account.sm("PutSecretValue", SecretId="db", SecretString="two")  # nobody watches any more
    assert [each.operation for each in account.simulator.log[logged:]] == ["DescribeSecret", "PutSecretValue"]


def asked(account, region):
    """What a reader of `db` is answered, as a word without the age of the value, and whether it can be written."""
    if region in account.simulator.faults.outages:
        return "down", False
    try:
        account.value(region=region)
    except ApiError:
        return "none", False
    try:
        account.sm("TagResource", region, SecretId="db", Tags=[])
    except ApiError:
        return "readable", False
    return "readable", True


OUTAGE = st.tuples(st.just("outage"), st.sets(st.sampled_from(REGIONS), max_size=2))


@examples(150)
@given(st.lists(st.one_of(STEP, OUTAGE), max_size=15))
def test_after_any_step_the_last_sighting_is_what_a_reader_and_a_writer_are_answered(steps):
    account = Account()
    with probe(account.simulator, ["db"], REGIONS) as watch:
        for step in steps:
            if step[0] == "outage":
                outage(account, *step[1])
            else:
                take(account, step)
            for region in REGIONS:
                answer, writable = asked(account, region)
                last = [each for each in watch.sightings if each.region == region][-1]
                words = {"readable": ("current", "stale")}.get(answer, (answer,))
                assert last.readable in words
                assert last.writable == writable
    times = [each.at for each in watch.sightings]
    assert times == sorted(times)
    assert max(times, default=START) <= account.time


@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 3.0]), st.booleans()), max_size=8), st.floats(0.1, 5))
def test_however_often_anybody_looks_the_moments_are_the_same(writes, often):
    def sightings(*, looking):
        account = Account(value_delay_s=1.7)
        account.replicated(WEST)
        with probe(account.simulator, ["db"], [WEST, "us-east-1"]) as watch:
            for pause, down in writes:
                if looking:
                    until = account.time + pause
                    while account.time + often < until:
                        account.tick(often)
                        account.describe()
                    account.time = until
                else:
                    account.tick(pause)
                outage(account, *([WEST] if down else []))
                account.sm("PutSecretValue", SecretId="db", SecretString="more")
        return [(round(each.at, 3), each.region, each.readable, each.writable) for each in watch.sightings]

    assert sightings(looking=True) == sightings(looking=False)


@pytest.mark.parametrize("word", ["TagResource", "UntagResource"])
def test_a_refusal_shows_nothing_new(account, word):
    account.replicated(WEST)
    with probe(account.simulator, ["db"], [WEST]) as watch:
        more = {"Tags": []} if word == "TagResource" else {"TagKeys": ["x"]}
        account.refusal(word, WEST, SecretId="db", **more)
    assert seen_of(watch, WEST) == [(2, "current", False)]
