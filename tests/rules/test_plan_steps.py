"""Each step of replicate in full: what it says, under which key, and what it was decided from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import CredentialsError, Denied, Outcome, Throttled, Unanswered
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, Severity
from smrep.rules.replication.findings import listed_but_missing, not_checked, removing
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding
from smrep.rules.replication.region_step import (
    NO_CONSENT,
    Add,
    Consent,
    Keep,
    Overwrite,
    RegionStep,
    Retry,
    Skip,
    decide_step,
    had_failed,
    skip,
    with_replica_key,
)

HOME, WEST, DUBLIN = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "alias/there")
PROMOTED = replace(OURS, primary_region=None)
STRANGER = replace(PROMOTED, arn=OURS.arn.replace("a1b2c3", "zzzzzz"))
TARGET, KEYED = Target(WEST), Target(WEST, "alias/dr")
FORCE = Consent(force=True)
IN_SYNC, UNDER_WAY = Replica(WEST, "InSync", None, "alias/listed"), Replica(WEST, "InProgress", None, "alias/listed")
FAILED = Replica(WEST, "Failed", "no luck.", "alias/listed")
DENIED = NotChecked(Denied("no"))
UNCHECKED = not_checked(PRIMARY, WEST, DENIED)
KEY = Finding(Kind.WRONG_KEY, Severity.ERROR, "another key")


def listing(entry: Replica | None) -> Secret:
    return replace(PRIMARY, replicas=(entry,) if entry else ())


def step(entry: Replica | None, look: NameLookup, target: Target = TARGET, consent: Consent = NO_CONSENT) -> RegionStep:
    return decide_step(listing(entry), target, look, consent, lambda _: ())


# what Failed before


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("no luck.", "no luck"),
        ("no luck", "no luck"),
        ("error X.", "error X"),
        (None, "AWS gave no reason"),
        ("", "AWS gave no reason"),
    ],
)
def test_an_old_failure_is_told_in_awss_words_without_their_full_stop(message: str | None, words: str) -> None:
    told = Finding(Kind.FAILED, Severity.WARNING, f"us-west-2 Failed before: {words}")
    assert had_failed(Replica(WEST, "Failed", message)) == told
    assert had_failed(Replica(WEST, "Failed", message), "; so what") == replace(
        told, message=f"{told.message}; so what"
    )


ABSENT_NOW = "the name is free there now, so smrep tries again"
MAY_BE_OLD = "its replica may be outdated, so smrep tries again"
KEYLESS = replace(FAILED, kms_key_id=None)


@pytest.mark.parametrize(
    ("entry", "look", "target", "sent", "about"),
    [
        (FAILED, NoSecret(), TARGET, "alias/listed", f"{ABSENT_NOW} with the key alias/listed"),
        (FAILED, NoSecret(), KEYED, "alias/dr", f"{ABSENT_NOW} with the key alias/dr"),
        (KEYLESS, NoSecret(), TARGET, None, ABSENT_NOW),
        (KEYLESS, NoSecret(), KEYED, "alias/dr", f"{ABSENT_NOW} with the key alias/dr"),
        (replace(FAILED, kms_key_id=DEFAULT), NoSecret(), TARGET, None, ABSENT_NOW),
        (FAILED, OURS, TARGET, "alias/there", f"{MAY_BE_OLD} with the key alias/there"),
        (FAILED, replace(OURS, kms_key_id=None), TARGET, None, MAY_BE_OLD),
        (FAILED, OURS, KEYED, "alias/dr", f"{MAY_BE_OLD} with the key alias/dr"),
        (KEYLESS, NotChecked(), TARGET, None, "smrep tries again"),
    ],
)
def test_a_retry_changes_no_key_unasked_and_says_what_it_knows(
    entry: Replica, look: NameLookup, target: Target, sent: str | None, about: str
) -> None:
    retry = step(entry, look, target)
    assert isinstance(retry, Retry)
    assert (retry.target, retry.before.status) == (Target(WEST, sent), "Failed")
    assert [each.message for each in retry.findings] == [f"us-west-2 Failed before: no luck; {about}"]


def test_a_retry_after_a_look_that_failed_says_so_too() -> None:
    retry = step(KEYLESS, DENIED)
    assert retry.findings[1:] == UNCHECKED


def test_an_entry_is_seen_under_the_key_that_our_replica_shows() -> None:
    assert with_replica_key(IN_SYNC, OURS) == replace(IN_SYNC, kms_key_id="alias/there")
    assert with_replica_key(IN_SYNC, replace(OURS, kms_key_id=None)) == replace(IN_SYNC, kms_key_id=DEFAULT)
    assert with_replica_key(IN_SYNC, None) is IN_SYNC
    assert with_replica_key(None, OURS) is None


# what is added or kept


@pytest.mark.parametrize(
    ("look", "consent", "added"),
    [
        (NoSecret(), NO_CONSENT, Add(TARGET, vacant=True)),
        (NoSecret(), FORCE, Add(TARGET, vacant=True)),
        (NotChecked(), FORCE, Add(TARGET)),
        (DENIED, NO_CONSENT, Add(TARGET, UNCHECKED)),
        (OURS, NO_CONSENT, Add(TARGET, (removing(PRIMARY, WEST),), removing=True)),
    ],
)
def test_what_is_not_listed_is_added_and_after_an_old_one_is_gone(
    look: NameLookup, consent: Consent, added: Add
) -> None:
    assert step(None, look, consent=consent) == added


@pytest.mark.parametrize(
    ("entry", "look", "seen", "unchecked"),
    [
        (IN_SYNC, OURS, True, ()),
        (IN_SYNC, NotChecked(), False, ()),
        (IN_SYNC, DENIED, False, UNCHECKED),
        (UNDER_WAY, NoSecret(), False, ()),
        (UNDER_WAY, OURS, True, ()),
    ],
)
def test_what_is_kept_has_its_key_compared_as_it_was_seen(
    entry: Replica, look: NameLookup, seen: bool, unchecked: tuple[Finding, ...]
) -> None:
    shown = replace(entry, kms_key_id="alias/there" if seen else "alias/listed")
    compared: list[Replica] = []

    def compare(known: Replica) -> tuple[Finding, ...]:
        compared.append(known)
        return (KEY,)

    kept = decide_step(listing(entry), TARGET, look, NO_CONSENT, compare)
    assert kept == Keep(TARGET, shown, (KEY, *unchecked), replica_seen=seen)
    assert compared == [shown]


def test_what_was_not_looked_at_was_not_seen_there() -> None:
    assert Keep(TARGET, IN_SYNC) == Keep(TARGET, IN_SYNC, findings=(), replica_seen=False)


# what is stopped


def test_a_stop_says_by_its_finding_why() -> None:
    assert skip(TARGET, KEY) == Skip(
        TARGET, Problem("wrong_key", "another key", None, None, Outcome.FAILED), findings=(KEY,)
    )
    assert skip(TARGET, KEY, Outcome.ACCESS).error.outcome is Outcome.ACCESS


def test_in_sync_with_nothing_there_is_stopped() -> None:
    assert step(IN_SYNC, NoSecret()) == skip(TARGET, listed_but_missing(PRIMARY, WEST, NoSecret()))


@pytest.mark.parametrize(
    ("look", "outcome"),
    [
        (DENIED, Outcome.ACCESS),
        (NotChecked(CredentialsError("no")), Outcome.ACCESS),
        (NotChecked(Throttled("no")), Outcome.PENDING),
        (NotChecked(Unanswered("no")), Outcome.FAILED),
    ],
)
@pytest.mark.parametrize("entry", [None, FAILED])
def test_force_without_a_look_destroys_nothing(entry: Replica | None, look: NotChecked, outcome: Outcome) -> None:
    (finding,) = not_checked(PRIMARY, WEST, look)
    no = Finding(
        Kind.UNCHECKED,
        Severity.ERROR,
        f"--force-overwrite destroys only a secret that smrep could check, and {finding.message}",
        "omit --force-overwrite, or allow the check",
    )
    assert step(entry, look, consent=FORCE) == skip(TARGET, no, outcome)


@pytest.mark.parametrize("entry", [None, FAILED])
def test_a_name_that_only_the_owners_account_can_check_is_not_checked_and_force_destroys_nothing(
    entry: Replica | None,
) -> None:
    look = NoSecret(only_by_arn=True)
    message = (
        "smrep could not check whether another secret has the name prod/db in us-west-2: only account 123456789012 can "
        "check that"
    )
    hint = "use credentials of account 123456789012"
    assert not_checked(PRIMARY, WEST, look) == (
        Finding(Kind.UNCHECKED, Severity.WARNING, message, hint, Outcome.ACCESS),
    )
    no = Finding(
        Kind.UNCHECKED,
        Severity.ERROR,
        f"--force-overwrite destroys only a secret that smrep could check, and {message}",
        f"omit --force-overwrite, or allow the check\n{hint}",
    )
    assert step(entry, look, consent=FORCE) == skip(TARGET, no, Outcome.ACCESS)


# what is in the way


@pytest.mark.parametrize(
    ("victim", "who"),
    [
        (STRANGER, NameOwner.OTHER_SECRET),
        (PROMOTED, NameOwner.PROMOTED),
        (replace(OURS, primary_region=DUBLIN), NameOwner.FOREIGN),
    ],
)
@pytest.mark.parametrize("entry", [None, IN_SYNC, UNDER_WAY, FAILED])
def test_what_is_in_the_way_stops_with_its_finding_first(entry: Replica | None, victim: Secret, who: NameOwner) -> None:
    finding = conflict_finding(PRIMARY, KEYED, victim, who)
    before = (had_failed(FAILED),) if entry is FAILED else ()
    assert step(entry, victim, KEYED) == replace(skip(KEYED, finding), findings=(finding, *before))


@pytest.mark.parametrize(
    ("entry", "target", "kept"),
    [
        (None, TARGET, TARGET),
        (None, KEYED, KEYED),
        (IN_SYNC, TARGET, TARGET),
        (FAILED, TARGET, Target(WEST, "alias/listed")),
        (FAILED, KEYED, KEYED),
        (KEYLESS, TARGET, TARGET),
    ],
)
def test_an_overwrite_warns_of_what_it_destroys_and_keeps_the_key_of_what_failed(
    entry: Replica | None, target: Target, kept: Target
) -> None:
    warned = replace(conflict_finding(PRIMARY, target, STRANGER, NameOwner.OTHER_SECRET), severity=Severity.WARNING)
    before = (had_failed(entry),) if entry and entry.status == "Failed" else ()
    assert step(entry, STRANGER, target, FORCE) == Overwrite(kept, STRANGER, entry, (warned, *before))


@given(st.booleans(), st.sets(st.sampled_from([OURS.arn, STRANGER.arn])))
def test_a_promoted_replica_needs_its_arn_and_a_name_conflict_needs_force_unless_another_arn_is_named(
    force: bool, arns: set[str]
) -> None:
    consent = Consent(force, frozenset(arns))
    assert isinstance(step(None, PROMOTED, consent=consent), Overwrite) is (force and OURS.arn in arns)
    assert isinstance(step(None, STRANGER, consent=consent), Overwrite) is (force and arns != {OURS.arn})


def test_another_secret_than_the_named_arn_is_not_overwritten() -> None:
    others = [OURS.arn, OURS.arn.replace("a1b2c3", "yyyyyy")]
    finding = replace(
        conflict_finding(PRIMARY, TARGET, STRANGER, NameOwner.OTHER_SECRET),
        message=f"us-west-2 has {STRANGER.arn}, but --overwrite-arn names {', '.join(others)}; it was not overwritten",
    )
    named = Consent(force=True, arns=frozenset({*others, STRANGER.arn.replace("prod/db", "prod/web")}))
    assert step(None, STRANGER, consent=named) == skip(TARGET, finding)


@pytest.mark.parametrize(
    ("victim", "who", "consent"),
    [
        (PROMOTED, NameOwner.PROMOTED, Consent(force=True, arns=frozenset({STRANGER.arn}))),
        (STRANGER, NameOwner.OTHER_SECRET, Consent(arns=frozenset({OURS.arn}))),
    ],
)
def test_without_consent_the_name_conflict_is_reported(victim: Secret, who: NameOwner, consent: Consent) -> None:
    assert step(None, victim, consent=consent) == skip(TARGET, conflict_finding(PRIMARY, TARGET, victim, who))


@pytest.mark.parametrize("entry", [None, FAILED])
def test_a_victim_with_replicas_of_its_own_is_shown_instead(entry: Replica | None) -> None:
    victim = replace(STRANGER, replicas=(Replica(DUBLIN, "InSync"),))
    finding = replace(
        conflict_finding(PRIMARY, TARGET, victim, NameOwner.OTHER_SECRET),
        message=f"{STRANGER.arn} has replicas of its own, so smrep does not overwrite it",
    )
    assert finding.hint is not None
    assert "--force-overwrite" not in finding.hint, "it would be refused"
    assert finding.hint.endswith("smrep remove prod/db --primary-region us-west-2 -r eu-west-1")
    before = (had_failed(FAILED),) if entry else ()
    assert step(entry, victim, consent=FORCE) == replace(skip(TARGET, finding), findings=(finding, *before))


def test_what_is_being_replicated_is_waited_for_where_force_would_overwrite() -> None:
    assert step(UNDER_WAY, STRANGER, consent=FORCE) == Keep(TARGET, UNDER_WAY)
    stopped = step(UNDER_WAY, STRANGER)
    assert isinstance(stopped, Skip)
    assert (stopped.error.code, stopped.findings[0].severity) == ("name_conflict", Severity.ERROR)
