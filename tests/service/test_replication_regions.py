"""`replicate` on the simulator: what becomes of each Region that it is asked for."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import CredentialsError, Outcome
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.replication.region_step import Consent


def test_a_new_region_is_added_and_waited_for(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, row.action, row.changed) == (Outcome.OK, "InSync", Action.ADD, True)
    assert row.arn is not None
    assert row.arn.startswith("arn:aws:secretsmanager:us-west-2:")


def test_five_regions_are_one_call_and_one_describe_per_tick(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=20.0)
    regions = (WEST, IRELAND, SYDNEY, Region("eu-central-1"), Region("sa-east-1"))
    (secret,) = replicate(aws, *regions)
    assert secret.outcome is Outcome.OK
    assert aws.count("ReplicateSecretToRegions") == 1
    ticks = len(aws.clock.sleeps) + 1
    assert aws.count("DescribeSecret", HOME) == ticks + 1  # the look before, then one per tick
    assert aws.clock.time - 20.0 <= 5.5


def test_running_again_sends_nothing_and_says_unchanged(aws: FakeAws) -> None:
    aws.create()
    replicate(aws, WEST)
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.KEEP, False, "InSync")
    assert aws.sent() == []


def test_a_region_in_progress_is_waited_for_and_not_sent_again(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=8.0)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.action, row.changed) == (Outcome.OK, Action.KEEP, False)
    assert aws.sent() == []


def test_one_failing_region_of_five_leaves_four_in_sync(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={SYDNEY: "Replication failed: something"})
    (secret,) = replicate(aws, WEST, IRELAND, SYDNEY, "eu-central-1", "sa-east-1")
    assert [row.status for row in secret.replicas] == ["InSync", "InSync", "Failed", "InSync", "InSync"]
    assert secret.outcome is Outcome.FAILED
    failed = secret.replicas[2]
    assert failed.status_message == "Replication failed: something"
    assert failed.error is not None
    assert failed.arn is None


def test_a_failed_region_is_tried_again(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults()
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.RETRY, True, "InSync")
    assert [each.kind for each in row.findings] == ["failed"]


def test_an_old_failure_in_a_lagging_list_is_not_the_new_result(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults(list_lag_s=6.0, replication_delay_s=9.0)
    aws.lose["ReplicateSecretToRegions"] = ["after"]  # else the answer itself tells the two apart
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, row.changed) == (Outcome.OK, "InSync", True)
    assert len(aws.sent()) == 1


def test_the_same_failure_again_is_believed_when_another_status_was_seen(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"}, replication_delay_s=3.0)
    aws.replicate_by_hand(WEST)
    started = aws.clock.time
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, "Failed", True)
    assert aws.clock.time - started < 9


def test_an_unknown_status_is_shown_and_is_not_done(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Reticulating", None)
    row = only(replicate(aws, WEST, timeout_s=10.0))
    assert (row.outcome, row.status, row.action) == (Outcome.PENDING, "Reticulating", Action.KEEP)


def test_a_refusal_of_one_region_is_isolated(aws: FakeAws) -> None:
    aws.create()
    (secret,) = replicate(aws, WEST, "cn-north-1", preflight=False)  # the sandbox refuses another partition
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.FAILED]
    assert secret.replicas[1].error is not None
    assert "Invalid replica region." in secret.replicas[1].error.message


def test_a_replica_being_removed_is_waited_out_and_added_again(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.faults(removal_delay_s=40.0)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    started = aws.clock.time
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.ADD, True, "InSync")
    assert [each.kind for each in row.findings] == ["removing"]
    assert aws.clock.time - started >= 40.0
    assert len(aws.sent()) == 1


def test_a_removal_that_outlasts_the_deadline_is_pending_and_nothing_is_sent(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(replicate(aws, WEST, timeout_s=10.0))
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, None, False)
    assert aws.sent() == []


@pytest.mark.parametrize("consent", [Consent(), Consent(force=True)])
def test_force_is_sent_only_where_a_name_conflict_was_seen(aws: FakeAws, consent: Consent) -> None:
    aws.create()
    replicate(aws, WEST, consent=consent)
    assert [call["ForceOverwriteReplicaSecret"] for call in aws.sent()] == [False]


def test_failed_after_in_sync_is_what_counts(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_by_region={IRELAND: 20.0})

    def spoil(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(aws.clock.sleeps) == 6:
            aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "key disabled")

    aws.on_call = spoil
    (secret,) = replicate(aws, WEST, IRELAND)
    assert [row.status for row in secret.replicas] == ["Failed", "InSync"]
    assert secret.outcome is Outcome.FAILED


def test_a_replica_listed_before_it_can_be_described_is_given_time(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    from smrep.errors import NotFound

    def late(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and len(aws.clock.sleeps) < 3:
            raise NotFound("Secrets Manager can't find the specified secret.")

    aws.on_call = late
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, row.action) == (Outcome.OK, "InSync", Action.KEEP)


def test_a_target_region_that_knows_no_credentials_is_unchecked_but_expired_ones_end_the_run(aws: FakeAws) -> None:
    aws.create()
    code = "UnrecognizedClientException"

    def refuse(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST:
            raise CredentialsError("no", code=code)

    aws.on_call = refuse
    assert [each.kind for each in only(replicate(aws, WEST)).findings] == ["unchecked"]
    code = "ExpiredTokenException"
    with pytest.raises(CredentialsError):
        replicate(aws, WEST)


def test_a_denied_look_for_what_is_being_removed_leaves_the_other_regions_alone(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    run = prepare(aws, request_for(WEST, IRELAND), timeout_s=20.0)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert secret.error is None
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]


def test_a_removal_is_not_waited_out_with_no_wait(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(replicate(aws, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert row.error is not None
    assert (row.error.code, "still being removed" in row.error.message) == ("NotSent", True)


def test_time_alone_does_not_prove_that_aws_took_a_retry(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults()
    aws.lose["ReplicateSecretToRegions"] = ["before"] * 9
    aws.on_call = lambda operation, _region: aws.clock.sleep(40.0) if operation == "ReplicateSecretToRegions" else None
    row = only(replicate(aws, WEST, timeout_s=200.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
