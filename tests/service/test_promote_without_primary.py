"""`promote` on the simulator: it works without the primary, which is asked afterwards and only tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, only
from service.promote_scene import STOP, promote, promotions, replicated, stands_alone

from smrep.errors import CredentialsError, Denied, Outcome, UsageError
from smrep.model import in_region
from smrep.regions import Region
from smrep.report import Action
from smrep.sandbox.simulator.simulated_aws import ApiError


def test_a_replica_is_promoted_and_read_back(aws: FakeAws) -> None:
    arn = replicated(aws)
    (secret,) = promote(aws)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.PROMOTE, True, None)
    assert (row.arn, secret.arn, secret.primary_region) == (in_region(arn, WEST), arn, HOME)
    assert stands_alone(aws)
    assert aws.count("DescribeSecret", WEST) >= 2  # the look before, and the one that reads back


def test_the_promoted_secret_takes_values_of_its_own(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(ApiError):
        aws.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")
    promote(aws)
    mine = aws.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="mine")["VersionId"]
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="theirs")
    aws.clock.time += 100
    stages = aws.call("DescribeSecret", WEST, SecretId="prod/db")["VersionIdsToStages"]
    assert "AWSCURRENT" in stages[mine]


def test_the_primarys_region_may_be_down(aws: FakeAws) -> None:
    replicated(aws, outages=frozenset({HOME}))
    (secret,) = promote(aws)
    assert (secret.outcome, only((secret,)).changed) == (Outcome.OK, True)
    assert stands_alone(aws)
    assert [call for call in aws.calls if call[1] == HOME] == [("DescribeSecret", HOME, secret.arn)]
    assert [name for name, region, _ in aws.calls if region == WEST][:2] == ["DescribeSecret", STOP]
    assert len(secret.notes) == 1
    assert "the old primary in us-east-1 did not say which Regions it still lists" in secret.notes[0]


def test_the_old_primary_is_asked_only_after_the_replica_is_standalone(aws: FakeAws) -> None:
    replicated(aws)
    seen: list[bool] = []
    aws.on_call = lambda _operation, region: seen.append(stands_alone(aws)) if region == HOME else None
    promote(aws)
    assert seen == [True]


def test_an_outage_of_every_other_region_changes_nothing(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, outages=frozenset({HOME, IRELAND, SYDNEY}))
    assert only(promote(aws)).outcome is Outcome.OK
    assert {region for _, region, _ in aws.calls} == {WEST, HOME}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_an_old_primary_that_turns_us_away_fails_nothing(aws: FakeAws, code: str) -> None:
    replicated(aws)

    def refuse(_operation: str, region: str) -> None:
        if region == HOME:
            raise (Denied if code.startswith("Access") else CredentialsError)("no", code=code)

    aws.on_call = refuse
    (secret,) = promote(aws)
    assert secret.outcome is Outcome.OK
    assert "did not say which Regions it still lists: no" in secret.notes[0]


@pytest.mark.parametrize("region", [HOME, WEST])
def test_the_arn_of_the_primary_or_of_the_replica_names_it(aws: FakeAws, region: Region) -> None:
    arn = replicated(aws, WEST, IRELAND, outages=frozenset({HOME}))
    (secret,) = promote(aws, in_region(arn, region))
    assert (secret.outcome, only((secret,)).arn) == (Outcome.OK, in_region(arn, WEST))
    assert promotions(aws) == [in_region(arn, WEST)]
    assert stands_alone(aws)
    assert not stands_alone(aws, IRELAND)


def test_the_arn_of_another_replica_does_not_name_it(aws: FakeAws) -> None:
    arn = replicated(aws, WEST, IRELAND)
    with pytest.raises(UsageError, match="is in eu-west-1, but -r us-west-2 has a replica of us-east-1"):
        promote(aws, in_region(arn, IRELAND))
    assert promotions(aws) == []


def test_one_secret_under_three_names_is_promoted_once(aws: FakeAws) -> None:
    arn = replicated(aws)
    (secret,) = promote(aws, "prod/db", arn, in_region(arn, WEST))
    assert (secret.outcome, aws.count(STOP)) == (Outcome.OK, 1)


def test_a_replica_whose_primary_is_dead_can_be_promoted(aws: FakeAws) -> None:
    replicated(aws, removal_delay_s=30.0)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 1000
    (secret,) = promote(aws)
    assert (secret.outcome, stands_alone(aws)) == (Outcome.OK, True)
    assert "did not say which Regions it still lists" in secret.notes[0]


def test_a_replica_that_is_being_removed_is_saved(aws: FakeAws) -> None:
    replicated(aws, removal_delay_s=30.0)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    assert only(promote(aws)).outcome is Outcome.OK
    aws.clock.time += 1000
    assert stands_alone(aws)


# what the old primary says


@pytest.mark.parametrize("entry", ["kept", "dropped"])
def test_the_regions_that_the_old_primary_still_lists_are_a_note(aws: FakeAws, entry: str) -> None:
    replicated(aws, promoted_entry=entry)
    (secret,) = promote(aws)
    assert secret.outcome is Outcome.OK
    told = [note for note in secret.notes if "still lists us-west-2 as InSync" in note]
    assert len(told) == (1 if entry == "kept" else 0)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ((IRELAND,), "eu-west-1 stays with the old primary in us-east-1"),
        ((IRELAND, SYDNEY), "eu-west-1, ap-southeast-2 stay with the old primary in us-east-1"),
    ],
)
def test_which_replicas_stay_with_the_old_primary_is_a_note(aws: FakeAws, others: Sequence[Region], words: str) -> None:
    replicated(aws, WEST, *others)
    (secret,) = promote(aws)
    assert words in secret.notes
    assert aws.call("DescribeSecret", IRELAND, SecretId="prod/db")["PrimaryRegion"] == HOME


def test_nothing_but_describing_and_promoting_is_asked_of_aws(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.simulator.log.clear()
    aws.lose[STOP] = ["before"]
    promote(aws)
    assert {call.operation for call in aws.simulator.log} == {"DescribeSecret", STOP}
    assert {call.region for call in aws.simulator.log if call.operation == STOP} == {WEST}


def test_an_old_primary_that_hangs_does_not_hold_the_result_up(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    replicated(aws)
    never, real = threading.Event(), time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: 10 * real())
    aws.on_call = lambda _operation, region: never.wait(60) and None if region == HOME else None
    (secret,) = promote(aws)
    never.set()
    assert secret.outcome is Outcome.OK
    assert "no answer came in time" in secret.notes[0]  # and so the result did not wait for it
