"""`replicate` on the simulator, with a clock that only sleeps move."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, at_home, only

from smrep.errors import CredentialsError, Denied, Outcome, UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.report import Action, SecretReport
from smrep.rules.plan import Consent
from smrep.service.replication import Replication, Request


def request_for(*regions: str, names: tuple[str, ...] = ("prod/db",), **more: Any) -> Request:
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    return Request(at_home(*names), targets, **more)


def prepare(world: World, request: Request, timeout_s: float = 300.0) -> Replication:
    world.begin()
    run = Replication(world, world, world, world.clock, world.clock.time + timeout_s, request)
    run.plan()
    return run


def replicate(world: World, *regions: str, timeout_s: float = 300.0, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, request_for(*regions, **more), timeout_s)
    for _ in run.act():
        pass
    return run.secrets()


def test_a_new_region_is_added_and_waited_for(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST))
    assert (row.outcome, row.status, row.action, row.changed) == (Outcome.OK, "InSync", Action.ADD, True)
    assert row.arn is not None
    assert row.arn.startswith("arn:aws:secretsmanager:us-west-2:")


def test_five_regions_are_one_call_and_one_describe_per_tick(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=20.0)
    regions = (WEST, IRELAND, SYDNEY, Region("eu-central-1"), Region("sa-east-1"))
    (secret,) = replicate(world, *regions)
    assert secret.outcome is Outcome.OK
    assert world.count("ReplicateSecretToRegions") == 1
    ticks = len(world.clock.sleeps) + 1
    assert world.count("DescribeSecret", HOME) == ticks + 1  # the look before, then one per tick
    assert world.clock.time - 20.0 <= 5.5


def test_running_again_sends_nothing_and_says_unchanged(world: World) -> None:
    world.create()
    replicate(world, WEST)
    row = only(replicate(world, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.KEEP, False, "InSync")
    assert world.sent() == []


def test_a_region_in_progress_is_waited_for_and_not_sent_again(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=8.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    row = only(replicate(world, WEST))
    assert (row.outcome, row.action, row.changed) == (Outcome.OK, Action.KEEP, False)
    assert world.sent() == []


def test_one_failing_region_of_five_leaves_four_in_sync(world: World) -> None:
    world.create()
    world.faults(failures={SYDNEY: "Replication failed: something"})
    (secret,) = replicate(world, WEST, IRELAND, SYDNEY, "eu-central-1", "sa-east-1")
    assert [row.status for row in secret.replicas] == ["InSync", "InSync", "Failed", "InSync", "InSync"]
    assert secret.outcome is Outcome.FAILED
    failed = secret.replicas[2]
    assert failed.status_message == "Replication failed: something"
    assert failed.error is not None
    assert failed.arn is None


def test_a_failed_region_is_tried_again(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults()
    row = only(replicate(world, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.RETRY, True, "InSync")
    assert [each.kind for each in row.findings] == ["failed"]


def test_an_old_failure_in_a_lagging_list_is_not_the_new_result(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults(list_lag_s=6.0, replication_delay_s=9.0)
    world.lose["ReplicateSecretToRegions"] = ["after"]  # else the answer itself tells the two apart
    row = only(replicate(world, WEST))
    assert (row.outcome, row.status, row.changed) == (Outcome.OK, "InSync", True)
    assert len(world.sent()) == 1


def test_the_same_failure_again_is_believed_when_another_status_was_seen(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"}, replication_delay_s=3.0)
    world.replicate_by_hand(WEST)
    started = world.clock.time
    row = only(replicate(world, WEST))
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, "Failed", True)
    assert world.clock.time - started < 9


def test_a_replica_is_refused_with_the_command_to_run(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    request = Request(tuple(a.__class__(a.secret_id, WEST) for a in at_home()), (Target(IRELAND, "alias/dr"),))
    (secret,) = prepare(world, request).secrets()
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1=alias/dr"
    assert secret.outcome is Outcome.FAILED
    assert secret.replicas == ()


def test_a_missing_secret_and_one_marked_for_deletion_do_not_stop_the_others(world: World) -> None:
    world.create()
    world.create("doomed")
    world.call("DeleteSecret", SecretId="doomed")
    secrets = replicate(world, WEST, names=("prod/db", "nowhere", "doomed"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK, Outcome.FAILED, Outcome.FAILED]
    assert [secret.error and secret.error.code for secret in secrets] == [
        None,
        "ResourceNotFoundException",
        "pending_deletion",
    ]
    assert len(world.sent()) == 1


def test_a_secret_named_by_name_and_by_arn_is_one(world: World) -> None:
    arn = world.create()
    secrets = replicate(world, WEST, names=("prod/db", arn))
    assert len(secrets) == 1
    assert len(world.sent()) == 1


def test_all_secrets_are_sent_first_and_then_waited_for_together(world: World) -> None:
    names = ("a", "b", "c")
    for name in names:
        world.create(name)
    world.faults(replication_delay_s=10.0)
    secrets = replicate(world, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    assert world.clock.time < 17


def test_the_deadline_leaves_open_regions_pending(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=5.0, replication_delay_by_region={WEST: 999.0})
    (secret,) = replicate(world, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert world.clock.time == pytest.approx(20.0)


def test_timeout_zero_looks_once(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, "InProgress", True)
    assert world.clock.sleeps == []


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST, wait=False))
    assert (row.outcome, row.status, row.changed) == (Outcome.ACCEPTED, "InProgress", True)
    assert world.count("DescribeSecret", HOME) == 1


def test_an_unknown_status_is_shown_and_is_not_done(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.simulator.set_replication_status("prod/db", HOME, WEST, "Reticulating", None)
    row = only(replicate(world, WEST, timeout_s=10.0))
    assert (row.outcome, row.status, row.action) == (Outcome.PENDING, "Reticulating", Action.KEEP)


def test_throttling_is_sent_again_until_it_passes(world: World) -> None:
    for name in ("a", "b", "c"):
        world.create(name)
    world.clock.time += 5
    world.faults(write_quota=1)
    secrets = replicate(world, WEST, names=("a", "b", "c"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    done = [call for call in world.simulator.log if call.operation == "ReplicateSecretToRegions" and not call.code]
    assert len(done) == 3


def test_throttling_for_ever_ends_at_the_deadline(world: World) -> None:
    world.create()
    world.faults(write_quota=0)
    row = only(replicate(world, WEST, timeout_s=30.0))
    assert row.outcome is Outcome.PENDING
    assert row.error is not None
    assert row.error.code == "ThrottlingException"
    assert row.changed is False
    assert world.clock.time == pytest.approx(30.0)


def test_access_denied_is_an_access_outcome(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("ReplicateSecretToRegions", HOME)}))
    (secret,) = replicate(world, WEST, IRELAND)
    assert [row.outcome for row in secret.replicas] == [Outcome.ACCESS] * 2
    assert all(row.error and "AccessDeniedException" in row.error.message for row in secret.replicas)
    assert world.count("ReplicateSecretToRegions") == 3  # together, then each by itself


def test_a_refusal_of_one_region_is_isolated(world: World) -> None:
    world.create()
    (secret,) = replicate(world, WEST, "cn-north-1", preflight=False)  # the sandbox refuses another partition
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.FAILED]
    assert secret.replicas[1].error is not None
    assert "Invalid replica region." in secret.replicas[1].error.message


def test_another_account_stops_before_any_write(world: World) -> None:
    world.create()
    with pytest.raises(UsageError, match="123456789012"):
        prepare(world, request_for(WEST, expect_account="999999999999"))
    assert world.sent() == []


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(world: World) -> None:
    world.create()
    world.faults(failures={IRELAND: "Replication failed: no luck"})
    world.replicate_by_hand(IRELAND)
    (secret,) = replicate(world, WEST)
    assert [row.region for row in secret.replicas] == [WEST]
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db has Failed in eu-west-1, which was not asked for: Replication failed: no luck",)


def test_dry_run_decides_and_sends_nothing(world: World) -> None:
    world.create()
    run = prepare(world, request_for(WEST))
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.ADD, False, None)
    assert world.sent() == []


def test_credentials_that_expire_while_waiting_end_the_run_with_what_was_done(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=60.0)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(world.clock.sleeps) > 2:
            raise CredentialsError(
                "The security token included in the request is expired", code="ExpiredTokenException"
            )

    world.on_call = expire
    run = prepare(world, request_for(WEST))
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.status, row.changed, row.outcome) == ("InProgress", True, Outcome.PENDING)


def test_a_replica_being_removed_is_waited_out_and_added_again(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.faults(removal_delay_s=40.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    started = world.clock.time
    row = only(replicate(world, WEST))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.ADD, True, "InSync")
    assert [each.kind for each in row.findings] == ["removing"]
    assert world.clock.time - started >= 40.0
    assert len(world.sent()) == 1


def test_a_removal_that_outlasts_the_deadline_is_pending_and_nothing_is_sent(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(replicate(world, WEST, timeout_s=10.0))
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, None, False)
    assert world.sent() == []


@pytest.mark.parametrize("consent", [Consent(), Consent(force=True)])
def test_force_is_sent_only_where_a_namesake_was_seen(world: World, consent: Consent) -> None:
    world.create()
    replicate(world, WEST, consent=consent)
    assert [call["ForceOverwriteReplicaSecret"] for call in world.sent()] == [False]


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    world.create()
    world.lose["ReplicateSecretToRegions"] = ["after"]
    row = only(replicate(world, WEST))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert world.count("ReplicateSecretToRegions") == 1


def test_a_lost_request_is_sent_again_after_the_list_had_its_time(world: World) -> None:
    world.create()
    world.lose["ReplicateSecretToRegions"] = ["before"]
    row = only(replicate(world, WEST))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert world.count("ReplicateSecretToRegions") == 2
    assert world.clock.time >= 15.0


def test_a_write_that_is_never_answered_is_sent_twice_at_most(world: World) -> None:
    world.create()
    world.lose["ReplicateSecretToRegions"] = ["before"] * 9
    (secret,) = replicate(world, WEST, timeout_s=60.0)
    assert secret.outcome is Outcome.PENDING
    assert secret.replicas[0].changed is False
    assert world.count("ReplicateSecretToRegions") == 2
    assert "no answer came" in secret.notes[0]


def test_no_wait_does_not_take_a_lost_request_for_accepted(world: World) -> None:
    world.create()
    world.lose["ReplicateSecretToRegions"] = ["before", "before"]
    row = only(replicate(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=3.0)
    run = prepare(world, request_for(WEST))
    world.lose["DescribeSecret"] = ["before", "before"]
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_a_primary_that_vanishes_while_waiting_is_told(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("DescribeSecret", HOME)}))
    run = prepare(world, request_for(WEST))
    assert run.secrets()[0].outcome is Outcome.ACCESS
    assert world.sent() == []


def test_failed_after_in_sync_is_what_counts(world: World) -> None:
    world.create()
    world.faults(replication_delay_by_region={IRELAND: 20.0})

    def spoil(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(world.clock.sleeps) == 6:
            world.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "key disabled")

    world.on_call = spoil
    (secret,) = replicate(world, WEST, IRELAND)
    assert [row.status for row in secret.replicas] == ["Failed", "InSync"]
    assert secret.outcome is Outcome.FAILED


def test_requests_that_hang_do_not_outlast_the_deadline_for_ever(world: World) -> None:
    names = tuple(f"s{number}" for number in range(12))
    for name in names:
        world.create(name)
    world.lose["ReplicateSecretToRegions"] = ["before"] * 99

    def hang(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            world.clock.sleep(10.0)

    world.on_call = hang
    secrets = replicate(world, WEST, names=names, timeout_s=3.0)
    assert {secret.outcome for secret in secrets} == {Outcome.PENDING}
    begun = world.count("ReplicateSecretToRegions")
    assert 1 <= begun <= 4  # those that were begun together
    codes = [secret.replicas[0].error and secret.replicas[0].error.code for secret in secrets]
    assert codes.count("NotSent") == 12 - begun
    hint = secrets[-1].replicas[0].error
    assert hint is not None
    assert hint.hint == "smrep replicate s11 --primary-region us-east-1 -r us-west-2"


def test_a_look_that_took_the_whole_time_does_not_keep_the_request_back(world: World) -> None:
    world.create()

    def slow(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and not world.sent():
            world.clock.sleep(9.0)

    world.on_call = slow
    row = only(replicate(world, WEST, timeout_s=2.0))
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_a_replica_listed_before_it_can_be_described_is_given_time(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    from smrep.errors import NotFound

    def late(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and len(world.clock.sleeps) < 3:
            raise NotFound("Secrets Manager can't find the specified secret.")

    world.on_call = late
    row = only(replicate(world, WEST))
    assert (row.outcome, row.status, row.action) == (Outcome.OK, "InSync", Action.KEEP)


def test_a_target_region_that_knows_no_credentials_is_unchecked_but_expired_ones_end_the_run(world: World) -> None:
    world.create()
    code = "UnrecognizedClientException"

    def refuse(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST:
            raise CredentialsError("no", code=code)

    world.on_call = refuse
    assert [each.kind for each in only(replicate(world, WEST)).findings] == ["unchecked"]
    code = "ExpiredTokenException"
    with pytest.raises(CredentialsError):
        replicate(world, WEST)


def test_a_secret_of_the_same_name_in_another_account_is_not_taken_for_a_namesake(world: World) -> None:
    from dataclasses import replace

    world.create()
    ours = world.describe

    def describe(secret_id: str, region: Region) -> Any:
        secret = ours(secret_id if region == HOME else "prod/db", HOME)
        return secret if region == HOME else replace(secret, region=region, arn=secret.arn.replace("1234", "9999"))

    world.describe = describe  # type: ignore[method-assign]  # another account's view can't be simulated
    row = only(replicate(world, WEST, consent=Consent(force=True)))
    assert [each.kind for each in row.findings] == ["unchecked"]
    assert world.sent() == []


def test_a_denied_look_for_what_is_being_removed_leaves_the_other_regions_alone(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    run = prepare(world, request_for(WEST, IRELAND), timeout_s=20.0)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert secret.error is None
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]


def test_a_removal_is_not_waited_out_with_no_wait(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(replicate(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert row.error is not None
    assert (row.error.code, "still being removed" in row.error.message) == ("NotSent", True)


def test_time_alone_does_not_prove_that_aws_took_a_retry(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults()
    world.lose["ReplicateSecretToRegions"] = ["before"] * 9
    world.on_call = lambda operation, _region: (
        world.clock.sleep(40.0) if operation == "ReplicateSecretToRegions" else None
    )
    row = only(replicate(world, WEST, timeout_s=200.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_what_could_not_be_looked_for_is_not_sent_again(world: World) -> None:
    world.create()
    world.lose["ReplicateSecretToRegions"] = ["after"]
    run = prepare(world, request_for(WEST), timeout_s=60.0)
    world.lose["DescribeSecret"] = ["before"] * 12
    for _ in run.act():
        pass
    assert world.count("ReplicateSecretToRegions") == 1
    assert only(run.secrets()).status == "InSync"


def test_a_denied_look_after_a_lost_answer_ends_that_secret_only(world: World) -> None:
    for name in ("a", "b"):
        world.create(name)
    world.lose["ReplicateSecretToRegions"] = ["after"]
    run = prepare(world, request_for(WEST, names=("a", "b")), timeout_s=60.0)
    lost: list[str] = []

    def deny(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and world.calls[-1][2].split(":")[-1].startswith("a-") and not lost:
            lost.append("a")
            raise Denied("no", code="AccessDeniedException")

    world.on_call = deny
    for _ in run.act():
        pass
    outcomes = {secret.name: secret.outcome for secret in run.secrets()}
    assert outcomes["b"] is Outcome.OK


def test_nothing_more_is_sent_once_a_run_has_ended(world: World) -> None:
    names = tuple(f"s{number}" for number in range(9))
    for name in names:
        world.create(name)
    run = prepare(world, request_for(WEST, names=names))
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    sent = world.count("ReplicateSecretToRegions")
    assert sent == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4


def test_a_kms_that_hangs_does_not_hold_the_result_up(world: World) -> None:
    import threading

    world.create()
    never = threading.Event()
    metadata = world.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    world.call("CreateAlias", WEST, service="kms", AliasName="alias/dr", TargetKeyId=metadata["KeyId"])
    run = prepare(world, request_for(f"{WEST}=alias/dr"), timeout_s=3.0)
    world.faults(replication_delay_s=0.0)
    world.on_call = lambda operation, _region: never.wait(20) and None if operation == "DescribeKey" else None
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    for _ in run.act():
        pass
    never.set()
    assert only(run.secrets()).outcome in {Outcome.OK, Outcome.PENDING}
