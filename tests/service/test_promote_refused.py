"""`promote` on the simulator: what it refuses, and what AWS refuses it."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, only
from service.promote_scene import STOP, prepare, promote, promotions, replicated, stands_alone

from smrep.errors import CredentialsError, Outcome, UsageError
from smrep.model import in_region


def test_the_primary_itself_is_a_usage_error(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError, match="prod/db in us-east-1 is the primary, which cannot be promoted"):
        prepare(aws, region=HOME)


def test_a_missing_secret_does_not_stop_the_others(aws: FakeAws) -> None:
    replicated(aws)
    secrets = promote(aws, "nowhere", "prod/db")
    assert [secret.outcome for secret in secrets] == [Outcome.FAILED, Outcome.OK]
    assert secrets[0].error is not None
    assert (secrets[0].error.code, "us-west-2" in (secrets[0].error.hint or "")) == ("ResourceNotFoundException", True)


def test_a_refused_promotion_is_told_with_the_permission_that_is_missing(aws: FakeAws) -> None:
    arn = replicated(aws, denied=frozenset({(STOP, WEST)}))
    run = prepare(aws)
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, run.was_sent) == (Outcome.ACCESS, False, False)
    assert row.error is not None
    assert row.error.hint == f"allow secretsmanager:StopReplicationToReplica on {in_region(arn, WEST)}"
    assert [region for _, region, _ in aws.calls if region == HOME] == []  # nothing was promoted


def test_a_denied_look_sends_nothing(aws: FakeAws) -> None:
    replicated(aws, denied=frozenset({("DescribeSecret", WEST)}))
    (secret,) = promote(aws)
    assert (secret.outcome, aws.count(STOP)) == (Outcome.ACCESS, 0)


def test_a_replica_of_another_account_is_refused(aws: FakeAws) -> None:
    aws.create(region=WEST)
    far = "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"
    aws.simulator.set_cross_account("prod/db", WEST, primary={"PrimarySecretARN": far, "ReplicationStatus": "InSync"})
    (secret,) = promote(aws)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, secret.replicas) == (Outcome.FAILED, "CrossAccountReplica", ())
    assert far in secret.error.message
    assert secret.cross_account is not None
    assert aws.count(STOP) == 0


def test_a_replica_here_with_replicas_in_other_accounts_may_be_promoted(aws: FakeAws) -> None:
    replicated(aws)
    far = {"ReplicaSecretARN": "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"}
    aws.simulator.set_cross_account("prod/db", WEST, replicas=[far])
    assert only(promote(aws)).outcome is Outcome.OK


def test_a_secret_scheduled_for_deletion_is_refused(aws: FakeAws) -> None:
    aws.create(region=WEST)
    aws.call("DeleteSecret", WEST, SecretId="prod/db")
    (secret,) = promote(aws)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, aws.count(STOP)) == (Outcome.FAILED, "pending_deletion", 0)


def test_a_replica_of_another_primary_than_the_one_typed_is_refused(aws: FakeAws) -> None:
    replicated(aws)
    (secret,) = promote(aws, primary_region=IRELAND)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, aws.count(STOP)) == (Outcome.FAILED, "OtherPrimary", 0)
    assert "is a replica of us-east-1, not of eu-west-1" in secret.error.message


def test_a_replica_of_the_primary_that_was_typed_is_promoted_without_asking_it(aws: FakeAws) -> None:
    replicated(aws, outages=frozenset({HOME}))
    run = prepare(aws, primary_region=HOME)
    assert aws.count("DescribeSecret", HOME) == 0
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_another_account_stops_before_any_write(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError, match="123456789012"):
        prepare(aws, expect_account="999999999999")
    assert promotions(aws) == []


def test_a_replica_region_that_does_not_answer_is_told(aws: FakeAws) -> None:
    replicated(aws, outages=frozenset({WEST}))
    (secret,) = promote(aws)
    assert (secret.outcome, aws.count(STOP)) == (Outcome.FAILED, 0)
    assert [region for _, region, _ in aws.calls if region == HOME] == []


def test_throttling_for_ever_ends_at_the_deadline(aws: FakeAws) -> None:
    replicated(aws, write_quota=0)
    started = aws.clock.time
    row = only(promote(aws, timeout_s=30.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert row.error is not None
    assert row.error.code == "ThrottlingException"
    assert 30.0 <= aws.clock.time - started < 40.0  # Regions that pause at once add their pauses up


def test_throttling_is_sent_again_until_it_passes(aws: FakeAws) -> None:
    replicated(aws, write_quota=0)

    def relent(operation: str, _region: str) -> None:
        if operation == STOP and len(aws.clock.sleeps) == 3:
            aws.faults()

    aws.on_call = relent
    assert only(promote(aws)).outcome is Outcome.OK
    assert len(promotions(aws)) == 1


def test_a_promotion_is_not_begun_after_the_deadline(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        replicated(aws, name=name)
    aws.on_call = lambda operation, _region: aws.clock.sleep(40.0) if operation == STOP else None
    secrets = promote(aws, *names, timeout_s=3.0)
    last = secrets[-1].replicas[0]
    assert last.error is not None
    assert (last.outcome, last.error.code, last.error.hint) == (
        Outcome.PENDING,
        "NotSent",
        "try again:\n  smrep promote s5 -r us-west-2",
    )
    assert not stands_alone(aws, WEST, "s5")


def test_credentials_that_are_refused_when_sending_claim_nothing(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws)

    def refuse(operation: str, _region: str) -> None:
        if operation == STOP:
            raise CredentialsError("no", code="UnrecognizedClientException")

    aws.on_call = refuse
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert not run.was_sent
    assert only(run.secrets()).changed is False
