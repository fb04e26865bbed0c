"""Why failback skips a secret of the failover record: each reason in full, with the next command."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST

from smrep.errors import Denied, Outcome, Refused, Unanswered
from smrep.model import CrossAccount, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.recovery.failback_decision import (
    BothRegions,
    SkippedSecret,
    both_changed,
    check_original,
    check_promoted,
    missing_third_regions,
    old_is_newer,
    orphaned,
    rotating,
    skip_in_progress,
    skip_secret,
    skip_unanswered,
    valueless,
)
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked

NEW_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-a1b2c3"
OLD_ARN = in_region(NEW_ARN, HOME)
MOMENT = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)
STAGES = (("AWSCURRENT", "v1"),)
OLD = Secret(OLD_ARN, "prod/db", HOME, HOME, stages=STAGES)
NEW = Secret(NEW_ARN, "prod/db", WEST, stages=STAGES)
ENTRY = RecordEntry("prod/db", NEW_ARN, RecordMark.PROMOTED)
LOOK_OLD = "look at it:\n  aws secretsmanager describe-secret --secret-id prod/db --region us-east-1"
LOOK_NEW = "look at it:\n  aws secretsmanager describe-secret --secret-id prod/db --region us-west-2"
UP = "check that {} is up, reachable from here, and enabled for the account"


def ends(old: NameLookup = OLD, new: NameLookup = NEW, **changes: Any) -> BothRegions:
    return BothRegions(replace(ENTRY, **changes), RegionPair(HOME, WEST), old, new)


def found(region: Region, kind: Kind, message: str, hint: str) -> SkippedSecret:
    """Return what is left for what was found there."""
    finding = Finding(kind, Severity.ERROR, message, hint)
    return SkippedSecret(region, Problem(kind.value, message, hint, None, Outcome.FAILED), (finding,))


def test_a_secret_that_matches_the_record_is_not_skipped() -> None:
    assert check_promoted(ends()) is None
    assert check_promoted(ends(new=replace(NEW, primary_region=HOME))) is None
    assert check_promoted(ends(new=replace(NEW, primary_region=WEST))) is None
    assert check_original(ends()) is None
    assert check_original(ends(old=replace(OLD, primary_region=WEST))) is None
    assert check_original(ends(old=NoSecret())) is None


def test_a_promoted_secret_that_is_gone_is_missing() -> None:
    message = f"prod/db in us-west-2 was promoted and no longer exists: {NEW_ARN}"
    assert check_promoted(ends(new=NoSecret())) == found(WEST, Kind.MISSING, message, LOOK_NEW)


def test_another_secret_of_the_name_is_shown_with_its_dates() -> None:
    what = "{} has a different secret named prod/db that is not in the failover record: {}, {}, rotation {}"
    dates = "last changed 2026-11-23, last accessed not recorded"
    there = replace(NEW, arn=NEW_ARN.replace("a1b2c3", "zzzzzz"), last_changed=MOMENT, rotation_enabled=True)
    assert check_promoted(ends(new=there)) == found(
        WEST, Kind.NAME_CONFLICT, what.format("us-west-2", there.arn, dates, "on"), LOOK_NEW
    )
    here = replace(OLD, arn=OLD_ARN.replace("a1b2c3", "zzzzzz"), last_changed=MOMENT)
    assert check_original(ends(old=here)) == found(
        HOME, Kind.NAME_CONFLICT, what.format("us-east-1", here.arn, dates, "off"), LOOK_OLD
    )


def test_what_is_being_deleted_can_be_restored_first() -> None:
    restore = "restore it:\n  aws secretsmanager restore-secret --secret-id {} --region {}"
    assert check_promoted(ends(new=replace(NEW, deleted=MOMENT))) == found(
        WEST,
        Kind.PENDING_DELETION,
        f"prod/db in us-west-2 is scheduled for deletion: {NEW_ARN}",
        restore.format(NEW_ARN, WEST),
    )
    assert check_original(ends(old=replace(OLD, deleted=MOMENT))) == found(
        HOME,
        Kind.PENDING_DELETION,
        f"prod/db in us-east-1 is scheduled for deletion: {OLD_ARN}",
        restore.format(OLD_ARN, HOME),
    )


def test_a_cross_account_replica_is_skipped() -> None:
    why = "smrep does not change cross-account replicas"
    assert check_original(ends(old=replace(OLD, cross_account=CrossAccount()))) == skip_secret(
        OLD, HOME, "CrossAccount", why
    )


def test_a_replica_of_a_third_region_is_none_of_this_failover() -> None:
    what = "prod/db in {} is a replica of another primary in eu-west-1: {}"
    assert check_promoted(ends(new=replace(NEW, primary_region=IRELAND))) == found(
        WEST, Kind.ORPHAN, what.format("us-west-2", NEW_ARN), LOOK_NEW
    )
    assert check_original(ends(old=replace(OLD, primary_region=IRELAND))) == found(
        HOME, Kind.ORPHAN, what.format("us-east-1", OLD_ARN), LOOK_OLD
    )


@pytest.mark.parametrize(
    ("error", "words", "hint", "outcome", "silent"),
    [
        (Unanswered("no answer"), "no answer", UP, Outcome.FAILED, True),
        (Refused("no"), "no", UP, Outcome.FAILED, False),
        (Denied("not you"), "not you", "allow secretsmanager:DescribeSecret in {}", Outcome.ACCESS, False),
    ],
)
def test_nothing_is_done_where_nobody_could_look(
    error: Any, words: str, hint: str, outcome: Outcome, silent: bool
) -> None:
    for region, left in (
        (WEST, check_promoted(ends(new=NotChecked(error)))),
        (HOME, check_original(ends(old=NotChecked(error)))),
    ):
        message = f"prod/db in {region} could not be checked: {words}, so it was skipped"
        assert left is not None
        assert left.error == Problem("unchecked", message, hint.format(region), None, outcome)
        (finding,) = left.findings
        assert (finding.kind, finding.severity, finding.message) == (Kind.UNCHECKED, Severity.ERROR, message)
        assert (left.region, left.is_unanswered) == (region, silent)


def test_nothing_is_done_where_nobody_looked() -> None:
    finding = Finding(Kind.UNCHECKED, Severity.ERROR, "prod/db in us-west-2 was not checked, so it was skipped")
    left = check_promoted(ends(new=NotChecked()))
    assert left == SkippedSecret(WEST, Problem.about(finding), (finding,))
    assert not left.is_unanswered


def test_a_region_that_answers_for_nothing_is_not_asked_for_everything() -> None:
    left = skip_unanswered(ENTRY, WEST, 7)
    assert left.error.message == (
        "prod/db in us-west-2 could not be checked: us-west-2 answered for none of 7 others, so it was skipped"
    )
    assert (left.region, left.is_unanswered, left.error.code) == (WEST, True, "unchecked")


def test_a_reason_of_its_own_is_told_with_where_to_look() -> None:
    assert skip_secret(NEW, HOME, "ReplicaOfReplica", "nobody is its primary") == SkippedSecret(
        HOME,
        Problem(
            "ReplicaOfReplica",
            "prod/db in us-east-1 was skipped: nobody is its primary",
            LOOK_OLD,
            None,
            Outcome.FAILED,
        ),
    )


@pytest.mark.parametrize(
    ("here", "there", "where"),
    [(True, False, ["us-east-1"]), (False, True, ["us-west-2"]), (True, True, ["us-east-1", "us-west-2"])],
)
def test_rotation_is_refused_where_it_is_enabled(here: bool, there: bool, where: list[str]) -> None:
    both = ends(replace(OLD, rotation_enabled=here), replace(NEW, rotation_enabled=there))
    assert rotating(both) == found(
        Region(where[0]),
        Kind.ROTATING,
        (f"prod/db rotates in {' and '.join(where)}, which would change the shared password on one side"),
        (
            "stop it:\n"
            f"  aws secretsmanager cancel-rotate-secret --secret-id prod/db --region {where[0]}\n"
            "or, if you have already handled rotation, add --rotation-handled"
        ),
    )
    assert rotating(ends(NoSecret(), replace(NEW, rotation_enabled=True))).region == WEST


@pytest.mark.parametrize(
    ("here", "there", "base", "where"),
    [
        ((), STAGES, (), ["us-east-1"]),
        (STAGES, (), (), ["us-west-2"]),
        ((), (), STAGES, ["us-east-1", "us-west-2"]),
        ((("AWSPREVIOUS", "v0"),), STAGES, (), ["us-east-1"]),
    ],
)
def test_a_side_without_a_current_version_can_not_be_compared(
    here: Any, there: Any, base: Any, where: list[str]
) -> None:
    what = f"prod/db in {' and '.join(where)} shows no current version, so smrep cannot compare the two sides"
    left = valueless(ends(stages=frozenset(base)), replace(OLD, stages=here), replace(NEW, stages=there))
    assert left == found(Region(where[0]), Kind.UNCHECKED, what, LOOK_OLD if where[0] == HOME else LOOK_NEW)


@pytest.mark.parametrize("stages", [STAGES, ()])
def test_two_sides_that_show_alike_can_be_compared(stages: Any) -> None:
    assert valueless(ends(), replace(OLD, stages=stages), replace(NEW, stages=stages)) is None


def test_what_aws_is_at_is_left_to_it() -> None:
    assert skip_in_progress(OLD, NEW) == SkippedSecret(
        WEST,
        Problem(
            "OnItsWay",
            (
                "prod/db in us-west-2 is being replaced by a replica of us-east-1, as an earlier "
                "run requested, so it was skipped"
            ),
            "to resume that run, run the same command with --return-primary",
            None,
            Outcome.PENDING,
        ),
    )


def test_a_replica_whose_primary_is_gone_can_be_promoted() -> None:
    what = "prod/db in us-west-2 is still a replica, and its primary in us-east-1 no longer exists"
    assert orphaned(replace(NEW, primary_region=HOME)) == found(
        WEST, Kind.ORPHAN, what, ("promote it:\n  smrep promote prod/db -r us-west-2")
    )


def test_two_new_values_are_shown_with_their_dates() -> None:
    here, there = replace(OLD, last_changed=MOMENT), replace(NEW, stages=())
    assert both_changed(here, there) == SkippedSecret(
        HOME,
        Problem(
            "BothChanged",
            (
                "prod/db changed on both sides, so it was skipped: AWSCURRENT in us-east-1 is v1, last changed "
                "2026-11-23T09:30:15Z, and in us-west-2 no version"
            ),
            ("decide which one to keep; read 'Both sides changed' in the runbook:\n  smrep help runbooks fail-back"),
            None,
            Outcome.FAILED,
        ),
    )


@pytest.mark.parametrize(
    ("entries", "hint"),
    [
        ((), "to keep the newer value, run the same command with --return-primary"),
        ((Replica(IRELAND, "InSync"),), "to keep the newer value, run the same command with --return-primary"),
        ((Replica(WEST, "Failed"),), ("read 'AWS refuses' in the runbook:\n  smrep help runbooks fail-back")),
    ],
)
def test_a_newer_value_in_the_old_region_is_not_destroyed(entries: tuple[Replica, ...], hint: str) -> None:
    assert old_is_newer(replace(OLD, last_changed=MOMENT, replicas=entries), NEW) == SkippedSecret(
        HOME,
        Problem(
            "OldIsNewer",
            (
                "prod/db was skipped: us-east-1 holds its newer value, v1, last changed "
                "2026-11-23T09:30:15Z, which a replica of us-west-2 would destroy"
            ),
            hint,
            None,
            Outcome.FAILED,
        ),
    )


def test_third_regions_that_an_earlier_run_emptied_are_told_with_the_command_that_fills_them() -> None:
    assert missing_third_regions(ENTRY, WEST) == ()
    rows = missing_third_regions(replace(ENTRY, third=(Target(IRELAND, "alias/x"), Target(SYDNEY))), WEST)
    for row, region, target in zip(rows, (IRELAND, SYDNEY), ("eu-west-1=alias/x", "ap-southeast-2"), strict=True):
        finding = Finding(
            Kind.MISSING,
            Severity.ERROR,
            f"prod/db has no replica in {region}: an earlier run removed it and did not add it again",
            (f"add it:\n  smrep replicate prod/db --primary-region us-west-2 -r {target}"),
        )
        assert row == RegionReport(region, Outcome.FAILED, findings=(finding,), error=Problem.about(finding))
