"""What `remove` says of each Region, and why it leaves something alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smrep.errors import Denied, Outcome
from smrep.model import Replica, Secret, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.replication.findings import not_checked, removing
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked, secret_summary
from smrep.rules.replication.replica_deletion import (
    ReplicaDeletion,
    after_check,
    deletion_report,
    is_ours,
    plan_deletion,
    removal_blocker,
)
from smrep.rules.replication.replica_state import LIST_LAG_S

HOME, WEST, DUBLIN = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "alias/dr", last_accessed=MOMENT)
PROMOTED = replace(OURS, primary_region=None)
STRANGER = replace(PROMOTED, arn=OURS.arn.replace("a1b2c3", "zzzzzz"))
IN_SYNC, UNDER_WAY = Replica(WEST, "InSync", "Replication succeeded"), Replica(WEST, "InProgress")
LISTED = ReplicaDeletion(WEST, IN_SYNC, OURS, wanted=True)
SENT = replace(LISTED, sent_at=100.0, accepted=True)
REMOVING = removing(PRIMARY, WEST)
ERROR = Problem("AccessDeniedException", "no", None, None, Outcome.ACCESS)


def stopped(finding: Finding, outcome: Outcome = Outcome.FAILED) -> ReplicaDeletion:
    return ReplicaDeletion(
        WEST,
        findings=(finding,),
        error=Problem(finding.kind, finding.message, finding.hint, None, outcome),
    )


# what is skipped

DELETES = "and removing the Region may delete it"


@pytest.mark.parametrize(
    ("there", "kind", "what"),
    [
        (PROMOTED, Kind.PROMOTED, f"was promoted, {DELETES}"),
        (replace(STRANGER, deleted=MOMENT), Kind.PENDING_DELETION, "is scheduled for deletion"),
        (
            replace(OURS, primary_region=DUBLIN),
            Kind.ORPHAN,
            f"is a replica of another primary in eu-west-1, {DELETES}",
        ),
        (STRANGER, Kind.NAME_CONFLICT, f"is a different secret, {DELETES}"),
    ],
)
def test_what_is_not_ours_is_shown_and_never_removed(there: Secret, kind: Kind, what: str) -> None:
    finding = Finding(
        kind,
        Severity.ERROR,
        f"prod/db in us-west-2 {what}: {secret_summary(there)}",
        (
            "look at it:\n"
            f"  aws secretsmanager describe-secret --secret-id {there.arn} --region us-west-2\n"
            "once it is gone:\n"
            "  smrep remove prod/db --primary-region us-east-1 -r us-west-2"
        ),
    )
    assert plan_deletion(replace(PRIMARY, replicas=(IN_SYNC,)), WEST, there) == stopped(finding)
    seen = after_check(SENT, PRIMARY, there, 101.0)
    assert seen == replace(SENT, findings=(finding,), error=stopped(finding).error)


def test_what_was_not_seen_is_never_removed() -> None:
    look = NotChecked(Denied("no"))
    (finding,) = not_checked(PRIMARY, WEST, look)
    no = replace(
        finding, severity=Severity.ERROR, message=f"smrep removes only what it could check, and {finding.message}"
    )
    assert plan_deletion(PRIMARY, WEST, look) == stopped(no, Outcome.ACCESS)


def test_what_only_its_own_account_can_tell_is_never_removed() -> None:
    look = NoSecret(only_by_arn=True)
    (finding,) = not_checked(PRIMARY, WEST, look)
    no = replace(
        finding, severity=Severity.ERROR, message=f"smrep removes only what it could check, and {finding.message}"
    )
    assert plan_deletion(replace(PRIMARY, replicas=(IN_SYNC,)), WEST, look) == stopped(no, Outcome.ACCESS)
    assert plan_deletion(PRIMARY, WEST, look) == ReplicaDeletion(WEST, gone=True)


def test_what_nobody_looked_at_is_never_removed() -> None:
    no = Finding(
        Kind.UNCHECKED,
        Severity.ERROR,
        ("smrep removes only what it could check, and prod/db in us-west-2 was not checked"),
    )
    assert plan_deletion(PRIMARY, WEST, NotChecked()) == stopped(no)


@pytest.mark.parametrize("deleted", [None, MOMENT])
def test_our_replica_stays_ours_while_aws_deletes_it(deleted: datetime | None) -> None:
    assert is_ours(PRIMARY, replace(OURS, deleted=deleted))
    assert not is_ours(PRIMARY, replace(STRANGER, deleted=deleted))


@pytest.mark.parametrize(
    ("entry", "look", "known"),
    [
        (IN_SYNC, OURS, replace(LISTED, shown=OURS)),
        (IN_SYNC, NoSecret(), ReplicaDeletion(WEST, IN_SYNC, wanted=True)),
        (None, OURS, ReplicaDeletion(WEST, victim=OURS, shown=OURS, findings=(REMOVING,))),
        (None, NoSecret(), ReplicaDeletion(WEST, gone=True)),
    ],
)
def test_a_request_is_wanted_where_the_region_is_listed(
    entry: Replica | None, look: NameLookup, known: ReplicaDeletion
) -> None:
    assert plan_deletion(replace(PRIMARY, replicas=(entry,) if entry else ()), WEST, look) == known


# looks on the way


@pytest.mark.parametrize(
    ("known", "findings"),
    [
        (SENT, (REMOVING,)),
        (replace(SENT, accepted=False), ()),
        (ReplicaDeletion(WEST), (REMOVING,)),
    ],
)
def test_a_replica_that_is_there_still_is_being_removed_once_aws_is_at_it(
    known: ReplicaDeletion, findings: tuple[Finding, ...]
) -> None:
    now = replace(OURS, kms_key_id="alias/newer")
    assert after_check(known, PRIMARY, now, 101.0) == replace(known, victim=now, findings=findings)


@pytest.mark.parametrize("look", [OURS, NoSecret(), STRANGER, NotChecked()])
@pytest.mark.parametrize("known", [replace(SENT, gone=True), replace(SENT, error=ERROR)])
def test_what_has_ended_stays_so(known: ReplicaDeletion, look: NameLookup) -> None:
    assert after_check(known, PRIMARY, look, 1e6) is known


LAG = 100.0 + LIST_LAG_S


@pytest.mark.parametrize(
    ("known", "now", "gone"),
    [
        (SENT, 100.0, True),
        (replace(SENT, before=None), 100.0, True),
        (replace(SENT, before=Replica(WEST, "Failed"), victim=None), 100.0, True),
        (replace(SENT, victim=None), LAG - 0.1, False),
        (replace(SENT, victim=None), LAG, True),
        (replace(SENT, before=UNDER_WAY), LAG - 0.1, False),
        (replace(SENT, before=UNDER_WAY), LAG, True),
        (replace(SENT, before=UNDER_WAY, sent_at=None), 0.0, True),
    ],
)
def test_not_found_means_gone_once_nothing_can_come_into_being_any_more(
    known: ReplicaDeletion, now: float, gone: bool
) -> None:
    assert after_check(known, PRIMARY, NoSecret(), now) == replace(known, gone=gone)


@pytest.mark.parametrize("sent_at", [None, 100.0])
def test_what_went_after_an_unanswered_request_of_ours_does_not_tell_that_it_was_taken(sent_at: float | None) -> None:
    unsure = replace(SENT, accepted=False, sent_at=sent_at)
    assert after_check(unsure, PRIMARY, NoSecret(), LAG) == unsure


def test_what_is_gone_is_not_being_removed_any_more() -> None:
    other = Finding(Kind.MANAGED, Severity.WARNING, "managed")
    assert after_check(replace(SENT, findings=(other, REMOVING)), PRIMARY, NoSecret(), LAG).findings == (other,)


# the row


def shown(known: ReplicaDeletion, *, waiting: bool = True, dry_run: bool = False) -> RegionReport:
    return deletion_report(known, PRIMARY, waiting=waiting, dry_run=dry_run)


BEFORE = RegionReport(
    region=WEST,
    outcome=Outcome.PENDING,
    arn=OURS.arn,
    status="InSync",
    status_message="Replication succeeded",
    kms_key_id="alias/dr",
    last_accessed=MOMENT,
    action=Action.REMOVE,
)
AFTER = replace(BEFORE, status=None, status_message=None, changed=True, note="being removed")
GONE = RegionReport(region=WEST, outcome=Outcome.OK, action=Action.REMOVE, changed=True, note="gone")


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (LISTED, BEFORE),
        (SENT, AFTER),
        (replace(SENT, accepted=False), replace(AFTER, changed=False, note=None)),
        (replace(SENT, gone=True), GONE),
        (ReplicaDeletion(WEST, gone=True), replace(GONE, changed=False)),
        (
            ReplicaDeletion(WEST, victim=OURS, findings=(REMOVING,)),
            replace(AFTER, changed=False, findings=(REMOVING,)),
        ),
        (
            replace(SENT, error=ERROR),
            RegionReport(region=WEST, outcome=Outcome.ACCESS, action=Action.REMOVE, changed=True, error=ERROR),
        ),
        (
            replace(LISTED, error=ERROR),  # refused: what was there is there
            replace(BEFORE, outcome=Outcome.ACCESS, error=ERROR),
        ),
    ],
)
def test_a_row_shows_what_is_there_until_it_is_gone(known: ReplicaDeletion, told: RegionReport) -> None:
    assert shown(known) == told
    assert deletion_report(known, PRIMARY) == told


@pytest.mark.parametrize("known", [LISTED, SENT, replace(SENT, gone=True)])
def test_a_dry_run_is_well(known: ReplicaDeletion) -> None:
    assert shown(known, dry_run=True) == replace(shown(known), outcome=Outcome.OK)


def test_without_waiting_a_request_that_aws_took_is_enough() -> None:
    assert shown(SENT, waiting=False) == replace(AFTER, outcome=Outcome.ACCEPTED)
    assert shown(replace(SENT, gone=True), waiting=False) == GONE
    assert shown(replace(SENT, error=ERROR), waiting=False).outcome is Outcome.ACCESS


# nothing is removed before what takes its place is in sync


def wanted(outcome: Outcome, status: str | None = "InSync", region: Region = WEST, hint: str = "") -> RegionReport:
    error = Problem("X", "x", hint or None, None, outcome) if hint else None
    return RegionReport(region, outcome, status=status, error=error)


@pytest.mark.parametrize("rows", [[], [wanted(Outcome.OK)], [wanted(Outcome.OK), wanted(Outcome.DRIFT)]])
def test_a_secret_that_is_in_sync_wherever_it_is_wanted_may_be_removed_elsewhere(rows: list[RegionReport]) -> None:
    assert removal_blocker(PRIMARY, rows) is None


@pytest.mark.parametrize(
    ("rows", "where", "hint", "outcome"),
    [
        ([wanted(Outcome.OK), wanted(Outcome.PENDING, "InProgress")], "us-west-2", None, Outcome.PENDING),
        ([wanted(Outcome.OK, None)], "us-west-2", None, Outcome.PENDING),
        ([wanted(Outcome.FAILED)], "us-west-2", None, Outcome.PENDING),  # its trouble is told elsewhere
        ([wanted(Outcome.FAILED, hint="mend it")], "us-west-2", "mend it", Outcome.FAILED),
        ([wanted(Outcome.PENDING, hint="wait")], "us-west-2", "wait", Outcome.PENDING),
        (
            [wanted(Outcome.PENDING, None), wanted(Outcome.ACCESS, None, DUBLIN, hint="allow it")],
            "us-west-2, eu-west-1",
            "allow it",
            Outcome.ACCESS,
        ),
    ],
)
def test_nothing_is_removed_while_a_wanted_replica_is_not_in_sync(
    rows: list[RegionReport], where: str, hint: str | None, outcome: Outcome
) -> None:
    message = f"prod/db: no replica is removed until the secret is in sync in {where}"
    assert removal_blocker(PRIMARY, rows) == Problem("NotRemoved", message, hint, None, outcome)


def test_a_trouble_without_a_hint_does_not_hide_that_of_the_next() -> None:
    silent = RegionReport(DUBLIN, Outcome.FAILED, error=Problem("X", "x", None, None, Outcome.FAILED))
    found = removal_blocker(PRIMARY, [silent, wanted(Outcome.FAILED, hint="mend it")])
    assert found is not None
    assert found.hint == "mend it"
