"""`rekey` on the simulator: what is no replica in order is left as it is."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, new_key, only, replicated
from service.rekey_scene import REPLICATE, error_of, prepare, rekey, writes

from smrep.errors import Outcome, UsageError


def stop(aws: FakeAws, *, recreate: bool = False) -> tuple[str, str, str]:
    new_key(aws, "alias/new")
    row = only(rekey(aws, recreate=recreate))
    assert (row.outcome, row.changed, writes(aws)) == (Outcome.FAILED, False, [])
    return error_of(row)


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_without_a_replica_is_missing(aws: FakeAws, recreate: bool) -> None:
    replicated(aws, IRELAND)
    code, _, hint = stop(aws, recreate=recreate)
    assert (code, hint) == ("missing", f"add it:\n  {REPLICATE}")


def test_the_hint_for_a_listed_but_missing_replica_removes_the_entry_first(aws: FakeAws) -> None:
    from service.replicate_scene import replicate

    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    code, _, hint = stop(aws)
    refused = only(replicate(aws, f"{WEST}=alias/new"))
    assert (code, refused.outcome, refused.changed) == ("missing", Outcome.FAILED, False)
    assert hint == f"replicate again:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2\n  {REPLICATE}"


@pytest.mark.parametrize("recreate", [False, True])
def test_a_promoted_replica_is_skipped(aws: FakeAws, recreate: bool) -> None:
    replicated(aws)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert stop(aws, recreate=recreate)[0] == "promoted"


def test_a_replica_that_was_promoted_after_the_question_is_skipped(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new")
    aws.clock.time += 10  # a person thinks
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    aws.simulator.log.clear()
    for _ in run.act():
        pass
    (row,) = run.secrets()[0].replicas
    code, message, hint = error_of(row)
    assert (code, writes(aws)) == ("ChangedMeanwhile", [])
    assert message.startswith("prod/db in us-west-2 changed after it was shown, so it was skipped")
    assert hint == "try again:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("listed", [False, True])
def test_a_name_conflict_is_skipped(aws: FakeAws, recreate: bool, listed: bool) -> None:
    aws.create()
    aws.create(region=WEST)
    if listed:
        aws.replicate_by_hand(WEST)
    code, message, _ = stop(aws, recreate=recreate)
    assert code in ("name_conflict", "missing" if not listed else "failed")
    assert WEST in message


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_of_another_primary_is_skipped(aws: FakeAws, recreate: bool) -> None:
    aws.create(region=IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    assert stop(aws, recreate=recreate)[0] == "orphan"


def test_a_failed_region_is_stopped_with_its_fix(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    code, message, hint = stop(aws)
    assert (code, "no luck" in message) == ("failed", True)
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in hint


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_in_progress_is_pending(aws: FakeAws, recreate: bool) -> None:
    aws.faults(replication_delay_s=1000.0)
    replicated(aws)
    new_key(aws, "alias/new")
    row = only(rekey(aws, recreate=recreate))
    code, _, hint = error_of(row)
    assert (row.outcome, row.changed, code) == (Outcome.PENDING, False, "in_progress")
    assert hint == "wait for it:\n  smrep wait prod/db --primary-region us-east-1 -r us-west-2"
    assert writes(aws) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_that_is_being_removed_is_pending_with_the_command_for_later(aws: FakeAws, recreate: bool) -> None:
    replicated(aws)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    new_key(aws, "alias/new")
    row = only(rekey(aws, recreate=recreate))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.PENDING, False, "removing")
    assert error_of(row)[2] == f"add it:\n  {REPLICATE}"
    assert writes(aws) == []


@pytest.mark.parametrize("word", ["Pending", "Detached", "Paused"])
def test_an_unknown_status_is_not_in_order(aws: FakeAws, word: str) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.simulator.set_replication_status("prod/db", HOME, WEST, word)
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.status, writes(aws)) == (Outcome.PENDING, False, word, [])


def test_a_replica_given_for_its_primary_is_refused_with_the_exact_command(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = rekey(aws, f"{IRELAND}=alias/new", home=WEST)
    assert (secret.outcome, secret.replicas) == (Outcome.FAILED, ())
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == (
        "use the primary:\n  smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new"
    )


def test_the_exact_command_keeps_recreate(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = rekey(aws, f"{IRELAND}=alias/new", home=WEST, recreate=True)
    assert secret.error is not None
    assert secret.error.hint == (
        "use the primary:\n  smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --recreate"
    )


def test_a_primary_marked_for_deletion_is_refused(aws: FakeAws) -> None:
    aws.create()
    aws.call("DeleteSecret", SecretId="prod/db", RecoveryWindowInDays=7)
    (secret,) = rekey(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome, writes(aws)) == ("pending_deletion", Outcome.FAILED, [])


def test_a_missing_secret_is_one_trouble(aws: FakeAws) -> None:
    (secret,) = rekey(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("ResourceNotFoundException", Outcome.FAILED)


def test_a_secret_of_another_account_than_expected_is_a_usage_error(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError):
        prepare(aws, f"{WEST}=alias/new", expect_account="999999999999")
    assert writes(aws) == []
