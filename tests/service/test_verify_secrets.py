"""`verify` on the simulator: which secrets it proves, and which it refuses."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, addresses_of, kinds, only, replicated
from service.verify_scene import verification, verify

from smrep.errors import Outcome, UsageError


def test_a_secret_without_replicas_has_nothing_to_verify(aws: FakeAws) -> None:
    aws.create()
    (secret,) = verify(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome, secret.replicas) == ("NoReplicas", Outcome.FAILED, ())


def test_a_replica_is_followed_to_its_primary(aws: FakeAws) -> None:
    arn = replicated(aws)
    (secret,) = verify(aws, home=WEST)
    assert (secret.arn, secret.primary_region, only((secret,)).verified) == (arn, HOME, True)
    assert "is a replica; smrep reports its primary in us-east-1" in secret.notes[0]


def test_a_replica_whose_primary_is_gone_is_an_orphan(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 60
    row = only(verify(aws, home=WEST))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.FAILED, None, ["orphan"])


def test_a_replica_whose_primarys_region_does_not_answer_proves_nothing(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(outages=frozenset({HOME}))
    row = only(verify(aws, home=WEST, timeout_s=10.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.PENDING, None, ["is_replica"])


def test_a_primary_marked_for_deletion_is_refused(aws: FakeAws) -> None:
    aws.create()
    aws.call("DeleteSecret", SecretId="prod/db")
    (secret,) = verify(aws, WEST)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("pending_deletion", Outcome.FAILED)


def test_a_primary_that_may_not_be_described_is_access(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(denied=frozenset({("DescribeSecret", HOME)}))
    (secret,) = verify(aws)
    assert (secret.outcome, secret.replicas) == (Outcome.ACCESS, ())


def test_the_primarys_own_region_is_a_mistake(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError, match="own Region"):
        verify(aws, HOME)


def test_another_account_than_expected_is_a_mistake(aws: FakeAws) -> None:
    replicated(aws)
    run = verification(aws, expect_account="999999999999")
    with pytest.raises(UsageError, match="999999999999"):
        next(run.act())


def test_a_failed_region_that_was_not_asked_for_is_a_note(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={IRELAND: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST, IRELAND)
    (secret,) = verify(aws, WEST)
    assert (secret.outcome, len(secret.replicas)) == (Outcome.OK, 1)
    assert "also Failed in eu-west-1" in secret.notes[0]


def test_secrets_are_proved_together(aws: FakeAws) -> None:
    names = ("a", "b", "c")
    for name in names:
        aws.create(name)
        aws.replicate_by_hand(WEST, name=name)
    aws.faults(value_delay_s=20.0)
    for name in names:
        aws.call("PutSecretValue", SecretId=name, SecretString="newer")
    secrets = verify(aws, names=names)
    assert [only((each,)).verified for each in secrets] == [True] * 3
    assert sum(aws.clock.sleeps) <= 26.0


def test_addresses_that_lead_to_one_secret_are_one(aws: FakeAws) -> None:
    arn = replicated(aws)
    assert len(addresses_of("prod/db", arn)) == 2
    assert len(verify(aws, names=("prod/db", arn))) == 1


def test_targets_are_looked_at_as_they_were_asked_for(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    run = verification(aws, IRELAND, WEST)
    for _ in run.act():
        pass
    assert [row.region for row in run.secrets()[0].replicas] == [IRELAND, WEST]
