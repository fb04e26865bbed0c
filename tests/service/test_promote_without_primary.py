"""`promote` on the simulator: it works without the primary, which is asked afterwards and only tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, only
from service.promoting_scene import STOP, promote, promotions, replicated, stands_alone

from smrep.errors import CredentialsError, Denied, Outcome, UsageError
from smrep.model import in_region
from smrep.regions import Region
from smrep.report import Action
from smrep.sandbox.simulator import ApiError


def test_a_replica_is_promoted_and_read_back(world: World) -> None:
    arn = replicated(world)
    (secret,) = promote(world)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.PROMOTE, True, None)
    assert (row.arn, secret.arn, secret.primary_region) == (in_region(arn, WEST), arn, HOME)
    assert stands_alone(world)
    assert world.count("DescribeSecret", WEST) >= 2  # the look before, and the one that reads back


def test_the_promoted_secret_takes_values_of_its_own(world: World) -> None:
    replicated(world)
    with pytest.raises(ApiError):
        world.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")
    promote(world)
    mine = world.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")["VersionId"]
    world.call("PutSecretValue", SecretId="prod/db", SecretString="theirs")
    world.clock.time += 100
    stages = world.call("DescribeSecret", WEST, SecretId="prod/db")["VersionIdsToStages"]
    assert "AWSCURRENT" in stages[mine]


def test_the_primarys_region_may_be_down(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    (secret,) = promote(world)
    assert (secret.outcome, only((secret,)).changed) == (Outcome.OK, True)
    assert stands_alone(world)
    assert [call for call in world.calls if call[1] == HOME] == [("DescribeSecret", HOME, secret.arn)]
    assert [name for name, region, _ in world.calls if region == WEST][:2] == ["DescribeSecret", STOP]
    assert len(secret.notes) == 1
    assert "the old primary in us-east-1 was asked once and did not tell" in secret.notes[0]


def test_the_old_primary_is_asked_only_after_the_replica_stands_alone(world: World) -> None:
    replicated(world)
    seen: list[bool] = []
    world.on_call = lambda _operation, region: seen.append(stands_alone(world)) if region == HOME else None
    promote(world)
    assert seen == [True]


def test_an_outage_of_every_other_region_changes_nothing(world: World) -> None:
    replicated(world, WEST, IRELAND, outages=frozenset({HOME, IRELAND, SYDNEY}))
    assert only(promote(world)).outcome is Outcome.OK
    assert {region for _, region, _ in world.calls} == {WEST, HOME}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_an_old_primary_that_turns_us_away_fails_nothing(world: World, code: str) -> None:
    replicated(world)

    def refuse(_operation: str, region: str) -> None:
        if region == HOME:
            raise (Denied if code.startswith("Access") else CredentialsError)("no", code=code)

    world.on_call = refuse
    (secret,) = promote(world)
    assert secret.outcome is Outcome.OK
    assert "did not tell what it still lists: no" in secret.notes[0]


@pytest.mark.parametrize("region", [HOME, WEST])
def test_the_arn_of_the_primary_or_of_the_replica_names_it(world: World, region: Region) -> None:
    arn = replicated(world, WEST, IRELAND, outages=frozenset({HOME}))
    (secret,) = promote(world, in_region(arn, region))
    assert (secret.outcome, only((secret,)).arn) == (Outcome.OK, in_region(arn, WEST))
    assert promotions(world) == [in_region(arn, WEST)]
    assert stands_alone(world)
    assert not stands_alone(world, IRELAND)


def test_the_arn_of_another_replica_does_not_name_it(world: World) -> None:
    arn = replicated(world, WEST, IRELAND)
    with pytest.raises(UsageError, match="is of eu-west-1, and -r says us-west-2"):
        promote(world, in_region(arn, IRELAND))
    assert promotions(world) == []


def test_one_secret_under_three_names_is_promoted_once(world: World) -> None:
    arn = replicated(world)
    (secret,) = promote(world, "prod/db", arn, in_region(arn, WEST))
    assert (secret.outcome, world.count(STOP)) == (Outcome.OK, 1)


def test_a_replica_whose_primary_is_dead_can_be_promoted(world: World) -> None:
    replicated(world, removal_delay_s=30.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 1000
    (secret,) = promote(world)
    assert (secret.outcome, stands_alone(world)) == (Outcome.OK, True)
    assert "did not tell" in secret.notes[0]


def test_a_replica_that_is_being_removed_is_saved(world: World) -> None:
    replicated(world, removal_delay_s=30.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    assert only(promote(world)).outcome is Outcome.OK
    world.clock.time += 1000
    assert stands_alone(world)


# what the old primary says


@pytest.mark.parametrize("entry", ["kept", "dropped"])
def test_what_the_old_primary_lists_still_is_a_note(world: World, entry: str) -> None:
    replicated(world, promoted_entry=entry)
    (secret,) = promote(world)
    assert secret.outcome is Outcome.OK
    told = [note for note in secret.notes if "lists us-west-2 still, as InSync" in note]
    assert len(told) == (1 if entry == "kept" else 0)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ((IRELAND,), "eu-west-1 stays with the old primary in us-east-1"),
        ((IRELAND, SYDNEY), "eu-west-1, ap-southeast-2 stay with the old primary in us-east-1"),
    ],
)
def test_which_replicas_stay_with_the_old_primary_is_a_note(world: World, others: Sequence[Region], words: str) -> None:
    replicated(world, WEST, *others)
    (secret,) = promote(world)
    assert words in secret.notes
    assert world.call("DescribeSecret", IRELAND, SecretId="prod/db")["PrimaryRegion"] == HOME


def test_nothing_but_describing_and_promoting_is_asked_of_aws(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.simulator.log.clear()
    world.lose[STOP] = ["before"]
    promote(world)
    assert {call.operation for call in world.simulator.log} == {"DescribeSecret", STOP}
    assert {call.region for call in world.simulator.log if call.operation == STOP} == {WEST}


def test_an_old_primary_that_hangs_does_not_hold_the_result_up(world: World) -> None:
    replicated(world)
    never = threading.Event()
    world.on_call = lambda _operation, region: never.wait(30) and None if region == HOME else None
    started = time.monotonic()
    (secret,) = promote(world)
    never.set()
    assert (secret.outcome, time.monotonic() - started < 10) == (Outcome.OK, True)
    assert "no answer came in time" in secret.notes[0]
