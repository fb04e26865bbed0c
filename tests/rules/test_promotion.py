"""What may be made to stand alone, how that shows as a row, and what the old primary is said to keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, UsageError
from smrep.model import CrossAccount, FarEnd, Replica, Secret, SecretId, in_region
from smrep.regions import Region
from smrep.report import Action, Problem, RegionReport
from smrep.rules.replication.standalone_secret import (
    check_arn_regions,
    no_answer_note,
    old_primary_notes,
    promotion_blocker,
    promotion_report,
)

HOME, WEST, DUBLIN, TOKYO = (Region(name) for name in ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1"))
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
FAR = "arn:aws:secretsmanager:us-west-2:999999999999:secret:prod/db-zzzzzz"
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
REPLICA = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "alias/dr", last_accessed=MOMENT)
ALONE = replace(REPLICA, primary_region=None)
OLD = Secret(ARN, "prod/db", HOME, HOME)
ERROR = Problem("AccessDeniedException", "no", None, None, Outcome.ACCESS)


# who may


@pytest.mark.parametrize("secret", [REPLICA, ALONE, replace(REPLICA, primary_region=WEST)])
@pytest.mark.parametrize("home", [None, HOME])
def test_a_replica_of_the_expected_primary_or_a_standalone_secret_is_no_blocker(
    secret: Secret, home: Region | None
) -> None:
    assert promotion_blocker(secret, home) is None


@pytest.mark.parametrize("home", [None, HOME, WEST])
def test_a_primary_is_a_slip_of_the_fingers(home: Region | None) -> None:
    with pytest.raises(UsageError) as caught:
        promotion_blocker(replace(OLD, replicas=(Replica(WEST, "InSync"),)), home)
    assert caught.value.message == "prod/db in us-east-1 is the primary, which cannot be promoted"
    assert caught.value.hint == "use the Region of a replica with -r"


def test_a_replica_of_another_primary_than_the_one_typed_is_refused_with_the_command_that_means_it() -> None:
    assert promotion_blocker(REPLICA, DUBLIN) == Problem(
        code="OtherPrimary",
        message="prod/db in us-west-2 is a replica of us-east-1, not of eu-west-1",
        hint=("to promote it all the same:\n  smrep promote prod/db -r us-west-2"),
        request_id=None,
        outcome=Outcome.FAILED,
    )
    assert promotion_blocker(replace(ALONE, primary_region=WEST), DUBLIN) is None, "it is nobody's replica"


@pytest.mark.parametrize("home", [None, HOME, DUBLIN])
def test_a_replica_of_another_account_is_skipped(home: Region | None) -> None:
    shared = replace(REPLICA, name="it's db", cross_account=CrossAccount(primary=FarEnd(FAR, "InSync")))
    assert promotion_blocker(shared, home) == Problem(
        code="CrossAccountReplica",
        message=f"it's db in us-west-2 is a replica of another account's secret, {FAR}; smrep does not promote those",
        hint=("look at it:\n  aws secretsmanager describe-secret --secret-id 'it'\"'\"'s db' --region us-west-2"),
        request_id=None,
        outcome=Outcome.FAILED,
    )


def test_replicas_in_other_accounts_are_no_reason_against_it() -> None:
    assert (
        promotion_blocker(replace(REPLICA, cross_account=CrossAccount(replicas=(FarEnd(FAR, "InSync"),))), HOME) is None
    )


@pytest.mark.parametrize("named", ["prod/db", ARN, REPLICA.arn, ARN.replace("a1b2c3", "zzzzzz")])
def test_an_arn_of_the_replica_or_of_its_primary_names_it(named: str) -> None:
    check_arn_regions([SecretId(named)], [REPLICA])


def test_an_arn_of_a_third_region_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        check_arn_regions([SecretId("prod/db"), SecretId(ARN), SecretId(in_region(ARN, DUBLIN))], [ALONE, REPLICA])
    assert caught.value.message == (
        f"{in_region(ARN, DUBLIN)} is in eu-west-1, but -r us-west-2 has a replica of us-east-1; nothing was sent"
    )
    assert caught.value.hint == f"use -r eu-west-1, or the ARN in us-west-2: {REPLICA.arn}"


def test_a_standalone_secret_may_have_had_its_primary_anywhere() -> None:
    check_arn_regions([SecretId(in_region(ARN, DUBLIN))], [ALONE])


# the row


@pytest.mark.parametrize(
    ("now", "accepted", "waiting", "dry_run", "outcome"),
    [
        (REPLICA, True, True, False, Outcome.PENDING),
        (REPLICA, True, False, False, Outcome.ACCEPTED),
        (REPLICA, False, True, False, Outcome.PENDING),
        (REPLICA, False, False, False, Outcome.PENDING),
        (REPLICA, False, True, True, Outcome.OK),
        (ALONE, True, True, False, Outcome.OK),
        (ALONE, False, False, False, Outcome.OK),
    ],
)
def test_a_promotion_is_done_when_the_secret_is_standalone(
    now: Secret, accepted: bool, waiting: bool, dry_run: bool, outcome: Outcome
) -> None:
    assert promotion_report(now, None, accepted=accepted, waiting=waiting, dry_run=dry_run).outcome is outcome


@given(*[st.booleans()] * 3, st.sampled_from([REPLICA, ALONE]))
def test_an_error_is_how_it_ends_whatever_else_is_so(accepted: bool, waiting: bool, dry_run: bool, now: Secret) -> None:
    told = promotion_report(now, ERROR, accepted=accepted, waiting=waiting, dry_run=dry_run)
    assert (told.outcome, told.error, told.changed) == (Outcome.ACCESS, ERROR, accepted)


def test_the_row_shows_what_the_region_shows() -> None:
    told = promotion_report(REPLICA, None, accepted=True, waiting=True, dry_run=False)
    assert told == RegionReport(
        region=WEST,
        outcome=Outcome.PENDING,
        arn=REPLICA.arn,
        kms_key_id="alias/dr",
        last_accessed=MOMENT,
        action=Action.PROMOTE,
        changed=True,
    )
    assert promotion_report(ALONE, None, accepted=True, waiting=True, dry_run=False).note == "standalone"


# the old primary


def listing(*regions: Region) -> Secret:
    return replace(OLD, replicas=tuple(Replica(region, "InSync") for region in regions))


LISTED = (
    "the old primary in us-east-1 still lists us-west-2 as InSync; ignore that status, and do "
    "not remove that Region there: it may delete the promoted secret"
)


@pytest.mark.parametrize(
    ("old", "notes"),
    [
        (listing(), ()),
        (listing(WEST), (LISTED,)),
        (listing(DUBLIN), ("eu-west-1 stays with the old primary in us-east-1",)),
        (listing(DUBLIN, WEST, TOKYO), (LISTED, "eu-west-1, ap-northeast-1 stay with the old primary in us-east-1")),
    ],
)
def test_what_is_left_behind_is_told_in_the_order_of_the_list(old: Secret, notes: tuple[str, ...]) -> None:
    assert old_primary_notes(old, WEST) == notes


def test_an_old_primary_that_did_not_tell_is_a_note() -> None:
    assert no_answer_note(REPLICA, "connection was closed") == (
        "the old primary in us-east-1 did not say which Regions it still lists: connection was closed"
    )
