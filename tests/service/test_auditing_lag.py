"""`audit` where lists are minutes old: what a look shows counts, and no list is believed against it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, WEST, World, kinds, replicated
from service.auditing_scene import Scripted, audited, by_name, counts, healthy, row_of, rules_of

from smrep.errors import Outcome
from smrep.model import Listed, Page
from smrep.regions import Region

LAG_S = 300.0


def test_a_replica_made_a_minute_ago_is_covered_by_a_look_and_not_missing(world: World) -> None:
    world.create()
    world.faults(listing_lag_s=LAG_S)
    world.replicate_by_hand(WEST, settle_s=60.0)
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", [])
    assert by_name(run)["prod/db"].checked_by == "describe"
    assert counts(run) == {"secrets": 1, "covered": 1}
    world.clock.time += LAG_S
    assert by_name(audited(world))["prod/db"].checked_by == "list"


def test_only_those_cost_a_look(world: World) -> None:
    healthy(world, 20)
    world.create("prod/new")
    world.faults(listing_lag_s=LAG_S)
    world.replicate_by_hand(WEST, name="prod/new")
    run = audited(world)
    assert counts(run) == {"secrets": 21, "covered": 21}
    assert [call[1] for call in world.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_a_primary_that_is_not_listed_yet_makes_no_orphan_of_its_replica(world: World) -> None:
    world.create("prod/old")
    world.faults(listing_lag_s=LAG_S)
    world.create("prod/new", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    replica = Listed.of(world.describe("prod/new", Region(WEST)))
    early = Scripted(world.clock, world.simulator, script={WEST: [Page((replica,))]})
    run = audited(early)
    assert (row_of(run, "prod/new").outcome, row_of(run, "prod/new").status) == (Outcome.OK, "InSync")
    assert counts(run) == {"secrets": 2, "covered": 1, "missing": 1}


def test_a_value_put_a_minute_ago_is_seen_on_both_sides(world: World) -> None:
    replicated(world)
    world.faults(listing_lag_s=LAG_S)
    world.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer")
    world.clock.time += 60
    assert counts(audited(world)) == {"secrets": 1, "covered": 1}


def test_a_replica_promoted_a_minute_ago_shows_where_every_primary_is_looked_at(world: World) -> None:
    world.faults(listing_lag_s=LAG_S, promoted_entry="dropped")
    world.create()
    world.replicate_by_hand(WEST)
    world.clock.time += LAG_S
    assert counts(audited(world)) == {"secrets": 1, "covered": 1}
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    world.clock.time += 60
    assert counts(audited(world)) == {"secrets": 1, "covered": 1}  # the lists know no better
    assert kinds(row_of(audited(world, deep=True)))[0] == "promoted"
    world.clock.time += LAG_S
    assert counts(audited(world))["promoted"] == 1


# what --deep finds out


@pytest.mark.parametrize("keeps", [True, False])
def test_a_replica_removed_a_minute_ago_is_missing_where_every_primary_is_looked_at(world: World, keeps: bool) -> None:
    replicated(world)
    world.faults(listing_lag_s=LAG_S, keeps_primary_region=keeps)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.clock.time += 100
    assert kinds(row_of(audited(world, deep=True))) == ["missing"]
    assert [call[1] for call in world.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_one_that_is_still_being_removed_is_told_as_that(world: World) -> None:
    replicated(world)
    world.faults(listing_lag_s=LAG_S, removal_delay_s=3600.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.clock.time += 60
    assert kinds(row_of(audited(world, deep=True))) == ["removing"]


# secrets that are gone


@pytest.mark.parametrize("how", [{"ForceDeleteWithoutRecovery": True}, {}])
def test_a_secret_deleted_a_minute_ago_is_left_out_as_in_five_minutes(world: World, how: dict[str, Any]) -> None:
    replicated(world)
    world.create("prod/gone")
    world.faults(listing_lag_s=LAG_S)
    world.call("DeleteSecret", SecretId="prod/gone", **how)
    world.clock.time += 60
    assert counts(audited(world)) == {"secrets": 1, "covered": 1}
    world.clock.time += LAG_S
    assert counts(audited(world)) == {"secrets": 1, "covered": 1}


@pytest.mark.parametrize(
    ("how", "code"),
    [({"ForceDeleteWithoutRecovery": True}, "ResourceNotFoundException"), ({}, "pending_deletion")],
)
def test_one_that_is_named_is_told_all_the_same(world: World, how: dict[str, Any], code: str) -> None:
    world.create("prod/gone")
    world.faults(listing_lag_s=LAG_S)
    world.call("DeleteSecret", SecretId="prod/gone", **how)
    world.clock.time += 60
    (report,) = audited(world, rules_of({"name": "n", "names": ["prod/gone"], "regions": [WEST]})).secrets
    assert report.error is not None
    assert (report.outcome, report.error.code) == (Outcome.FAILED, code)
