"""What is checked before anything is sent: the replica's key."""

from __future__ import annotations

import pytest
from fakes import IRELAND, WEST, FakeAws, kinds, new_key, only
from service.preflight_scene import regions_sent
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import CredentialsError, Outcome
from smrep.rules.replication.region_step import Consent

FORCE = Consent(force=True)
BAD_KEYS = ["missing_alias", "missing_id", "Disabled", "PendingDeletion", "PendingImport", "Unavailable", "rsa", "hmac"]
KIND = {
    "missing_alias": "key_missing",
    "missing_id": "key_missing",
    "rsa": "key_unusable",
    "hmac": "key_unusable",
}


def bad_key(aws: FakeAws, how: str, region: str = WEST) -> str:
    """Return a key of that Region that Secrets Manager can't use."""
    if how == "missing_alias":
        return "alias/nowhere"
    if how == "missing_id":
        return "11111111-2222-3333-4444-555555555555"
    if how == "rsa":
        return new_key(aws, region=region, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    if how == "hmac":
        return new_key(aws, region=region, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    key = new_key(aws, region=region)
    aws.simulator.set_key_state(key, region, how)
    return key


@pytest.mark.parametrize("how", BAD_KEYS)
def test_a_key_that_can_not_be_used_stops_its_region_and_not_the_others(aws: FakeAws, how: str) -> None:
    aws.create()
    key = bad_key(aws, how)
    (secret,) = replicate(aws, f"{WEST}={key}", IRELAND)
    stopped, added = secret.replicas
    kind = KIND.get(how, "key_disabled")
    assert (stopped.outcome, stopped.status, stopped.arn, stopped.changed) == (Outcome.FAILED, None, None, False)
    assert kinds(stopped) == [kind]
    assert stopped.error is not None
    assert (stopped.error.code, stopped.error.message) == (kind, stopped.findings[0].message)
    assert key in stopped.error.message
    assert WEST in stopped.error.message
    assert stopped.error.hint
    assert (added.outcome, added.changed) == (Outcome.OK, True)
    assert secret.outcome is Outcome.FAILED
    assert regions_sent(aws) == [IRELAND]


@pytest.mark.parametrize(("how", "cure"), [("missing_alias", "list-aliases"), ("Disabled", "aws kms enable-key")])
def test_the_hint_names_the_cure(aws: FakeAws, how: str, cure: str) -> None:
    aws.create()
    row = only(replicate(aws, f"{WEST}={bad_key(aws, how)}"))
    assert row.error is not None
    assert cure in (row.error.hint or "")
    assert f"--region {WEST}" in (row.error.hint or "")


def test_a_key_that_is_to_be_deleted_can_be_kept(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, f"{WEST}={bad_key(aws, 'PendingDeletion')}"))
    assert row.error is not None
    assert "cancel-key-deletion" in (row.error.hint or "")


@pytest.mark.parametrize("how", BAD_KEYS)
def test_without_preflight_aws_says_it_and_the_region_is_failed(aws: FakeAws, how: str) -> None:
    aws.create()
    key = bad_key(aws, how)
    (secret,) = replicate(aws, f"{WEST}={key}", IRELAND, preflight=False)
    failed, added = secret.replicas
    assert (failed.outcome, failed.status, failed.changed) == (Outcome.FAILED, "Failed", True)
    assert key in (failed.status_message or "")
    assert failed.error is not None
    assert failed.error.code == "ReplicationFailed"
    assert (failed.status_message or "?") in failed.error.message
    assert "aws kms " in (failed.error.hint or "")
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in (failed.error.hint or "")
    assert added.outcome is Outcome.OK


def test_a_good_key_passes_however_it_is_spelled(aws: FakeAws) -> None:
    arn = new_key(aws, alias="alias/dr")
    for number, spelled in enumerate(("alias/dr", arn, arn.split("/")[1])):
        aws.create(f"s{number}")
        row = only(replicate(aws, f"{WEST}={spelled}", names=(f"s{number}",)))
        assert (row.outcome, kinds(row)) == (Outcome.OK, [])


@pytest.mark.parametrize("key", ["", "=alias/aws/secretsmanager"])
def test_the_default_key_needs_no_look(aws: FakeAws, key: str) -> None:
    aws.create()
    row = only(replicate(aws, f"{WEST}{key}"))
    assert row.outcome is Outcome.OK
    assert aws.count("DescribeKey") == 0


def test_a_look_at_the_key_that_is_denied_is_unchecked_and_goes_on(aws: FakeAws) -> None:
    aws.create()
    key = new_key(aws)
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(replicate(aws, f"{WEST}={key}"))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["unchecked"])
    assert "kms:DescribeKey" in (row.findings[0].hint or "")


def test_an_overwrite_whose_key_could_not_be_checked_is_not_made(aws: FakeAws) -> None:
    aws.create()
    victim = aws.create(region=WEST)
    key = new_key(aws)
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(replicate(aws, f"{WEST}={key}", consent=FORCE))
    assert row.outcome is not Outcome.OK
    assert regions_sent(aws) == []
    assert aws.describe("prod/db", WEST).arn == victim


@pytest.mark.parametrize("how", BAD_KEYS)
def test_nothing_is_overwritten_for_a_replica_that_would_fail(aws: FakeAws, how: str) -> None:
    aws.create()
    victim = aws.create(region=WEST)
    run = prepare(aws, request_for(f"{WEST}={bad_key(aws, how)}", consent=FORCE))
    assert run.victims == ()
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.FAILED
    assert aws.describe("prod/db", WEST).arn == victim


def test_a_kms_that_does_not_answer_is_unchecked_and_goes_on(aws: FakeAws) -> None:
    aws.create()
    key = new_key(aws)
    aws.lose["DescribeKey"] = ["before"] * 9
    row = only(replicate(aws, f"{WEST}={key}"))
    assert (row.outcome, set(kinds(row))) == (Outcome.OK, {"unchecked"})


def test_credentials_that_expire_while_looking_end_the_run_with_nothing_sent(aws: FakeAws) -> None:
    aws.create()
    key = new_key(aws)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeKey":
            raise CredentialsError("expired", code="ExpiredTokenException")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        prepare(aws, request_for(f"{WEST}={key}"))
    assert aws.sent() == []


def test_a_key_is_looked_at_once_for_all_the_secrets(aws: FakeAws) -> None:
    key = new_key(aws)
    names = ("a", "b", "c")
    for name in names:
        aws.create(name)
    secrets = replicate(aws, f"{WEST}={key}", names=names)
    assert {each.outcome for each in secrets} == {Outcome.OK}
    assert aws.count("DescribeKey", WEST) <= len(names)  # side by side, so not always once
    again = replicate(aws, f"{WEST}={key}", names=names)
    assert {each.outcome for each in again} == {Outcome.OK}
    assert aws.count("DescribeKey") == 0
