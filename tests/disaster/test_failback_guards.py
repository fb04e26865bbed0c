"""The way back where somebody writes, or changes what was shown, at the worst moment."""

from __future__ import annotations

import pytest
from disaster.back import PROMOTE, REMOVE, REPLICATE, at, crossed, params, row, shown
from disaster.scene import ALIAS, Stage
from fakes import HOME, IRELAND, WEST, new_key

from smrep.errors import Outcome
from smrep.report import Kind
from smrep.rules.homecoming import Goal


def test_a_writer_while_third_regions_are_cleared_loses_nothing() -> None:
    stage = crossed(IRELAND)
    at(stage, REMOVE, lambda: stage.put("a", HOME, instead=False), HOME)
    stage.failback(Goal.PROTECT)
    assert stage.by_name("a").outcome is Outcome.PENDING
    assert stage.current("a", HOME).startswith("a-us-east-1")


def test_a_writer_while_the_request_is_throttled_loses_nothing() -> None:
    stage = crossed()
    stage.put("a", WEST)
    stage.world.create("busy", WEST)

    def use_up() -> None:
        stage.world.faults(write_quota=1)
        stage.world.call("PutSecretValue", WEST, SecretId="busy", SecretString="x")
        stage.put("a", HOME, instead=False)

    at(stage, REPLICATE, use_up)
    (run,) = stage.failback(Goal.PROTECT)
    assert run.count(REPLICATE) == 1
    assert stage.current("a", HOME).startswith("a-us-east-1")
    error = stage.by_name("a").error
    assert error is not None
    assert error.code == "ChangedMeanwhile"


def test_what_was_not_shown_is_not_removed() -> None:
    stage = crossed()
    looks: list[str] = []

    def on_call(called: str, where: str) -> None:
        if (called, where) == ("DescribeSecret", HOME):
            looks.append(where)
            if len(looks) == 2:  # the plan has been shown
                stage.world.call(REPLICATE, SecretId="a", AddReplicaRegions=[{"Region": IRELAND}])
                stage.world.clock.time += 10

    stage.on_call = on_call
    (run,) = stage.failback(Goal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert row(stage, WEST).error.code == "ChangedMeanwhile"  # type: ignore[union-attr]


def test_a_third_region_that_was_emptied_and_not_filled_again_is_told() -> None:
    stage = crossed(IRELAND)
    at(stage, REMOVE, lambda: stage.put("a", HOME, instead=False), HOME)
    stage.failback(Goal.PROTECT)
    stage.on_call = lambda _operation, _region: None
    stage.failback(Goal.PROTECT)
    assert row(stage, HOME).error.code == "OldIsNewer"  # type: ignore[union-attr]
    assert [each.kind for each in row(stage, IRELAND).findings] == [Kind.MISSING]
    assert "smrep replicate a" in (row(stage, IRELAND).error.hint or "")  # type: ignore[union-attr]


@pytest.mark.parametrize("region", [HOME, IRELAND])
def test_a_key_that_can_not_be_used_stops_it_before_anything_is_removed(region: str) -> None:
    stage = Stage.set_up()
    new_key(stage.world, ALIAS, IRELAND)
    stage.secret("a", key=ALIAS)
    wanted = [{"Region": IRELAND, "KmsKeyId": ALIAS}]
    stage.world.call(REPLICATE, SecretId="a", AddReplicaRegions=wanted)
    stage.world.clock.time += 10
    stage.failover()
    key = stage.world.call("DescribeKey", region, service="kms", KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    stage.world.call("DisableKey", region, service="kms", KeyId=key)
    (run,) = stage.failback(Goal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert [each.kind for each in row(stage, region).findings] == [Kind.KEY_DISABLED]


def test_a_value_that_comes_while_a_slow_region_is_waited_for_is_there_before_the_role_turns() -> None:
    stage = crossed(value_delay_s=20.0)
    stage.put("a", WEST)
    stage.failback(Goal.PROTECT)
    at(stage, "DescribeSecret", lambda: stage.put("a", WEST), WEST)
    stage.failback(Goal.RETURN)
    assert stage.by_name("a").outcome is Outcome.OK
    assert shown(stage, WEST)["PrimaryRegion"] == HOME


def test_the_third_regions_are_cleared_before_there_are_two_that_can_be_written() -> None:
    stage = crossed(IRELAND)
    stage.failback(Goal.PROTECT)
    (run,) = stage.failback(Goal.RETURN)
    writes = [each[:2] for each in run.calls if each[0] in (REMOVE, PROMOTE, REPLICATE)]
    assert writes == [(REMOVE, WEST), (PROMOTE, HOME), (REPLICATE, HOME), (REPLICATE, HOME)]
    forced = [each["ForceOverwriteReplicaSecret"] for each in params(stage, REPLICATE)[-2:]]
    assert forced == [True, False]


def test_a_region_that_aws_goes_on_listing_as_it_was_is_told_and_not_waited_for_to_the_end() -> None:
    stage = crossed(promoted_entry="kept")
    stage.put("a", HOME)
    began = stage.world.clock.time
    stage.failback(Goal.RETURN)
    error = row(stage, WEST).error
    assert error is not None
    assert (error.code, error.outcome) == ("NotReplaced", Outcome.FAILED)
    assert stage.world.clock.time - began < 100


def test_an_end_that_no_run_could_write_down_is_written_by_the_next() -> None:
    stage = crossed(IRELAND)
    stage.failback(Goal.PROTECT)
    stage.record = "\n".join(stage.record.splitlines()[:-1]) + "\n"
    assert next(iter(stage.known.entries.values())).third
    (run,) = stage.failback(Goal.PROTECT)
    assert not {REMOVE, REPLICATE} & {each[0] for each in run.calls}
    assert next(iter(stage.known.entries.values())).third == ()
