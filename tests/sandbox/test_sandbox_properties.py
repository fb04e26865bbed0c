"""What holds after any sequence of calls, whatever became of each of them."""

from __future__ import annotations

import contextlib
from typing import Any

from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from sandbox.steps import REGIONS, STEP, take

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError


def described(account: Any) -> dict[str, dict]:
    """What each Region that holds the secret says of it."""
    found = {}
    for region in REGIONS:
        with contextlib.suppress(ApiError):
            found[region] = account.describe(region=region)
    return found


def in_sync(answer: dict) -> list[str]:
    rows = answer.get("ReplicationStatus", [])
    return [row["Region"] for row in rows if row["Status"] == "InSync"]


def suffix(answer: dict) -> str:
    return answer["ARN"][-6:]


@examples(150)
@given(steps=st.lists(STEP, max_size=30))
def test_a_region_listed_in_sync_holds_a_replica_with_the_primarys_suffix(account_with, steps):
    account = account_with(promoted_entry="dropped")
    for step in steps:
        take(account, step)
        found = described(account)
        for region, primary in found.items():
            for target in in_sync(primary):
                replica = found[target]
                assert suffix(replica) == suffix(primary)
                assert replica["PrimaryRegion"] == region
                assert "ReplicationStatus" not in replica


@given(steps=st.lists(STEP, max_size=30))
def test_a_secret_is_in_one_role_only_and_a_replica_cannot_be_written(account_with, steps):
    account = account_with()
    for step in steps:
        take(account, step)
    for region, answer in described(account).items():
        if answer.get("PrimaryRegion", region) != region:
            assert "ReplicationStatus" not in answer
            assert "DeletedDate" not in answer
            code, message = account.refusal("PutSecretValue", region, SecretId="db", SecretString="x")
            assert code == "InvalidParameterException"
            assert "replica secret" in message


@given(steps=st.lists(STEP, max_size=30))
def test_in_the_end_nothing_is_in_progress_and_what_is_in_sync_is_the_same(account_with, steps):
    account = account_with(promoted_entry="dropped")
    for step in steps:
        take(account, step)
    account.tick(100)
    found = described(account)
    for primary in found.values():
        assert "InProgress" not in {row["Status"] for row in primary.get("ReplicationStatus", [])}
        for target in in_sync(primary):
            assert found[target].get("VersionIdsToStages") == primary.get("VersionIdsToStages")


@examples(50)
@given(steps=st.lists(STEP, max_size=20))
def test_looking_often_or_once_makes_no_difference(account_with, steps):
    watched, left_alone = account_with(), account_with()
    for step in steps:
        take(watched, step)
        described(watched)
        take(left_alone, step)
    assert described(watched) == described(left_alone)


@examples(60)
@given(
    labels=st.lists(
        st.lists(st.sampled_from(["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "blue"]), min_size=1, max_size=3),
        max_size=12,
    )
)
def test_each_label_is_on_one_version_and_one_version_is_current(account_with, labels):
    account = account_with()
    account.secret()
    for stages in labels:
        account.sm("PutSecretValue", SecretId="db", SecretString="x", VersionStages=stages)
    borne = [label for stages in account.describe()["VersionIdsToStages"].values() for label in stages]
    assert len(borne) == len(set(borne))
    assert "AWSCURRENT" in borne


@given(quota=st.integers(1, 5), waits=st.lists(st.sampled_from([0.0, 0.1, 0.4, 1.0]), max_size=40))
def test_no_second_ever_sees_more_writes_than_its_quota(account_with, quota, waits):
    account = account_with()
    account.secret()
    account.simulator.faults = Faults(write_quota=quota)
    done = []
    for wait in waits:
        account.tick(wait)
        with contextlib.suppress(ApiError):
            account.sm("UpdateSecret", SecretId="db", Description="x")
            done.append(account.time)
    assert all(sum(0 <= later - first < 0.999 for later in done) <= quota for first in done)
