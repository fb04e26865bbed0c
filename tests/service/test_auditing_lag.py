"""`audit` where lists are minutes old: what a look shows counts, and no list is believed against it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, WEST, FakeAws, kinds, replicated
from service.audit_scene import ScriptedAws, audited, by_name, counts, healthy, row_of, rules_of

from smrep.errors import Outcome
from smrep.model import Listed, Page
from smrep.regions import Region

LAG_S = 300.0


def test_a_replica_made_a_minute_ago_is_covered_by_a_look_and_not_missing(aws: FakeAws) -> None:
    aws.create()
    aws.faults(listing_lag_s=LAG_S)
    aws.replicate_by_hand(WEST, settle_s=60.0)
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", [])
    assert by_name(run)["prod/db"].checked_by == "describe"
    assert counts(run) == {"secrets": 1, "covered": 1}
    aws.clock.time += LAG_S
    assert by_name(audited(aws))["prod/db"].checked_by == "list"


def test_only_those_cost_a_look(aws: FakeAws) -> None:
    healthy(aws, 20)
    aws.create("prod/new")
    aws.faults(listing_lag_s=LAG_S)
    aws.replicate_by_hand(WEST, name="prod/new")
    run = audited(aws)
    assert counts(run) == {"secrets": 21, "covered": 21}
    assert [call[1] for call in aws.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_a_primary_that_is_not_listed_yet_makes_no_orphan_of_its_replica(aws: FakeAws) -> None:
    aws.create("prod/old")
    aws.faults(listing_lag_s=LAG_S)
    aws.create("prod/new", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    replica = Listed.of(aws.describe("prod/new", Region(WEST)))
    early = ScriptedAws(aws.clock, aws.simulator, script={WEST: [Page((replica,))]})
    run = audited(early)
    assert (row_of(run, "prod/new").outcome, row_of(run, "prod/new").status) == (Outcome.OK, "InSync")
    assert counts(run) == {"secrets": 2, "covered": 1, "missing": 1}


def test_a_value_put_a_minute_ago_is_seen_on_both_sides(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(listing_lag_s=LAG_S)
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer")
    aws.clock.time += 60
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}


def test_a_replica_promoted_a_minute_ago_shows_where_every_primary_is_looked_at(aws: FakeAws) -> None:
    aws.faults(listing_lag_s=LAG_S, promoted_entry="dropped")
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.clock.time += LAG_S
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    aws.clock.time += 60
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}  # the lists know no better
    assert kinds(row_of(audited(aws, deep=True)))[0] == "promoted"
    aws.clock.time += LAG_S
    assert counts(audited(aws))["promoted"] == 1


# what --deep finds out


@pytest.mark.parametrize("keeps", [True, False])
def test_a_replica_removed_a_minute_ago_is_missing_where_every_primary_is_looked_at(aws: FakeAws, keeps: bool) -> None:
    replicated(aws)
    aws.faults(listing_lag_s=LAG_S, keeps_primary_region=keeps)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.clock.time += 100
    assert kinds(row_of(audited(aws, deep=True))) == ["missing"]
    assert [call[1] for call in aws.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_one_that_is_still_being_removed_is_told_as_that(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(listing_lag_s=LAG_S, removal_delay_s=3600.0)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.clock.time += 60
    assert kinds(row_of(audited(aws, deep=True))) == ["removing"]


# secrets that are gone


@pytest.mark.parametrize("how", [{"ForceDeleteWithoutRecovery": True}, {}])
def test_a_secret_deleted_a_minute_ago_is_left_out_as_in_five_minutes(aws: FakeAws, how: dict[str, Any]) -> None:
    replicated(aws)
    aws.create("prod/gone")
    aws.faults(listing_lag_s=LAG_S)
    aws.call("DeleteSecret", SecretId="prod/gone", **how)
    aws.clock.time += 60
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}
    aws.clock.time += LAG_S
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}


@pytest.mark.parametrize(
    ("how", "code"),
    [({"ForceDeleteWithoutRecovery": True}, "ResourceNotFoundException"), ({}, "pending_deletion")],
)
def test_one_that_is_named_is_told_all_the_same(aws: FakeAws, how: dict[str, Any], code: str) -> None:
    aws.create("prod/gone")
    aws.faults(listing_lag_s=LAG_S)
    aws.call("DeleteSecret", SecretId="prod/gone", **how)
    aws.clock.time += 60
    (report,) = audited(aws, rules_of({"name": "n", "names": ["prod/gone"], "regions": [WEST]})).reports()
    assert report.error is not None
    assert (report.outcome, report.error.code) == (Outcome.FAILED, code)
