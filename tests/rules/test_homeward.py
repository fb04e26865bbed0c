"""What a failback is said to do before it begins, line by line, and how many secrets it is about."""

from __future__ import annotations

from fakes import HOME, WEST

from smrep.errors import Outcome
from smrep.report import SecretReport
from smrep.rules.recovery.failback_decision import FailbackGoal, NewerSide
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.recovery.recovery_summary import SheetLine, failback_counts, failback_sheet

PAIR = RegionPair(HOME, WEST)
REPLICATE = "replicate each from where its value is to the other side, in place of the copy there"
PROMOTE = "promote what is a replica in us-east-1 then, and replicate it back to us-west-2"
THROUGHOUT = SheetLine(
    "throughout", "one Region at least holds the current value, and each step is proved before the next"
)
WRITERS = SheetLine(
    "writers",
    "for the seconds from a promotion in us-east-1 until us-west-2 is replaced, both can be written; "
    "what is written on both sides then is left alone",
    is_warning=True,
)


def test_a_full_way_back_is_told_with_all_its_steps() -> None:
    truths = [
        ("a", NewerSide.ONE),
        ("b", NewerSide.OLD),
        *((name, NewerSide.NEW) for name in "cdefg"),
        ("h", NewerSide.LEVEL),
    ]
    assert failback_sheet(truths, PAIR, FailbackGoal.RETURN, removals=2, replaced=1) == [
        SheetLine("to lead home", "1 where both sides hold the same: h"),
        SheetLine("to lead home", "5 where us-west-2 holds the newer value: c, d, e and 2 more"),
        SheetLine("to lead home", "1 where us-east-1 holds the newer value: b"),
        SheetLine("to lead home", "1 where only one side stands alone: a"),
        SheetLine("step 1", "remove replicas in third Regions (2), and wait until they are gone"),
        SheetLine("step 2", REPLICATE),
        SheetLine("step 3", PROMOTE),
        SheetLine("step 4", "put the replicas in third Regions back, under the primary"),
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
