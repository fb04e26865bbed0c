"""What `rekey` may do in a Region, over every combination of what can be found there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import CredentialsError, Denied, NotFound, Outcome, Refused, Throttled, Unanswered
from smrep.model import Replica, Secret, Target, Version, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, RegionReport, Severity
from smrep.rules.replication.key_change import (
    KeyChange,
    blocked_change,
    decide_key_change,
    key_change_refusal,
    key_change_row,
    recreated_row,
    with_blockers,
)
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, name_owner
from smrep.rules.replication.replica_comparison import BothSides, Listed, Proof, Verdict, compare_replica

HOME, THERE, THIRD = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
TARGET = Target(THERE, "alias/new")
STAGES = (("AWSCURRENT", "v1"),)
PRIMARY = Secret(ARN, "prod/db", HOME, HOME, stages=STAGES)
OURS = Secret(in_region(ARN, THERE), "prod/db", THERE, HOME, "alias/old", stages=STAGES)
PROMOTED = replace(OURS, primary_region=None)
FOREIGN = replace(OURS, primary_region=THIRD)
STRANGER = replace(PROMOTED, arn="arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-zzzzzz")
IN_SYNC = Replica(THERE, "InSync", "Replication succeeded")

errors = st.sampled_from(
    [Denied("no"), Unanswered("gone"), Throttled("slowly"), Refused("odd"), CredentialsError("who")]
)
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
    st.sampled_from([OURS, PROMOTED, FOREIGN, STRANGER]),
    deleted=st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)]),
    primary_region=st.sampled_from([None, HOME, THERE, THIRD]),
    stages=st.sampled_from([(), STAGES, (("AWSCURRENT", "v0"),)]),
)
LATER = 60.0
"""So late that no answer can lag any more."""
looks = st.one_of(others, st.just(NoSecret()), st.builds(NotChecked, errors), st.just(NotChecked()))
listings: st.SearchStrategy[Listed] = st.one_of(
    errors, st.just(()), st.sampled_from(["alias/old", "alias/new"]).map(lambda key: (version(key),))
)
verdicts: st.SearchStrategy[Verdict] = st.one_of(st.booleans(), errors, st.just(NotFound("no such key")))


def version(key: str) -> Version:
    return Version("v1", ("AWSCURRENT",), (key,))


def listing(entry: Replica | None) -> Secret:
    return replace(PRIMARY, replicas=(entry,) if entry else ())


def proof_of(primary: Secret, look: NameLookup, there: Listed = (), verdict: Verdict = False) -> Proof:
    here: Listed = (version("DefaultEncryptionKey"),)
    return compare_replica(
        BothSides(primary, THERE, look, here, there, TARGET.kms_key), lambda _wanted, _shown: verdict
    )


def turned(
    entry: Replica | None, look: NameLookup, there: Listed = (), verdict: Verdict = False, *, recreate: bool = False
) -> KeyChange:
    primary = listing(entry)
    return decide_key_change(
        primary, TARGET, (look, proof_of(primary, look, there, verdict)), verdict, recreate=recreate
    )


@given(entries, looks, listings, verdicts, st.booleans())
def test_something_is_sent_only_for_our_replica_or_to_recreate_a_failed_one(
    entry: Replica | None, look: NameLookup, there: Listed, verdict: Verdict, recreate: bool
) -> None:
    known = turned(entry, look, there, verdict, recreate=recreate)
    if known.wanted:
        assert entry is not None
        assert known.error is None
        assert not isinstance(look, NotChecked)
        if entry.status == "Failed":
            assert recreate
            assert isinstance(look, NoSecret) or name_owner(PRIMARY, look) is NameOwner.OURS
        else:
            assert entry.status == "InSync"
            assert name_owner(PRIMARY, look) is NameOwner.OURS


@given(entries, looks, listings, verdicts, st.booleans())
def test_what_is_stopped_says_why_with_one_error_and_sends_nothing(
    entry: Replica | None, look: NameLookup, there: Listed, verdict: Verdict, recreate: bool
) -> None:
    known = turned(entry, look, there, verdict, recreate=recreate)
    if known.error is not None:
        assert (known.wanted, known.sent_at, known.accepted) == (False, None, False)
        assert [(each.kind, each.severity) for each in known.findings] == [(known.error.code, Severity.ERROR)]
        assert known.error.message == known.findings[0].message
        assert known.error.outcome in (Outcome.FAILED, Outcome.ACCESS, Outcome.PENDING)
    elif not known.wanted:
        assert isinstance(look, Secret)
        assert name_owner(PRIMARY, look) is NameOwner.OURS


@given(entries, looks, listings, verdicts, st.booleans())
def test_no_turn_is_well_unless_everything_is_under_the_key_already(
    entry: Replica | None, look: NameLookup, there: Listed, verdict: Verdict, recreate: bool
) -> None:
    known = turned(entry, look, there, verdict, recreate=recreate)
    row = RegionReport(THERE, proof_of(listing(entry), look, there, verdict).outcome)
    told = key_change_row(known, row, LATER, proved=True)
    if told.outcome is Outcome.OK:
        assert verdict is True
        assert told.action is Action.KEEP
    assert told.changed is False


@pytest.mark.parametrize(
    ("look", "entry", "code", "outcome"),
    [
        (NoSecret(), None, "missing", Outcome.FAILED),
        (OURS, None, "removing", Outcome.PENDING),
        (STRANGER, None, "name_conflict", Outcome.FAILED),
        (NoSecret(), IN_SYNC, "missing", Outcome.FAILED),
        (PROMOTED, IN_SYNC, "promoted", Outcome.FAILED),
        (FOREIGN, IN_SYNC, "orphan", Outcome.FAILED),
        (STRANGER, IN_SYNC, "name_conflict", Outcome.FAILED),
        (replace(OURS, deleted=datetime(2026, 1, 1, tzinfo=UTC)), IN_SYNC, "pending_deletion", Outcome.FAILED),
        (NoSecret(), Replica(THERE, "Failed", "no luck"), "failed", Outcome.FAILED),
        (OURS, Replica(THERE, "InProgress"), "in_progress", Outcome.PENDING),
        (OURS, Replica(THERE, "Detached"), "in_progress", Outcome.PENDING),
        (NotChecked(Denied("no")), IN_SYNC, "unchecked", Outcome.ACCESS),
        (NotChecked(Unanswered("gone")), IN_SYNC, "unchecked", Outcome.FAILED),
        (NotChecked(Denied("no")), None, "unchecked", Outcome.ACCESS),
        (NotChecked(), IN_SYNC, "unchecked", Outcome.FAILED),
    ],
)
def test_each_thing_in_the_way_has_its_code_and_its_end(
    look: NameLookup, entry: Replica | None, code: str, outcome: Outcome
) -> None:
    known = turned(entry, look)
    assert known.error is not None
    assert (known.error.code, known.error.outcome) == (code, outcome)


def test_a_failed_region_with_a_name_conflict_is_not_recreated() -> None:
    known = turned(Replica(THERE, "Failed", "no luck"), STRANGER, recreate=True)
    assert known.error is not None
    assert (known.error.code, known.wanted) == ("name_conflict", False)


def test_an_old_version_alone_is_reason_enough() -> None:
    right = replace(OURS, kms_key_id="alias/new")
    primary = listing(IN_SYNC)
    there: Listed = (version("alias/old"),)
    sides = BothSides(primary, THERE, right, (version("DefaultEncryptionKey"),), there, "alias/new")
    proof = compare_replica(sides, lambda wanted, shown: wanted == shown)
    assert decide_key_change(primary, TARGET, (right, proof), same=True, recreate=False).wanted is True


@pytest.mark.parametrize("same", [False, Denied("no"), NotFound("no such key"), Throttled("slowly")])
def test_a_key_that_is_not_known_to_be_the_same_is_asked_for(same: Verdict) -> None:
    assert turned(IN_SYNC, OURS, (version("alias/old"),), same).wanted is True


NO = Finding(Kind.KEY_MISSING, Severity.ERROR, "no such key", "name another")
DOUBT = Finding(Kind.UNCHECKED, Severity.WARNING, "could not be looked at", "allow it")


@pytest.mark.parametrize("findings", [(NO,), (DOUBT, NO), (NO, DOUBT)])
@pytest.mark.parametrize("sure", [True, False])
def test_a_no_stops_it_whatever_else_was_found(findings: tuple[Finding, ...], sure: bool) -> None:
    known = with_blockers(KeyChange(TARGET, wanted=True), findings, sure=sure)
    assert known.error is not None
    assert (known.error.code, known.error.outcome, known.wanted) == ("key_missing", Outcome.FAILED, False)
    assert known.findings == findings


@pytest.mark.parametrize(
    ("doubt", "outcome"),
    [
        (DOUBT, Outcome.FAILED),
        (replace(DOUBT, outcome=Outcome.PENDING), Outcome.FAILED),  # no answer is no want of permission
        (replace(DOUBT, outcome=Outcome.ACCESS), Outcome.ACCESS),
    ],
)
def test_a_doubt_stops_only_what_destroys(doubt: Finding, outcome: Outcome) -> None:
    assert with_blockers(KeyChange(TARGET, wanted=True), (doubt,), sure=False) == KeyChange(
        TARGET, wanted=True, findings=(doubt,)
    )
    known = with_blockers(KeyChange(TARGET, wanted=True), (doubt,), sure=True)
    assert known.error is not None
    assert (known.error.code, known.error.outcome, known.wanted) == ("unchecked", outcome, False)


@pytest.mark.parametrize("sure", [True, False])
def test_nothing_found_holds_nothing_back(sure: bool) -> None:
    assert with_blockers(KeyChange(TARGET, wanted=True), (), sure=sure) == KeyChange(TARGET, wanted=True)


WRONG = Finding(Kind.WRONG_KEY, Severity.ERROR, "under another key", "smrep rekey ...")
STALE = Finding(Kind.STALE, Severity.ERROR, "an old version", "wait")
outcomes = st.sampled_from([Outcome.OK, Outcome.DRIFT, Outcome.ACCESS, Outcome.PENDING, Outcome.FAILED])
found = st.lists(st.sampled_from([WRONG, STALE, DOUBT]), max_size=3, unique=True).map(tuple)
turns = st.builds(
    KeyChange,
    st.just(TARGET),
    wanted=st.just(value=True),
    sent_at=st.sampled_from([None, 0.0]),
    accepted=st.booleans(),
    findings=st.sampled_from([(), (DOUBT,)]),
    error=st.sampled_from([None, blocked_change(TARGET, NO).error]),
)


@given(turns, outcomes, found, st.booleans())
def test_what_aws_took_is_told_as_changed_and_nothing_else(
    known: KeyChange, outcome: Outcome, findings: tuple[Finding, ...], proved: bool
) -> None:
    row = key_change_row(known, RegionReport(THERE, outcome, findings=findings), LATER, proved=proved)
    assert row.changed is known.accepted
    assert row.action is Action.REKEY


@given(turns, outcomes, found)
def test_it_never_ends_well_without_a_look_since_the_request(
    known: KeyChange, outcome: Outcome, findings: tuple[Finding, ...]
) -> None:
    row = key_change_row(known, RegionReport(THERE, outcome, findings=findings), LATER, proved=False)
    assert row.outcome is (Outcome.PENDING if known.error is None else known.error.outcome)


def test_a_wrong_key_before_the_request_is_drift_and_after_it_a_failure() -> None:
    before = RegionReport(THERE, Outcome.DRIFT, findings=(WRONG,))
    kept = key_change_row(KeyChange(TARGET, wanted=True), before, LATER, proved=True)
    assert (kept.outcome, kept.error) == (Outcome.DRIFT, None)
    after = key_change_row(KeyChange(TARGET, wanted=True, sent_at=0.0, accepted=True), before, LATER, proved=True)
    assert (after.outcome, after.error and after.error.code) == (Outcome.FAILED, "wrong_key")
    assert after.error is not None
    assert "smrep rekey ..." in (after.error.hint or "")


def test_a_stale_version_after_the_request_is_drift_and_no_wrong_key() -> None:
    row = RegionReport(THERE, Outcome.DRIFT, findings=(STALE,))
    told = key_change_row(KeyChange(TARGET, wanted=True, sent_at=0.0, accepted=True), row, LATER, proved=True)
    assert (told.outcome, told.error) == (Outcome.DRIFT, None)


def test_a_dry_run_is_well_and_says_rekey() -> None:
    row = RegionReport(THERE, Outcome.DRIFT, findings=(WRONG,))
    told = key_change_row(KeyChange(TARGET, wanted=True), row, LATER, proved=True, dry_run=True)
    assert (told.outcome, told.action, told.findings, told.changed) == (Outcome.OK, Action.REKEY, (), False)


@given(outcomes, st.booleans(), st.booleans())
def test_a_replica_that_is_gone_is_not_the_end_of_recreating_it(outcome: Outcome, made: bool, changed: bool) -> None:
    row = recreated_row(RegionReport(THERE, outcome, arn="arn", changed=changed), PRIMARY, TARGET, made=made)
    assert row.action is Action.REKEY
    assert row.wanted_key == "alias/new"
    assert row.outcome is (Outcome.PENDING if outcome is Outcome.OK and not made else outcome)
    if not made:
        assert row.arn is None
        assert row.changed is changed


def test_a_denial_says_whose_permission_on_what() -> None:
    error = key_change_refusal(
        Denied("no (AccessDeniedException)", code="AccessDeniedException"), PRIMARY, TARGET, OURS.arn
    )
    assert error.message == "prod/db in us-west-2 to alias/new: no (AccessDeniedException)"
    assert f"secretsmanager:UpdateSecret on {OURS.arn}" in (error.hint or "")


def test_any_other_refusal_keeps_its_own_hint() -> None:
    assert key_change_refusal(Refused("no", hint="mend it"), PRIMARY, TARGET, OURS.arn).hint == "mend it"
