"""The way back on the simulator: what is compared, what is destroyed, what is left alone."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST
from recovery.failback_scene import PROMOTE, REMOVE, REPLICATE, crossed, listed, params, row, shown
from recovery.recovery_scene import ALIAS, RecoveryScene

from smrep.errors import Outcome
from smrep.report import Action, Kind
from smrep.rules.recovery.failback_decision import FailbackGoal


def test_the_promoted_secret_gets_its_replicas_under_their_keys_and_the_third_regions_move() -> None:
    scene = crossed(IRELAND, key=ALIAS)
    scene.put("a", WEST)
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert scene.by_name("a").outcome is Outcome.OK
    assert scene.by_name("a").primary_region == WEST
    assert listed(scene, WEST) == {
        HOME: ("InSync", ALIAS),
        IRELAND: ("InSync", "alias/aws/secretsmanager"),
    }
    assert shown(scene, HOME)["PrimaryRegion"] == WEST
    assert shown(scene, IRELAND)["PrimaryRegion"] == WEST
    assert (row(scene, HOME).action, row(scene, HOME).verified) == (Action.OVERWRITE, True)
    assert (row(scene, IRELAND).action, row(scene, IRELAND).verified) == (Action.ADD, True)
    assert [each[:2] for each in run.calls if each[0] in (REMOVE, REPLICATE)] == [
        (REMOVE, HOME),
        (REPLICATE, WEST),
        (REPLICATE, WEST),
    ]
    assert params(scene, REMOVE)[-1]["RemoveReplicaRegions"] == [IRELAND]


def test_only_the_old_primarys_place_is_taken_by_force() -> None:
    scene = crossed(IRELAND, SYDNEY)
    scene.failback(FailbackGoal.PROTECT)
    forced = {
        each["Region"]: call["ForceOverwriteReplicaSecret"]
        for call in params(scene, REPLICATE)[-2:]
        for each in call["AddReplicaRegions"]
    }
    assert forced == {HOME: True, IRELAND: False, SYDNEY: False}


def test_the_role_goes_home_by_the_same_steps_and_the_promoted_region_is_never_named_in_a_removal() -> None:
    scene = crossed(IRELAND, key=ALIAS)
    scene.put("a", WEST)
    scene.failback(FailbackGoal.PROTECT)
    scene.put("a", WEST)
    (run,) = scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK
    assert scene.by_name("a").primary_region == HOME
    assert set(listed(scene, HOME)) == {WEST, IRELAND}
    assert listed(scene, HOME)[WEST] == ("InSync", ALIAS)
    assert {shown(scene, each)["PrimaryRegion"] for each in (WEST, IRELAND)} == {HOME}
    assert run.count(PROMOTE, HOME) == 1
    for each in params(scene, REMOVE):
        assert each["RemoveReplicaRegions"] == [IRELAND]
    again = scene.failback(FailbackGoal.RETURN)[-1]
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in again.calls}
    assert scene.by_name("a").outcome is Outcome.OK


def test_all_the_way_in_one_run() -> None:
    scene = crossed(IRELAND)
    scene.put("a", WEST)
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK
    assert set(listed(scene, HOME)) == {WEST, IRELAND}
    assert shown(scene, WEST)["PrimaryRegion"] == HOME


def test_what_changed_on_both_sides_is_left_as_it_is() -> None:
    scene = crossed(IRELAND)
    scene.put("a", WEST)
    scene.put("a", HOME, instead=False)
    for goal in FailbackGoal:
        (run,) = scene.failback(goal)
        assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
        error = row(scene, HOME).error
        assert error is not None
        assert (error.code, error.outcome) == ("BothChanged", Outcome.FAILED)


@pytest.mark.parametrize("look", [2, 3], ids=["before the leg", "before the request"])
def test_a_writer_between_the_plan_and_the_request_stops_it(look: int) -> None:
    scene = crossed()
    scene.put("a", WEST)
    looks: list[str] = []

    def write(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME):
            looks.append(region)
            if len(looks) == look:
                scene.put("a", HOME, instead=False)

    scene.on_call = write
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert len(looks) >= look
    assert run.count(REPLICATE) == 0
    assert scene.by_name("a").outcome in (Outcome.PENDING, Outcome.FAILED)


def test_a_newer_value_in_the_old_region_is_kept_and_fails_back() -> None:
    scene = crossed(promoted_entry="dropped")
    scene.put("a", HOME)
    scene.failback(FailbackGoal.PROTECT)
    error = row(scene, HOME).error
    assert error is not None
    assert error.code == "OldIsNewer"
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK
    assert scene.current("a", WEST) == scene.current("a", HOME)
    assert shown(scene, WEST)["PrimaryRegion"] == HOME


def test_what_rotates_is_refused_unless_that_is_seen_to() -> None:
    scene = crossed()
    scene.aws.call("RotateSecret", SecretId="a", RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:r")
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert run.count(REPLICATE) == 0
    assert [each.kind for each in row(scene, HOME).findings] == [Kind.ROTATING]
    scene.failback(FailbackGoal.PROTECT, handled=True)
    assert scene.by_name("a").outcome is Outcome.OK


def test_a_name_conflict_in_the_old_region_is_never_overwritten() -> None:
    scene = crossed(promoted_entry="dropped", keeps_primary_region=False)
    scene.aws.call("DeleteSecret", SecretId="a", ForceDeleteWithoutRecovery=True)
    scene.aws.clock.time += 30
    scene.aws.create("a")
    before = scene.current("a", HOME)
    for goal in FailbackGoal:
        (run,) = scene.failback(goal, handled=True)
        assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
        assert [each.kind for each in row(scene, HOME).findings] == [Kind.NAME_CONFLICT]
    assert scene.current("a", HOME) == before


def test_a_secret_that_is_gone_from_the_old_region_just_gets_its_replica() -> None:
    scene = crossed(promoted_entry="dropped", keeps_primary_region=False)
    scene.aws.call("DeleteSecret", SecretId="a", ForceDeleteWithoutRecovery=True)
    scene.aws.clock.time += 30
    scene.failback(FailbackGoal.PROTECT)
    assert row(scene, HOME).action is Action.ADD
    assert [each["ForceOverwriteReplicaSecret"] for each in params(scene, REPLICATE)[-1:]] == [False]
    assert shown(scene, HOME)["PrimaryRegion"] == WEST


def test_while_the_old_region_is_down_nothing_is_done() -> None:
    scene = crossed(IRELAND)
    scene.outage(HOME)
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(scene, HOME).findings] == [Kind.UNCHECKED]


def test_a_third_region_that_can_not_be_looked_into_stops_it() -> None:
    scene = crossed(IRELAND)
    scene.outage(IRELAND)
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(scene, IRELAND).findings] == [Kind.UNCHECKED]


def test_a_third_region_with_a_name_conflict_is_skipped_and_holds_nothing_up() -> None:
    scene = RecoveryScene.set_up()
    with scene.aws.simulator.undisturbed():
        scene.aws.create("a", IRELAND)
    scene.secret("a")
    scene.aws.call("ReplicateSecretToRegions", SecretId="a", AddReplicaRegions=[{"Region": IRELAND}])
    scene.aws.clock.time += 10
    scene.failover()
    before = shown(scene, IRELAND)
    scene.failback(FailbackGoal.PROTECT)
    assert params(scene, REMOVE) == []
    assert row(scene, HOME).outcome is Outcome.OK
    assert [each.kind for each in row(scene, IRELAND).findings] == [Kind.NAME_CONFLICT]
    error = row(scene, IRELAND).error
    assert error is not None
    assert error.hint == (
        f"look at it:\n  aws secretsmanager describe-secret --secret-id {before['ARN']} --region eu-west-1"
    )
    assert shown(scene, IRELAND)["ARN"] == before["ARN"]
    assert scene.by_name("a").outcome is Outcome.FAILED


def test_where_aws_refuses_it_says_so_and_tries_nothing_else() -> None:
    scene = crossed(stale_entry_guards=True)
    scene.failback(FailbackGoal.RETURN)
    error = row(scene, HOME).error
    assert error is not None
    assert "AWS did not replace a in us-east-1 with a replica: " in error.message
    assert "AWS refuses" in (error.hint or "")
    assert shown(scene, HOME)["PrimaryRegion"] == HOME
    assert "PrimaryRegion" not in shown(scene, WEST) or shown(scene, WEST)["PrimaryRegion"] == WEST


@pytest.mark.parametrize("fate", ["before", "after"])
@pytest.mark.parametrize("operation", [REPLICATE, REMOVE, PROMOTE])
def test_a_lost_answer_is_looked_for(operation: str, fate: str) -> None:
    scene = crossed(IRELAND)
    scene.put("a", WEST)
    scene.lose(operation, fate)
    for _ in range(3):  # what was not seen to be taken by force is not sent again on its own
        scene.failback(FailbackGoal.RETURN)
        if scene.by_name("a").outcome is Outcome.OK:
            break
    assert scene.by_name("a").outcome is Outcome.OK
    assert set(listed(scene, HOME)) == {WEST, IRELAND}


@pytest.mark.parametrize("operation", [REPLICATE, REMOVE, PROMOTE])
def test_a_denied_step_ends_it_there_and_what_is_there_stays(operation: str) -> None:
    scene = crossed(IRELAND)
    scene.aws.faults(denied=frozenset((operation, each) for each in (HOME, WEST)))
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.ACCESS
    scene.aws.faults()
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK


def test_a_failover_that_failed_back_can_be_done_again() -> None:
    scene = crossed(IRELAND)
    scene.put("a", WEST)
    scene.failback(FailbackGoal.RETURN)
    scene.put("a", HOME)
    scene.aws.clock.sleep(30)
    scene.outage(HOME)
    scene.failover()
    assert scene.by_name("a").replicas[0].changed
    scene.outage()
    scene.put("a", WEST)
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK
    assert shown(scene, WEST)["PrimaryRegion"] == HOME
