"""`rekey` on the simulator: the new key is looked at first, and what may not be looked at is no proof."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated
from service.rekey_scene import DEFAULT, error_of, key_of, rekey, writes

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action

BAD = {
    "nowhere": "key_missing",
    "unknown_id": "key_missing",
    "Disabled": "key_disabled",
    "PendingDeletion": "key_disabled",
    "rsa": "key_unusable",
}


def bad_key(aws: FakeAws, how: str) -> str:
    if how == "nowhere":
        return "alias/nowhere"
    if how == "unknown_id":
        return "11111111-2222-3333-4444-555555555555"
    if how == "rsa":
        return new_key(aws, KeySpec="RSA_2048")
    key = new_key(aws)
    aws.simulator.set_key_state(key, WEST, how)
    return key


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("how", BAD)
def test_a_new_key_that_can_not_be_used_stops_it_before_anything_is_sent(
    aws: FakeAws, how: str, recreate: bool
) -> None:
    replicated(aws)
    key = bad_key(aws, how)
    row = only(rekey(aws, f"{WEST}={key}", recreate=recreate))
    code, message, hint = error_of(row)
    assert (row.outcome, row.changed, code, kinds(row)) == (Outcome.FAILED, False, BAD[how], [BAD[how]])
    assert key in message
    assert hint
    assert (writes(aws), key_of(aws)) == ([], DEFAULT)


def test_the_hint_for_a_missing_key_is_this_command_with_another_key(aws: FakeAws) -> None:
    replicated(aws)
    _, _, hint = error_of(only(rekey(aws, f"{WEST}=alias/nowhere")))
    assert "aws kms list-aliases --region us-west-2" in hint
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/NAME" in hint


def test_without_preflight_a_bad_key_is_refused_by_aws_and_told(aws: FakeAws) -> None:
    replicated(aws)
    row = only(rekey(aws, f"{WEST}=alias/nowhere", preflight=False))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "EncryptionFailure")
    assert len(writes(aws)) == 1
    assert key_of(aws) == DEFAULT


def test_without_preflight_a_good_key_is_not_looked_at(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    row = only(rekey(aws, preflight=False))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert aws.count("DescribeKey") == 0


def test_a_key_that_may_not_be_looked_at_is_unchecked_and_tried(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(aws))
    assert (row.changed, kinds(row)) == (True, ["unchecked"])
    assert (row.outcome, row.verified) == (Outcome.OK, True)  # the replica spells its key as it was asked for
    assert row.findings[0].hint == "allow kms:DescribeKey in us-west-2"


def test_where_the_replica_spells_its_key_otherwise_and_kms_is_mute_nothing_is_proved(aws: FakeAws) -> None:
    replicated(aws)
    arn = new_key(aws, "alias/new")
    plain = aws.rekey

    def spelled_by_aws(secret_id: str, region: Region, _key: str) -> None:
        plain(secret_id, region, arn)

    aws.rekey = spelled_by_aws  # type: ignore[method-assign]  # how AWS spells it is not established
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(aws))
    assert (row.changed, row.verified, row.outcome, row.error) == (True, None, Outcome.ACCESS, None)
    assert set(kinds(row)) == {"unchecked"}
    assert aws.clock.time < 60


# what could not be looked at


def test_versions_that_may_not_be_listed_leave_it_unproved(aws: FakeAws) -> None:
    arn = replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("ListSecretVersionIds", WEST)}))
    row = only(rekey(aws))
    assert (row.changed, row.verified, row.outcome, row.error) == (True, None, Outcome.ACCESS, None)
    assert kinds(row) == ["unchecked"]
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn.replace(HOME, WEST)}"
    assert key_of(aws) == "alias/new"


def test_a_key_that_is_right_already_is_unproved_too_where_versions_may_not_be_listed(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, "alias/new"))
    aws.faults(denied=frozenset({("ListSecretVersionIds", WEST)}))
    key = "arn:aws:kms:us-west-2:123456789012:alias/new"
    row = only(rekey(aws, f"{WEST}={key}"))
    assert (row.action, row.changed, row.verified, row.outcome) == (Action.KEEP, False, None, Outcome.ACCESS)
    assert writes(aws) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_target_that_denies_a_look_is_skipped(aws: FakeAws, recreate: bool) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(rekey(aws, recreate=recreate))
    code, _, hint = error_of(row)
    assert (row.outcome, row.changed, row.verified, code) == (Outcome.ACCESS, False, None, "unchecked")
    assert "secretsmanager:DescribeSecret" in hint
    assert writes(aws) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_target_that_does_not_answer_is_skipped(aws: FakeAws, recreate: bool) -> None:
    replicated(aws, WEST, IRELAND)
    new_key(aws, "alias/new")
    new_key(aws, "alias/new", IRELAND)
    aws.faults(outages=frozenset({WEST}), removal_delay_s=0.0)
    (secret,) = rekey(aws, f"{WEST}=alias/new", f"{IRELAND}=alias/new", recreate=recreate)
    west, ireland = secret.replicas
    assert (west.outcome, west.changed, error_of(west)[0]) == (Outcome.FAILED, False, "unchecked")
    assert (ireland.outcome, ireland.changed, ireland.verified) == (Outcome.OK, True, True)
    assert {str(params.get("RemoveReplicaRegions", region)) for _, region, params in writes(aws)} & {WEST} == set()
