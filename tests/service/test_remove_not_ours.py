"""`remove` on the simulator: what bears the name in a Region and is not our replica is left alone."""

from __future__ import annotations

import pytest
from fakes import IRELAND, SYDNEY, WEST, FakeAws, is_there, kinds, only
from service.remove_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import CredentialsError, Outcome


def sparing(aws: FakeAws, kind: str) -> None:
    """Check that the namesake in us-west-2 is refused as `kind`, and that eu-west-1 goes on."""
    before = aws.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"]
    (secret,) = remove(aws, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert kinds(stopped) == [kind]
    assert (stopped.outcome, stopped.changed, stopped.status, stopped.arn) == (Outcome.FAILED, False, None, None)
    assert stopped.error is not None
    assert stopped.error.code == kind
    assert before in stopped.error.message
    assert (removed.outcome, removed.changed) == (Outcome.OK, True)
    assert removals(aws)[-1] == [IRELAND]
    aws.clock.time += 1000
    assert aws.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"] == before


def test_a_name_conflict_is_skipped_and_other_regions_go_on(aws: FakeAws) -> None:
    aws.create(region=WEST)
    replicated(aws, WEST, IRELAND)
    assert listed(aws) == [WEST, IRELAND]
    sparing(aws, "name_conflict")


def test_a_name_conflict_in_a_region_that_is_not_listed_is_refused_too(aws: FakeAws) -> None:
    aws.create(region=WEST)
    replicated(aws, IRELAND)
    sparing(aws, "name_conflict")


def test_a_promoted_replica_is_skipped(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert WEST in listed(aws)
    sparing(aws, "promoted")


def test_a_replica_of_another_primary_is_skipped(aws: FakeAws) -> None:
    aws.create(region=SYDNEY)
    answer = {"Region": WEST}
    aws.call("ReplicateSecretToRegions", SYDNEY, SecretId="prod/db", AddReplicaRegions=[answer])
    aws.clock.time += 10
    replicated(aws, WEST, IRELAND)
    sparing(aws, "orphan")


def test_a_replica_that_a_promoted_one_of_ours_has_made_is_skipped(aws: FakeAws) -> None:
    replicated(aws, WEST)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    aws.call("ReplicateSecretToRegions", WEST, SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    aws.clock.time += 10
    row = only(remove(aws, IRELAND))
    assert (kinds(row), row.outcome, aws.count(REMOVE)) == (["orphan"], Outcome.FAILED, 0)
    assert is_there(aws, IRELAND)


def test_a_name_conflict_scheduled_for_deletion_is_skipped(aws: FakeAws) -> None:
    aws.create(region=WEST)
    aws.call("DeleteSecret", WEST, SecretId="prod/db")
    replicated(aws, WEST, IRELAND)
    sparing(aws, "pending_deletion")


def test_a_look_that_is_denied_is_a_no_and_other_regions_go_on(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, denied=frozenset({("DescribeSecret", WEST)}))
    (secret,) = remove(aws, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.ACCESS, False)
    assert stopped.error is not None
    assert "secretsmanager:DescribeSecret in us-west-2" in (stopped.error.hint or "")
    assert removed.outcome is Outcome.OK
    assert removals(aws) == [[IRELAND]]


def test_a_region_in_outage_is_a_no_and_other_regions_go_on(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, outages=frozenset({WEST}))
    (secret,) = remove(aws, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.FAILED, False)
    assert removed.outcome is Outcome.OK
    assert removals(aws) == [[IRELAND]]


def test_a_region_that_is_not_enabled_is_a_no_and_other_regions_go_on(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, disabled_regions=frozenset({WEST}))
    (secret,) = remove(aws, WEST, IRELAND)
    assert [kinds(row) for row in secret.replicas] == [["unchecked"], []]
    assert removals(aws) == [[IRELAND]]


def test_expired_credentials_in_the_look_end_the_run_before_anything_is_sent(aws: FakeAws) -> None:
    replicated(aws)

    def expire(operation: str, region: str) -> None:
        if region == WEST:
            raise CredentialsError("expired", code="ExpiredTokenException")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        prepare(aws, WEST)
    assert removals(aws) == []


def test_a_replica_promoted_while_it_is_waited_for_is_told(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws, WEST)
    acting = run.act()
    next(acting)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    for _ in acting:
        pass
    row = only(run.secrets())
    assert (kinds(row), row.outcome, row.changed) == (["promoted"], Outcome.FAILED, True)
    assert is_there(aws)
