"""What bears the name in a target Region: how it is described, and what to type about it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Denied, Unanswered
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.name_owner import (
    NameOwner,
    NoSecret,
    NotChecked,
    caller_hint,
    conflict_finding,
    is_sure,
    last_dates,
    name_owner,
    our_replica,
    secret_summary,
)

HOME, WEST, DUBLIN = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME)
STRANGER = replace(OURS, arn=OURS.arn.replace("a1b2c3", "zzzzzz"), primary_region=None)
CHANGED, ACCESSED = datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
DESCRIBE = "aws secretsmanager describe-secret --secret-id prod/db --region us-west-2"
AGAIN = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2"
OVERWRITE = f"{AGAIN} --expect-account 123456789012 --force-overwrite"


def found(victim: Secret, target: Target) -> Finding:
    return conflict_finding(PRIMARY, target, victim, name_owner(PRIMARY, victim))


def test_a_secret_is_dated_by_days() -> None:
    assert last_dates(replace(OURS, last_changed=CHANGED, last_accessed=ACCESSED)) == (
        "last changed 2026-11-23, last accessed 2026-11-24"
    )
    assert last_dates(OURS) == "last changed not recorded, last accessed not recorded"


@pytest.mark.parametrize(("rotates", "word"), [(True, "on"), (False, "off")])
def test_what_is_to_be_destroyed_is_shown_whole(rotates: bool, word: str) -> None:
    victim = replace(STRANGER, last_changed=CHANGED, rotation_enabled=rotates)
    assert secret_summary(victim) == (
        f"{STRANGER.arn}, last changed 2026-11-23, last accessed not recorded, rotation {word}"
    )


def test_ours_is_only_what_was_seen_to_be_ours() -> None:
    assert our_replica(PRIMARY, OURS) is OURS
    assert [our_replica(PRIMARY, look) for look in (STRANGER, NoSecret(), NotChecked(), NotChecked(Denied("no")))] == [
        None
    ] * 4


def test_a_replica_of_another_primary_is_deleted_by_its_own_arn() -> None:
    foreign = replace(OURS, primary_region=DUBLIN)
    assert found(foreign, Target(WEST)) == Finding(
        Kind.ORPHAN,
        Severity.ERROR,
        f"prod/db in us-west-2 is a replica of another primary in eu-west-1: {foreign.arn}",
        "--force-overwrite cannot replace it\n"
        "if nobody needs that replica:\n"
        f"  aws secretsmanager stop-replication-to-replica --secret-id {foreign.arn} --region us-west-2\n"
        f"  aws secretsmanager delete-secret --secret-id {foreign.arn} --region us-west-2 "
        "--force-delete-without-recovery\n"
        "once it is gone:\n"
        f"  {AGAIN}",
    )


def test_a_promoted_replica_must_be_named_by_its_arn_to_be_replaced() -> None:
    promoted = replace(OURS, primary_region=None)
    assert found(promoted, Target(WEST)) == Finding(
        Kind.PROMOTED,
        Severity.ERROR,
        f"prod/db in us-west-2 was a replica of this secret, and was promoted: {OURS.arn}",
        (
            "look at it first; it may hold newer values:\n"
            f"  {DESCRIBE}\n"
            "to replace it for good:\n"
            f"  {OVERWRITE} --overwrite-arn {OURS.arn}"
        ),
    )


def test_what_is_scheduled_for_deletion_can_be_restored() -> None:
    assert found(replace(STRANGER, deleted=CHANGED), Target(WEST)) == Finding(
        Kind.PENDING_DELETION,
        Severity.ERROR,
        f"prod/db in us-west-2 is scheduled for deletion and keeps its name until then: {STRANGER.arn}",
        (
            "if it was deleted by force, it is gone in a minute or two; then:\n"
            f"  {AGAIN}\n"
            "if it has a recovery window, restore it to look at it:\n"
            f"  aws secretsmanager restore-secret --secret-id {STRANGER.arn} --region us-west-2"
        ),
    )


def test_a_name_conflict_is_shown_before_the_command_that_replaces_it() -> None:
    assert found(STRANGER, Target(WEST)) == Finding(
        Kind.NAME_CONFLICT,
        Severity.ERROR,
        f"us-west-2 has a different secret named prod/db: {secret_summary(STRANGER)}",
        f"look at it:\n  {DESCRIBE}\nto replace it for good:\n  {OVERWRITE}",
    )


KEYED = Target(WEST, "alias/dr")


@pytest.mark.parametrize("victim", [STRANGER, replace(OURS, primary_region=None), replace(OURS, primary_region=DUBLIN)])
def test_the_command_asks_for_the_key_that_was_asked_for(victim: Secret) -> None:
    assert f"{AGAIN}=alias/dr" in (found(victim, KEYED).hint or "")


@given(st.text("ab '$;", min_size=1))
def test_a_name_can_be_pasted_whatever_it_is(name: str) -> None:
    hint = conflict_finding(replace(PRIMARY, name=name), KEYED, STRANGER, NameOwner.OTHER_SECRET).hint or ""
    assert f"--secret-id {shlex.quote(name)} --region us-west-2" in hint


def test_a_secret_that_is_a_primary_is_kept_though_it_lists_no_replica() -> None:
    assert found(replace(STRANGER, primary_region=WEST), Target(WEST)).hint == (
        f"look at it:\n  {DESCRIBE}\nsmrep does not overwrite it while it has replicas of its own"
    )


def test_a_look_is_sure_where_it_shows_the_secret_or_that_none_has_the_name() -> None:
    sure = [OURS, PRIMARY, NoSecret()]
    unsure = [
        NotChecked(),
        NotChecked(Denied("no")),
        NoSecret(only_by_arn=True),
        NoSecret(only_by_arn=True, unknown_caller=Denied("no")),
    ]
    assert [is_sure(look) for look in sure] == [True] * len(sure)
    assert [is_sure(look) for look in unsure] == [False] * len(unsure)


def test_where_sts_does_not_tell_the_hint_is_the_permission_or_the_command_that_shows_why() -> None:
    denied = Denied("no")
    assert caller_hint(denied) == denied.allowing("sts:GetCallerIdentity")
    assert caller_hint(Unanswered("lost")) == (
        "check why STS does not identify the credentials:\n  aws sts get-caller-identity"
    )
