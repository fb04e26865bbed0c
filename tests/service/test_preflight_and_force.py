"""What bears the name in the target Region, and what may be destroyed there."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import Outcome
from smrep.report import Action
from smrep.rules.replication.region_step import Consent
from smrep.service.steps.secret_replication import STALE_S

FORCE = Consent(force=True)


def namesake(aws: FakeAws, region: str = WEST) -> str:
    return aws.create(region=region)


def test_a_name_conflict_stops_its_region_and_not_the_others(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    (secret,) = replicate(aws, WEST, IRELAND)
    stopped, added = secret.replicas
    assert (stopped.outcome, stopped.status, stopped.changed) == (Outcome.FAILED, None, False)
    assert [each.kind for each in stopped.findings] == ["name_conflict"]
    assert stopped.error is not None
    assert stopped.error.code == "name_conflict"
    assert added.outcome is Outcome.OK
    assert [each["Region"] for call in aws.sent() for each in call["AddReplicaRegions"]] == [IRELAND]


def test_without_preflight_aws_says_it(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    row = only(replicate(aws, WEST, preflight=False))
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, "Failed", True)
    assert row.error is not None
    assert "already exists" in row.error.message
    assert row.error.hint is not None
    assert "--force-overwrite" in row.error.hint
    assert aws.count("DescribeSecret", WEST) == 0


def test_force_replaces_a_name_conflict_in_its_own_call(aws: FakeAws) -> None:
    aws.create()
    victim = namesake(aws)
    run = prepare(aws, request_for(WEST, IRELAND, consent=FORCE))
    assert [step.victim.arn for step in run.victims] == [victim]
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [(row.action, row.outcome) for row in secret.replicas] == [
        (Action.OVERWRITE, Outcome.OK),
        (Action.ADD, Outcome.OK),
    ]
    forced = {
        each["Region"]: call["ForceOverwriteReplicaSecret"] for call in aws.sent() for each in call["AddReplicaRegions"]
    }
    assert forced == {WEST: True, IRELAND: False}


def test_force_reaches_a_region_that_failed_for_a_name_conflict(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    aws.replicate_by_hand(WEST)
    row = only(replicate(aws, WEST, consent=FORCE))
    assert (row.action, row.outcome, row.status) == (Action.OVERWRITE, Outcome.OK, "InSync")


def test_force_refuses_a_victim_with_replicas_of_its_own(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    aws.call("ReplicateSecretToRegions", WEST, SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    aws.clock.time += 10
    row = only(replicate(aws, WEST, consent=FORCE))
    assert row.outcome is Outcome.FAILED
    assert row.error is not None
    assert "replicas of its own" in row.error.message
    assert aws.sent() == []


def test_force_does_not_cure_a_replica_of_another_primary(aws: FakeAws) -> None:
    aws.create()
    namesake(aws, IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    row = only(replicate(aws, WEST, consent=FORCE))
    assert [each.kind for each in row.findings] == ["orphan"]
    assert aws.sent() == []


def test_force_refuses_a_victim_that_cannot_be_described(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(replicate(aws, WEST, consent=FORCE))
    assert (row.outcome, row.status) == (Outcome.ACCESS, None)
    assert [each.kind for each in row.findings] == ["unchecked"]
    assert aws.sent() == []


def test_force_refuses_a_victim_pending_deletion(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    aws.call("DeleteSecret", WEST, SecretId="prod/db")
    row = only(replicate(aws, WEST, consent=FORCE))
    assert [each.kind for each in row.findings] == ["pending_deletion"]
    assert aws.sent() == []


def promote(aws: FakeAws) -> str:
    arn = aws.create()
    aws.replicate_by_hand(WEST)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    return arn.replace(HOME, WEST)


@pytest.mark.parametrize("consent", [Consent(), FORCE, Consent(force=True, arns=frozenset({"arn:of:another"}))])
def test_a_promoted_replica_that_is_still_listed_is_not_in_sync_and_not_overwritten(
    aws: FakeAws, consent: Consent
) -> None:
    promote(aws)
    row = only(replicate(aws, WEST, consent=consent))
    assert (row.outcome, row.status, row.arn) == (Outcome.FAILED, None, None)
    assert [each.kind for each in row.findings] == ["promoted"]
    assert aws.sent() == []


def test_a_promoted_replica_is_overwritten_only_when_named(aws: FakeAws) -> None:
    arn = promote(aws)
    aws.faults(promoted_entry="dropped")
    run = prepare(aws, request_for(WEST, consent=Consent(force=True, arns=frozenset({arn}))))
    assert [step.victim.arn for step in run.victims] == [arn]


def test_a_stale_in_sync_entry_is_not_the_result_of_an_overwrite(aws: FakeAws) -> None:
    arn = promote(aws)
    run = prepare(aws, request_for(WEST, consent=Consent(force=True, arns=frozenset({arn}))), timeout_s=10)
    for _ in run.act():
        pass
    # the sandbox leaves a listed Region alone, so the old entry stays: nothing may be claimed before 30 s
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_look_that_is_denied_is_unchecked_and_the_request_goes_out(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status) == (Outcome.OK, "InSync")
    assert [each.kind for each in row.findings] == ["unchecked"]


def test_a_region_that_does_not_answer_the_look_is_unchecked(aws: FakeAws) -> None:
    aws.create()
    aws.faults(outages=frozenset({WEST}))
    row = only(replicate(aws, WEST, timeout_s=5.0))
    assert [each.kind for each in row.findings] == ["unchecked", "stuck"]
    assert row.outcome is Outcome.PENDING


def test_an_in_sync_entry_without_a_secret_behind_it_is_not_believed(aws: FakeAws) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status) == (Outcome.FAILED, None)
    assert [each.kind for each in row.findings] == ["missing"]


def test_an_overwrite_whose_answer_is_lost_is_never_sent_again(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    aws.lose["ReplicateSecretToRegions"] = ["before"]
    (secret,) = replicate(aws, WEST, consent=FORCE, timeout_s=60.0)
    assert secret.outcome is Outcome.PENDING
    assert aws.count("ReplicateSecretToRegions") == 1


def test_an_old_in_sync_is_never_believed_and_a_real_overwrite_is(aws: FakeAws) -> None:
    arn = promote(aws)
    consent = Consent(force=True, arns=frozenset({arn}))
    began = aws.clock.time
    row = only(replicate(aws, WEST, consent=consent, timeout_s=90.0))
    assert (row.outcome, row.arn) == (Outcome.FAILED, None)  # the sandbox leaves a listed Region alone
    assert row.error is not None
    assert (row.error.code, aws.count("ReplicateSecretToRegions")) == ("NotReplaced", 1)
    longest_s = max(aws.clock.sleeps)  # they jitter
    assert aws.clock.time - began <= STALE_S + longest_s < 66, "it is not waited for to the deadline"

    aws.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 5
    run = prepare(aws, request_for(WEST, consent=consent), timeout_s=90.0)
    assert run.victims == ()


def test_a_real_overwrite_of_a_listed_region_is_believed_when_our_replica_is_seen(aws: FakeAws) -> None:
    arn = promote(aws)
    run = prepare(aws, request_for(WEST, consent=Consent(force=True, arns=frozenset({arn}))), timeout_s=90.0)

    def overwrite(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":  # what AWS would do, at once and without another word
            aws.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
            aws.clock.time += 5
            aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
            aws.replicate_by_hand(WEST)

    aws.on_call = overwrite
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.status) == (Outcome.OK, "InSync")
    assert row.arn == arn


def test_no_preflight_never_skips_the_look_that_an_overwrite_needs(aws: FakeAws) -> None:
    aws.create()
    namesake(aws)
    row = only(replicate(aws, WEST, preflight=False, consent=FORCE))
    assert row.action == Action.OVERWRITE
    assert aws.count("DescribeSecret", WEST) >= 1


def test_a_forced_request_is_not_begun_after_the_deadline(aws: FakeAws) -> None:
    aws.create()
    for region in (WEST, IRELAND):
        namesake(aws, region)
    aws.on_call = lambda operation, _region: aws.clock.sleep(40.0) if operation == "ReplicateSecretToRegions" else None
    (secret,) = replicate(aws, WEST, IRELAND, consent=FORCE, timeout_s=3.0)
    assert aws.count("ReplicateSecretToRegions") == 1
    error = secret.replicas[1].error
    assert error is not None
    assert (error.code, (error.hint or "").endswith("-r eu-west-1 --force-overwrite")) == ("NotSent", True)


def test_a_region_that_is_listed_and_holds_nothing_is_waited_for_once(aws: FakeAws) -> None:
    """The list is read again in case it lagged; where it has not changed, nothing is looked for a second time."""
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", None)
    row = only(replicate(aws, WEST))
    assert [each.kind for each in row.findings] == ["missing"]
    assert sum(aws.clock.sleeps) <= 15.0
    assert aws.count("DescribeSecret", HOME) == 2


def test_a_retry_of_a_region_that_is_not_listed_reads_the_list_once(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, WEST, command="retry"))
    assert [each.kind for each in row.findings] == ["missing"]
    assert aws.count("DescribeSecret", HOME) == 1
