"""How long `apply` waits: from each secret's own request, and with --no-wait not at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes import IRELAND, WEST, replicated
from service.applying_scene import PROD, Moody, applied, by_name, drafted, prepared, raising, rows, writes

from smrep.errors import Outcome, Throttled
from smrep.report import SecretReport

ADD = "ReplicateSecretToRegions"


@pytest.fixture
def world() -> Moody:
    world = Moody()
    for name in "abcdef":
        world.create(f"prod/{name}")
    return world


def outcomes(reports: list[SecretReport]) -> dict[str, Outcome]:
    return {name.removeprefix("prod/"): each.outcome for name, each in by_name(reports).items()}


def test_the_timeout_runs_from_each_secrets_own_request(world: Moody) -> None:
    """The last request goes out long after the first one's deadline, and has as much time as that one."""
    world.faults(replication_delay_s=8.0)
    run = applied(world, rate=0.1, timeout_s=15.0)
    sent = [call.ts for call in world.simulator.log if call.operation == ADD]
    assert sent[-1] - sent[0] == pytest.approx(50.0, abs=1.0)
    assert set(outcomes(run.reports()).values()) == {Outcome.OK}


def test_what_is_open_at_its_deadline_is_named_and_what_is_settled_is_not(world: Moody) -> None:
    world.faults(replication_delay_s=1000.0)
    replicated(world, name="other/a")
    run = prepared(world, drafted(world, PROD, trusting=True), timeout_s=20.0)
    began = world.clock.time
    list(run.act())
    assert run.open_names == [f"prod/{name}" for name in "abcdef"]
    assert set(outcomes(run.reports()).values()) == {Outcome.PENDING}
    assert 20.0 <= world.clock.time - began <= 21.0


def test_one_region_that_takes_longer_leaves_its_secret_open(world: Moody) -> None:
    world.faults(replication_delay_by_region={IRELAND: 1000.0})
    run = applied(world, PROD | {"regions": [WEST, IRELAND]}, timeout_s=20.0)
    found = rows(run.reports())
    assert {row.outcome for (_, region), row in found.items() if region == WEST} == {Outcome.OK}
    assert {row.outcome for (_, region), row in found.items() if region == IRELAND} == {Outcome.PENDING}
    assert len(run.open_names) == 6


def test_without_waiting_what_was_accepted_is_a_good_end(world: Moody) -> None:
    world.faults(replication_delay_s=1000.0)
    run = applied(world, wait=False)
    assert set(outcomes(run.reports()).values()) == {Outcome.ACCEPTED}
    assert Outcome.ACCEPTED.exit_code == 0
    assert len(writes(world)) == 6


def test_what_is_throttled_for_ever_ends_at_its_timeout(world: Moody) -> None:
    world.moods["prod/a"] = raising(Throttled("Rate exceeded", code="ThrottlingException"))
    began = world.clock.time
    run = applied(world, timeout_s=30.0, wait=False)
    found = outcomes(run.reports())
    assert found.pop("a") is Outcome.PENDING
    assert set(found.values()) == {Outcome.ACCEPTED}
    assert world.clock.time - began < 40.0


def test_what_is_throttled_for_a_while_goes_through(world: Moody) -> None:
    world.faults(write_quota=2)
    run = applied(world, rate=50.0)
    assert set(outcomes(run.reports()).values()) == {Outcome.OK}
    refused = [call for call in world.simulator.log if call.code == "ThrottlingException"]
    sent = [call for call in world.simulator.log if call.operation == ADD and not call.code]
    assert (bool(refused), len(sent)) == (True, 6)


def test_a_timeout_of_nought_sends_and_looks_once(world: Moody) -> None:
    world.faults(replication_delay_s=1000.0)
    run = applied(world, timeout_s=0.0)
    assert len(writes(world)) == 6
    assert set(outcomes(run.reports()).values()) == {Outcome.PENDING}


def test_looks_come_rarer_the_longer_it_takes(world: Moody) -> None:
    world.faults(replication_delay_s=200.0)
    run = applied(world, {"name": "a", "names": ["prod/a"], "regions": [WEST]})
    assert outcomes(run.reports()) == {"a": Outcome.OK}
    looks = [call.ts for call in world.simulator.log if call.operation == "DescribeSecret"]
    gaps = [later - earlier for earlier, later in pairwise(looks[-20:])]
    assert all(4.9 <= gap <= 5.3 for gap in gaps)


def test_a_run_that_is_stopped_says_what_has_ended_what_is_open_and_what_was_not_begun(world: Moody) -> None:
    world.faults(replication_delay_by_region={WEST: 1000.0})
    run = prepared(world, drafted(world, trusting=True))
    turns = run.act()
    for _ in range(2):
        next(turns)
    told = run.stopped("smrep apply -f dr.toml")
    assert told.message == (
        "stopped: 0 of 6 secrets have ended, 4 were not begun; 2 are under way, and AWS goes on with them"
    )
    assert told.hint == "the same command goes on from there: smrep apply -f dr.toml"
    assert told.outcome is Outcome.INTERRUPTED
    assert list(turns) == []
    assert len(writes(world)) == 2
