"""`verify` on the simulator: what bears the name in the target and is not our replica."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, only, replicated
from service.verifying_scene import FOR_EVER, verify

from smrep.errors import Outcome


def no_entry_but(status: str, world: World) -> None:
    world.simulator.set_replication_status("prod/db", HOME, WEST, status, "Replication succeeded")


def foreign(world: World) -> None:
    world.create()
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    no_entry_but("InSync", world)


def promoted(world: World) -> None:
    replicated(world)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")


def namesake(world: World) -> None:
    world.create()
    world.create(region=WEST)
    no_entry_but("InSync", world)


def marked(world: World) -> None:
    promoted(world)
    world.call("DeleteSecret", WEST, SecretId="prod/db")


def vanished(world: World) -> None:
    world.create()
    no_entry_but("InSync", world)


def unlisted(world: World) -> None:
    world.create()
    world.replicate_by_hand(IRELAND)


def leaving(world: World) -> None:
    replicated(world)
    world.faults(removal_delay_s=FOR_EVER)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])


@pytest.mark.parametrize(
    ("scene", "kind"),
    [
        (foreign, "orphan"),
        (promoted, "promoted"),
        (namesake, "name_clash"),
        (marked, "pending_deletion"),
        (vanished, "missing"),
        (unlisted, "missing"),
        (leaving, "removing"),
    ],
)
def test_what_is_not_our_replica_is_a_difference(world: World, scene: Callable[[World], None], kind: str) -> None:
    scene(world)
    row = only(verify(world, WEST))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, [kind])
    assert row.error is None
    if kind in ("missing", "removing"):
        assert 15.0 <= sum(world.clock.sleeps) <= 21.0  # as long as a list may lag, and not to the deadline
    else:
        assert world.clock.sleeps == []  # what bears the name is seen, and no list says so


@pytest.mark.parametrize("scene", [foreign, promoted, namesake, marked, vanished, unlisted])
def test_what_is_not_our_replica_has_no_arn_of_ours(world: World, scene: Callable[[World], None]) -> None:
    scene(world)
    assert only(verify(world, WEST, timeout_s=0.0)).arn is None


def test_a_failed_region_is_failed_and_not_waited_for(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    row = only(verify(world))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (Outcome.FAILED, False, "Failed", ["failed"])
    assert row.error is not None
    assert "smrep retry prod/db" in (row.error.hint or "")
    assert world.clock.sleeps == []


def test_a_failed_region_is_failed_also_where_nobody_may_look(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults(denied=frozenset({("DescribeSecret", WEST), ("ListSecretVersionIds", HOME)}))
    assert only(verify(world)).outcome is Outcome.FAILED


@pytest.mark.parametrize("word", ["Reticulating", "Pending", "Detached", "insync", "INSYNC", ""])
def test_an_unknown_word_is_never_verified(world: World, word: str) -> None:
    replicated(world)
    no_entry_but(word, world)
    row = only(verify(world, timeout_s=5.0))
    assert (row.outcome, row.verified, row.status or "") == (Outcome.PENDING, False, word)
