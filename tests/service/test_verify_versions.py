"""`verify` on the simulator: whether each replica holds the versions that its primary holds."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated
from service.replicate_scene import replicate
from service.verify_scene import FOR_EVER, put, verify

from smrep.errors import Outcome, Unanswered


def test_a_replica_that_holds_what_its_primary_holds_is_verified(aws: FakeAws) -> None:
    arn = replicated(aws)
    row = only(verify(aws))
    assert (row.outcome, row.verified, kinds(row), row.status) == (Outcome.OK, True, [], "InSync")
    assert (row.action, row.changed, row.error) == (None, False, None)
    assert row.arn == arn.replace(HOME, WEST)
    assert aws.clock.sleeps == []


def test_every_listed_region_is_verified_where_none_is_named(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = verify(aws)
    assert [(row.region, row.verified) for row in secret.replicas] == [(WEST, True), (IRELAND, True)]


def test_only_the_regions_that_were_named_are_looked_into(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    row = only(verify(aws, IRELAND))
    assert (row.region, row.verified) == (IRELAND, True)
    assert {region for _, region, _ in aws.calls} == {HOME, IRELAND}


def test_several_secrets_stand_in_the_order_asked_and_one_in_trouble_does_not_stop_the_others(aws: FakeAws) -> None:
    replicated(aws)
    aws.create("other")
    aws.replicate_by_hand(WEST, name="other")
    secrets = verify(aws, names=("other", "nowhere", "prod/db"))
    assert [(each.name, each.outcome) for each in secrets] == [
        ("other", Outcome.OK),
        ("nowhere", Outcome.FAILED),
        ("prod/db", Outcome.OK),
    ]


def test_a_round_is_one_describe_and_one_list_per_side(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.faults(value_delay_s=20.0)
    put(aws)
    (secret,) = verify(aws)
    assert secret.outcome is Outcome.OK
    rounds = len(aws.clock.sleeps) + 1
    assert rounds > 3
    assert aws.count("DescribeSecret", HOME) == rounds + 1  # the first look finds the secret
    for region in (WEST, IRELAND):
        assert aws.count("DescribeSecret", region) == rounds
        assert aws.count("ListSecretVersionIds", region) == rounds
    assert aws.count("ListSecretVersionIds", HOME) == rounds
    assert aws.count("DescribeKey") == 0


def test_in_sync_and_yet_the_previous_version_is_stale_at_the_deadline(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER)
    newer = put(aws)
    row = only(verify(aws, timeout_s=60.0))
    assert (row.outcome, row.verified, row.status) == (Outcome.DRIFT, False, "InSync")
    assert kinds(row) == ["stale"]
    assert newer in row.findings[0].message
    assert "AWSCURRENT" in row.findings[0].message
    assert "smrep verify prod/db --primary-region us-east-1 -r us-west-2" in (row.findings[0].hint or "")
    assert sum(aws.clock.sleeps) == pytest.approx(60.0)


def test_timeout_0_looks_once(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER)
    put(aws)
    row = only(verify(aws, timeout_s=0.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, ["stale"])
    assert aws.clock.sleeps == []


def test_a_version_that_lags_is_waited_for(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=20.0)
    put(aws)
    row = only(verify(aws))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])
    assert 20.0 <= sum(aws.clock.sleeps) <= 26.0


def test_a_region_that_is_still_made_is_waited_for_and_then_verified(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=30.0)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    row = only(verify(aws))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (Outcome.OK, True, "InSync", [])


def test_a_region_that_is_still_made_at_the_deadline_is_pending(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=FOR_EVER)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    row = only(verify(aws, timeout_s=30.0))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (
        Outcome.PENDING,
        False,
        "InProgress",
        ["stuck"],
    )
    assert "no replica is there yet" in row.findings[0].message


def test_a_rotation_under_way_at_the_primary_alone_does_not_matter(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER)
    put(aws, VersionStages=["AWSPENDING"])
    row = only(verify(aws, timeout_s=0.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])


def test_a_new_version_while_waiting_for_another_region_is_not_reported_as_verified(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.faults(value_delay_s=FOR_EVER)
    rotated: list[str] = []

    def rotate(operation: str, region: str) -> None:
        if (operation, region) != ("DescribeSecret", IRELAND):
            return
        if len(aws.clock.sleeps) == 2 and not rotated:
            rotated.append(put(aws))  # at no replica yet, and WEST was found equal before
        if len(aws.clock.sleeps) < 4:
            raise Unanswered("connection was closed", "prod/db in eu-west-1")

    aws.on_call = rotate
    (secret,) = verify(aws, timeout_s=30.0)
    assert rotated
    assert [row.verified for row in secret.replicas] == [False, False]


def test_no_value_was_ever_read(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    aws.faults(value_delay_s=5.0)
    put(aws)
    verify(aws, f"{WEST}=alias/dr")
    replicate(aws, WEST, IRELAND, verify=True)
    assert {call.operation for call in aws.simulator.log}.isdisjoint({"GetSecretValue", "BatchGetSecretValue"})
