"""Whatever looks show on both sides: what is verified is well, and all that could be told apart agrees."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rules.proof_sides import (
    ARN,
    DEFAULT,
    DENIED,
    HOME,
    LOST,
    STRANGERS,
    SYNCED,
    WEST,
    by_name,
    kinds,
    primary_with,
    replica_with,
)

from smrep.errors import AwsError, Denied, NotFound, Outcome, Throttled
from smrep.model import Replica, Secret, Version
from smrep.report import Severity
from smrep.rules.replication.name_owner import NoSecret, NotChecked
from smrep.rules.replication.replica_comparison import BothSides, compare_replica

WORDS = st.sampled_from(["InSync", "InProgress", "Failed", "Pending", "Detached", "insync", "Odd", "", None])
ENTRIES = st.none() | st.builds(Replica, st.just(WEST), WORDS, st.sampled_from([None, "no luck"]))
IDS = st.sampled_from(["v1", "v2", "v3"])
LABELS = st.dictionaries(st.sampled_from(["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "mine"]), IDS)
KEYS = st.sampled_from([DEFAULT, "DefaultEncryptionKey", "alias/dr", "alias/old"])
ERRORS = st.sampled_from([DENIED, LOST, Throttled("slow down"), NotFound("gone")])


def _versions(labels: dict[str, str], key: str) -> tuple[Version, ...]:
    ids = dict.fromkeys(labels.values())
    return tuple(Version(i, tuple(s for s, found in labels.items() if found == i), (key,)) for i in ids)


LISTS = ERRORS | st.builds(_versions, LABELS, KEYS)
LOOKS = st.one_of(
    st.builds(lambda labels, key: replica_with(stages=tuple(labels.items()), kms_key_id=key), LABELS, KEYS | st.none()),
    st.sampled_from(list(STRANGERS.values())),
    st.just(NoSecret()),
    st.builds(NotChecked, ERRORS),
)
SIDES = st.builds(
    lambda entry, labels, look, here, there, key: BothSides(
        primary_with(entry, stages=tuple(labels.items())), WEST, look, here, there, key
    ),
    st.just(SYNCED) | ENTRIES,
    LABELS,
    LOOKS,
    LISTS,
    LISTS,
    st.none() | KEYS,
)


@st.composite
def agreeing(draw: st.DrawFn) -> BothSides:
    """Return sides that agree in all but at most a thing or two, which chance alone would seldom bring about."""
    labels = draw(LABELS.filter(lambda found: "AWSCURRENT" in found))
    key, stages = draw(KEYS), tuple(labels.items())
    valueless = draw(st.sets(st.sampled_from(sorted(labels)), max_size=1))  # a label whose version holds no value
    versions = _versions({stage: held for stage, held in labels.items() if stage not in valueless}, key)
    sides = BothSides(
        primary_with(stages=stages), WEST, replica_with(stages=stages, kms_key_id=key), versions, versions, None
    )
    odd = draw(SIDES)
    fields = {
        "primary": odd.primary,
        "look": odd.look,
        "primary_versions": odd.primary_versions,
        "replica_versions": odd.replica_versions,
        "key": odd.key,
    }
    changed = draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))
    return BothSides(
        **{
            "primary": sides.primary,
            "region": WEST,
            "look": sides.look,
            "primary_versions": sides.primary_versions,
            "replica_versions": sides.replica_versions,
            "key": sides.key,
            **{name: fields[name] for name in changed},
        }
    )


ANY_SIDES = SIDES | agreeing()
SAMES = st.sampled_from([by_name, lambda _wanted, _shown: True, lambda _wanted, _shown: DENIED])


@given(ANY_SIDES, SAMES)
def test_a_region_is_well_if_and_only_if_it_is_verified(sides: BothSides, same: Any) -> None:
    found = compare_replica(sides, same)
    assert (found.outcome is Outcome.OK) == (found.verified is True)
    if found.verified is not True:
        assert found.findings
    if found.verified is None:
        assert {"unchecked", "no_value"} & {*kinds(found)}
    if found.verified is False:
        assert {*kinds(found)} - {"unchecked", "no_value"}


@given(ANY_SIDES, SAMES)
def test_it_is_verified_only_if_every_look_was_made_and_all_agrees(sides: BothSides, same: Any) -> None:
    if compare_replica(sides, same).verified is not True:
        return
    entry, look, here, there = sides.primary.replica(WEST), sides.look, sides.primary_versions, sides.replica_versions
    assert entry is not None
    assert entry.status == "InSync"
    assert isinstance(look, Secret)
    assert (look.arn, look.primary_region, look.deleted) == (ARN.format(WEST), HOME, None)
    assert not isinstance(here, AwsError)
    assert not isinstance(there, AwsError)
    for stage in ("AWSCURRENT", "AWSPREVIOUS"):
        assert sides.primary.version(stage) == look.version(stage)
        holders = [[each.version_id for each in side if stage in each.stages] for side in (here, there)]
        assert holders[0] == holders[1]
    assert sides.primary.version("AWSCURRENT")
    expected = sides.key or look.kms_key_id or DEFAULT
    assert all(same(expected, key) is True for each in there for key in each.keys)
    if sides.key:
        assert same(sides.key, look.kms_key_id or DEFAULT) is True


@given(ANY_SIDES, SAMES)
def test_it_is_verified_only_if_a_current_version_is_listed(sides: BothSides, same: Any) -> None:
    if compare_replica(sides, same).verified is True:
        assert not isinstance(sides.replica_versions, AwsError)
        assert any("AWSCURRENT" in each.stages for each in sides.replica_versions)


@given(SIDES, SAMES)
def test_a_word_that_is_not_in_sync_is_never_well(sides: BothSides, same: Any) -> None:
    entry = sides.primary.replica(WEST)
    found = compare_replica(sides, same)
    if entry is None or entry.status != "InSync":
        assert found.verified is not True
        assert found.outcome is not Outcome.OK
    if entry is not None and entry.status == "Failed":
        assert (found.outcome, found.patience_s) == (Outcome.FAILED, 0.0)


@given(ANY_SIDES, SAMES)
def test_a_look_that_was_denied_is_access_unless_something_failed(sides: BothSides, same: Any) -> None:
    found = compare_replica(sides, same)
    if isinstance(sides.look, NotChecked) and isinstance(sides.look.error, Denied):
        assert found.outcome in (Outcome.FAILED, Outcome.ACCESS)


@given(ANY_SIDES, SAMES)
def test_every_difference_is_loud_enough_to_be_told(sides: BothSides, same: Any) -> None:
    found = compare_replica(sides, same)
    if found.outcome is Outcome.DRIFT and found.verified is False:
        assert any(each.severity is Severity.ERROR for each in found.findings)
