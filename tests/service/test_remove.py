"""`remove` on the simulator, with a clock that only sleeps move."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, at_home, kinds, only

from smrep.errors import CredentialsError, Denied, NotFound, Outcome, Unanswered, UsageError
from smrep.model import Replica
from smrep.regions import Region
from smrep.report import Action, SecretReport
from smrep.rules.asked import Address
from smrep.sandbox.simulator import ApiError
from smrep.service.removing import Removal

REMOVE = "RemoveRegionsFromReplication"


class Choosy(World):
    """A world in which removals from some Regions are denied."""

    spared: tuple[str, ...] = (IRELAND,)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        if set(self.spared) & set(replicas):
            self.calls.append((REMOVE, region, secret_id))
            raise Denied("no identity-based policy allows it", f"{secret_id} in {region}", code="AccessDeniedException")
        return super().remove(secret_id, region, replicas)


def prepare(
    world: World, *regions: str, names: Sequence[str] = ("prod/db",), timeout_s: float = 300.0, **more: Any
) -> Removal:
    world.calls.clear()
    deadline = world.clock.time + timeout_s
    more.setdefault("addresses", at_home(*names))
    run = Removal(world, world.clock, deadline, regions=tuple(Region(each) for each in regions), **more)
    run.plan()
    return run


def remove(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *regions, **more)
    for _ in run.act():
        pass
    return run.secrets()


def replicated(world: World, *regions: str, removal_delay_s: float = 30.0, **more: Any) -> str:
    arn = world.create()
    world.replicate_by_hand(*(regions or (WEST,)))
    world.faults(removal_delay_s=removal_delay_s, **more)
    return arn


def is_there(world: World, region: str = WEST, name: str = "prod/db") -> bool:
    try:
        world.call("DescribeSecret", region, SecretId=name)
    except ApiError as error:
        return error.code != "ResourceNotFoundException"
    return True


def delete_primary(world: World) -> None:
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 1000


def listed(world: World, name: str = "prod/db") -> list[str]:
    return [each["Region"] for each in world.call("DescribeSecret", SecretId=name).get("ReplicationStatus", [])]


def removals(world: World) -> list[list[str]]:
    """Return the Regions of each removal that AWS carried out."""
    return [
        call.params["RemoveReplicaRegions"]
        for call in world.simulator.log
        if call.operation == REMOVE and not call.code
    ]


# gone means gone


def test_a_removal_is_waited_for_until_the_target_answers_not_found(world: World) -> None:
    replicated(world)
    started = world.clock.time
    row = only(remove(world, WEST))
    assert (row.outcome, row.action, row.changed, row.status, row.arn) == (Outcome.OK, Action.REMOVE, True, None, None)
    assert 30.0 <= world.clock.time - started <= 30.0 + 5.5
    assert not is_there(world)
    assert (world.count(REMOVE), kinds(row)) == (1, [])


def test_a_primary_deleted_too_early_strands_its_replica(world: World) -> None:
    replicated(world)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    delete_primary(world)
    assert not is_there(world, HOME)
    assert is_there(world, WEST)


def test_a_primary_deleted_at_once_after_remove_leaves_no_orphan(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = remove(world, WEST, IRELAND)
    assert secret.outcome is Outcome.OK
    delete_primary(world)
    assert [is_there(world, each) for each in (HOME, WEST, IRELAND)] == [False, False, False]


@pytest.mark.parametrize("ticks", [1, 2, 5])
def test_interrupted_and_repeated_it_still_waits_and_leaves_no_orphan(world: World, ticks: int) -> None:
    replicated(world)
    acting = prepare(world, WEST).act()
    for _ in range(ticks):
        next(acting)
    acting.close()  # as an interrupt does
    assert is_there(world)

    again = only(remove(world, WEST))
    assert (again.outcome, again.changed, again.status) == (Outcome.OK, False, None)
    assert (world.count(REMOVE), len(removals(world))) == (0, 1)
    assert not is_there(world)

    third = only(remove(world, WEST))
    assert (third.outcome, third.changed, kinds(third)) == (Outcome.OK, False, [])
    assert (world.count(REMOVE), len(removals(world))) == (0, 1)
    delete_primary(world)
    assert not is_there(world)


def test_a_second_run_that_may_not_wait_long_enough_is_pending_and_says_why(world: World) -> None:
    replicated(world)
    remove(world, WEST, timeout_s=5.0)
    row = only(remove(world, WEST, timeout_s=5.0))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])
    assert row.arn is not None
    assert row.findings[0].hint == "smrep remove prod/db --primary-region us-east-1 -r us-west-2"


def test_never_a_replica_at_all_is_done_and_nothing_is_sent(world: World) -> None:
    world.create()
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, row.action) == (Outcome.OK, False, Action.REMOVE)
    assert (world.count(REMOVE), world.clock.sleeps) == (0, [])


def test_a_stranded_replica_is_never_said_to_be_gone(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=120.0)
    acting = run.act()
    next(acting)
    world.call("DeleteSecret", SecretId="prod/db")  # somebody does not wait
    for _ in acting:
        pass
    row = only(run.secrets())
    assert is_there(world)
    assert (row.outcome, kinds(row), row.changed) == (Outcome.PENDING, ["removing"], True)


def test_a_primary_marked_for_deletion_is_refused(world: World) -> None:
    replicated(world)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db")
    (secret,) = remove(world, WEST)
    assert (secret.outcome, secret.error and secret.error.code) == (Outcome.FAILED, "pending_deletion")


def test_the_deadline_leaves_what_is_still_there_pending(world: World) -> None:
    replicated(world, WEST, IRELAND, removal_delay_s=999.0, removal_delay_by_region={IRELAND: 3.0})
    started = world.clock.time
    (secret,) = remove(world, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert [row.changed for row in secret.replicas] == [True, True]
    assert world.clock.time - started == pytest.approx(20.0)
    assert kinds(secret.replicas[0]) == ["removing"]


def test_timeout_zero_sends_and_looks_once(world: World) -> None:
    replicated(world)
    row = only(remove(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, True)
    assert world.clock.sleeps == []
    assert world.count("DescribeSecret", WEST) == 2  # the look before, and the one after


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    replicated(world)
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.ACCEPTED, True)
    assert world.clock.sleeps == []
    assert is_there(world)


def test_no_wait_does_not_take_somebody_elses_removal_for_done(world: World) -> None:
    replicated(world)
    remove(world, WEST, wait=False)
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, False, ["removing"])


def test_dry_run_decides_and_sends_nothing(world: World) -> None:
    replicated(world)
    row = only(prepare(world, WEST).secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.REMOVE, False, "InSync")
    assert (world.count(REMOVE), listed(world)) == (0, [WEST])


# several Regions and several secrets


def test_several_regions_are_one_call(world: World) -> None:
    regions = (WEST, IRELAND, SYDNEY, "eu-central-1", "sa-east-1")
    replicated(world, *regions)
    (secret,) = remove(world, *regions[:4])
    assert [row.region for row in secret.replicas] == list(regions[:4])
    assert {row.outcome for row in secret.replicas} == {Outcome.OK}
    assert removals(world) == [list(regions[:4])]
    assert listed(world) == ["sa-east-1"]
    assert is_there(world, "sa-east-1")


def test_only_what_the_primary_lists_still_is_sent(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    (secret,) = remove(world, WEST, IRELAND, SYDNEY)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [
        (Outcome.OK, False),
        (Outcome.OK, True),
        (Outcome.OK, False),
    ]
    assert removals(world)[1:] == [[IRELAND]]


def test_all_secrets_are_sent_first_and_then_waited_for_together(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    world.faults(removal_delay_s=30.0)
    started = world.clock.time
    secrets = remove(world, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 9
    assert world.clock.time - started <= 36.0
    assert not any(is_there(world, WEST, name) for name in names)


def test_a_missing_secret_does_not_stop_the_others(world: World) -> None:
    replicated(world, removal_delay_s=1.0)
    secrets = remove(world, WEST, names=("nowhere", "prod/db"))
    assert [secret.outcome for secret in secrets] == [Outcome.FAILED, Outcome.OK]
    assert secrets[0].error is not None
    assert secrets[0].error.code == "ResourceNotFoundException"


def test_a_secret_named_by_name_and_by_arn_is_removed_once(world: World) -> None:
    arn = replicated(world, removal_delay_s=1.0)
    (secret,) = remove(world, WEST, names=("prod/db", arn))
    assert secret.outcome is Outcome.OK
    assert world.count(REMOVE) == 1


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(world: World) -> None:
    replicated(world, removal_delay_s=1.0)
    world.simulator.set_replication_status("prod/db", HOME, IRELAND, "Failed", "no luck")
    (secret,) = remove(world, WEST)
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db has Failed in eu-west-1, which was not asked for: no luck",)
    assert listed(world) == [IRELAND]


def test_nothing_more_is_sent_once_a_run_has_ended(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    run = prepare(world, WEST, names=names)
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    assert world.count(REMOVE) == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4
    assert run.was_sent


# refusals of AWS


def test_a_refusal_of_one_region_is_isolated(world: World) -> None:
    world = Choosy(world.clock, world.simulator)
    replicated(world, WEST, IRELAND, SYDNEY)
    (secret,) = remove(world, WEST, IRELAND, SYDNEY)
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.ACCESS, Outcome.OK]
    assert [row.changed for row in secret.replicas] == [True, False, True]
    denied = secret.replicas[1]
    assert denied.error is not None
    assert denied.error.code == "AccessDeniedException"
    assert "secretsmanager:RemoveRegionsFromReplication" in (denied.error.hint or "")
    assert "eu-west-1" in denied.error.message
    assert removals(world) == [[WEST], [SYDNEY]]
    assert world.count(REMOVE) == 4  # together, then each by itself
    assert listed(world) == [IRELAND]


def test_a_denied_removal_is_an_access_outcome_and_changes_nothing(world: World) -> None:
    replicated(world, WEST, IRELAND, denied=frozenset({(REMOVE, HOME)}))
    run = prepare(world, WEST, IRELAND)
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.ACCESS, False)] * 2
    assert not run.was_sent
    assert listed(world) == [WEST, IRELAND]


def test_throttling_is_sent_again_until_it_passes(world: World) -> None:
    replicated(world, removal_delay_s=1.0, write_quota=0)
    run = prepare(world, WEST)

    def relent(operation: str, _region: str) -> None:
        if operation == REMOVE and len(world.clock.sleeps) == 3:
            world.faults(removal_delay_s=1.0)

    world.on_call = relent
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, len(removals(world))) == (Outcome.OK, True, 1)


def test_throttling_for_ever_ends_at_the_deadline(world: World) -> None:
    replicated(world, WEST, IRELAND, write_quota=0)
    started = world.clock.time
    (secret,) = remove(world, WEST, IRELAND, timeout_s=30.0)
    for row in secret.replicas:
        assert (row.outcome, row.changed) == (Outcome.PENDING, False)
        assert row.error is not None
        assert row.error.code == "ThrottlingException"
    assert world.clock.time - started == pytest.approx(30.0)
    assert removals(world) == []


def test_requests_that_take_the_whole_time_leave_the_others_unsent(world: World) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    world.on_call = lambda operation, _region: world.clock.sleep(40.0) if operation == REMOVE else None
    secrets = remove(world, WEST, names=names, timeout_s=3.0)
    last = secrets[-1].replicas[0]
    assert 1 <= world.count(REMOVE) <= 4
    assert (last.outcome, last.changed) == (Outcome.PENDING, False)
    assert last.error is not None
    assert (last.error.code, last.error.hint) == ("NotSent", "smrep remove s5 --primary-region us-east-1 -r us-west-2")
    assert is_there(world, WEST, "s5")


def test_credentials_that_expire_while_waiting_end_the_run_with_what_was_done(world: World) -> None:
    replicated(world)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(world.clock.sleeps) > 2:
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    run = prepare(world, WEST)
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_credentials_that_are_refused_when_sending_claim_nothing(world: World) -> None:
    replicated(world)

    def refuse(operation: str, _region: str) -> None:
        if operation == REMOVE:
            raise CredentialsError("no", code="UnrecognizedClientException")

    run = prepare(world, WEST)
    world.on_call = refuse
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert not run.was_sent
    assert only(run.secrets()).changed is False


# lost answers


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["after"]
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.OK, True, 1)
    assert not is_there(world)


def test_a_lost_request_is_sent_again_once_after_the_list_had_its_time(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.lose[REMOVE] = ["before"]
    started = world.clock.time
    (secret,) = remove(world, WEST, IRELAND)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.OK, True)] * 2
    assert (world.count(REMOVE), removals(world)) == (2, [[WEST, IRELAND]])
    assert world.clock.time - started >= 15.0 + 30.0


def test_a_write_that_is_never_answered_is_sent_twice_at_most(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    (secret,) = remove(world, WEST, timeout_s=100.0)
    assert (secret.outcome, only((secret,)).changed, world.count(REMOVE)) == (Outcome.PENDING, False, 2)
    assert "no answer came to the removal from us-west-2" in secret.notes[0]


def test_a_second_lost_answer_is_looked_for_too(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before", "after"]
    (secret,) = remove(world, WEST)
    assert (secret.outcome, secret.notes, world.count(REMOVE)) == (Outcome.OK, (), 2)


def test_what_could_not_be_looked_for_is_not_sent_again(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    world.lose[REMOVE] = ["before"]

    def silent(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise Unanswered("connection was closed")

    world.on_call = silent
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (world.count(REMOVE), row.outcome, row.changed) == (1, Outcome.PENDING, False)


def test_no_wait_does_not_take_a_lost_request_for_accepted(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before", "before"]
    row = only(remove(world, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_a_lost_answer_at_timeout_zero_is_looked_for_once_and_not_sent_again_blindly(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["after"]
    row = only(remove(world, WEST, timeout_s=0.0))
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.PENDING, True, 1)


def test_a_lost_request_in_which_one_region_is_then_refused_is_isolated(world: World) -> None:
    world = Choosy(world.clock, world.simulator)
    replicated(world, WEST, IRELAND)
    world.spared = ()
    world.lose[REMOVE] = ["before"]
    run = prepare(world, WEST, IRELAND)

    def forbid(operation: str, region: str) -> None:
        if operation == REMOVE:
            world.spared = (IRELAND,)

    world.on_call = forbid
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.ACCESS]
    assert removals(world) == [[WEST]]


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    world.lose["DescribeSecret"] = ["before"] * 4
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert not is_there(world)


def test_an_outage_of_the_target_while_waiting_is_not_taken_for_gone(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=60.0)
    acting = run.act()
    next(acting)
    world.faults(removal_delay_s=30.0, outages=frozenset({WEST}))
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_look_that_is_denied_while_waiting_is_not_taken_for_gone(world: World) -> None:
    replicated(world, WEST, IRELAND)
    run = prepare(world, WEST, IRELAND, timeout_s=60.0)
    acting = run.act()
    next(acting)
    world.faults(removal_delay_s=30.0, denied=frozenset({("DescribeSecret", WEST)}))
    for _ in acting:
        pass
    (secret,) = run.secrets()
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.ACCESS, True), (Outcome.OK, True)]


def test_the_primarys_region_is_not_needed_while_waiting(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    acting = run.act()
    next(acting)
    before = world.count("DescribeSecret", HOME)
    for _ in acting:
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert world.count("DescribeSecret", HOME) == before


# what is not our replica


def sparing(world: World, kind: str) -> None:
    """Check that the namesake in us-west-2 is refused as `kind`, and that eu-west-1 goes on."""
    before = world.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"]
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert kinds(stopped) == [kind]
    assert (stopped.outcome, stopped.changed, stopped.status, stopped.arn) == (Outcome.FAILED, False, None, None)
    assert stopped.error is not None
    assert stopped.error.code == kind
    assert before in stopped.error.message
    assert (removed.outcome, removed.changed) == (Outcome.OK, True)
    assert removals(world)[-1] == [IRELAND]
    world.clock.time += 1000
    assert world.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"] == before


def test_a_namesake_is_left_alone_and_other_regions_go_on(world: World) -> None:
    world.create(region=WEST)
    replicated(world, WEST, IRELAND)
    assert listed(world) == [WEST, IRELAND]
    sparing(world, "name_clash")


def test_a_namesake_in_a_region_that_is_not_listed_is_refused_too(world: World) -> None:
    world.create(region=WEST)
    replicated(world, IRELAND)
    sparing(world, "name_clash")


def test_a_promoted_replica_is_left_alone(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert WEST in listed(world)
    sparing(world, "promoted")


def test_a_replica_of_another_primary_is_left_alone(world: World) -> None:
    world.create(region=SYDNEY)
    answer = {"Region": WEST}
    world.call("ReplicateSecretToRegions", SYDNEY, SecretId="prod/db", AddReplicaRegions=[answer])
    world.clock.time += 10
    replicated(world, WEST, IRELAND)
    sparing(world, "orphan")


def test_a_replica_that_a_promoted_one_of_ours_has_made_is_left_alone(world: World) -> None:
    replicated(world, WEST)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    world.call("ReplicateSecretToRegions", WEST, SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    world.clock.time += 10
    row = only(remove(world, IRELAND))
    assert (kinds(row), row.outcome, world.count(REMOVE)) == (["orphan"], Outcome.FAILED, 0)
    assert is_there(world, IRELAND)


def test_a_namesake_scheduled_for_deletion_is_left_alone(world: World) -> None:
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db")
    replicated(world, WEST, IRELAND)
    sparing(world, "pending_deletion")


def test_a_look_that_is_denied_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, denied=frozenset({("DescribeSecret", WEST)}))
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.ACCESS, False)
    assert stopped.error is not None
    assert "secretsmanager:DescribeSecret in us-west-2" in (stopped.error.hint or "")
    assert removed.outcome is Outcome.OK
    assert removals(world) == [[IRELAND]]


def test_a_region_in_outage_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, outages=frozenset({WEST}))
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.FAILED, False)
    assert removed.outcome is Outcome.OK
    assert removals(world) == [[IRELAND]]


def test_a_region_that_is_not_enabled_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, disabled_regions=frozenset({WEST}))
    (secret,) = remove(world, WEST, IRELAND)
    assert [kinds(row) for row in secret.replicas] == [["unchecked"], []]
    assert removals(world) == [[IRELAND]]


def test_expired_credentials_in_the_look_end_the_run_before_anything_is_sent(world: World) -> None:
    replicated(world)

    def expire(operation: str, region: str) -> None:
        if region == WEST:
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        prepare(world, WEST)
    assert removals(world) == []


def test_a_replica_promoted_while_it_is_waited_for_is_told(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    acting = run.act()
    next(acting)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    for _ in acting:
        pass
    row = only(run.secrets())
    assert (kinds(row), row.outcome, row.changed) == (["promoted"], Outcome.FAILED, True)
    assert is_there(world)


def test_a_failed_entry_with_nothing_there_is_dropped(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults()
    run = prepare(world, WEST)
    assert run.stakes == (
        ("prod/db", "to be removed for good from us-west-2: the entry of prod/db, with nothing there"),
    )
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, row.status) == (Outcome.OK, True, None)
    assert listed(world) == []
    assert world.clock.sleeps == []


def test_an_in_sync_entry_with_nothing_behind_it_is_dropped(world: World) -> None:
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, listed(world)) == (Outcome.OK, True, [])


def test_an_entry_in_progress_is_not_gone_at_the_first_not_found(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=60.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    started = world.clock.time
    row = only(remove(world, WEST))
    assert (row.outcome, row.changed, listed(world)) == (Outcome.OK, True, [])
    assert 15.0 <= world.clock.time - started <= 15.0 + 5.5
    world.clock.time += 1000
    assert not is_there(world)


def test_a_replica_that_comes_into_being_after_all_is_waited_out(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=60.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    world.faults(replication_delay_s=0.0, removal_delay_s=20.0)
    began = world.clock.time

    def late(operation: str, region: str) -> None:  # AWS finishes what was under way, and only then takes it back
        if operation == "DescribeSecret" and region == WEST and world.clock.time - began > 8 and not late_done:
            late_done.append(True)
            world.replicate_by_hand(WEST, settle_s=0.0)
            world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])

    late_done: list[bool] = []
    run = prepare(world, WEST)
    world.on_call = late
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK
    assert late_done
    assert world.clock.time - began >= 28.0
    assert not is_there(world)


# the wrong primary


def test_a_replica_is_refused_with_the_command_to_run(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = remove(world, IRELAND, addresses=(Address(at_home()[0].secret_id, WEST),), flags=("--timeout", "2m"))
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, secret.replicas) == (Outcome.FAILED, "is_replica", ())
    assert secret.error.hint == "smrep remove prod/db --primary-region us-east-1 -r eu-west-1 --timeout 2m"
    assert world.count(REMOVE) == 0


def test_a_replica_whose_primarys_region_was_to_be_cleared_is_sent_to_look_first(world: World) -> None:
    replicated(world)
    (secret,) = remove(world, HOME, addresses=(Address(at_home()[0].secret_id, WEST),))
    assert secret.error is not None
    assert secret.error.hint == "smrep status prod/db --primary-region us-east-1"


def test_another_account_stops_before_any_write(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError, match="123456789012"):
        prepare(world, WEST, expect_account="999999999999")
    assert removals(world) == []


def test_a_primary_that_does_not_answer_is_told_and_nothing_is_sent(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    (secret,) = remove(world, WEST)
    assert secret.outcome is Outcome.FAILED
    assert world.count(REMOVE) == 0


def test_a_not_found_of_the_primary_after_a_lost_answer_is_not_taken_for_removed(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST, timeout_s=60.0)
    world.lose[REMOVE] = ["before"]

    def vanish(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME:
            raise NotFound("Secrets Manager can't find the specified secret.")

    world.on_call = vanish
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, world.count(REMOVE)) == (Outcome.PENDING, False, 1)


def test_nothing_but_describing_and_removing_is_asked_of_aws(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.simulator.log.clear()
    world.lose[REMOVE] = ["before"]
    remove(world, WEST, IRELAND)
    assert {call.operation for call in world.simulator.log} == {"DescribeSecret", REMOVE}
    assert {call.region for call in world.simulator.log if call.operation == REMOVE} == {HOME}


def test_an_interrupt_in_the_midst_of_a_request_lets_nothing_be_sent_again(world: World) -> None:
    replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    answered = threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run = prepare(world, WEST, pulse=interrupt)
    world.on_call = lambda operation, _region: answered.wait(10) and None if operation == REMOVE else None
    with pytest.raises(KeyboardInterrupt):
        next(run.act())
    answered.set()  # the request's thread goes on, finds nothing, and may not send again
    until = time.monotonic() + 10
    while not run.secrets()[0].notes and world.count(REMOVE) == 1:
        assert time.monotonic() < until
    assert world.count(REMOVE) == 1
    assert run.was_sent
