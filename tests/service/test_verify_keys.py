"""`verify` on the simulator: whether replica and versions are under the key that was asked for."""

from __future__ import annotations

import pytest
from fakes import WEST, FakeAws, kinds, new_key, only, replicated
from service.verify_scene import put, verify

from smrep.errors import NotFound, Outcome


def test_the_default_key_has_a_different_name_at_every_place_and_is_one(aws: FakeAws) -> None:
    replicated(aws)
    row = only(verify(aws, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.verified, row.kms_key_id) == (Outcome.OK, True, "alias/aws/secretsmanager")
    assert aws.count("DescribeKey") == 0


@pytest.mark.parametrize("asked", ["alias", "id", "arn", "alias_arn"])
@pytest.mark.parametrize("shown", ["alias", "id", "arn", "alias_arn"])
def test_an_alias_an_id_and_an_arn_of_one_key_are_equal(aws: FakeAws, asked: str, shown: str) -> None:
    arn = new_key(aws, alias="alias/dr")
    spelled = {
        "alias": "alias/dr",
        "id": arn.split("/")[1],
        "arn": arn,
        "alias_arn": f"arn:aws:kms:{WEST}:123456789012:alias/dr",
    }
    replicated(aws, key=spelled[shown])
    row = only(verify(aws, f"{WEST}={spelled[asked]}"))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])


def test_the_managed_key_by_its_arn_is_the_default_key(aws: FakeAws) -> None:
    replicated(aws)
    managed = aws.call("DescribeKey", WEST, service="kms", KeyId="alias/aws/secretsmanager")["KeyMetadata"]["Arn"]
    assert only(verify(aws, f"{WEST}={managed}")).verified is True


def test_another_key_than_the_one_asked_for_is_wrong_and_not_waited_for(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws))
    asked = new_key(aws)
    row = only(verify(aws, f"{WEST}={asked}"))
    assert (row.outcome, row.verified) == (Outcome.DRIFT, False)
    assert set(kinds(row)) == {"wrong_key"}
    assert f"smrep rekey prod/db --primary-region us-east-1 -r us-west-2={asked}" in (row.findings[0].hint or "")
    assert aws.clock.sleeps == []


@pytest.mark.parametrize("asked", ["alias/dr", "alias/aws/secretsmanager"])
def test_the_default_key_and_a_customers_are_told_apart(aws: FakeAws, asked: str) -> None:
    key = new_key(aws, alias="alias/dr")
    replicated(aws, key=None if asked == "alias/dr" else key)
    row = only(verify(aws, f"{WEST}={asked}"))
    assert (row.outcome, row.verified, set(kinds(row))) == (Outcome.DRIFT, False, {"wrong_key"})


def test_a_key_that_does_not_exist_is_not_the_replicas(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws))
    row = only(verify(aws, f"{WEST}=alias/nowhere", timeout_s=30.0))
    assert (row.outcome, row.verified, set(kinds(row))) == (Outcome.DRIFT, False, {"wrong_key"})
    assert aws.clock.sleeps == []


@pytest.mark.parametrize("shown_by_primary", [True, False])
def test_a_version_left_under_the_old_key_is_wrong_though_no_key_was_asked_for(
    aws: FakeAws, shown_by_primary: bool
) -> None:
    old, new = new_key(aws), new_key(aws)
    replicated(aws, key=old)
    aws.simulator.set_key_state(old, WEST, "Disabled")
    aws.faults(primary_shows_rekey=shown_by_primary)
    aws.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId=new)  # cannot read what is there, and says nothing
    row = only(verify(aws, timeout_s=30.0))
    assert (row.outcome, row.verified, kinds(row), row.kms_key_id) == (Outcome.DRIFT, False, ["wrong_key"], new)
    assert old in row.findings[0].message


def test_a_version_under_a_key_that_is_gone_is_under_another_key(aws: FakeAws) -> None:
    old = new_key(aws)
    new_key(aws, alias="alias/new")
    replicated(aws, key=old)
    aws.simulator.set_key_state(old, WEST, "Disabled")
    aws.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId="alias/new")

    def gone(operation: str, _region: str) -> None:
        if operation == "DescribeKey" and old.endswith(aws.calls[-1][2]):
            raise NotFound("no such key", old, code="NotFoundException")

    aws.on_call = gone
    row = only(verify(aws, timeout_s=30.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, ["wrong_key"])


def test_a_replica_that_was_given_another_key_with_all_its_versions_is_verified(aws: FakeAws) -> None:
    old, new = new_key(aws), new_key(aws)
    replicated(aws, key=old)
    aws.faults(primary_shows_rekey=False)
    aws.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId=new)
    row = only(verify(aws, f"{WEST}={new}"))
    assert (row.verified, row.kms_key_id) == (True, new)


def test_where_kms_may_not_be_asked_nothing_is_proved(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(verify(aws, f"{WEST}=alias/dr"))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert "kms:DescribeKey" in (row.findings[0].hint or "")
    assert aws.clock.sleeps == []


def test_kms_is_asked_once_for_each_key_however_long_it_takes(aws: FakeAws) -> None:
    key = new_key(aws, alias="alias/dr")
    replicated(aws, key=key)
    aws.faults(value_delay_s=20.0)
    put(aws)
    row = only(verify(aws, f"{WEST}=alias/dr"))
    assert row.verified is True
    asked = [subject for operation, _, subject in aws.calls if operation == "DescribeKey"]
    assert sorted(asked) == sorted(set(asked))
