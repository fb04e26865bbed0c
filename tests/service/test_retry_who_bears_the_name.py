"""`retry` on the simulator: who bears the name in the Region that Failed."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only
from service.replicate_scene import prepare, request_for
from service.retry_scene import FORCE, failed, retry

from smrep.errors import Outcome
from smrep.report import Action
from smrep.rules.replication.region_step import Consent


def clash(aws: FakeAws, key: str | None = None) -> str:
    """Make a primary whose replica Failed for a namesake, and return the namesake's ARN."""
    aws.create()
    victim = aws.create(region=WEST)
    wanted = {"Region": WEST, **({"KmsKeyId": key} if key else {})}
    aws.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[wanted])
    aws.clock.time += 10
    return victim


def test_a_name_conflict_is_shown_and_not_touched_unasked(aws: FakeAws) -> None:
    victim = clash(aws)
    row = only(retry(aws))
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, None, False)
    assert "name_conflict" in kinds(row)
    assert row.error is not None
    assert row.error.code == "name_conflict"
    assert victim in row.error.message
    assert "--force-overwrite" in (row.error.hint or "")
    assert aws.sent() == []


def test_a_name_conflict_is_overwritten_with_force(aws: FakeAws) -> None:
    victim = clash(aws)
    run = prepare(aws, request_for(command="retry", consent=FORCE))
    assert [step.victim.arn for step in run.victims] == [victim]
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.action, row.status) == (Outcome.OK, Action.OVERWRITE, "InSync")
    assert [call["ForceOverwriteReplicaSecret"] for call in aws.sent()] == [True]


def test_an_overwrite_changes_no_key_that_was_not_named(aws: FakeAws) -> None:
    key = new_key(aws)
    clash(aws, key)
    row = only(retry(aws, consent=FORCE))
    assert (row.outcome, row.action, row.kms_key_id) == (Outcome.OK, Action.OVERWRITE, key)
    assert aws.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": key}]


def test_force_is_sent_for_the_name_conflicts_region_alone(aws: FakeAws) -> None:
    failed(aws, WEST, IRELAND)
    aws.create(region=WEST)
    (secret,) = retry(aws, consent=FORCE)
    assert [(row.region, row.action, row.outcome) for row in secret.replicas] == [
        (WEST, Action.OVERWRITE, Outcome.OK),
        (IRELAND, Action.RETRY, Outcome.OK),
    ]
    forced = {
        tuple(each["Region"] for each in c["AddReplicaRegions"]): c["ForceOverwriteReplicaSecret"] for c in aws.sent()
    }
    assert forced == {(IRELAND,): False, (WEST,): True}


@pytest.mark.parametrize("consent", [Consent(), FORCE])
def test_a_replica_of_another_primary_is_explained_and_never_touched(aws: FakeAws, consent: Consent) -> None:
    aws.create()
    other = aws.create(region=IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    aws.replicate_by_hand(WEST)
    assert "different arn" in (aws.describe("prod/db", HOME).replicas[0].message or "")
    row = only(retry(aws, consent=consent))
    there = other.replace(IRELAND, WEST)
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, None, False)
    assert "orphan" in kinds(row)
    assert row.error is not None
    assert row.error.code == "orphan"
    for command in (
        f"aws secretsmanager stop-replication-to-replica --secret-id {there} --region us-west-2",
        f"aws secretsmanager delete-secret --secret-id {there} --region us-west-2 --force-delete-without-recovery",
    ):
        assert command in (row.error.hint or "")
    assert aws.sent() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_region_that_is_not_failed_is_never_overwritten_by_a_retry(aws: FakeAws, named: bool) -> None:
    arn = aws.create().replace(HOME, WEST)
    aws.replicate_by_hand(WEST)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")  # the list says InSync as before
    row = only(
        retry(aws, *([WEST] if named else []), consent=Consent(force=True, arns=frozenset({arn})), timeout_s=40.0)
    )
    assert kinds(row) == ["promoted"]
    assert aws.sent() == []


def test_force_with_a_denied_look_is_no_retry(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(retry(aws, consent=FORCE))
    assert (row.outcome, kinds(row)) == (Outcome.ACCESS, ["unchecked"])
    assert aws.sent() == []


def test_a_denied_look_is_unchecked_and_the_region_is_tried_again(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(retry(aws))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["failed", "unchecked"])


def test_without_preflight_nothing_is_looked_at_but_the_list(aws: FakeAws) -> None:
    failed(aws, WEST)
    row = only(retry(aws, preflight=False))
    assert row.outcome is Outcome.OK
    called = list(dict.fromkeys((operation, region) for operation, region, _ in aws.calls))
    at_the_end = ("DescribeSecret", WEST)
    assert called == [("DescribeSecret", HOME), ("ReplicateSecretToRegions", HOME), at_the_end]
    assert aws.count(*at_the_end) == 1
