"""What looks on both sides prove of a replica, and what they never prove."""

from __future__ import annotations

from typing import Any

import pytest
from rules.proof_sides import DEFAULT, DENIED, LOST, STAGES, STRANGERS, WEST, by_name, kinds, primary_with, replica_with

from smrep.errors import AwsError, NotFound, Outcome, Throttled
from smrep.model import Replica, Secret, Version
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.rules.replication.replica_comparison import BothSides, Proof, compare_replica

VERSIONS = (
    Version("v2", ("AWSCURRENT",), ("DefaultEncryptionKey",)),
    Version("v1", ("AWSPREVIOUS",), ("DefaultEncryptionKey",)),
)
OURS = replica_with()


def proof(primary: Secret | None = None, look: NameLookup = OURS, same: Any = by_name, **given: Any) -> Proof:
    sides = {"primary_versions": VERSIONS, "replica_versions": VERSIONS, **given}
    return compare_replica(BothSides(primary or primary_with(), WEST, look, **sides), same)


def relabelled(**ids: str) -> tuple[Version, ...]:
    return tuple(Version(version_id, (stage,), ("DefaultEncryptionKey",)) for stage, version_id in ids.items())


def test_where_all_agrees_it_is_proved() -> None:
    assert proof() == Proof(True, Outcome.OK)


def test_a_first_version_alone_is_enough() -> None:
    stages, versions = STAGES[:1], VERSIONS[:1]
    found = proof(
        primary_with(stages=stages), replica_with(stages=stages), primary_versions=versions, replica_versions=versions
    )
    assert found == Proof(True, Outcome.OK)


def test_the_order_of_versions_and_of_labels_does_not_matter() -> None:
    both = (Version("v2", ("AWSPENDING", "AWSCURRENT")), Version("v1", ("AWSPREVIOUS", "mine")))
    found = proof(look=replica_with(stages=STAGES[::-1]), primary_versions=both, replica_versions=tuple(reversed(both)))
    assert found.verified is True


@pytest.mark.parametrize("where", ["described", "listed"])
@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS"])
@pytest.mark.parametrize("side", ["primary_versions", "replica_versions"])
def test_another_version_under_a_label_is_stale_wherever_it_shows(where: str, stage: str, side: str) -> None:
    ids = {**dict(STAGES), stage: "v9"}
    if where == "described":
        stages = tuple(ids.items())
        primary = primary_with(stages=stages) if side == "primary_versions" else primary_with()
        look = replica_with(stages=stages) if side == "replica_versions" else OURS
        found = proof(primary, look)
    else:
        found = proof(**{side: relabelled(**ids)})
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["stale"])
    assert (stage in found.findings[0].message, "v9" in found.findings[0].message) == (True, True)
    assert found.patience_s == float("inf")


@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS"])
@pytest.mark.parametrize("side", ["primary_versions", "replica_versions"])
def test_a_label_whose_version_holds_no_value_on_one_side_is_stale(stage: str, side: str) -> None:
    lacking = tuple(each for each in VERSIONS if stage not in each.stages)
    found = proof(**{side: lacking})
    assert (found.verified, kinds(found)) == (False, ["stale"])


@pytest.mark.parametrize("listed", [(), VERSIONS[1:]])
def test_a_current_version_that_holds_a_value_on_neither_side_proves_nothing(listed: tuple[Version, ...]) -> None:
    found = proof(primary_versions=listed, replica_versions=listed)
    assert found.verified is not True
    assert found.outcome is not Outcome.OK


def test_a_primary_without_a_current_version_proves_nothing() -> None:
    found = proof(primary_with(stages=()), replica_with(stages=()), primary_versions=(), replica_versions=())
    assert found.verified is None
    assert found.outcome is not Outcome.OK


@pytest.mark.parametrize("side", ["primary_versions", "replica_versions"])
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
    found = proof(look=NoSecret(), replica_versions=())
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["missing"])
    assert 0 < found.patience_s < 60


def test_a_region_that_is_not_listed_is_missing() -> None:
    found = proof(primary_with(None), NoSecret(), replica_versions=())
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["missing"])


def test_our_replica_that_is_not_listed_is_being_removed() -> None:
    found = proof(primary_with(None))
    assert (found.verified, found.outcome, kinds(found)) == (False, Outcome.DRIFT, ["removing"])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(DENIED, Outcome.ACCESS), (LOST, Outcome.PENDING), (Throttled("slow down"), Outcome.PENDING)],
)
@pytest.mark.parametrize("where", ["look", "primary_versions", "replica_versions", "key"])
def test_a_look_that_failed_proves_nothing(where: str, error: AwsError, outcome: Outcome) -> None:
    given: dict[str, Any] = {
        "look": {"look": NotChecked(error), "replica_versions": ()},
        "primary_versions": {"primary_versions": error},
        "replica_versions": {"replica_versions": error},
        "key": {"key": "alias/dr", "same": lambda _wanted, _shown: error},
    }[where]
    found = proof(**given)
    assert (found.verified, found.outcome, kinds(found)) == (None, outcome, ["unchecked"])
    assert (found.patience_s > 0) is (outcome is Outcome.PENDING)


def test_a_failed_region_is_failed_whatever_could_not_be_looked_at() -> None:
    found = proof(
        primary_with(Replica(WEST, "Failed", "no luck")),
        NotChecked(DENIED),
        primary_versions=DENIED,
        replica_versions=(),
    )
    assert (found.verified, found.outcome) == (False, Outcome.FAILED)


def test_a_denied_look_weighs_more_than_a_difference() -> None:
    found = proof(primary_versions=DENIED, look=replica_with(stages=(("AWSCURRENT", "v1"),)))
    assert (found.verified, found.outcome, set(kinds(found))) == (False, Outcome.ACCESS, {"stale", "unchecked"})


def test_the_replicas_key_and_each_versions_key_are_held_against_the_one_asked_for() -> None:
    mixed = (VERSIONS[0], Version("v1", ("AWSPREVIOUS",), ("alias/old",)))
    found = proof(look=replica_with(kms_key_id="alias/dr"), replica_versions=mixed, key="alias/dr")
    assert (found.verified, found.outcome) == (False, Outcome.DRIFT)
    assert kinds(found) == ["wrong_key", "wrong_key"]
    assert any("v1" in each.message and "alias/old" in each.message for each in found.findings)


def test_any_key_will_do_where_none_was_asked_for_as_long_as_it_is_one() -> None:
    there = tuple(Version(each.version_id, each.stages, ("alias/dr",)) for each in VERSIONS)
    assert proof(look=replica_with(kms_key_id="alias/dr"), replica_versions=there).verified is True
    assert proof(look=replica_with(kms_key_id="alias/new"), replica_versions=there).verified is False


def test_a_key_that_does_not_exist_is_another_key() -> None:
    gone = NotFound("Alias is not found.", code="NotFoundException")
    found = proof(key="alias/nowhere", same=lambda _wanted, _shown: gone)
    assert (found.verified, found.outcome, set(kinds(found))) == (False, Outcome.DRIFT, {"wrong_key"})


def test_a_replica_that_shows_no_key_is_under_the_default_one() -> None:
    assert proof(look=replica_with(kms_key_id=None), key=DEFAULT).verified is True
