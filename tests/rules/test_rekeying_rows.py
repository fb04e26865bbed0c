"""What `rekey` says of each Region: what stops it, what it waits for, and what went wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smrep.errors import AwsError, CredentialsError, Denied, Outcome, Refused, Unanswered
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.replication.findings import not_checked, not_listed, removing
from smrep.rules.replication.key_change import (
    KeyChange,
    blocked_change,
    decide_key_change,
    key_change_refusal,
    key_change_row,
    recreated_row,
    with_blockers,
)
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.rules.replication.replica_comparison import Proof
from smrep.rules.replication.replica_state import LIST_LAG_S

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
LISTING = replace(PRIMARY, replicas=(Replica(WEST, "InSync"),))
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "alias/old")
TARGET = Target(WEST, "alias/new")
CREATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"
REPLICATE = f"add it:\n  {CREATE}"
REMOVE = "smrep remove prod/db --primary-region us-east-1 -r us-west-2"
WRONG = Finding(Kind.WRONG_KEY, Severity.ERROR, "another key", "change its key:\n  smrep rekey prod/db")
STALE = Finding(Kind.STALE, Severity.ERROR, "an old version", "wait")
DOUBT = Finding(Kind.UNCHECKED, Severity.WARNING, "could not be looked at", "allow it")
FAILED = Finding(Kind.FAILED, Severity.ERROR, "no luck", "try again")
MINE = Finding(Kind.MANAGED, Severity.WARNING, "found before acting")


def halted(finding: Finding, outcome: Outcome = Outcome.FAILED) -> KeyChange:
    """Return the turn that a finding of that weight and those words stops."""
    loud = replace(finding, severity=Severity.ERROR)
    return KeyChange(
        TARGET, findings=(loud,), error=Problem(finding.kind, finding.message, finding.hint, None, outcome)
    )


def seen(look: NameLookup, *findings: Finding) -> tuple[NameLookup, Proof]:
    return look, Proof(None, Outcome.DRIFT, findings)


# what stops it


def test_a_stop_says_by_its_finding_why() -> None:
    assert blocked_change(TARGET, DOUBT) == halted(DOUBT)
    assert blocked_change(TARGET, DOUBT, Outcome.ACCESS) == halted(DOUBT, Outcome.ACCESS)


@pytest.mark.parametrize(
    ("primary", "look", "finding", "hint", "outcome"),
    [
        (PRIMARY, NoSecret(), not_listed(PRIMARY, WEST), REPLICATE, Outcome.FAILED),
        (LISTING, NoSecret(), not_listed(PRIMARY, WEST), f"replicate again:\n  {REMOVE}\n  {CREATE}", Outcome.FAILED),
        (PRIMARY, OURS, removing(PRIMARY, WEST), REPLICATE, Outcome.PENDING),
    ],
)
def test_a_missing_replica_is_added_again_with_the_key(
    primary: Secret, look: NameLookup, finding: Finding, hint: str, outcome: Outcome
) -> None:
    known = decide_key_change(primary, TARGET, seen(look, STALE, finding), same=False, recreate=False)
    assert known == halted(replace(finding, hint=hint), outcome)


@pytest.mark.parametrize("recreate", [True, False])
def test_what_is_in_the_way_keeps_its_own_hint(recreate: bool) -> None:
    clash = Finding(Kind.NAME_CONFLICT, Severity.ERROR, "another secret", "look at it")
    assert decide_key_change(LISTING, TARGET, seen(OURS, STALE, clash), same=False, recreate=recreate) == halted(clash)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Denied("no"), Outcome.ACCESS),
        (CredentialsError("no"), Outcome.ACCESS),
        (Unanswered("no"), Outcome.FAILED),
    ],
)
def test_what_was_not_seen_is_not_touched(error: AwsError, outcome: Outcome) -> None:
    look = NotChecked(error)
    (finding,) = not_checked(PRIMARY, WEST, look)
    for before in ((), (STALE,), (STALE, WRONG)):
        known = decide_key_change(LISTING, TARGET, seen(look, *before, finding), same=True, recreate=True)
        assert known == halted(finding, outcome)


def test_a_look_that_nobody_took_says_so() -> None:
    finding = Finding(Kind.UNCHECKED, Severity.WARNING, "not checked")
    assert decide_key_change(LISTING, TARGET, seen(NotChecked()), same=True, recreate=True) == halted(finding)


@pytest.mark.parametrize(
    ("findings", "same", "recreate", "wanted"),
    [
        ((), True, False, False),
        ((STALE, DOUBT), True, False, False),
        ((), False, False, True),
        ((), Denied("no"), False, True),
        ((WRONG,), True, False, True),
        ((STALE, WRONG), True, True, True),
        ((FAILED,), True, True, True),
    ],
)
def test_something_is_sent_where_not_all_is_known_to_be_under_the_key(
    findings: tuple[Finding, ...], same: bool | AwsError, recreate: bool, wanted: bool
) -> None:
    assert decide_key_change(LISTING, TARGET, seen(OURS, *findings), same=same, recreate=recreate) == KeyChange(
        TARGET, wanted=wanted
    )


def test_what_was_found_of_the_key_is_all_told_where_one_of_it_stops() -> None:
    no = Finding(Kind.KEY_MISSING, Severity.ERROR, "no such key", "name another")
    assert with_blockers(KeyChange(TARGET, wanted=True), (MINE, no), sure=False) == replace(
        halted(no), findings=(MINE, no)
    )


# the row

ERROR = Problem("AccessDeniedException", "no", None, None, Outcome.ACCESS)
SENT = KeyChange(TARGET, wanted=True, sent_at=100.0, accepted=True, findings=(MINE,))
ROW = RegionReport(WEST, Outcome.DRIFT, findings=(STALE, MINE))
LATER = 100.0 + LIST_LAG_S


def told(known: KeyChange, row: RegionReport = ROW, now: float = LATER, *, dry_run: bool = False) -> RegionReport:
    return key_change_row(known, row, now, proved=True, dry_run=dry_run)


@pytest.mark.parametrize(
    ("known", "action"),
    [
        (KeyChange(TARGET), Action.KEEP),
        (KeyChange(TARGET, wanted=True), Action.REKEY),
        (KeyChange(TARGET, error=ERROR), Action.REKEY),
    ],
)
def test_what_nothing_was_to_be_done_about_is_kept(known: KeyChange, action: Action) -> None:
    assert told(known).action is action


def test_a_row_joins_what_was_found_before_and_after_and_each_once() -> None:
    assert told(SENT) == replace(ROW, action=Action.REKEY, changed=True, findings=(MINE, STALE))


def test_a_proof_with_an_error_of_its_own_keeps_it() -> None:
    row = replace(ROW, outcome=Outcome.ACCESS, error=ERROR)
    assert (told(SENT, row).error, told(SENT, row).outcome) == (ERROR, Outcome.ACCESS)


def test_what_stopped_it_is_all_that_is_told() -> None:
    row = told(replace(SENT, error=ERROR))
    assert (row.findings, row.error, row.outcome) == ((MINE,), ERROR, Outcome.ACCESS)


@pytest.mark.parametrize(
    ("kind", "others", "status"),
    [
        (Kind.NAME_CONFLICT, (), None),
        (Kind.NAME_CONFLICT, (DOUBT,), None),
        (Kind.FAILED, (), "InSync"),
        (Kind.FAILED, (STALE,), "InSync"),
        (Kind.IN_PROGRESS, (), "InSync"),
        (Kind.UNCHECKED, (), "InSync"),
    ],
)
def test_awss_word_stays_only_beside_a_stop_that_it_tells_of(
    kind: Kind, others: tuple[Finding, ...], status: str | None
) -> None:
    stop = Finding(kind, Severity.ERROR, "it is so")
    known = replace(SENT, findings=(stop, *others), error=Problem.about(stop))
    row = told(known, replace(ROW, status="InSync", status_message="Replication succeeded"))
    assert row.status == status
    assert row.status_message == ("Replication succeeded" if status else None)


@pytest.mark.parametrize(
    ("known", "outcome", "now", "ended"),
    [
        (SENT, Outcome.DRIFT, 100.0, Outcome.PENDING),
        (SENT, Outcome.DRIFT, LATER - 0.1, Outcome.PENDING),
        (SENT, Outcome.DRIFT, LATER, Outcome.DRIFT),
        (SENT, Outcome.OK, 100.0, Outcome.OK),
        (SENT, Outcome.ACCESS, 100.0, Outcome.ACCESS),
        (replace(SENT, accepted=False), Outcome.DRIFT, LATER, Outcome.PENDING),
        (replace(SENT, accepted=False), Outcome.OK, LATER, Outcome.PENDING),
        (replace(SENT, wanted=False), Outcome.DRIFT, 100.0, Outcome.DRIFT),
    ],
)
def test_a_difference_counts_once_aws_is_known_to_have_had_the_request_for_a_while(
    known: KeyChange, outcome: Outcome, now: float, ended: Outcome
) -> None:
    row = told(known, replace(ROW, outcome=outcome), now)
    assert row.outcome is ended
    assert row.findings == ((MINE,) if ended is Outcome.PENDING else (MINE, STALE))


def test_a_version_that_stays_behind_is_a_failure_with_what_holds_it() -> None:
    row = told(SENT, replace(ROW, findings=(WRONG,)))
    assert (row.outcome, row.findings) == (Outcome.FAILED, (MINE, WRONG))
    assert row.error == Problem(
        code="wrong_key",
        message="another key",
        hint=(
            "AWS keeps a version under its old key if you lack kms:Decrypt on that key, or if it is "
            "disabled\n"
            "fix that, then change its key:\n"
            "  smrep rekey prod/db\n"
            "a version with a label of its own always keeps its key: remove the label at the "
            "primary, or add --recreate"
        ),
        request_id=None,
        outcome=Outcome.FAILED,
    )


def test_a_dry_run_tells_what_was_found_before() -> None:
    row = told(KeyChange(TARGET, wanted=True, findings=(MINE,)), dry_run=True)
    assert (row.outcome, row.action, row.findings) == (Outcome.OK, Action.REKEY, (MINE,))


# made anew


@pytest.mark.parametrize(
    ("outcome", "changed", "made", "ended"),
    [
        (Outcome.OK, True, True, (Outcome.OK, "arn:x", True)),
        (Outcome.OK, False, True, (Outcome.OK, "arn:x", True)),
        (Outcome.PENDING, True, True, (Outcome.PENDING, None, True)),
        (Outcome.OK, True, False, (Outcome.PENDING, None, True)),
        (Outcome.FAILED, False, False, (Outcome.FAILED, None, False)),
    ],
)
def test_a_recreated_replica_is_there_when_the_replication_says_so(
    outcome: Outcome, changed: bool, made: bool, ended: tuple[Outcome, str | None, bool]
) -> None:
    row = recreated_row(RegionReport(WEST, outcome, arn="arn:x", changed=changed), PRIMARY, TARGET, made=made)
    assert (row.outcome, row.arn, row.changed, row.error) == (*ended, None)


@pytest.mark.parametrize(
    ("changed", "made", "state"),
    [
        (False, True, "us-west-2 has no replica now"),
        (True, True, "us-west-2 has no replica now"),
        (True, False, "the replica is being removed"),
    ],
)
@pytest.mark.parametrize(("hint", "fix"), [("allow it", "allow it"), (None, "fix the cause")])
def test_a_removed_replica_comes_with_the_command_that_adds_it_again(
    changed: bool, made: bool, state: str, hint: str | None, fix: str
) -> None:
    row = RegionReport(WEST, Outcome.ACCESS, changed=changed, error=replace(ERROR, hint=hint))
    back = f"{state}\n{fix}\nto add it again:\n  {CREATE}"
    assert recreated_row(row, PRIMARY, TARGET, made=made).error == replace(ERROR, hint=back)


def test_a_replica_that_was_not_removed_need_not_be_added_again() -> None:
    row = RegionReport(WEST, Outcome.ACCESS, error=ERROR)
    assert recreated_row(row, PRIMARY, TARGET, made=False).error == ERROR


@pytest.mark.parametrize("code", ["ChangedMeanwhile", "unchecked"])
def test_a_replica_that_changed_meanwhile_is_recreated_by_another_run(code: str) -> None:
    row = RegionReport(WEST, Outcome.FAILED, error=replace(ERROR, code=code))
    hint = "try again:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate"
    assert recreated_row(row, PRIMARY, TARGET, made=False).error == replace(ERROR, code=code, hint=hint)


# refused by AWS

ALLOW = (
    f"allow secretsmanager:UpdateSecret on {OURS.arn}; kms:GenerateDataKey, kms:Encrypt and kms:Decrypt on "
    "the new key, kms:Decrypt on the old one"
)
ANEW = (
    "if AWS cannot change the key in place, delete and recreate the replica:\n"
    "  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate"
)


@pytest.mark.parametrize(
    ("kind", "own", "hint"),
    [
        (Denied, "log in", ALLOW),
        (Refused, "mend it", "mend it"),
        (Refused, None, ANEW),
        (Unanswered, "check the network", "check the network"),
    ],
)
def test_a_refusal_says_what_would_help(kind: type[AwsError], own: str | None, hint: str) -> None:
    error = kind("no", hint=own)
    told = key_change_refusal(error, PRIMARY, TARGET, OURS.arn)
    assert told is error
    assert (told.message, told.hint) == ("prod/db in us-west-2 to alias/new: no", hint)


def test_a_quota_is_no_reason_to_take_a_replica_away() -> None:
    told = key_change_refusal(Refused("no", code="LimitExceededException"), PRIMARY, TARGET, OURS.arn)
    assert (told.code, told.hint) == ("LimitExceededException", None)
