"""The way back where somebody writes, or changes what was shown, at the worst moment."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, new_key
from recovery.failback_scene import PROMOTE, REMOVE, REPLICATE, at, crossed, params, row, shown
from recovery.recovery_scene import ALIAS, RecoveryScene

from smrep.errors import Outcome
from smrep.report import Kind
from smrep.rules.recovery.failback_decision import FailbackGoal


def test_a_writer_while_third_regions_are_cleared_loses_nothing() -> None:
    scene = crossed(IRELAND)
    at(scene, REMOVE, lambda: scene.put("a", HOME, instead=False), HOME)
    scene.failback(FailbackGoal.PROTECT)
    assert scene.by_name("a").outcome is Outcome.FAILED
    assert scene.current("a", HOME).startswith("a-us-east-1")


def test_a_writer_while_the_request_is_throttled_loses_nothing() -> None:
    scene = crossed()
    scene.put("a", WEST)
    scene.aws.create("busy", WEST)

    def use_up() -> None:
        scene.aws.faults(write_quota=1)
        scene.aws.call("PutSecretValue", WEST, SecretId="busy", SecretString="x")
        scene.put("a", HOME, instead=False)

    at(scene, REPLICATE, use_up)
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert run.count(REPLICATE) == 1
    assert scene.current("a", HOME).startswith("a-us-east-1")
    error = scene.by_name("a").error
    assert error is not None
    assert error.code == "ChangedMeanwhile"


def test_what_was_not_shown_is_not_removed() -> None:
    scene = crossed()
    looks: list[str] = []

    def on_call(called: str, where: str) -> None:
        if (called, where) == ("DescribeSecret", HOME):
            looks.append(where)
            if len(looks) == 2:  # the plan has been shown
                scene.aws.call(REPLICATE, SecretId="a", AddReplicaRegions=[{"Region": IRELAND}])
                scene.aws.clock.time += 10

    scene.on_call = on_call
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert row(scene, WEST).error.code == "ChangedMeanwhile"  # type: ignore[union-attr]


def test_a_third_region_that_was_emptied_and_not_filled_again_is_told() -> None:
    scene = crossed(IRELAND)
    at(scene, REMOVE, lambda: scene.put("a", HOME, instead=False), HOME)
    scene.failback(FailbackGoal.PROTECT)
    scene.on_call = lambda _operation, _region: None
    scene.failback(FailbackGoal.PROTECT)
    assert row(scene, HOME).error.code == "OldIsNewer"  # type: ignore[union-attr]
    assert [each.kind for each in row(scene, IRELAND).findings] == [Kind.MISSING]
    assert "smrep replicate a" in (row(scene, IRELAND).error.hint or "")  # type: ignore[union-attr]


@pytest.mark.parametrize("region", [HOME, IRELAND])
def test_a_key_that_can_not_be_used_stops_it_before_anything_is_removed(region: str) -> None:
    scene = RecoveryScene.set_up()
    new_key(scene.aws, ALIAS, IRELAND)
    scene.secret("a", key=ALIAS)
    wanted = [{"Region": IRELAND, "KmsKeyId": ALIAS}]
    scene.aws.call(REPLICATE, SecretId="a", AddReplicaRegions=wanted)
    scene.aws.clock.time += 10
    scene.failover()
    key = scene.aws.call("DescribeKey", region, service="kms", KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    scene.aws.call("DisableKey", region, service="kms", KeyId=key)
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(scene, region).findings] == [Kind.KEY_DISABLED]


def test_a_value_that_comes_while_a_slow_region_is_waited_for_is_there_before_the_role_turns() -> None:
    scene = crossed(value_delay_s=20.0)
    scene.put("a", WEST)
    scene.failback(FailbackGoal.PROTECT)
    at(scene, "DescribeSecret", lambda: scene.put("a", WEST), WEST)
    scene.failback(FailbackGoal.RETURN)
    assert scene.by_name("a").outcome is Outcome.OK
    assert shown(scene, WEST)["PrimaryRegion"] == HOME


def test_the_third_regions_are_cleared_before_there_are_two_that_can_be_written() -> None:
    scene = crossed(IRELAND)
    scene.failback(FailbackGoal.PROTECT)
    (run,) = scene.failback(FailbackGoal.RETURN)
    writes = [each[:2] for each in run.calls if each[0] in (REMOVE, PROMOTE, REPLICATE)]
    assert writes == [(REMOVE, WEST), (PROMOTE, HOME), (REPLICATE, HOME), (REPLICATE, HOME)]
    forced = [each["ForceOverwriteReplicaSecret"] for each in params(scene, REPLICATE)[-2:]]
    assert forced == [True, False]


def test_a_region_that_aws_goes_on_listing_as_it_was_is_told_and_not_waited_for_to_the_end() -> None:
    scene = crossed(promoted_entry="kept")
    scene.put("a", HOME)
    began = scene.aws.clock.time
    scene.failback(FailbackGoal.RETURN)
    error = row(scene, WEST).error
    assert error is not None
    assert (error.code, error.outcome) == ("NotReplaced", Outcome.FAILED)
    assert scene.aws.clock.time - began < 100


def test_an_end_that_no_run_could_write_down_is_written_by_the_next() -> None:
    scene = crossed(IRELAND)
    scene.failback(FailbackGoal.PROTECT)
    scene.record = "\n".join(scene.record.splitlines()[:-1]) + "\n"
    assert next(iter(scene.known.entries.values())).third
    (run,) = scene.failback(FailbackGoal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert next(iter(scene.known.entries.values())).third == ()
