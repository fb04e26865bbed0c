"""`doctor` on the simulator: which secrets it examines, and that it needs none."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated, the
from service.doctor_scene import doctor, end

from smrep.errors import Outcome, UsageError


def test_a_replica_is_followed_to_its_primary(aws: FakeAws) -> None:
    arn = replicated(aws)
    found = doctor(aws, home=WEST)
    assert (end(found), found[0].arn, found[0].primary_region) == (0, arn, HOME)
    assert any("is a replica; smrep reports its primary in us-east-1" in note for note in found[0].notes)


def test_a_replica_whose_primary_is_gone_is_an_orphan(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 100
    found = doctor(aws, home=WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])


def test_the_primarys_own_region_behind_a_replica_is_a_usage_error(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError):
        doctor(aws, HOME, home=WEST)


def test_one_missing_secret_does_not_hide_the_others(aws: FakeAws) -> None:
    replicated(aws)
    found = doctor(aws, names=("nowhere", "prod/db"))
    assert [(each.name, each.outcome) for each in found] == [("nowhere", Outcome.FAILED), ("prod/db", Outcome.OK)]
    assert found[0].error is not None
    assert found[0].error.code == "ResourceNotFoundException"


def test_a_primary_that_is_scheduled_for_deletion_is_a_no(aws: FakeAws) -> None:
    aws.create()
    aws.call("DeleteSecret", SecretId="prod/db", RecoveryWindowInDays=7)
    found = doctor(aws, WEST)
    assert (end(found), found[0].error and found[0].error.code) == (1, "pending_deletion")


def test_another_account_than_expected_is_a_usage_error(aws: FakeAws) -> None:
    aws.create()
    with pytest.raises(UsageError):
        doctor(aws, WEST, expect_account="999999999999")


def test_a_secret_without_replicas_and_no_region_named_is_examined_by_itself(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    aws.create(KmsKeyId=key)
    assert end(doctor(aws)) == 0
    aws.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = doctor(aws)
    assert (end((secret,)), secret.error and secret.error.code) == (1, "key_disabled")
    assert not [note for note in secret.notes if secret.error and note == secret.error.message]  # told once


def test_what_is_unchecked_of_a_secret_without_replicas_has_its_reason_in_the_report(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    (secret,) = doctor(aws)
    assert end((secret,)) == 4
    assert secret.error is not None
    assert secret.error.hint


# without a secret


def test_without_a_secret_regions_and_keys_are_examined(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    found = doctor(aws, f"{WEST}=alias/dr", f"{IRELAND}=alias/dr", "us-west-9", "eu-central-1", names=())
    rows = found[0].replicas
    assert [kinds(row) for row in rows] == [[], ["key_missing"], ["region_unknown"], []]
    assert (end(found), found[0].name, found[0].arn) == (1, "-", None)
    assert aws.count("DescribeSecret") == 0


def test_without_a_secret_and_without_the_right_to_list_regions_they_are_unchecked(aws: FakeAws) -> None:
    aws.faults(denied=frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)}))
    found = doctor(aws, WEST, names=())
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert the(only(found), "unchecked").hint == "allow account:ListRegions or ec2:DescribeRegions"


def test_without_a_secret_a_disabled_region_is_told_once(aws: FakeAws) -> None:
    aws.faults(disabled_regions=frozenset({WEST}))
    found = doctor(aws, f"{WEST}=alias/dr", names=())
    assert (end(found), kinds(only(found))) == (1, ["region_disabled"])


def test_without_a_secret_and_a_region_there_is_nothing_but_the_caller(aws: FakeAws) -> None:
    assert doctor(aws, names=()) == ()
