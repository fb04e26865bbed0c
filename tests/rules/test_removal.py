"""What may be removed, and when it is gone, over every combination of what can be found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import CredentialsError, Denied, Outcome, Refused, Throttled, Unanswered
from smrep.model import Replica, Secret, in_region
from smrep.regions import Region
from smrep.report import Action, Kind, Severity
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.rules.replication.replica_deletion import (
    ReplicaDeletion,
    after_check,
    deletion_report,
    is_ours,
    plan_deletion,
)
from smrep.rules.replication.replica_state import LIST_LAG_S

HOME, THERE, THIRD = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
OURS = Secret(in_region(ARN, THERE), "prod/db", THERE, HOME, "alias/dr")
PROMOTED = replace(OURS, primary_region=None)
FOREIGN = replace(OURS, primary_region=THIRD)
STRANGER = replace(PROMOTED, arn="arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-zzzzzz")
ORPHAN = replace(STRANGER, primary_region=HOME)
DELETED = datetime(2026, 1, 1, tzinfo=UTC)
IN_SYNC = Replica(THERE, "InSync", "Replication succeeded")

entries = st.one_of(
    st.none(),
    st.builds(
        Replica,
        st.just(THERE),
        st.sampled_from(["InSync", "InProgress", "Failed", "Pending", "Detached", "Odd", None]),
        st.sampled_from([None, "Replication succeeded", "no luck"]),
    ),
)
others = st.builds(
    replace,
    st.sampled_from([OURS, PROMOTED, FOREIGN, STRANGER, ORPHAN]),
    deleted=st.sampled_from([None, DELETED]),
    primary_region=st.sampled_from([None, HOME, THERE, THIRD]),
)
unseen = st.sampled_from(
    [NotChecked(), NotChecked(Denied("no")), NotChecked(Unanswered("gone")), NotChecked(Throttled("slowly"))]
)
looks = st.one_of(others, st.just(NoSecret()), unseen)


def primary_with(entry: Replica | None) -> Secret:
    return replace(PRIMARY, replicas=(entry,) if entry else ())


def sent(entry: Replica | None, look: NameLookup = OURS, at: float = 0.0) -> ReplicaDeletion:
    return replace(plan_deletion(primary_with(entry), THERE, look), sent_at=at, accepted=True)


def kinds(known: ReplicaDeletion) -> list[str]:
    return [each.kind for each in known.findings]


@given(entries, looks)
def test_a_request_goes_out_only_for_our_replica_or_for_nothing_at_all(entry: Replica | None, look: NameLookup) -> None:
    known = plan_deletion(primary_with(entry), THERE, look)
    if known.error is None and known.wanted:
        assert entry is not None
        assert isinstance(look, NoSecret) or (isinstance(look, Secret) and is_ours(PRIMARY, look))
    if isinstance(look, NotChecked) or (isinstance(look, Secret) and not is_ours(PRIMARY, look)):
        assert known.error is not None
        assert [(each.kind, each.severity) for each in known.findings] == [(known.error.code, Severity.ERROR)]
        assert (known.wanted, known.gone, known.is_open) == (False, False, False)


@given(entries, looks)
def test_gone_at_the_first_look_is_what_is_neither_listed_nor_there(entry: Replica | None, look: NameLookup) -> None:
    known = plan_deletion(primary_with(entry), THERE, look)
    assert known.gone == (entry is None and isinstance(look, NoSecret))


@given(entries, looks)
def test_what_is_stopped_is_never_told_as_ok(entry: Replica | None, look: NameLookup) -> None:
    primary = primary_with(entry)
    known = plan_deletion(primary, THERE, look)
    for waiting in (True, False):
        told = deletion_report(known, primary, waiting=waiting)
        assert told.changed is False
        assert (told.outcome is Outcome.OK) == known.gone
        assert told.outcome is not Outcome.ACCEPTED
        assert told.action is Action.REMOVE


@given(entries, st.lists(st.tuples(looks, st.floats(0, 5)), max_size=8))
def test_gone_is_said_only_after_a_not_found_and_is_final(
    entry: Replica | None, news: list[tuple[NameLookup, float]]
) -> None:
    known, now, absent = sent(entry), 0.0, False
    for look, pause in news:
        now += pause
        before = known
        known = after_check(known, PRIMARY, look, now)
        absent = absent or isinstance(look, NoSecret)
        if before.gone or before.error:
            assert known == before
        if known.gone:
            assert absent
            assert known.error is None
            assert kinds(known) == []
        if isinstance(look, NotChecked):
            assert known == before


@given(entries, st.lists(looks, max_size=5))
def test_dry_run_is_ok_unless_stopped(entry: Replica | None, news: list[NameLookup]) -> None:
    for look in news:
        known = plan_deletion(primary_with(entry), THERE, look)
        told = deletion_report(known, PRIMARY, dry_run=True)
        assert (told.outcome is Outcome.OK) == (known.error is None)


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        (STRANGER, "name_conflict"),
        (PROMOTED, "promoted"),
        (FOREIGN, "orphan"),
        (ORPHAN, "orphan"),
        (replace(STRANGER, deleted=DELETED), "pending_deletion"),
        (replace(PROMOTED, deleted=DELETED), "pending_deletion"),
        (replace(FOREIGN, deleted=DELETED), "pending_deletion"),
    ],
)
@pytest.mark.parametrize("entry", [IN_SYNC, Replica(THERE, "Failed", "no luck"), None])
def test_a_secret_that_is_not_our_replica_is_skipped(there: Secret, kind: str, entry: Replica | None) -> None:
    known = plan_deletion(primary_with(entry), THERE, there)
    assert (kinds(known), known.wanted) == ([kind], False)
    assert known.error is not None
    assert (known.error.code, known.error.outcome) == (kind, Outcome.FAILED)
    assert there.arn in known.error.message
    assert known.error.hint is not None
    assert there.arn in known.error.hint
    assert "--region us-west-2" in known.error.hint


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Denied("no", code="AccessDeniedException"), Outcome.ACCESS),
        (CredentialsError("no", code="UnrecognizedClientException"), Outcome.ACCESS),
        (Unanswered("connection was closed"), Outcome.FAILED),
        (Refused("of another account"), Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_what_is_not_seen_is_unchecked_which_is_a_no(error: Denied | None, outcome: Outcome) -> None:
    known = plan_deletion(primary_with(IN_SYNC), THERE, NotChecked(error))
    assert (kinds(known), known.wanted) == (["unchecked"], False)
    assert known.error is not None
    assert (known.error.code, known.error.outcome) == ("unchecked", outcome)


def test_our_replica_is_removed_and_told_with_its_key_until_it_is_gone() -> None:
    primary = primary_with(IN_SYNC)
    known = plan_deletion(primary, THERE, OURS)
    assert (known.wanted, known.gone, known.victim, known.findings) == (True, False, OURS, ())
    told = deletion_report(known, primary)
    assert (told.status, told.arn, told.kms_key_id) == ("InSync", OURS.arn, "alias/dr")
    gone = deletion_report(after_check(sent(IN_SYNC), primary, NoSecret(), 1.0), primary)
    assert (gone.outcome, gone.status, gone.arn, gone.kms_key_id) == (Outcome.OK, None, None, None)
    assert gone.changed is True


@pytest.mark.parametrize("deleted", [None, DELETED])
def test_our_replica_that_is_not_listed_any_more_is_waited_for(deleted: datetime | None) -> None:
    known = plan_deletion(PRIMARY, THERE, replace(OURS, deleted=deleted))
    assert (kinds(known), known.wanted, known.is_open) == (["removing"], False, True)
    assert deletion_report(known, PRIMARY, waiting=False).outcome is Outcome.PENDING  # nothing was accepted
    assert (known.findings[0].severity, known.findings[0].hint) == (
        Severity.INFO,
        ("wait until it is gone:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2"),
    )


@pytest.mark.parametrize("status", ["InSync", "Failed"])
def test_what_was_settled_is_gone_at_the_first_not_found(status: str) -> None:
    assert after_check(sent(Replica(THERE, status)), PRIMARY, NoSecret(), 0.0).gone


@pytest.mark.parametrize("status", ["InProgress", "Pending", "Odd", None])
def test_what_was_not_settled_may_still_come_into_being(status: str | None) -> None:
    known = sent(Replica(THERE, status), NoSecret(), at=100.0)
    early = after_check(known, PRIMARY, NoSecret(), 100.0 + LIST_LAG_S - 0.1)
    assert early.is_open
    seen = after_check(early, PRIMARY, OURS, 100.0 + LIST_LAG_S)
    assert (seen.is_open, kinds(seen)) == (True, ["removing"])
    assert after_check(seen, PRIMARY, NoSecret(), 100.0 + LIST_LAG_S).gone


def test_a_look_that_shows_another_secret_ends_the_wait() -> None:
    for there, kind in ((STRANGER, Kind.NAME_CONFLICT), (PROMOTED, Kind.PROMOTED), (FOREIGN, Kind.ORPHAN)):
        known = after_check(sent(IN_SYNC), PRIMARY, there, 3.0)
        assert kinds(known) == [kind]
        assert deletion_report(known, PRIMARY).outcome is Outcome.FAILED
        assert deletion_report(known, PRIMARY).changed is True


def test_an_accepted_request_is_accepted_only_where_nobody_waits() -> None:
    known = sent(IN_SYNC)
    assert deletion_report(known, PRIMARY, waiting=False).outcome is Outcome.ACCEPTED
    assert deletion_report(known, PRIMARY, waiting=True).outcome is Outcome.PENDING
    assert deletion_report(replace(known, accepted=False), PRIMARY, waiting=False).outcome is Outcome.PENDING


def test_once_a_request_went_out_the_old_status_is_not_shown() -> None:
    primary = primary_with(IN_SYNC)
    told = deletion_report(sent(IN_SYNC), primary)
    assert (told.status, told.status_message, told.arn) == (None, None, OURS.arn)


def test_a_name_like_an_option_can_be_pasted_in_the_hint() -> None:
    name = "-prod db;rm"
    there = replace(STRANGER, name=name, arn=f"arn:aws:secretsmanager:us-west-2:123456789012:secret:{name}-zzzzzz")
    known = plan_deletion(replace(PRIMARY, name=name), THERE, there)
    assert known.error is not None
    assert f"--secret-id '{there.arn}'" in (known.error.hint or "")


@given(entries, looks)
def test_what_is_stopped_is_not_noted_as_being_removed(entry: Replica | None, look: NameLookup) -> None:
    told = deletion_report(plan_deletion(primary_with(entry), THERE, look), PRIMARY)
    assert told.error is None or told.note is None
