"""What looks on both sides prove of a replica, and what they never prove."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import AwsError, Denied, NotFound, Outcome, Throttled, Unanswered
from smrep.model import Replica, Secret, Version
from smrep.regions import Region
from smrep.report import Severity
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.rules.proof import Proof, Sides, Verdict, prove

HOME, WEST, OTHER = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:prod/db-a1b2c3"
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
DEFAULT = "alias/aws/secretsmanager"
STAGES = (("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1"))
VERSIONS = (
    Version("v2", ("AWSCURRENT",), ("DefaultEncryptionKey",)),
    Version("v1", ("AWSPREVIOUS",), ("DefaultEncryptionKey",)),
)
DENIED = Denied("no", code="AccessDeniedException")
LOST = Unanswered("connection was closed")
SYNCED = Replica(WEST, "InSync", "Replication succeeded", DEFAULT)


def primary_with(entry: Replica | None = SYNCED, **changes: Any) -> Secret:
    given = {"primary_region": HOME, "replicas": (entry,) if entry else (), "stages": STAGES, **changes}
    return Secret(arn=ARN.format(HOME), name="prod/db", region=HOME, **given)


def replica_with(**changes: Any) -> Secret:
    fields = {
        "arn": ARN.format(WEST),
        "name": "prod/db",
        "region": WEST,
        "primary_region": HOME,
        "kms_key_id": DEFAULT,
        "stages": STAGES,
    }
    return Secret(**{**fields, **changes})


OURS = replica_with()
STRANGERS: dict[str, Secret] = {
    "orphan": replica_with(primary_region=OTHER),
    "orphan_of_ours": replica_with(arn=ARN.format(WEST).replace("a1b2c3", "zzzzzz")),
    "promoted": replica_with(primary_region=None),
    "promoted_and_replicated": replica_with(primary_region=WEST),
    "name_clash": replica_with(primary_region=None, arn=ARN.format(WEST).replace("a1b2c3", "zzzzzz")),
    "pending_deletion": replica_with(deleted=MOMENT),
}


def by_name(wanted: str, shown: str) -> Verdict:
    names = {"DefaultEncryptionKey": DEFAULT}
    return names.get(wanted, wanted) == names.get(shown, shown)


def proof(primary: Secret | None = None, look: Look = OURS, same: Any = by_name, **given: Any) -> Proof:
    sides = {"here": VERSIONS, "there": VERSIONS, **given}
    return prove(Sides(primary or primary_with(), WEST, look, **sides), same)


def kinds(found: Proof) -> list[str]:
    return [each.kind for each in found.findings]


def relabelled(**ids: str) -> tuple[Version, ...]:
    return tuple(Version(version_id, (stage,), ("DefaultEncryptionKey",)) for stage, version_id in ids.items())


def test_where_all_agrees_it_is_proved() -> None:
    assert proof() == Proof(True, Outcome.OK)


def test_a_first_version_alone_is_enough() -> None:
    stages, versions = STAGES[:1], VERSIONS[:1]
    found = proof(primary_with(stages=stages), replica_with(stages=stages), here=versions, there=versions)
    assert found == Proof(True, Outcome.OK)


def test_the_order_of_versions_and_of_labels_does_not_matter() -> None:
    both = (Version("v2", ("AWSPENDING", "AWSCURRENT")), Version("v1", ("AWSPREVIOUS", "mine")))
    found = proof(look=replica_with(stages=STAGES[::-1]), here=both, there=tuple(reversed(both)))
    assert found.verified is True


@pytest.mark.parametrize("where", ["described", "listed"])
@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS"])
@pytest.mark.parametrize("side", ["here", "there"])
def test_another_version_under_a_label_is_stale_wherever_it_shows(where: str, stage: str, side: str) -> None:
    ids = {**dict(STAGES), stage: "v9"}
    if where == "described":
        stages = tuple(ids.items())
        primary = primary_with(stages=stages) if side == "here" else primary_with()
        look = replica_with(stages=stages) if side == "there" else OURS
        found = proof(primary, look)
    else:
        found = proof(**{side: relabelled(**ids)})
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["stale"])
    assert (stage in found.findings[0].message, "v9" in found.findings[0].message) == (True, True)
    assert found.patience_s == float("inf")


@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS"])
@pytest.mark.parametrize("side", ["here", "there"])
def test_a_label_whose_version_holds_no_value_on_one_side_is_stale(stage: str, side: str) -> None:
    lacking = tuple(each for each in VERSIONS if stage not in each.stages)
    found = proof(**{side: lacking})
    assert (found.verified, kinds(found)) == (False, ["stale"])


@pytest.mark.parametrize("listed", [(), VERSIONS[1:]])
def test_a_current_version_that_holds_a_value_on_neither_side_proves_nothing(listed: tuple[Version, ...]) -> None:
    found = proof(here=listed, there=listed)
    assert found.verified is not True
    assert found.outcome is not Outcome.OK


def test_a_primary_without_a_current_version_proves_nothing() -> None:
    found = proof(primary_with(stages=()), replica_with(stages=()), here=(), there=())
    assert found.verified is None
    assert found.outcome is not Outcome.OK


@pytest.mark.parametrize("side", ["here", "there"])
def test_labels_of_a_rotation_or_of_ones_own_may_differ(side: str) -> None:
    more = (*VERSIONS, Version("v3", ("AWSPENDING",)), Version("v0", ("mine",)))
    assert proof(**{side: more}).verified is True


@pytest.mark.parametrize(("kind", "look"), STRANGERS.items())
@pytest.mark.parametrize("status", ["InSync", "InProgress", "Failed", "Odd", None])
def test_what_is_not_our_replica_is_never_verified(kind: str, look: Secret, status: str | None) -> None:
    found = proof(primary_with(Replica(WEST, status)), look)
    named = {"orphan_of_ours": "orphan", "promoted_and_replicated": "promoted"}.get(kind, kind)
    assert found.verified is False
    assert named in kinds(found)
    assert found.outcome is not Outcome.OK


def test_nothing_there_is_missing_and_given_the_time_of_a_lagging_answer() -> None:
    found = proof(look=Absent(), there=())
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["missing"])
    assert 0 < found.patience_s < 60


def test_a_region_that_is_not_listed_is_missing() -> None:
    found = proof(primary_with(None), Absent(), there=())
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["missing"])


def test_our_replica_that_is_not_listed_is_being_removed() -> None:
    found = proof(primary_with(None))
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["removing"])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(DENIED, Outcome.ACCESS), (LOST, Outcome.PENDING), (Throttled("slow down"), Outcome.PENDING)],
)
@pytest.mark.parametrize("where", ["look", "here", "there", "key"])
def test_a_look_that_failed_proves_nothing(where: str, error: AwsError, outcome: Outcome) -> None:
    given: dict[str, Any] = {
        "look": {"look": Unseen(error), "there": ()},
        "here": {"here": error},
        "there": {"there": error},
        "key": {"key": "alias/dr", "same": lambda _wanted, _shown: error},
    }[where]
    found = proof(**given)
    assert (found.verified, found.outcome, kinds(found)) == (None, outcome, ["unchecked"])
    assert (found.patience_s > 0) is (outcome is Outcome.PENDING)


def test_a_failed_region_is_failed_whatever_could_not_be_looked_at() -> None:
    found = proof(primary_with(Replica(WEST, "Failed", "no luck")), Unseen(DENIED), here=DENIED, there=())
    assert (found.verified, found.outcome) == (False, Outcome.FAILED)


def test_a_denied_look_weighs_more_than_a_difference() -> None:
    found = proof(here=DENIED, look=replica_with(stages=(("AWSCURRENT", "v1"),)))
    assert (found.verified, found.outcome, set(kinds(found))) == (False, Outcome.ACCESS, {"stale", "unchecked"})


def test_the_replicas_key_and_each_versions_key_are_held_against_the_one_asked_for() -> None:
    mixed = (VERSIONS[0], Version("v1", ("AWSPREVIOUS",), ("alias/old",)))
    found = proof(look=replica_with(kms_key_id="alias/dr"), there=mixed, key="alias/dr")
    assert (found.verified, found.outcome) == (False, Outcome.DRIFT)
    assert kinds(found) == ["wrong_key", "wrong_key"]
    assert any("v1" in each.message and "alias/old" in each.message for each in found.findings)


def test_any_key_will_do_where_none_was_asked_for_as_long_as_it_is_one() -> None:
    there = tuple(Version(each.version_id, each.stages, ("alias/dr",)) for each in VERSIONS)
    assert proof(look=replica_with(kms_key_id="alias/dr"), there=there).verified is True
    assert proof(look=replica_with(kms_key_id="alias/new"), there=there).verified is False


def test_a_key_that_does_not_exist_is_another_key() -> None:
    gone = NotFound("Alias is not found.", code="NotFoundException")
    found = proof(key="alias/nowhere", same=lambda _wanted, _shown: gone)
    assert (found.verified, found.outcome, set(kinds(found))) == (False, Outcome.DRIFT, {"wrong_key"})


def test_a_replica_that_shows_no_key_is_under_the_default_one() -> None:
    assert proof(look=replica_with(kms_key_id=None), key=DEFAULT).verified is True


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
    st.just(Absent()),
    st.builds(Unseen, ERRORS),
)
SIDES = st.builds(
    lambda entry, labels, look, here, there, key: Sides(
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
def agreeing(draw: st.DrawFn) -> Sides:
    """Return sides that agree in all but at most a thing or two, which chance alone would seldom bring about."""
    labels = draw(LABELS.filter(lambda found: "AWSCURRENT" in found))
    key, stages = draw(KEYS), tuple(labels.items())
    valueless = draw(st.sets(st.sampled_from(sorted(labels)), max_size=1))  # a label whose version holds no value
    versions = _versions({stage: held for stage, held in labels.items() if stage not in valueless}, key)
    sides = Sides(
        primary_with(stages=stages), WEST, replica_with(stages=stages, kms_key_id=key), versions, versions, None
    )
    odd = draw(SIDES)
    fields = {"primary": odd.primary, "look": odd.look, "here": odd.here, "there": odd.there, "key": odd.key}
    changed = draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))
    return Sides(
        **{
            "primary": sides.primary,
            "region": WEST,
            "look": sides.look,
            "here": sides.here,
            "there": sides.there,
            "key": sides.key,
            **{name: fields[name] for name in changed},
        }
    )


ANY_SIDES = SIDES | agreeing()
SAMES = st.sampled_from([by_name, lambda _wanted, _shown: True, lambda _wanted, _shown: DENIED])


@given(ANY_SIDES, SAMES)
def test_a_region_is_well_if_and_only_if_it_is_verified(sides: Sides, same: Any) -> None:
    found = prove(sides, same)
    assert (found.outcome is Outcome.OK) == (found.verified is True)
    if found.verified is not True:
        assert found.findings
    if found.verified is None:
        assert "unchecked" in kinds(found)
    if found.verified is False:
        assert [each for each in kinds(found) if each != "unchecked"]


@given(ANY_SIDES, SAMES)
def test_it_is_verified_only_if_every_look_was_made_and_all_agrees(sides: Sides, same: Any) -> None:
    if prove(sides, same).verified is not True:
        return
    entry, look, here, there = sides.primary.replica(WEST), sides.look, sides.here, sides.there
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
def test_it_is_verified_only_if_a_current_version_is_listed(sides: Sides, same: Any) -> None:
    if prove(sides, same).verified is True:
        assert not isinstance(sides.there, AwsError)
        assert any("AWSCURRENT" in each.stages for each in sides.there)


@given(SIDES, SAMES)
def test_a_word_that_is_not_in_sync_is_never_well(sides: Sides, same: Any) -> None:
    entry = sides.primary.replica(WEST)
    found = prove(sides, same)
    if entry is None or entry.status != "InSync":
        assert found.verified is not True
        assert found.outcome is not Outcome.OK
    if entry is not None and entry.status == "Failed":
        assert (found.outcome, found.patience_s) == (Outcome.FAILED, 0.0)


@given(ANY_SIDES, SAMES)
def test_a_look_that_was_denied_is_access_unless_something_failed(sides: Sides, same: Any) -> None:
    found = prove(sides, same)
    if isinstance(sides.look, Unseen) and isinstance(sides.look.error, Denied):
        assert found.outcome in (Outcome.FAILED, Outcome.ACCESS)


@given(ANY_SIDES, SAMES)
def test_every_difference_is_loud_enough_to_be_told(sides: Sides, same: Any) -> None:
    found = prove(sides, same)
    if found.outcome is Outcome.DRIFT and found.verified is False:
        assert any(each.severity is Severity.ERROR for each in found.findings)
