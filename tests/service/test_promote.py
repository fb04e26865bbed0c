"""`promote` on the simulator, with a clock that only sleeps move."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, only

from smrep.errors import CredentialsError, Denied, Outcome, UsageError
from smrep.model import SecretId, in_region
from smrep.regions import Region
from smrep.report import Action, SecretReport
from smrep.sandbox.simulator import ApiError
from smrep.service.promoting import Promotion

STOP = "StopReplicationToReplica"


class Slow(World):
    """A world in which an accepted promotion shows only after so many sleeps."""

    shows_after: int = 3

    def promote(self, secret_id: str, region: Region) -> None:
        self.calls.append((STOP, region, secret_id))
        self.on_call = self._catch_up

    def _catch_up(self, operation: str, region: str) -> None:
        if len(self.clock.sleeps) == self.shows_after:
            self.on_call = lambda _operation, _region: None
            self.call(STOP, WEST, SecretId="prod/db")


def prepare(world: World, *names: str, region: str = WEST, timeout_s: float = 300.0, **more: Any) -> Promotion:
    world.calls.clear()
    secret_ids = tuple(SecretId(name) for name in names or ("prod/db",))
    run = Promotion(world, world.clock, world.clock.time + timeout_s, secret_ids, Region(region), **more)
    run.plan()
    return run


def promote(world: World, *names: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *names, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(world: World, *regions: str, name: str = "prod/db", **faults: Any) -> str:
    arn = world.create(name)
    world.replicate_by_hand(*(regions or (WEST,)), name=name)
    world.faults(**faults)
    return arn


def stands_alone(world: World, region: str = WEST, name: str = "prod/db") -> bool:
    try:
        return "PrimaryRegion" not in world.call("DescribeSecret", region, SecretId=name)
    except ApiError:
        return False


def promotions(world: World) -> list[str]:
    """Return the secret of each promotion that AWS carried out."""
    return [call.params["SecretId"] for call in world.simulator.log if call.operation == STOP and not call.code]


# it works, and without the primary


def test_a_replica_is_promoted_and_read_back(world: World) -> None:
    arn = replicated(world)
    (secret,) = promote(world)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.PROMOTE, True, None)
    assert (row.arn, secret.arn, secret.primary_region) == (in_region(arn, WEST), arn, HOME)
    assert stands_alone(world)
    assert world.count("DescribeSecret", WEST) >= 2  # the look before, and the one that reads back


def test_the_promoted_secret_takes_values_of_its_own(world: World) -> None:
    replicated(world)
    with pytest.raises(ApiError):
        world.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")
    promote(world)
    mine = world.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")["VersionId"]
    world.call("PutSecretValue", SecretId="prod/db", SecretString="theirs")
    world.clock.time += 100
    stages = world.call("DescribeSecret", WEST, SecretId="prod/db")["VersionIdsToStages"]
    assert "AWSCURRENT" in stages[mine]


def test_the_primarys_region_may_be_down(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    (secret,) = promote(world)
    assert (secret.outcome, only((secret,)).changed) == (Outcome.OK, True)
    assert stands_alone(world)
    assert [call for call in world.calls if call[1] == HOME] == [("DescribeSecret", HOME, secret.arn)]
    assert [name for name, region, _ in world.calls if region == WEST][:2] == ["DescribeSecret", STOP]
    assert len(secret.notes) == 1
    assert "the old primary in us-east-1 was asked once and did not tell" in secret.notes[0]


def test_the_old_primary_is_asked_only_after_the_replica_stands_alone(world: World) -> None:
    replicated(world)
    seen: list[bool] = []
    world.on_call = lambda _operation, region: seen.append(stands_alone(world)) if region == HOME else None
    promote(world)
    assert seen == [True]


def test_an_outage_of_every_other_region_changes_nothing(world: World) -> None:
    replicated(world, WEST, IRELAND, outages=frozenset({HOME, IRELAND, SYDNEY}))
    assert only(promote(world)).outcome is Outcome.OK
    assert {region for _, region, _ in world.calls} == {WEST, HOME}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_an_old_primary_that_turns_us_away_fails_nothing(world: World, code: str) -> None:
    replicated(world)

    def refuse(_operation: str, region: str) -> None:
        if region == HOME:
            raise (Denied if code.startswith("Access") else CredentialsError)("no", code=code)

    world.on_call = refuse
    (secret,) = promote(world)
    assert secret.outcome is Outcome.OK
    assert "did not tell what it still lists: no" in secret.notes[0]


@pytest.mark.parametrize("region", [HOME, WEST, IRELAND])
def test_an_arn_of_any_of_its_regions_names_the_replica(world: World, region: Region) -> None:
    arn = replicated(world, WEST, IRELAND, outages=frozenset({HOME}))
    (secret,) = promote(world, in_region(arn, region))
    assert (secret.outcome, only((secret,)).arn) == (Outcome.OK, in_region(arn, WEST))
    assert promotions(world) == [in_region(arn, WEST)]
    assert stands_alone(world)
    assert not stands_alone(world, IRELAND)


def test_one_secret_under_three_names_is_promoted_once(world: World) -> None:
    arn = replicated(world)
    (secret,) = promote(world, "prod/db", arn, in_region(arn, WEST))
    assert (secret.outcome, world.count(STOP)) == (Outcome.OK, 1)


def test_a_replica_whose_primary_is_dead_can_be_promoted(world: World) -> None:
    replicated(world, removal_delay_s=30.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 1000
    (secret,) = promote(world)
    assert (secret.outcome, stands_alone(world)) == (Outcome.OK, True)
    assert "did not tell" in secret.notes[0]


def test_a_replica_that_is_being_removed_is_saved(world: World) -> None:
    replicated(world, removal_delay_s=30.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    assert only(promote(world)).outcome is Outcome.OK
    world.clock.time += 1000
    assert stands_alone(world)


# once is enough


def test_running_again_changes_nothing_and_asks_nobody_else(world: World) -> None:
    arn = replicated(world)
    promote(world)
    (secret,) = promote(world)
    row = only((secret,))
    assert (row.outcome, row.changed, row.action, row.arn) == (
        Outcome.OK,
        False,
        Action.PROMOTE,
        in_region(arn, WEST),
    )
    assert (world.count(STOP), promotions(world)) == (0, [in_region(arn, WEST)])
    assert [region for _, region, _ in world.calls] == [WEST]
    assert secret.notes == ("prod/db in us-west-2 stands alone already; nothing was sent",)


def test_a_secret_that_was_never_a_replica_stands_alone_already(world: World) -> None:
    world.create(region=WEST)
    (secret,) = promote(world)
    assert (secret.outcome, only((secret,)).changed, world.count(STOP)) == (Outcome.OK, False, 0)


def test_interrupted_and_repeated_it_sends_nothing_more(world: World) -> None:
    world = Slow(world.clock, world.simulator)
    replicated(world)
    run = prepare(world)
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    assert (only(run.secrets()).outcome, only(run.secrets()).changed) == (Outcome.PENDING, True)
    world.call(STOP, WEST, SecretId="prod/db")  # what was accepted comes true
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, False, 0)


def test_nothing_more_is_sent_once_a_run_has_ended(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        replicated(world, name=name)
    run = prepare(world, *names)
    acting = run.act()
    next(acting)
    acting.close()
    assert (world.count(STOP), run.was_sent) == (4, True)
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4


def test_several_secrets_are_promoted_side_by_side(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        replicated(world, name=name)
    world.create("alone", region=WEST)
    secrets = promote(world, *names, "alone")
    assert {secret.outcome for secret in secrets} == {Outcome.OK}
    assert [secret.replicas[0].changed for secret in secrets] == [True] * 9 + [False]
    assert all(stands_alone(world, WEST, name) for name in names)


# reading back


def test_a_replica_that_still_shows_as_one_is_waited_for(world: World) -> None:
    world = Slow(world.clock, world.simulator)
    replicated(world)
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 1)
    assert len(world.clock.sleeps) == 3
    assert stands_alone(world)


def test_one_that_never_stands_alone_is_pending_at_the_deadline(world: World) -> None:
    world = Slow(world.clock, world.simulator)
    world.shows_after = 99_999
    replicated(world)
    started = world.clock.time
    (secret,) = promote(world, timeout_s=20.0)
    assert (secret.outcome, only((secret,)).changed) == (Outcome.PENDING, True)
    assert world.clock.time - started == pytest.approx(20.0)


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    replicated(world)
    row = only(promote(world, wait=False))
    assert (row.outcome, row.changed) == (Outcome.ACCEPTED, True)
    assert world.count("DescribeSecret", WEST) == 1
    assert world.clock.sleeps == []


def test_timeout_zero_sends_and_looks_once(world: World) -> None:
    replicated(world)
    row = only(promote(world, timeout_s=0.0))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert world.clock.sleeps == []


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(world: World) -> None:
    replicated(world)
    run = prepare(world)
    world.lose["DescribeSecret"] = ["before"] * 3
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_a_read_back_that_is_denied_is_not_taken_for_done(world: World) -> None:
    replicated(world)
    run = prepare(world)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed) == (Outcome.ACCESS, True)


def test_dry_run_decides_and_sends_nothing(world: World) -> None:
    arn = replicated(world)
    row = only(prepare(world).secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.arn) == (
        Outcome.OK,
        Action.PROMOTE,
        False,
        in_region(arn, WEST),
    )
    assert world.calls == [("DescribeSecret", WEST, "prod/db")]


# what the old primary says


@pytest.mark.parametrize("entry", ["kept", "dropped"])
def test_what_the_old_primary_lists_still_is_a_note(world: World, entry: str) -> None:
    replicated(world, promoted_entry=entry)
    (secret,) = promote(world)
    assert secret.outcome is Outcome.OK
    told = [note for note in secret.notes if "lists us-west-2 still, as InSync" in note]
    assert len(told) == (1 if entry == "kept" else 0)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ((IRELAND,), "eu-west-1 stays with the old primary in us-east-1"),
        ((IRELAND, SYDNEY), "eu-west-1, ap-southeast-2 stay with the old primary in us-east-1"),
    ],
)
def test_which_replicas_stay_with_the_old_primary_is_a_note(world: World, others: Sequence[Region], words: str) -> None:
    replicated(world, WEST, *others)
    (secret,) = promote(world)
    assert words in secret.notes
    assert world.call("DescribeSecret", IRELAND, SecretId="prod/db")["PrimaryRegion"] == HOME


# refusals


def test_the_primary_itself_is_a_usage_error(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError, match="prod/db in us-east-1 is the primary itself"):
        prepare(world, region=HOME)


def test_a_missing_secret_does_not_stop_the_others(world: World) -> None:
    replicated(world)
    secrets = promote(world, "nowhere", "prod/db")
    assert [secret.outcome for secret in secrets] == [Outcome.FAILED, Outcome.OK]
    assert secrets[0].error is not None
    assert (secrets[0].error.code, "us-west-2" in (secrets[0].error.hint or "")) == ("ResourceNotFoundException", True)


def test_a_refused_promotion_is_told_with_the_permission_that_is_missing(world: World) -> None:
    arn = replicated(world, denied=frozenset({(STOP, WEST)}))
    run = prepare(world)
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, run.was_sent) == (Outcome.ACCESS, False, False)
    assert row.error is not None
    assert row.error.hint == f"allow secretsmanager:StopReplicationToReplica on {in_region(arn, WEST)}"
    assert [region for _, region, _ in world.calls if region == HOME] == []  # nothing was promoted


def test_a_denied_look_sends_nothing(world: World) -> None:
    replicated(world, denied=frozenset({("DescribeSecret", WEST)}))
    (secret,) = promote(world)
    assert (secret.outcome, world.count(STOP)) == (Outcome.ACCESS, 0)


def test_a_replica_of_another_account_is_refused(world: World) -> None:
    world.create(region=WEST)
    far = "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"
    world.simulator.set_cross_account("prod/db", WEST, primary={"PrimarySecretARN": far, "ReplicationStatus": "InSync"})
    (secret,) = promote(world)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, secret.replicas) == (Outcome.FAILED, "CrossAccountReplica", ())
    assert far in secret.error.message
    assert secret.cross_account is not None
    assert world.count(STOP) == 0


def test_a_replica_here_with_replicas_in_other_accounts_may_be_promoted(world: World) -> None:
    replicated(world)
    far = {"ReplicaSecretARN": "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-a1b2c3"}
    world.simulator.set_cross_account("prod/db", WEST, replicas=[far])
    assert only(promote(world)).outcome is Outcome.OK


def test_a_secret_scheduled_for_deletion_is_refused(world: World) -> None:
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db")
    (secret,) = promote(world)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, world.count(STOP)) == (Outcome.FAILED, "pending_deletion", 0)


def test_a_replica_of_another_primary_than_the_one_typed_is_refused(world: World) -> None:
    replicated(world)
    (secret,) = promote(world, home=IRELAND)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, world.count(STOP)) == (Outcome.FAILED, "OtherPrimary", 0)
    assert "is a replica of us-east-1, not of eu-west-1" in secret.error.message


def test_a_replica_of_the_primary_that_was_typed_is_promoted_without_asking_it(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    run = prepare(world, home=HOME)
    assert world.count("DescribeSecret", HOME) == 0
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_another_account_stops_before_any_write(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError, match="123456789012"):
        prepare(world, expect_account="999999999999")
    assert promotions(world) == []


def test_a_replica_region_that_does_not_answer_is_told(world: World) -> None:
    replicated(world, outages=frozenset({WEST}))
    (secret,) = promote(world)
    assert (secret.outcome, world.count(STOP)) == (Outcome.FAILED, 0)
    assert [region for _, region, _ in world.calls if region == HOME] == []


def test_throttling_for_ever_ends_at_the_deadline(world: World) -> None:
    replicated(world, write_quota=0)
    started = world.clock.time
    row = only(promote(world, timeout_s=30.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert row.error is not None
    assert row.error.code == "ThrottlingException"
    assert world.clock.time - started == pytest.approx(30.0)


def test_throttling_is_sent_again_until_it_passes(world: World) -> None:
    replicated(world, write_quota=0)

    def relent(operation: str, _region: str) -> None:
        if operation == STOP and len(world.clock.sleeps) == 3:
            world.faults()

    world.on_call = relent
    assert only(promote(world)).outcome is Outcome.OK
    assert len(promotions(world)) == 1


def test_a_promotion_is_not_begun_after_the_deadline(world: World) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        replicated(world, name=name)
    world.on_call = lambda operation, _region: world.clock.sleep(40.0) if operation == STOP else None
    secrets = promote(world, *names, timeout_s=3.0)
    last = secrets[-1].replicas[0]
    assert last.error is not None
    assert (last.outcome, last.error.code, last.error.hint) == (
        Outcome.PENDING,
        "NotSent",
        "smrep promote s5 -r us-west-2",
    )
    assert not stands_alone(world, WEST, "s5")


# lost answers


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    world.lose[STOP] = ["after"]
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 1)


def test_a_lost_request_is_sent_again_once_after_a_look(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"]
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 2)
    assert world.clock.time >= 15.0
    first, second = (number for number, call in enumerate(world.calls) if call[0] == STOP)
    assert ("DescribeSecret", WEST) in [call[:2] for call in world.calls[first:second]]


def test_a_write_that_is_never_answered_is_sent_twice_at_most(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"] * 9
    (secret,) = promote(world, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, world.count(STOP)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the request" in secret.notes[0]
    assert [region for _, region, _ in world.calls if region == HOME] == []


def test_what_could_not_be_looked_for_is_not_sent_again(world: World) -> None:
    replicated(world)
    run = prepare(world, timeout_s=60.0)
    world.lose[STOP] = ["before"]
    world.lose["DescribeSecret"] = ["before"] * 99
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (world.count(STOP), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_a_lost_answer_is_looked_for_with_no_wait_too(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["after"]
    row = only(promote(world, wait=False))
    assert (row.outcome, row.changed, stands_alone(world)) == (Outcome.OK, True, True)


def test_a_promotion_that_shows_late_after_a_lost_answer_is_not_sent_again(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"]

    def late(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(world.clock.sleeps) == 4 and not stands_alone(world):
            world.call(STOP, WEST, SecretId="prod/db")

    world.on_call = late
    row = only(promote(world))
    assert (row.outcome, row.changed, world.count(STOP)) == (Outcome.OK, True, 1)


def test_credentials_that_are_refused_when_sending_claim_nothing(world: World) -> None:
    replicated(world)
    run = prepare(world)

    def refuse(operation: str, _region: str) -> None:
        if operation == STOP:
            raise CredentialsError("no", code="UnrecognizedClientException")

    world.on_call = refuse
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert not run.was_sent
    assert only(run.secrets()).changed is False


def test_credentials_that_expire_while_reading_back_end_the_run_with_what_was_done(world: World) -> None:
    replicated(world)
    run = prepare(world)

    def expire(operation: str, region: str) -> None:
        if operation == "DescribeSecret":
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_a_secret_that_vanishes_while_read_back_is_told(world: World) -> None:
    replicated(world)
    run = prepare(world)

    def vanish(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and stands_alone(world):
            world.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
            world.clock.time += 10

    world.on_call = vanish
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert row.error is not None
    assert (row.outcome, row.error.code) == (Outcome.FAILED, "ResourceNotFoundException")


def test_nothing_but_describing_and_promoting_is_asked_of_aws(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.simulator.log.clear()
    world.lose[STOP] = ["before"]
    promote(world)
    assert {call.operation for call in world.simulator.log} == {"DescribeSecret", STOP}
    assert {call.region for call in world.simulator.log if call.operation == STOP} == {WEST}


def test_an_old_primary_that_hangs_does_not_hold_the_result_up(world: World) -> None:
    replicated(world)
    never = threading.Event()
    world.on_call = lambda _operation, region: never.wait(30) and None if region == HOME else None
    started = time.monotonic()
    (secret,) = promote(world)
    never.set()
    assert (secret.outcome, time.monotonic() - started < 10) == (Outcome.OK, True)
    assert "no answer came in time" in secret.notes[0]


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(world: World) -> None:
    replicated(world)
    world.lose[STOP] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(world, pulse=interrupt)
    world.on_call = lambda operation, _region: answered.wait(10) and None if operation == STOP else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds a replica still, and may not send again
    until = time.monotonic() + 10
    while not run.secrets()[0].notes and world.count(STOP) == 1:
        assert time.monotonic() < until
    assert (world.count(STOP), run.was_sent) == (1, True)
