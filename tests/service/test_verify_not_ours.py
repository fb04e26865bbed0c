"""`verify` on the simulator: what bears the name in the target and is not our replica."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, only, replicated
from service.verify_scene import FOR_EVER, verify

from smrep.errors import Outcome


def no_entry_but(status: str, aws: FakeAws) -> None:
    aws.simulator.set_replication_status("prod/db", HOME, WEST, status, "Replication succeeded")


def foreign(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    no_entry_but("InSync", aws)


def promoted(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")


def namesake(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    no_entry_but("InSync", aws)


def marked(aws: FakeAws) -> None:
    promoted(aws)
    aws.call("DeleteSecret", WEST, SecretId="prod/db")


def vanished(aws: FakeAws) -> None:
    aws.create()
    no_entry_but("InSync", aws)


def unlisted(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(IRELAND)


def leaving(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(removal_delay_s=FOR_EVER)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])


@pytest.mark.parametrize(
    ("scene", "kind"),
    [
        (foreign, "orphan"),
        (promoted, "promoted"),
        (namesake, "name_conflict"),
        (marked, "pending_deletion"),
        (vanished, "missing"),
        (unlisted, "missing"),
        (leaving, "removing"),
    ],
)
def test_what_is_not_our_replica_is_a_difference(aws: FakeAws, scene: Callable[[FakeAws], None], kind: str) -> None:
    scene(aws)
    row = only(verify(aws, WEST))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, [kind])
    assert row.error is None
    if kind in ("missing", "removing"):
        assert 15.0 <= sum(aws.clock.sleeps) <= 21.0  # as long as a list may lag, and not to the deadline
    else:
        assert aws.clock.sleeps == []  # what bears the name is seen, and no list says so


@pytest.mark.parametrize("scene", [foreign, promoted, namesake, marked, vanished, unlisted])
def test_what_is_not_our_replica_has_no_arn_of_ours(aws: FakeAws, scene: Callable[[FakeAws], None]) -> None:
    scene(aws)
    assert only(verify(aws, WEST, timeout_s=0.0)).arn is None


def test_a_failed_region_is_failed_and_not_waited_for(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    row = only(verify(aws))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (Outcome.FAILED, False, "Failed", ["failed"])
    assert row.error is not None
    assert "smrep retry prod/db" in (row.error.hint or "")
    assert aws.clock.sleeps == []


def test_a_failed_region_is_failed_also_where_nobody_may_look(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults(denied=frozenset({("DescribeSecret", WEST), ("ListSecretVersionIds", HOME)}))
    assert only(verify(aws)).outcome is Outcome.FAILED


@pytest.mark.parametrize("word", ["Reticulating", "Pending", "Detached", "insync", "INSYNC", ""])
def test_an_unknown_word_is_never_verified(aws: FakeAws, word: str) -> None:
    replicated(aws)
    no_entry_but(word, aws)
    row = only(verify(aws, timeout_s=5.0))
    assert (row.outcome, row.verified, row.status or "") == (Outcome.PENDING, False, word)
