"""What a failback is said to do before it begins, line by line, and how many secrets it is about."""

from __future__ import annotations

from fakes import HOME, WEST

from smrep.errors import Outcome
from smrep.report import SecretReport
from smrep.rules.recovery.failback_decision import FailbackGoal, NewerSide
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.recovery.recovery_summary import SheetLine, failback_counts, failback_sheet

PAIR = RegionPair(HOME, WEST)
REPLICATE = "replicate each secret from the side with the newer value, replacing the secret on the other side"
PROMOTE = "promote the replicas in us-east-1, and replicate them back to us-west-2"
THROUGHOUT = SheetLine(
    "throughout", "at least one Region holds the current value, and smrep proves each step before the next"
)
WRITERS = SheetLine(
    "writers",
    (
        "for a few seconds after each promotion in us-east-1, both Regions accept new values; smrep "
        "skips a secret that gets values on both sides"
    ),
    is_warning=True,
)


def test_a_full_failback_is_reported_with_all_its_steps() -> None:
    truths = [
        ("a", NewerSide.ONE),
        ("b", NewerSide.OLD),
        *((name, NewerSide.NEW) for name in "cdefg"),
        ("h", NewerSide.LEVEL),
    ]
    assert failback_sheet(truths, PAIR, FailbackGoal.RETURN, removals=2, replaced=1) == [
        SheetLine("to fail back", "1 where both sides hold the same value: h"),
        SheetLine("to fail back", "5 where us-west-2 holds the newer value: c, d, e and 2 more"),
        SheetLine("to fail back", "1 where us-east-1 holds the newer value: b"),
        SheetLine("to fail back", "1 where only one side is a primary or standalone secret: a"),
        SheetLine("step 1", "remove 2 replicas in third Regions, and wait for AWS to finish"),
        SheetLine("step 2", REPLICATE),
        SheetLine("step 3", PROMOTE),
        SheetLine("step 4", "add the replicas in third Regions again"),
        THROUGHOUT,
        WRITERS,
    ]


def test_what_is_only_protected_turns_no_role() -> None:
    assert failback_sheet([("a", NewerSide.NEW)], PAIR, FailbackGoal.PROTECT, removals=0, replaced=0)[1:] == [
        SheetLine("step 1", REPLICATE),
        THROUGHOUT,
    ]


def test_where_nothing_is_replaced_the_role_goes_back_at_once() -> None:
    assert failback_sheet([("a", NewerSide.ONE)], PAIR, FailbackGoal.RETURN, removals=0, replaced=0)[1:] == [
        SheetLine("step 1", PROMOTE),
        THROUGHOUT,
        WRITERS,
    ]


def test_what_the_old_region_holds_newer_stays_its_primary_all_the_way() -> None:
    assert failback_sheet([("a", NewerSide.OLD)], PAIR, FailbackGoal.RETURN, removals=0, replaced=1)[1:] == [
        SheetLine("step 1", REPLICATE),
        THROUGHOUT,
    ]


def test_secrets_that_end_alike_are_counted_together() -> None:
    reports = [SecretReport(name, Outcome.OK) for name in "abc"]
    words = ("secrets", "to_lead", "led", "already", "left_alone", "failed", "denied", "pending")
    assert failback_counts([], dry_run=False) == dict.fromkeys(words, 0)
    assert failback_counts(reports, dry_run=True) == {**dict.fromkeys(words, 0), "secrets": 3, "left_alone": 3}
