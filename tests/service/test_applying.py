"""`apply`: each secret gets what its plan says, once; what is not meant is never touched; again it sends nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes import IRELAND, SYDNEY, WEST, World, is_there, kinds, new_key, replicated
from service.applying_scene import (
    PROD,
    applied,
    by_name,
    counts,
    drafted,
    name_of,
    prepared,
    rows,
    writes,
)

from smrep.cli.screens import SystemClock
from smrep.errors import Outcome
from smrep.rules.tally import done
from smrep.service.applying import Application

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
BOTH = PROD | {"regions": [WEST, IRELAND]}


def summary(run: Application) -> dict[str, int]:
    return counts(done(run.reports(), 0, 0))


def test_each_secret_is_asked_for_once_in_all_its_regions_and_waited_for(world: World) -> None:
    for name in "abc":
        world.create(f"prod/{name}")
    run = applied(world, BOTH)
    assert writes(world) == [(ADD, f"prod/{name}", [WEST, IRELAND]) for name in "abc"]
    assert {each.outcome for each in run.reports()} == {Outcome.OK}
    assert {(row.status, row.changed) for row in rows(run.reports()).values()} == {("InSync", True)}
    assert summary(run) == {"secrets": 3, "add": 6, "changed": 6}
    assert (run.open_names, run.progress.done, run.progress.total) == ([], 3, 3)


def test_add_retry_keep_and_wrong_key_and_remove_beside_each_other(world: World) -> None:
    world.create("prod/add")
    new_key(world, "alias/old")
    new_key(world, "alias/dr")
    world.faults(failures={WEST: "Replication failed: of the weather"})
    replicated(world, name="prod/retry", key="alias/dr")
    world.faults()
    replicated(world, name="prod/keep", key="alias/dr")
    replicated(world, name="prod/wrong", key="alias/old")
    replicated(world, WEST, IRELAND, name="prod/remove")
    keyed = PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}], "exclude": ["prod/remove"]}
    run = applied(world, keyed, {"name": "go", "names": ["prod/remove"], "regions": [WEST], "remove_extra": True})
    assert sorted(writes(world)) == [
        (REMOVE, "prod/remove", [IRELAND]),
        (ADD, "prod/add", [WEST]),
        (ADD, "prod/retry", [WEST]),
    ]
    found = by_name(run.reports())
    assert found["prod/wrong"].outcome is Outcome.DRIFT
    assert kinds(found["prod/wrong"].replicas[0]) == ["wrong_key"]
    assert not found["prod/wrong"].replicas[0].changed
    assert {each.outcome for name, each in found.items() if name != "prod/wrong"} == {Outcome.OK}
    assert not is_there(world, IRELAND, "prod/remove")
    assert is_there(world, WEST, "prod/remove")
    totals = summary(run)
    assert {word: totals[word] for word in ("add", "retry", "remove", "wrong_key", "changed")} == {
        "add": 1,
        "retry": 1,
        "remove": 1,
        "wrong_key": 1,
        "changed": 3,
    }


def test_again_it_sends_nothing(world: World) -> None:
    for name in "abc":
        world.create(f"prod/{name}")
    replicated(world, WEST, IRELAND, SYDNEY, name="prod/extra")
    rule = BOTH | {"remove_extra": True}
    applied(world, rule)
    assert len(writes(world)) == 4
    run = applied(world, rule)
    assert writes(world) == []
    assert {each.outcome for each in run.reports()} <= {Outcome.OK}


@pytest.mark.parametrize("lag_s", [0.0, 10.0])
def test_again_at_once_it_sends_nothing_though_the_list_lags(world: World, lag_s: float) -> None:
    world.create("prod/a")
    world.faults(listing_lag_s=300.0, list_lag_s=lag_s)
    applied(world, wait=False)
    assert len(writes(world)) == 1
    world.clock.time += lag_s
    run = applied(world)
    assert writes(world) == []
    assert {each.outcome for each in run.reports()} == {Outcome.OK}


def test_what_is_on_its_way_is_waited_for_and_not_asked_for_again(world: World) -> None:
    world.faults(replication_delay_s=60.0)
    world.create("prod/a")
    applied(world, wait=False)
    run = applied(world)
    assert writes(world) == []
    row = rows(run.reports())["prod/a", WEST]
    assert (row.outcome, row.status, row.action, row.changed) == (Outcome.OK, "InSync", "keep", False)


def test_what_is_not_meant_is_never_touched(world: World) -> None:
    for name in ("prod/a", "prod/tmp-1", "test/a", "prodigal"):
        world.create(name)
    replicated(world, WEST, IRELAND, name="test/extra")
    applied(world, BOTH | {"exclude": ["prod/tmp-*"], "remove_extra": True})
    asked = {str(call.secret_id) for call in world.simulator.log if call.secret_id}
    assert {name_of(each) if each.startswith("arn:") else each for each in asked} == {"prod/a"}
    assert is_there(world, IRELAND, "test/extra")


def test_what_was_replicated_by_someone_since_it_was_listed_is_not_asked_for_again(world: World) -> None:
    for name in ("prod/a", "prod/b"):
        world.create(name)
    draft = drafted(world, trusting=True)
    world.replicate_by_hand(WEST, name="prod/a")
    world.simulator.log.clear()
    run = prepared(world, draft)
    list(run.act())
    assert writes(world) == [(ADD, "prod/b", [WEST])]
    assert rows(run.reports())["prod/a", WEST].action == "keep"


def test_an_old_look_is_repeated_before_a_removal_and_adds_no_other(world: World) -> None:
    """What was shown and confirmed is the most that is removed."""
    replicated(world, WEST, IRELAND, name="prod/a")
    draft = drafted(world, PROD | {"remove_extra": True})
    world.replicate_by_hand(SYDNEY, name="prod/a", settle_s=60.0)
    world.simulator.log.clear()
    list(prepared(world, draft).act())
    assert writes(world) == [(REMOVE, "prod/a", [IRELAND])]
    assert is_there(world, SYDNEY, "prod/a")


def test_a_namesake_that_came_since_the_plan_is_not_written_over(world: World) -> None:
    world.create("prod/a")
    draft = drafted(world, trusting=True)
    world.create("prod/a", WEST)
    world.simulator.log.clear()
    run = prepared(world, draft)
    list(run.act())
    row = rows(run.reports())["prod/a", WEST]
    assert row.error is None or row.error.code in ("name_clash", "ReplicationFailed")
    assert row.outcome is Outcome.FAILED
    assert all(not call.params.get("ForceOverwriteReplicaSecret") for call in world.simulator.log)


def test_a_replica_that_was_removed_and_is_not_gone_yet_is_waited_out_before_it_is_made_anew(world: World) -> None:
    replicated(world, WEST, IRELAND, name="prod/a")
    world.call(REMOVE, SecretId="prod/a", RemoveReplicaRegions=[IRELAND])
    run = applied(world, PROD | {"regions": [WEST, IRELAND, SYDNEY]})
    assert writes(world) == [(ADD, "prod/a", [SYDNEY]), (ADD, "prod/a", [IRELAND])]
    assert world.clock.time >= 50.0
    assert rows(run.reports())["prod/a", IRELAND].status == "InSync"


def test_writes_go_out_at_an_even_pace(world: World) -> None:
    for number in range(40):
        world.create(f"prod/{number:02}")
    applied(world, rate=5.0)
    times = [call.ts for call in world.simulator.log if call.operation == ADD]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 40
    assert min(gaps) >= 0.2 - 1e-3
    assert all(sum(start <= each < start + 1 for each in times) <= 6 for start in times)


def test_threads_do_it_all_once(world: World) -> None:
    world.clock = SystemClock()  # type: ignore[assignment]
    for number in range(40):
        world.create(f"prod/{number:02}")
    world.faults(replication_delay_s=0.0)
    run = applied(world, BOTH, rate=1000.0, width=8, wait=False)
    assert sorted(writes(world)) == [(ADD, f"prod/{number:02}", [WEST, IRELAND]) for number in range(40)]
    assert {row.changed for row in rows(run.reports()).values()} == {True}


def test_news_tells_each_secret_that_something_was_done_for_once(world: World) -> None:
    for name in "ab":
        world.create(f"prod/{name}")
    run = prepared(world, drafted(world))
    seen = []
    for _ in run.act():
        seen.append([each.name for each in run.news()])
        assert run.news() == []
    assert seen[:2] == [["prod/a"], ["prod/b"]]
    assert {name for names in seen for name in names} == {"prod/a", "prod/b"}


def test_a_plan_that_does_nothing_sends_nothing(world: World) -> None:
    replicated(world, name="prod/a")
    run = applied(world)
    assert (writes(world), run.progress.total, run.open_names) == ([], 0, [])
