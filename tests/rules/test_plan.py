"""What replicate decides, over every combination of what can be found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Denied, Unanswered
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, has_replicas, name_owner
from smrep.rules.replication.region_step import Add, Consent, Keep, Overwrite, Retry, Skip, decide_step

HOME, THERE, THIRD = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
STRANGER_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-zzzzzz"
OURS_ARN = in_region(ARN, THERE)

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
    Secret,
    arn=st.sampled_from([STRANGER_ARN, OURS_ARN]),
    name=st.just("prod/db"),
    region=st.just(THERE),
    primary_region=st.sampled_from([None, HOME, THERE, THIRD]),
    replicas=st.sampled_from([(), (Replica(THIRD, "InSync"),)]),
    deleted=st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)]),
)
looks = st.one_of(
    others,
    st.just(NoSecret()),
    st.sampled_from([NotChecked(), NotChecked(Denied("no")), NotChecked(Unanswered("gone"))]),
)
consents = st.builds(
    Consent, st.booleans(), st.sampled_from([frozenset(), frozenset({OURS_ARN}), frozenset({STRANGER_ARN})])
)
targets = st.builds(Target, st.just(THERE), st.sampled_from([None, "alias/dr"]))


@given(entries, targets, looks, consents)
def test_every_finding_leads_to_one_safe_step(
    entry: Replica | None, target: Target, look: NameLookup, consent: Consent
) -> None:
    primary = replace(PRIMARY, replicas=(entry,) if entry else ())
    step = decide_step(primary, target, look, consent, lambda _: ())
    who = name_owner(primary, look)
    assert step.target == target
    match step:
        case Overwrite():
            assert consent.force
            assert step.victim is look
            assert not has_replicas(step.victim, primary)
            assert step.victim.arn in consent.arns or OURS_ARN not in consent.arns
            assert who is NameOwner.OTHER_SECRET or (who is NameOwner.PROMOTED and step.victim.arn in consent.arns)
        case Add():
            assert entry is None
            assert step.removing == (who is NameOwner.OURS)
            assert who in {NameOwner.NOBODY, NameOwner.OURS, NameOwner.UNKNOWN}
        case Retry():
            assert entry is not None
            assert entry.status == "Failed"
        case Keep():
            assert entry is not None
            assert entry.status != "Failed"
            assert not (entry.status == "InSync" and who is NameOwner.NOBODY)
        case Skip():
            assert step.error.code == step.findings[0].kind
            assert step.error.outcome.exit_code != 0


@given(entries, targets, looks)
def test_without_consent_nothing_is_destroyed(entry: Replica | None, target: Target, look: NameLookup) -> None:
    primary = replace(PRIMARY, replicas=(entry,) if entry else ())
    assert not isinstance(decide_step(primary, target, look, Consent(), lambda _: ()), Overwrite)


@given(targets, st.sampled_from(["InSync", "InProgress", "Odd", None]), consents)
def test_what_is_right_or_on_its_way_is_kept(target: Target, status: str | None, consent: Consent) -> None:
    primary = replace(PRIMARY, replicas=(Replica(THERE, status),))
    ours = Secret(OURS_ARN, "prod/db", THERE, HOME)
    assert isinstance(decide_step(primary, target, ours, consent, lambda _: ()), Keep)


OURS = Secret(OURS_ARN, "prod/db", THERE, HOME)


@pytest.mark.parametrize(
    ("look", "who"),
    [
        (OURS, NameOwner.OURS),
        (replace(OURS, primary_region=THIRD), NameOwner.FOREIGN),
        (replace(OURS, arn=STRANGER_ARN), NameOwner.FOREIGN),
        (replace(OURS, primary_region=None), NameOwner.PROMOTED),
        (replace(OURS, primary_region=THERE), NameOwner.PROMOTED),
        (replace(OURS, arn=STRANGER_ARN, primary_region=None), NameOwner.OTHER_SECRET),
        (replace(OURS, arn=STRANGER_ARN, primary_region=THERE), NameOwner.OTHER_SECRET),
        (replace(OURS, deleted=datetime(2026, 1, 1, tzinfo=UTC)), NameOwner.PENDING_DELETION),
        (NoSecret(), NameOwner.NOBODY),
        (NotChecked(), NameOwner.UNKNOWN),
    ],
)
def test_who_bears_the_name(look: NameLookup, who: NameOwner) -> None:
    assert name_owner(PRIMARY, look) is who


def test_a_primary_shows_by_its_list_or_by_its_own_region_that_it_has_replicas() -> None:
    lone = replace(OURS, arn=STRANGER_ARN, primary_region=None)
    assert not has_replicas(lone, PRIMARY)
    assert has_replicas(replace(lone, primary_region=THERE), PRIMARY)
    assert has_replicas(replace(lone, replicas=(Replica(THIRD, "InSync"),)), PRIMARY)
    assert has_replicas(replace(lone, replicas=(Replica(HOME, "InSync"),)), PRIMARY), "another secret's"


def test_an_old_primary_that_lists_no_more_than_what_was_promoted_from_it_has_no_replicas() -> None:
    promoted = replace(PRIMARY, primary_region=None)
    old = replace(OURS, primary_region=THERE, replicas=(Replica(HOME, "InSync"),))
    assert not has_replicas(old, promoted)
    assert has_replicas(replace(old, replicas=(*old.replicas, Replica(THIRD, "InSync"))), promoted)


def test_a_region_in_progress_is_never_overwritten() -> None:
    primary = replace(PRIMARY, replicas=(Replica(THERE, "InProgress"),))
    stranger = replace(OURS, arn=STRANGER_ARN, primary_region=None)
    step = decide_step(primary, Target(THERE), stranger, Consent(force=True), lambda _: ())
    assert step == Keep(Target(THERE), primary.replicas[0])  # it may be our own overwriting that is under way
    assert isinstance(decide_step(primary, Target(THERE), stranger, Consent(), lambda _: ()), Skip)


def test_what_is_in_sync_is_kept_though_force_was_typed_and_no_look_could_be_made() -> None:
    primary = replace(PRIMARY, replicas=(Replica(THERE, "InSync"),))
    step = decide_step(primary, Target(THERE), NotChecked(Denied("no")), Consent(force=True), lambda _: ())
    assert isinstance(step, Keep)
