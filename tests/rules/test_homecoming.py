"""The next step of the way back, from what both Regions show and the record says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Denied, Outcome, Unanswered
from smrep.model import CrossAccount, Replica, Secret, Target, in_region
from smrep.report import Kind
from smrep.rules.recovery.failback_decision import (
    BothRegions,
    FailbackGoal,
    NewerSide,
    Reprotect,
    SkippedSecret,
    newer_side,
    next_step,
)
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked

PAIR = RegionPair(HOME, WEST)
NEW_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-a1b2c3"
OLD_ARN = in_region(NEW_ARN, HOME)
BASE = (("AWSCURRENT", "v1"),)
CHANGED = (("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1"))
OTHER = (("AWSCURRENT", "v3"), ("AWSPREVIOUS", "v1"))
ENTRY = RecordEntry("prod/db", NEW_ARN, RecordMark.PROMOTED, stages=frozenset(BASE))
BOTH_GOALS = pytest.mark.parametrize("goal", FailbackGoal)


def old(**changes: Any) -> Secret:
    return replace(Secret(OLD_ARN, "prod/db", HOME, HOME, stages=BASE), **changes)


def new(**changes: Any) -> Secret:
    return replace(Secret(NEW_ARN, "prod/db", WEST, stages=BASE), **changes)


def step(
    here: NameLookup,
    there: NameLookup,
    goal: FailbackGoal = FailbackGoal.PROTECT,
    *,
    handled: bool = False,
    entry: RecordEntry = ENTRY,
) -> Any:
    return next_step(BothRegions(entry, PAIR, here, there), goal, rotation_handled=handled)


def entry_of(region: str, status: str = "InSync", key: str | None = None) -> Replica:
    return Replica(region, status, kms_key_id=key)  # type: ignore[arg-type]


def way(found: Any) -> tuple[str, str | None, NewerSide, tuple[str, ...], tuple[str, ...]]:
    """Return the primary's Region and the victim's, what is newer, where replicas are to be and which go last."""
    return *primary_of(found), found.newer_side, tuple(each.region for each in found.targets), found.parts


def primary_of(found: Any) -> tuple[str, str | None]:
    assert isinstance(found, Reprotect), found
    return found.primary.region, found.victim.region if found.victim else None


@pytest.mark.parametrize(
    ("here", "there", "truth"),
    [
        (BASE, BASE, NewerSide.LEVEL),
        (CHANGED, CHANGED, NewerSide.LEVEL),
        (BASE, CHANGED, NewerSide.NEW),
        (CHANGED, BASE, NewerSide.OLD),
        (CHANGED, OTHER, NewerSide.BOTH),
        ((), BASE, NewerSide.OLD),
        (BASE, (), NewerSide.NEW),
    ],
)
def test_which_side_was_changed(here: Any, there: Any, truth: NewerSide) -> None:
    assert newer_side(old(stages=here), new(stages=there), frozenset(BASE)) is truth


def test_the_promoted_secret_takes_the_place_of_the_old_primary() -> None:
    for stages in (BASE, CHANGED):
        assert primary_of(step(old(), new(stages=stages))) == (WEST, HOME)
    assert primary_of(step(NoSecret(), new())) == (WEST, None)


def test_the_old_primarys_own_replicas_go_first_and_come_back_with_their_keys() -> None:
    here = old(replicas=(entry_of(WEST), entry_of(IRELAND, key="alias/x"), entry_of(SYDNEY, "Failed")))
    found = step(here, new())
    assert found.clears == (IRELAND, SYDNEY)
    assert set(found.targets) == {Target(HOME), Target(IRELAND, "alias/x"), Target(SYDNEY)}


def test_replicas_that_a_killed_run_removed_are_remembered() -> None:
    entry = replace(ENTRY, third=(Target(IRELAND, "alias/x"),))
    found = step(old(replicas=(entry_of(WEST),)), new(), entry=entry)
    assert found.clears == (IRELAND,)
    assert Target(IRELAND, "alias/x") in found.targets
    there = new(primary_region=WEST, replicas=(entry_of(HOME), entry_of(IRELAND)))
    assert step(old(), there, entry=entry).clears == ()
    found = step(old(primary_region=WEST), there, entry=entry)
    assert found.victim is None
    assert {each.region for each in found.targets} == {HOME, IRELAND}


def test_each_copy_keeps_its_key() -> None:
    found = step(old(kms_key_id="alias/here"), new(kms_key_id="alias/there"))
    assert found.targets == (Target(HOME, "alias/here"),)
    found = step(old(kms_key_id="alias/here"), new(kms_key_id="alias/there"), FailbackGoal.RETURN)
    assert found.targets == (Target(WEST, "alias/there"),)
    assert step(old(kms_key_id=DEFAULT), new()).targets == (Target(HOME),)


@pytest.mark.parametrize(
    ("entries", "targets"),
    [
        ((), (Target(HOME),)),
        ((entry_of(HOME, key="alias/h"),), (Target(HOME, "alias/h"),)),
        ((entry_of(HOME, "Failed", key="alias/h"),), (Target(HOME, "alias/h"),)),
        ((entry_of(IRELAND, "Failed", "alias/i"),), (Target(IRELAND, "alias/i"), Target(HOME))),
        ((entry_of(IRELAND, key="alias/i"),), (Target(HOME),)),
    ],
)
def test_what_failed_is_asked_for_again_and_what_is_there_is_not(
    entries: tuple[Replica, ...], targets: tuple[Target, ...]
) -> None:
    assert step(NoSecret(), new(replicas=entries)).targets == targets


def test_a_role_that_goes_back_takes_third_regions_with_it() -> None:
    there = new(primary_region=WEST, replicas=(entry_of(HOME), entry_of(SYDNEY)))
    assert way(step(old(primary_region=WEST), there, FailbackGoal.RETURN)) == (
        WEST,
        None,
        NewerSide.ONE,
        (HOME,),
        (SYDNEY,),
    )
    home = old(replicas=(entry_of(WEST), entry_of(SYDNEY)))
    assert way(step(home, new(primary_region=HOME), FailbackGoal.RETURN)) == (HOME, None, NewerSide.ONE, (WEST,), ())


def test_two_replicas_have_no_primary() -> None:
    left = step(old(primary_region=WEST), new(primary_region=HOME))
    assert left.error.message == (
        "prod/db in us-east-1 was skipped: both sides are replicas, and neither has a primary"
    )


@BOTH_GOALS
def test_a_secret_that_changed_on_both_sides_is_skipped(goal: FailbackGoal) -> None:
    found = step(old(stages=OTHER), new(stages=CHANGED), goal)
    assert isinstance(found, SkippedSecret)
    assert (found.error.code, found.error.outcome) == ("BothChanged", Outcome.FAILED)


def test_a_newer_value_in_the_old_region_is_not_replaced_and_fails_back_only_as_the_primary() -> None:
    here, there = old(stages=CHANGED), new()
    assert step(here, there).error.code == "OldIsNewer"
    assert step(here, there).error.hint == "to keep the newer value, run the same command with --return-primary"
    listed = old(stages=CHANGED, replicas=(entry_of(WEST),))
    assert "AWS refuses" in step(listed, there).error.hint
    assert primary_of(step(here, there, FailbackGoal.RETURN)) == (HOME, WEST)


def test_what_is_level_goes_straight_home_unless_the_old_primary_lists_the_region_still() -> None:
    assert primary_of(step(old(), new(), FailbackGoal.RETURN)) == (HOME, WEST)
    assert primary_of(step(old(replicas=(entry_of(WEST),)), new(), FailbackGoal.RETURN)) == (WEST, HOME)


@pytest.mark.parametrize("status", ["InProgress", "Pending", "a new word"])
def test_a_replacement_that_the_record_says_was_asked_for_is_not_turned_round(status: str) -> None:
    coming = old(replicas=(entry_of(WEST, status),))
    asked = replace(ENTRY, replacing=WEST)
    assert primary_of(step(coming, new(), FailbackGoal.RETURN, entry=asked)) == (HOME, WEST)
    left = step(coming, new(), entry=asked)
    assert (left.error.code, left.error.outcome) == ("OnItsWay", Outcome.PENDING)
    there = new(replicas=(entry_of(HOME, status),))
    assert primary_of(step(old(), there, FailbackGoal.RETURN, entry=replace(ENTRY, replacing=HOME))) == (WEST, HOME)
    assert primary_of(step(coming, new(stages=CHANGED), entry=asked)) == (WEST, HOME)


def test_a_step_tells_which_side_is_newer_and_where_replicas_are_to_be() -> None:
    third = new(replicas=(entry_of(SYDNEY),))
    changed = new(stages=CHANGED, replicas=(entry_of(SYDNEY),))
    assert way(step(old(), changed)) == (WEST, HOME, NewerSide.NEW, (HOME,), ())
    assert way(step(old(), changed, FailbackGoal.RETURN)) == (WEST, HOME, NewerSide.NEW, (HOME,), (SYDNEY,))
    assert way(step(old(), third, FailbackGoal.RETURN)) == (HOME, WEST, NewerSide.LEVEL, (SYDNEY, WEST), ())
    assert way(step(old(stages=CHANGED), third, FailbackGoal.RETURN)) == (HOME, WEST, NewerSide.OLD, (SYDNEY, WEST), ())
    assert way(step(NoSecret(), third, FailbackGoal.RETURN)) == (WEST, None, NewerSide.ONE, (HOME,), (SYDNEY,))


def test_a_replacement_on_its_way_tells_which_side_is_newer() -> None:
    asked, coming = replace(ENTRY, replacing=WEST), old(replicas=(entry_of(WEST, "Pending"),))
    assert step(coming, new(), FailbackGoal.RETURN, entry=asked).newer_side is NewerSide.LEVEL
    back = replace(ENTRY, replacing=HOME)
    there = new(stages=CHANGED, replicas=(entry_of(HOME, "Pending"), entry_of(SYDNEY)))
    assert way(step(old(), there, FailbackGoal.RETURN, entry=back)) == (WEST, HOME, NewerSide.NEW, (HOME,), (SYDNEY,))


@BOTH_GOALS
def test_an_entry_in_progress_that_nobody_asked_for_turns_nothing_round(goal: FailbackGoal) -> None:
    stuck = old(replicas=(entry_of(WEST, "InProgress"),))
    assert primary_of(step(stuck, new(), goal)) == (WEST, HOME)
    assert primary_of(step(stuck, new(), goal, entry=replace(ENTRY, replacing=HOME))) == (WEST, HOME)


def test_where_the_role_goes_back_third_regions_wait_for_that() -> None:
    found = step(
        old(replicas=(entry_of(WEST), entry_of(IRELAND))), new(replicas=(entry_of(SYDNEY),)), FailbackGoal.RETURN
    )
    assert (found.clears, found.parts) == ((IRELAND,), (SYDNEY,))
    assert [each.region for each in found.targets] == [HOME]
    assert step(old(), new(replicas=(entry_of(SYDNEY),))).parts == ()


@BOTH_GOALS
@pytest.mark.parametrize("side", ["old", "new"])
def test_a_side_that_shows_no_version_is_not_held_against_the_other(goal: FailbackGoal, side: str) -> None:
    here, there = (old(stages=()), new()) if side == "old" else (old(), new(stages=()))
    left = step(here, there, goal)
    assert left.error.code == Kind.UNCHECKED
    assert isinstance(step(old(stages=()), new(stages=()), goal, entry=replace(ENTRY, stages=frozenset())), Reprotect)


def test_a_secret_that_failed_back_and_lost_its_replica_since_has_failed_back() -> None:
    found = step(old(), NoSecret(), entry=replace(ENTRY, mark=RecordMark.RETURNED))
    assert found == Reprotect(old(), None, (), ())


@BOTH_GOALS
def test_what_is_home_or_protected_destroys_nothing(goal: FailbackGoal) -> None:
    assert primary_of(step(old(replicas=(entry_of(WEST),)), new(primary_region=HOME), goal)) == (HOME, None)
    there = new(primary_region=WEST, replicas=(entry_of(HOME),))
    assert primary_of(step(old(primary_region=WEST), there, goal)) == (WEST, None)


@pytest.mark.parametrize("side", ["old", "new"])
def test_what_rotates_is_refused_unless_that_is_seen_to(side: str) -> None:
    here, there = old(rotation_enabled=side == "old"), new(rotation_enabled=side == "new")
    found = step(here, there)
    assert found.error.code == Kind.ROTATING
    assert "--rotation-handled" in found.error.hint
    assert primary_of(step(here, there, handled=True)) == (WEST, HOME)


def test_a_primary_that_rotates_is_protected_and_not_turned() -> None:
    here, there = old(primary_region=WEST), new(primary_region=WEST, replicas=(entry_of(HOME),), rotation_enabled=True)
    assert isinstance(step(here, there), Reprotect)
    assert step(here, there, FailbackGoal.RETURN).error.code == Kind.ROTATING
    assert isinstance(step(here, there, FailbackGoal.RETURN, handled=True), Reprotect)


DELETED = datetime(2026, 11, 26, tzinfo=UTC)
LEFT: dict[str, tuple[NameLookup, NameLookup, str]] = {
    "a name conflict in the old Region": (old(arn=OLD_ARN[:-6] + "zzzzzz"), new(), Kind.NAME_CONFLICT),
    "a name conflict in the new Region": (old(), new(arn=NEW_ARN[:-6] + "zzzzzz"), Kind.NAME_CONFLICT),
    "the old one of another account": (old(arn=OLD_ARN.replace("1234", "9999")), new(), Kind.NAME_CONFLICT),
    "a replica of another in the old Region": (old(primary_region=IRELAND), new(), Kind.ORPHAN),
    "the promoted, a replica of another": (old(), new(primary_region=IRELAND), Kind.ORPHAN),
    "never promoted, and its primary gone": (NoSecret(), new(primary_region=HOME), Kind.ORPHAN),
    "the promoted, gone": (old(), NoSecret(), Kind.MISSING),
    "the old one, being deleted": (old(deleted=DELETED), new(), Kind.PENDING_DELETION),
    "the promoted, being deleted": (old(), new(deleted=DELETED), Kind.PENDING_DELETION),
    "the old Region, silent": (NotChecked(Unanswered("no answer")), new(), Kind.UNCHECKED),
    "the new Region, silent": (old(), NotChecked(Unanswered("no answer")), Kind.UNCHECKED),
    "the old Region, denied": (NotChecked(Denied("no")), new(), Kind.UNCHECKED),
    "two replicas": (old(primary_region=WEST), new(primary_region=HOME), "ReplicaOfReplica"),
    "between accounts": (old(cross_account=CrossAccount()), new(), "CrossAccount"),
}


@BOTH_GOALS
@pytest.mark.parametrize("what", LEFT)
def test_a_secret_that_does_not_match_the_record_is_skipped(what: str, goal: FailbackGoal) -> None:
    here, there, code = LEFT[what]
    found = step(here, there, goal, handled=True)
    assert isinstance(found, SkippedSecret), found
    assert found.error.code == code
    assert found.error.outcome is (Outcome.ACCESS if "denied" in what else Outcome.FAILED)
    assert found.is_unanswered == ("silent" in what)


STAGES = st.sampled_from([(), BASE, CHANGED, OTHER])
ENTRIES = st.lists(
    st.builds(
        entry_of, st.sampled_from([HOME, WEST, IRELAND, SYDNEY]), st.sampled_from(["InSync", "InProgress", "Failed"])
    ),
    max_size=3,
    unique_by=lambda each: each.region,
).map(tuple)
HOMES = st.sampled_from([None, HOME, WEST, IRELAND])
OLDS = st.one_of(
    st.just(NoSecret()),
    st.builds(old, stages=STAGES, replicas=ENTRIES, primary_region=HOMES, rotation_enabled=st.booleans()),
)
NEWS = st.builds(new, stages=STAGES, replicas=ENTRIES, primary_region=HOMES, rotation_enabled=st.booleans())
THIRD = st.sets(st.sampled_from([IRELAND, SYDNEY])).map(lambda found: tuple(Target(each) for each in sorted(found)))


@given(here=OLDS, there=NEWS, goal=st.sampled_from(FailbackGoal), handled=st.booleans(), third=THIRD)
def test_nothing_newer_is_ever_destroyed_and_no_region_that_holds_the_truth_is_named_in_a_removal(
    here: NameLookup, there: Secret, goal: FailbackGoal, handled: bool, third: tuple[Target, ...]
) -> None:
    found = step(here, there, goal, handled=handled, entry=replace(ENTRY, third=third))
    if isinstance(found, SkippedSecret):
        return
    assert found.primary.region not in found.clears
    assert found.primary.region not in {each.region for each in found.targets}
    assert not found.primary.is_replica
    if found.victim is None:
        assert found.clears == ()
        return
    assert isinstance(here, Secret)
    assert found.victim.arn in (OLD_ARN, NEW_ARN)
    assert found.victim.region not in found.clears
    assert not found.victim.is_replica
    assert handled or not (here.rotation_enabled or there.rotation_enabled)
    held, lost = frozenset(found.primary.stages), frozenset(found.victim.stages)
    assert lost in (held, frozenset(BASE))
