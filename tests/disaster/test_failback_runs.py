"""The way back on the simulator: what is compared, what is destroyed, what is left alone."""

from __future__ import annotations

import pytest
from disaster.back import PROMOTE, REMOVE, REPLICATE, crossed, listed, params, row, shown
from disaster.scene import ALIAS, Stage
from fakes import HOME, IRELAND, SYDNEY, WEST

from smrep.errors import Outcome
from smrep.report import Action, Kind
from smrep.rules.homecoming import Goal


def test_the_promoted_secret_gets_its_replicas_under_their_keys_and_the_third_regions_move() -> None:
    stage = crossed(IRELAND, key=ALIAS)
    stage.put("a", WEST)
    (run,) = stage.failback(Goal.PROTECT)
    assert stage.by_name("a").outcome is Outcome.OK
    assert stage.by_name("a").primary_region == WEST
    assert listed(stage, WEST) == {
        HOME: ("InSync", ALIAS),
        IRELAND: ("InSync", "alias/aws/secretsmanager"),
    }
    assert shown(stage, HOME)["PrimaryRegion"] == WEST
    assert shown(stage, IRELAND)["PrimaryRegion"] == WEST
    assert (row(stage, HOME).action, row(stage, HOME).verified) == (Action.OVERWRITE, True)
    assert (row(stage, IRELAND).action, row(stage, IRELAND).verified) == (Action.ADD, True)
    assert [each[:2] for each in run.calls if each[0] in (REMOVE, REPLICATE)] == [
        (REMOVE, HOME),
        (REPLICATE, WEST),
        (REPLICATE, WEST),
    ]
    assert params(stage, REMOVE)[-1]["RemoveReplicaRegions"] == [IRELAND]


def test_only_the_old_primarys_place_is_taken_by_force() -> None:
    stage = crossed(IRELAND, SYDNEY)
    stage.failback(Goal.PROTECT)
    forced = {
        each["Region"]: call["ForceOverwriteReplicaSecret"]
        for call in params(stage, REPLICATE)[-2:]
        for each in call["AddReplicaRegions"]
    }
    assert forced == {HOME: True, IRELAND: False, SYDNEY: False}


def test_the_role_goes_home_by_the_same_steps_and_the_promoted_region_is_never_named_in_a_removal() -> None:
    stage = crossed(IRELAND, key=ALIAS)
    stage.put("a", WEST)
    stage.failback(Goal.PROTECT)
    stage.put("a", WEST)
    (run,) = stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK
    assert stage.by_name("a").primary_region == HOME
    assert set(listed(stage, HOME)) == {WEST, IRELAND}
    assert listed(stage, HOME)[WEST] == ("InSync", ALIAS)
    assert {shown(stage, each)["PrimaryRegion"] for each in (WEST, IRELAND)} == {HOME}
    assert run.count(PROMOTE, HOME) == 1
    for each in params(stage, REMOVE):
        assert each["RemoveReplicaRegions"] == [IRELAND]
    again = stage.failback(Goal.RETURN)[-1]
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in again.calls}
    assert stage.by_name("a").outcome is Outcome.OK


def test_all_the_way_in_one_run() -> None:
    stage = crossed(IRELAND)
    stage.put("a", WEST)
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK
    assert set(listed(stage, HOME)) == {WEST, IRELAND}
    assert shown(stage, WEST)["PrimaryRegion"] == HOME


def test_what_changed_on_both_sides_is_left_as_it_is() -> None:
    stage = crossed(IRELAND)
    stage.put("a", WEST)
    stage.put("a", HOME, instead=False)
    for goal in Goal:
        (run,) = stage.failback(goal)
        assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
        error = row(stage, HOME).error
        assert error is not None
        assert (error.code, error.outcome) == ("BothChanged", Outcome.FAILED)


@pytest.mark.parametrize("look", [2, 3], ids=["before the leg", "before the request"])
def test_a_writer_between_the_plan_and_the_request_stops_it(look: int) -> None:
    stage = crossed()
    stage.put("a", WEST)
    looks: list[str] = []

    def write(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME):
            looks.append(region)
            if len(looks) == look:
                stage.put("a", HOME, instead=False)

    stage.on_call = write
    (run,) = stage.failback(Goal.PROTECT)
    assert len(looks) >= look
    assert run.count(REPLICATE) == 0
    assert stage.by_name("a").outcome in (Outcome.PENDING, Outcome.FAILED)


def test_a_newer_value_in_the_old_region_is_kept_and_leads_home() -> None:
    stage = crossed(promoted_entry="dropped")
    stage.put("a", HOME)
    stage.failback(Goal.PROTECT)
    error = row(stage, HOME).error
    assert error is not None
    assert error.code == "OldIsNewer"
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK
    assert stage.current("a", WEST) == stage.current("a", HOME)
    assert shown(stage, WEST)["PrimaryRegion"] == HOME


def test_what_rotates_is_refused_unless_that_is_seen_to() -> None:
    stage = crossed()
    stage.world.call("RotateSecret", SecretId="a", RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:r")
    (run,) = stage.failback(Goal.PROTECT)
    assert run.count(REPLICATE) == 0
    assert [each.kind for each in row(stage, HOME).findings] == [Kind.ROTATING]
    stage.failback(Goal.PROTECT, handled=True)
    assert stage.by_name("a").outcome is Outcome.OK


def test_a_namesake_in_the_old_region_is_never_overwritten() -> None:
    stage = crossed(promoted_entry="dropped", keeps_primary_region=False)
    stage.world.call("DeleteSecret", SecretId="a", ForceDeleteWithoutRecovery=True)
    stage.world.clock.time += 30
    stage.world.create("a")
    before = stage.current("a", HOME)
    for goal in Goal:
        (run,) = stage.failback(goal, handled=True)
        assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
        assert [each.kind for each in row(stage, HOME).findings] == [Kind.NAME_CLASH]
    assert stage.current("a", HOME) == before


def test_a_secret_that_is_gone_from_the_old_region_just_gets_its_replica() -> None:
    stage = crossed(promoted_entry="dropped", keeps_primary_region=False)
    stage.world.call("DeleteSecret", SecretId="a", ForceDeleteWithoutRecovery=True)
    stage.world.clock.time += 30
    stage.failback(Goal.PROTECT)
    assert row(stage, HOME).action is Action.ADD
    assert [each["ForceOverwriteReplicaSecret"] for each in params(stage, REPLICATE)[-1:]] == [False]
    assert shown(stage, HOME)["PrimaryRegion"] == WEST


def test_while_the_old_region_is_down_nothing_is_done() -> None:
    stage = crossed(IRELAND)
    stage.outage(HOME)
    (run,) = stage.failback(Goal.PROTECT)
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(stage, HOME).findings] == [Kind.UNCHECKED]


def test_a_third_region_that_can_not_be_looked_into_stops_it() -> None:
    stage = crossed(IRELAND)
    stage.outage(IRELAND)
    (run,) = stage.failback(Goal.PROTECT)
    assert not {REMOVE, REPLICATE, PROMOTE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(stage, IRELAND).findings] == [Kind.UNCHECKED]


def test_a_third_region_that_holds_something_else_is_left_as_it_is_and_holds_nothing_up() -> None:
    stage = Stage.set_up()
    with stage.world.simulator.undisturbed():
        stage.world.create("a", IRELAND)
    stage.secret("a")
    stage.world.call("ReplicateSecretToRegions", SecretId="a", AddReplicaRegions=[{"Region": IRELAND}])
    stage.world.clock.time += 10
    stage.failover()
    before = shown(stage, IRELAND)
    stage.failback(Goal.PROTECT)
    assert params(stage, REMOVE) == []
    assert row(stage, HOME).outcome is Outcome.OK
    assert [each.kind for each in row(stage, IRELAND).findings] == [Kind.NAME_CLASH]
    assert shown(stage, IRELAND)["ARN"] == before["ARN"]
    assert stage.by_name("a").outcome is Outcome.FAILED


def test_where_aws_refuses_it_says_so_and_tries_nothing_else() -> None:
    stage = crossed(stale_entry_guards=True)
    stage.failback(Goal.RETURN)
    error = row(stage, HOME).error
    assert error is not None
    assert "AWS did not put a replica in place of a in us-east-1" in error.message
    assert "AWS refuses" in (error.hint or "")
    assert shown(stage, HOME)["PrimaryRegion"] == HOME
    assert "PrimaryRegion" not in shown(stage, WEST) or shown(stage, WEST)["PrimaryRegion"] == WEST


@pytest.mark.parametrize("fate", ["before", "after"])
@pytest.mark.parametrize("operation", [REPLICATE, REMOVE, PROMOTE])
def test_a_lost_answer_is_looked_for(operation: str, fate: str) -> None:
    stage = crossed(IRELAND)
    stage.put("a", WEST)
    stage.lose(operation, fate)
    for _ in range(3):  # what was not seen to be taken by force is not sent again on its own
        stage.failback(Goal.RETURN)
        if stage.by_name("a").outcome is Outcome.OK:
            break
    assert stage.by_name("a").outcome is Outcome.OK
    assert set(listed(stage, HOME)) == {WEST, IRELAND}


@pytest.mark.parametrize("operation", [REPLICATE, REMOVE, PROMOTE])
def test_a_denied_step_ends_it_there_and_what_is_there_stays(operation: str) -> None:
    stage = crossed(IRELAND)
    stage.world.faults(denied=frozenset((operation, each) for each in (HOME, WEST)))
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.ACCESS
    stage.world.faults()
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK


def test_a_failover_that_was_led_home_can_be_done_again() -> None:
    stage = crossed(IRELAND)
    stage.put("a", WEST)
    stage.failback(Goal.RETURN)
    stage.put("a", HOME)
    stage.world.clock.sleep(30)
    stage.outage(HOME)
    stage.failover()
    assert stage.by_name("a").replicas[0].changed
    stage.outage()
    stage.put("a", WEST)
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK
    assert shown(stage, WEST)["PrimaryRegion"] == HOME
