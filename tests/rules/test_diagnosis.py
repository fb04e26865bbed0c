"""What `doctor` makes of a Region: which findings, which exit code, which row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Denied, Outcome, Unanswered
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, Severity
from smrep.rules.replication.blockers import region_state
from smrep.rules.replication.diagnosis import diagnosis_row, is_unusable, outcome_of, region_findings, region_row
from smrep.rules.replication.findings import failed, in_progress, listed_but_missing, not_checked, removing
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "alias/there", last_changed=MOMENT)
PROMOTED = replace(OURS, primary_region=None)
STRANGER = replace(PROMOTED, arn=OURS.arn.replace("a1b2c3", "zzzzzz"))
TARGET = Target(WEST, "alias/dr")
IN_SYNC = Replica(WEST, "InSync", "Replication succeeded", "alias/listed", MOMENT)
FAILED, UNDER_WAY = Replica(WEST, "Failed", "no luck"), Replica(WEST, "InProgress")
DENIED = NotChecked(Denied("no"))
ENABLED = {WEST: True, HOME: True}


def listing(entry: Replica | None) -> Secret:
    return replace(PRIMARY, replicas=(entry,) if entry else ())


LIST = listing(IN_SYNC)
CLASH = conflict_finding(PRIMARY, TARGET, STRANGER, NameOwner.OTHER_SECRET)


@pytest.mark.parametrize(
    ("entry", "look", "states", "findings"),
    [
        (IN_SYNC, OURS, None, []),
        (IN_SYNC, OURS, ENABLED, []),
        (None, NoSecret(), ENABLED, []),
        (None, NotChecked(), None, []),
        (FAILED, OURS, None, [failed(PRIMARY, FAILED)]),
        (FAILED, NoSecret(), None, [failed(PRIMARY, FAILED)]),
        (UNDER_WAY, OURS, None, [in_progress(PRIMARY, UNDER_WAY)]),
        (UNDER_WAY, NoSecret(), None, [in_progress(PRIMARY, UNDER_WAY)]),
        (IN_SYNC, NoSecret(), None, [listed_but_missing(PRIMARY, WEST, NoSecret())]),
        (None, OURS, None, [removing(PRIMARY, WEST)]),
        (None, STRANGER, None, [CLASH]),
        (IN_SYNC, STRANGER, None, [CLASH]),
        (FAILED, STRANGER, None, [failed(PRIMARY, FAILED), CLASH]),
        (None, DENIED, None, [*not_checked(PRIMARY, WEST, DENIED)]),
        (IN_SYNC, DENIED, ENABLED, [*not_checked(PRIMARY, WEST, DENIED)]),
        (FAILED, DENIED, None, [*not_checked(PRIMARY, WEST, DENIED), failed(PRIMARY, FAILED)]),
        (None, PROMOTED, None, [conflict_finding(PRIMARY, TARGET, PROMOTED, NameOwner.PROMOTED)]),
        (None, DENIED, {WEST: False}, [*region_state(WEST, {WEST: False})]),
        (None, DENIED, {HOME: True}, [*region_state(WEST, {HOME: True})]),
        (FAILED, DENIED, {WEST: False}, [*region_state(WEST, {WEST: False}), failed(PRIMARY, FAILED)]),
    ],
)
def test_each_thing_that_is_seen_is_one_finding_and_the_region_explains_a_look_that_failed(
    entry: Replica | None, look: NameLookup, states: dict[str, bool] | None, findings: list[Finding]
) -> None:
    assert region_findings(listing(entry), TARGET, look, states) == tuple(findings)


@given(st.lists(st.sampled_from(list(Kind)), max_size=4))
def test_a_region_is_hopeless_that_cannot_be_used_at_all(kinds: list[Kind]) -> None:
    findings = tuple(Finding(kind, Severity.ERROR, "x") for kind in kinds)
    assert is_unusable(findings) is bool({"region_disabled", "region_unknown"} & {kind.value for kind in kinds})


# the exit code


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [
        (Finding(Kind.UNCHECKED, Severity.WARNING, "x"), Outcome.ACCESS),
        (Finding(Kind.UNCHECKED, Severity.ERROR, "x"), Outcome.ACCESS),
        (Finding(Kind.UNCHECKED, Severity.WARNING, "x", outcome=Outcome.PENDING), Outcome.PENDING),
        (Finding(Kind.WRONG_KEY, Severity.ERROR, "x"), Outcome.DRIFT),
        (Finding(Kind.WRONG_KEY, Severity.WARNING, "x"), Outcome.DRIFT),
        (Finding(Kind.KEY_MISSING, Severity.ERROR, "x"), Outcome.FAILED),
        (Finding(Kind.REMOVING, Severity.ERROR, "x"), Outcome.FAILED),
        (Finding(Kind.REMOVING, Severity.INFO, "x"), Outcome.PENDING),
        (Finding(Kind.IN_PROGRESS, Severity.WARNING, "x"), Outcome.PENDING),
        (Finding(Kind.MANAGED, Severity.WARNING, "x"), Outcome.OK),
        (Finding(Kind.READER, Severity.INFO, "x"), Outcome.OK),
    ],
)
def test_a_finding_has_its_weight(finding: Finding, outcome: Outcome) -> None:
    harmless = Finding(Kind.MANAGED, Severity.WARNING, "x")
    assert outcome_of((finding,)) is outcome
    assert outcome_of((harmless, finding, harmless)) is outcome
    assert region_row(WEST, "alias/dr", (finding,)) == RegionReport(
        region=WEST, outcome=outcome, kms_key_id="alias/dr", findings=(finding,)
    )


def test_nothing_found_is_well() -> None:
    assert outcome_of(()) is Outcome.OK


# the row


def test_a_replica_of_ours_is_shown_under_the_key_that_it_has_there() -> None:
    finding = Finding(Kind.WRONG_KEY, Severity.ERROR, "another key")
    assert diagnosis_row(LIST, TARGET, OURS, (finding,)) == RegionReport(
        region=WEST,
        outcome=Outcome.DRIFT,
        arn=OURS.arn,
        status="InSync",
        status_message="Replication succeeded",
        kms_key_id="alias/there",
        last_accessed=MOMENT,
        findings=(finding,),
        note="our replica, last changed 2026-11-23, last accessed not recorded",
    )


def test_a_replica_that_was_not_seen_is_shown_as_listed_and_without_an_arn() -> None:
    row = diagnosis_row(LIST, TARGET, NotChecked(Unanswered("gone")), ())
    assert (row.arn, row.status, row.kms_key_id, row.note) == (None, "InSync", "alias/listed", None)


def test_where_there_is_no_replica_the_key_is_the_one_asked_for() -> None:
    assert diagnosis_row(PRIMARY, TARGET, NoSecret(), ()) == RegionReport(
        region=WEST, outcome=Outcome.OK, kms_key_id="alias/dr", note="name is free"
    )


def test_what_is_in_the_way_is_told_by_its_finding_alone() -> None:
    row = diagnosis_row(PRIMARY, TARGET, STRANGER, (CLASH,))
    assert (row.outcome, row.arn, row.note, row.findings) == (Outcome.FAILED, None, None, (CLASH,))
