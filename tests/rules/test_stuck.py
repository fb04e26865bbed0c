"""What is said of a Region that is in progress past the deadline, by what a look into it found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smrep.errors import Denied
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Kind, Severity
from smrep.rules.replication.diagnosis import Sighting, stuck_findings
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding
from smrep.rules.replication.replica_state import ReplicaState, after_check, in_progress_since

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
ENTRY = Replica(WEST, "InProgress", None, "alias/aws/secretsmanager")
PRIMARY = Secret(ARN, "prod/db", HOME, HOME, replicas=(ENTRY,), stages=(("AWSCURRENT", "v2"),))
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, stages=(("AWSCURRENT", "v2"),))
STRANGER = replace(OURS, arn=OURS.arn.replace("a1b2c3", "zzzzzz"), primary_region=None)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SIGHTING = Sighting(NOON, 299.4)
SEEN = "prod/db in us-west-2 has been InProgress since at least 2026-11-30T11:55:00Z (299.4s); "
HERE = "prod/db --primary-region us-east-1 -r us-west-2"
HINT = (
    "wait longer:\n"
    f"  smrep wait {HERE} --timeout 10m\n"
    "or remove the Region and replicate again{gap}:\n"
    f"  smrep remove {HERE}\n"
    f"  smrep replicate {HERE}{{key}}\n"
    "or read the runbook:\n"
    "  smrep help runbooks stuck"
)


@pytest.mark.parametrize(
    ("look", "there"),
    [
        (NoSecret(), "no replica is there yet"),
        (NotChecked(), "the replica could not be checked"),
        (NotChecked(Denied("no")), "the replica could not be checked: no"),
        (OURS, "the replica there holds the current version"),
        (
            replace(OURS, stages=(("AWSCURRENT", "v1"),)),
            "the replica there is outdated: it holds v1, the primary v2",
        ),
        (
            replace(OURS, stages=()),
            "the replica there is outdated: it holds no version, the primary v2",
        ),
        (STRANGER, f"the secret there is not its replica: {STRANGER.arn}"),
    ],
)
def test_it_says_since_when_and_what_is_there(look: NameLookup, there: str) -> None:
    first, *others = stuck_findings(PRIMARY, ENTRY, SIGHTING, look)
    assert (first.kind, first.severity, first.message) == (Kind.STUCK, Severity.WARNING, SEEN + there)
    clash = conflict_finding(PRIMARY, Target(WEST), STRANGER, NameOwner.OTHER_SECRET)
    assert others == ([clash] if look is STRANGER else [])


def test_a_name_conflict_is_replaced_under_the_key_that_the_list_shows() -> None:
    promoted, sighting = replace(OURS, primary_region=None), Sighting(NOON, 299.44)
    first, other = stuck_findings(PRIMARY, replace(ENTRY, kms_key_id="alias/dr"), sighting, promoted)
    assert "(299.4s)" in first.message
    assert other == conflict_finding(PRIMARY, Target(WEST, "alias/dr"), promoted, NameOwner.PROMOTED)


def test_there_are_two_ways_out_and_a_page() -> None:
    (without,), (with_replica,) = (stuck_findings(PRIMARY, ENTRY, SIGHTING, look) for look in (NoSecret(), OURS))
    assert without.hint == HINT.format(gap="", key="")
    assert with_replica.hint == HINT.format(gap=", which leaves us-west-2 without it for about a minute", key="")


def test_the_replicas_key_is_asked_for_again() -> None:
    (finding,) = stuck_findings(PRIMARY, replace(ENTRY, kms_key_id="alias/dr"), SIGHTING, NoSecret())
    assert finding.hint == HINT.format(gap="", key="=alias/dr")


def test_of_a_secret_without_a_value_nothing_is_called_current() -> None:
    (finding,) = stuck_findings(replace(PRIMARY, stages=()), ENTRY, SIGHTING, replace(OURS, stages=()))
    assert finding.message == f"{SEEN}the secret holds no value yet"


@pytest.mark.parametrize(("seconds", "timeout"), [(0.2, "1m"), (30.0, "1m"), (30.1, "2m"), (1800.0, "1h")])
def test_the_next_wait_is_twice_as_long(seconds: float, timeout: str) -> None:
    (finding,) = stuck_findings(PRIMARY, ENTRY, Sighting(NOON, seconds), NoSecret())
    assert f"smrep wait {HERE} --timeout {timeout}\n" in (finding.hint or "")


def test_since_when_is_kept_until_another_status_shows() -> None:
    since = None
    for now, status in enumerate([None, "InProgress", "InProgress", "Pending", "InProgress", "InProgress"]):
        since = in_progress_since(since, Replica(WEST, status) if status else None, float(now))
    assert since == 4.0
    course = ReplicaState(WEST)
    for now in (1.0, 2.0):
        course = after_check(course, ENTRY, now)
    assert course.in_progress_since == 1.0
