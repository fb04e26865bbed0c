"""A failover and a way back in counts and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST

from smrep.errors import Outcome
from smrep.model import Listed
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.recovery.failback_decision import FailbackGoal, NewerSide
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.recovery.recovery_summary import (
    SheetLine,
    failback_counts,
    failback_sheet,
    failover_counts,
    failover_sheet,
    promotion_row,
    rotating,
)

PAIR = RegionPair(HOME, WEST)
ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:a-a1b2c3"
LISTED = Listed(ARN, "a", WEST, HOME, "alias/dr")
OWN = SheetLine("credentials", "keys that are kept here (env)")
DISABLED = Finding(Kind.KEY_DISABLED, Severity.WARNING, "the key alias/dr is not enabled")
DOUBT = Finding(Kind.UNCHECKED, Severity.WARNING, "the key could not be looked at")


def secret(outcome: Outcome = Outcome.OK, code: str | None = None, **row: Any) -> SecretReport:
    error = Problem(code, "why", None, None, outcome) if code else None
    row = {"region": WEST, "outcome": outcome, "action": Action.PROMOTE, "error": error, **row}
    return SecretReport("a", row["outcome"], replicas=(RegionReport(**row),))


def due(findings: Sequence[Finding] = ()) -> SecretReport:
    return promotion_row(LISTED, PAIR, findings, is_due=True, dry_run=True)


def words(found: list[SheetLine]) -> dict[str, str]:
    return {each.label: each.text for each in found}


def test_what_is_to_be_promoted_is_a_row_of_its_primary() -> None:
    row = RegionReport(WEST, Outcome.OK, arn=ARN, kms_key_id="alias/dr", action=Action.PROMOTE, findings=(DISABLED,))
    arn = ARN.replace("us-west-2", "us-east-1")
    assert due([DISABLED]) == SecretReport("a", Outcome.OK, arn, HOME, (row,), checked_by="list")


def test_rotation_is_a_warning_before_there_are_two_secrets() -> None:
    assert rotating("a", WEST) == Finding(
        Kind.ROTATING,
        Severity.WARNING,
        "a rotates in us-west-2: after the promotion, both secrets would rotate the same password",
        ("read 'Rotation' in the runbook:\n  smrep help runbooks fail-back"),
    )


def test_what_was_not_begun_is_pending_and_not_done() -> None:
    report = promotion_row(LISTED, PAIR, (), is_due=True)
    assert (report.outcome, report.replicas[0].outcome) == (Outcome.PENDING, Outcome.PENDING)
    assert (failover_counts([report], 40)["pending"], failover_counts([report], 40)["to_promote"]) == (1, 0)


def test_a_standalone_secret_is_no_promotion() -> None:
    report = promotion_row(LISTED, PAIR, (), is_due=False)
    assert (report.replicas[0].action, report.replicas[0].note) == (None, "standalone")
    assert failover_counts([report], 40)["already"] == 1


def test_each_secret_is_counted_once_by_what_became_of_it() -> None:
    reports = [
        secret(changed=True),
        secret(changed=False, note="standalone"),
        secret(Outcome.FAILED, "X"),
        secret(Outcome.ACCESS, "X"),
        secret(Outcome.PENDING),
        secret(Outcome.ACCEPTED, changed=True),
        SecretReport("b", Outcome.FAILED),
    ]
    found = failover_counts(reports, 40)
    told = {"promoted": 1, "already": 1, "failed": 2, "denied": 1, "pending": 2, "secrets": 7, "to_promote": 0}
    assert found == {**told, "rotating": 0, "key_trouble": 0, "seconds": 0}


@pytest.mark.parametrize(("count", "seconds"), [(0, 0), (1, 1), (40, 1), (41, 2), (500, 13)])
def test_a_dry_run_counts_what_is_to_come_and_how_long_it_takes(count: int, seconds: int) -> None:
    reports = [due([rotating("a", WEST), DISABLED])] * count
    found = failover_counts(reports, 40)
    assert (found["to_promote"], found["seconds"]) == (count, seconds)
    assert (found["rotating"], found["key_trouble"]) == (count, count)


def test_the_sheet_says_how_many_and_how_long_and_that_no_other_region_is_called() -> None:
    found = words(failover_sheet([due()] * 500, PAIR, 40, OWN))
    assert found["to promote"] == "500 replicas of us-east-1 in us-west-2"
    assert found["time"] == "13s at 40 a second; every call goes to us-west-2"
    assert found["keys"] == "1 customer-managed, all enabled"
    assert found["credentials"] == OWN.text
    assert words(failover_sheet([due()], PAIR, 40, OWN))["to promote"].startswith("1 replica of")


def test_the_sheet_says_all_that_a_person_must_know() -> None:
    row = promotion_row(LISTED._replace(kms_key_id=None), PAIR, (), is_due=True, dry_run=True)
    assert failover_sheet([row], PAIR, 2.5, OWN) == [
        SheetLine("to promote", "1 replica of us-east-1 in us-west-2"),
        SheetLine("listed", "up to five minutes ago; to add newer replicas, name them, also on standard input"),
        SheetLine("time", "1s at 2.5 a second; every call goes to us-west-2"),
        SheetLine(
            "values",
            (
                "each secret keeps the value that us-west-2 holds; values that never arrived from "
                "us-east-1 stay there, and failback reports them"
            ),
        ),
        SheetLine(
            "third Regions",
            (
                "replicas in other Regions stay with the old primaries in us-east-1 and get no new "
                "values from us-west-2; us-west-2 does not list them"
            ),
        ),
        SheetLine(
            "rotation",
            (
                "the replicas show none, but may not show their primary's: rotation resumes in "
                "us-east-1 when the Region recovers; nothing rotates these secrets in us-west-2 "
                "until you configure it there"
            ),
        ),
        SheetLine("keys", "AWS managed key, always enabled"),
        OWN,
    ]


def test_what_rotates_and_keys_in_trouble_are_warnings_with_names() -> None:
    lines = failover_sheet(
        [
            due([rotating("a", WEST), DISABLED]),
            due([DOUBT]),
        ],
        PAIR,
        40,
        OWN,
    )
    warnings = [(each.label, each.text) for each in lines if each.is_warning]
    assert warnings == [
        ("rotation", "enabled for 1: a; stop it in us-east-1 when that Region recovers"),
        ("keys", "1 cannot be read or written with their keys: a"),
        ("keys", "not checked for 1: a"),
    ]


def test_what_is_in_trouble_is_not_among_what_is_promoted() -> None:
    assert words(failover_sheet([secret(Outcome.FAILED, "X")], PAIR, 40, OWN))["to promote"].startswith("0 replicas")


@pytest.mark.parametrize(
    ("reports", "word"),
    [
        ([secret(action=Action.OVERWRITE, changed=True)], "led"),
        ([secret(action=Action.KEEP)], "already"),
        ([secret(Outcome.FAILED, "BothChanged", region=HOME)], "left_alone"),
        ([secret(Outcome.FAILED, "rotating", region=HOME)], "left_alone"),
        ([secret(Outcome.FAILED, "ReplicationFailed")], "failed"),
        ([secret(Outcome.ACCESS, "AccessDeniedException")], "denied"),
        ([secret(Outcome.PENDING)], "pending"),
        ([SecretReport("a", Outcome.PENDING, error=Problem("X", "x", None, None, Outcome.PENDING))], "pending"),
    ],
)
def test_a_failback_is_counted_by_its_results(reports: list[SecretReport], word: str) -> None:
    found = failback_counts(reports, dry_run=False)
    assert {key: value for key, value in found.items() if value} == {"secrets": 1, word: 1}


def test_a_skipped_third_region_does_not_make_a_secret_skipped() -> None:
    aside = secret(Outcome.FAILED, "name_conflict", region=IRELAND).replicas
    came = secret(action=Action.OVERWRITE, changed=True).replicas
    assert failback_counts([SecretReport("a", Outcome.FAILED, replicas=(*came, *aside))], dry_run=False)["led"] == 1


def test_before_it_begins_a_secret_with_steps_is_to_fail_back() -> None:
    assert failback_counts([secret(action=Action.OVERWRITE)], dry_run=True)["to_lead"] == 1
    assert failback_counts([secret(action=Action.KEEP)], dry_run=True)["already"] == 1


def test_the_plan_of_a_failback_says_which_side_is_newer_and_which_steps_follow() -> None:
    found = failback_sheet(
        [("a", NewerSide.NEW), ("b", NewerSide.LEVEL), ("c", NewerSide.NEW)],
        PAIR,
        FailbackGoal.RETURN,
        removals=2,
        replaced=1,
    )
    assert [each.text for each in found if each.label == "to fail back"] == [
        "1 where both sides hold the same value: b",
        "2 where us-west-2 holds the newer value: a, c",
    ]
    assert [each.label for each in found if each.label.startswith("step")] == ["step 1", "step 2", "step 3", "step 4"]
    assert words(found)["step 1"] == "remove 2 replicas in third Regions, and wait for AWS to finish"
    one = failback_sheet([("a", NewerSide.NEW)], PAIR, FailbackGoal.PROTECT, removals=1, replaced=0)
    assert words(one)["step 1"] == "remove 1 replica in a third Region, and wait for AWS to finish"
    short = failback_sheet([("a", NewerSide.ONE)], PAIR, FailbackGoal.PROTECT, removals=0, replaced=0)
    assert [each.label for each in short] == ["to fail back", "step 1", "throughout"]
    assert failback_sheet([], PAIR, FailbackGoal.PROTECT, removals=0, replaced=0) == []
