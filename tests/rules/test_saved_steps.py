"""A saved plan held against the world: the same still, done already, or moved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smrep.errors import Outcome
from smrep.model import Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, Severity
from smrep.rules.fleet.saved_plan import SavedSecret, SavedStep, difference, differences, saved_steps
from smrep.rules.replication.region_step import Add, Keep, RegionStep, Retry, Skip
from smrep.rules.replication.replica_deletion import ReplicaDeletion

HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
IN_SYNC, FAILED = Replica(WEST, "InSync"), Replica(WEST, "Failed")
CONFLICT = Problem("name_conflict", "another secret has the name", None, None, Outcome.FAILED)
WRONG_KEY = Finding(Kind.WRONG_KEY, Severity.ERROR, "it uses another key")
VICTIM = Secret(ARN.replace(HOME, WEST), "prod/db", WEST, HOME, deleted=datetime(2026, 11, 23, tzinfo=UTC))
ADD, RETRY = SavedStep(Action.ADD, WEST, "alias/dr"), SavedStep(Action.RETRY, WEST, None, "Failed")
REMOVE = SavedStep(Action.REMOVE, WEST, None, "InSync")
TO = Target(WEST, "alias/dr")
STOP = Skip(TO, CONFLICT, ())


def test_only_what_is_to_be_sent_is_saved() -> None:
    steps: list[RegionStep] = [Add(TO), Keep(Target(IRELAND), IN_SYNC), STOP, Retry(Target(WEST), FAILED)]
    departures = [
        ReplicaDeletion(WEST, IN_SYNC, wanted=True),
        ReplicaDeletion(IRELAND, victim=VICTIM),  # on its way out
        ReplicaDeletion(IRELAND, IN_SYNC, error=CONFLICT),
    ]
    assert saved_steps(steps, departures) == (ADD, RETRY, REMOVE)


def test_an_entry_without_a_state_is_saved_without_one() -> None:
    assert saved_steps([], [ReplicaDeletion(WEST, wanted=True)]) == (SavedStep(Action.REMOVE, WEST),)


@pytest.mark.parametrize(
    ("saved", "now"),
    [
        (ADD, Add(TO)),
        (RETRY, Retry(Target(WEST), FAILED)),
        (REMOVE, ReplicaDeletion(WEST, IN_SYNC, wanted=True)),
    ],
)
def test_what_is_as_it_was_has_not_moved(saved: SavedStep, now: RegionStep | ReplicaDeletion) -> None:
    assert difference(saved, now) is None


@pytest.mark.parametrize(
    ("saved", "now"),
    [
        (ADD, Keep(TO, IN_SYNC)),
        (ADD, Keep(TO, Replica(WEST, "InProgress"))),
        (RETRY, Keep(Target(WEST), IN_SYNC)),
        (REMOVE, ReplicaDeletion(WEST, gone=True)),
        (REMOVE, ReplicaDeletion(WEST, victim=VICTIM)),
    ],
)
def test_what_is_done_already_has_not_moved(saved: SavedStep, now: RegionStep | ReplicaDeletion) -> None:
    assert difference(saved, now) is None


@pytest.mark.parametrize(
    ("saved", "now", "words"),
    [
        (
            ADD,
            Retry(TO, FAILED),
            "the plan says add with alias/dr (status none), but now retry with alias/dr (status Failed)",
        ),
        (ADD, Add(Target(WEST)), "the plan says add with alias/dr (status none), but now add (status none)"),
        (ADD, STOP, "the plan says add, but now another secret has the name"),
        (ADD, Keep(TO, IN_SYNC, (WRONG_KEY,)), "the plan says add, but now it uses another key"),
        (RETRY, Add(Target(WEST)), "the plan says retry (status Failed), but now add (status none)"),
        (RETRY, Retry(TO, FAILED), "the plan says retry (status Failed), but now retry with alias/dr (status Failed)"),
        (
            REMOVE,
            ReplicaDeletion(WEST, FAILED, wanted=True),
            "the plan says remove (status InSync), but now remove (status Failed)",
        ),
        (
            REMOVE,
            ReplicaDeletion(WEST, IN_SYNC, error=CONFLICT),
            "the plan says remove (status InSync), but now another secret has the name",
        ),
    ],
)
def test_what_has_moved_says_what_was_planned_and_what_is_now(
    saved: SavedStep, now: RegionStep | ReplicaDeletion, words: str
) -> None:
    told = difference(saved, now)
    assert told == f"us-west-2: {words}"


def test_each_region_that_has_moved_is_told() -> None:
    gone = SavedStep(Action.REMOVE, IRELAND, None, "InSync")
    secret = SavedSecret(ARN, 0, (), (ADD, gone))
    stays = ReplicaDeletion(IRELAND, Replica(IRELAND, "InSync"), error=CONFLICT)
    assert [each.partition(":")[0] for each in differences(secret, [STOP], [stays])] == [WEST, IRELAND]
    assert differences(secret, [Add(TO)], [ReplicaDeletion(IRELAND, gone=True)]) == []
