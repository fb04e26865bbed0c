"""`retry` on the simulator: the Failed Regions again and only those, and what is said of them."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, kinds, new_key, only
from service.retry_scene import FORCE, NO_LUCK, failed, retry

from smrep.errors import Outcome
from smrep.report import Action


def asked_for(aws: FakeAws) -> list[list[str]]:
    """Return the Regions of each request that was sent."""
    return [[each["Region"] for each in call["AddReplicaRegions"]] for call in aws.sent()]


def test_only_the_failed_regions_are_tried_again(aws: FakeAws) -> None:
    failed(aws, WEST, SYDNEY, also=(IRELAND,))
    (secret,) = retry(aws)
    assert [(row.region, row.action, row.changed, row.status) for row in secret.replicas] == [
        (WEST, Action.RETRY, True, "InSync"),
        (SYDNEY, Action.RETRY, True, "InSync"),
    ]
    assert asked_for(aws) == [[WEST, SYDNEY]]


def test_a_named_region_that_is_in_sync_is_skipped(aws: FakeAws) -> None:
    failed(aws, WEST, also=(IRELAND,))
    (secret,) = retry(aws, WEST, IRELAND)
    assert [(row.region, row.action, row.changed, row.outcome) for row in secret.replicas] == [
        (WEST, Action.RETRY, True, Outcome.OK),
        (IRELAND, Action.KEEP, False, Outcome.OK),
    ]
    assert asked_for(aws) == [[WEST]]


def test_a_failed_region_that_was_not_named_is_skipped_and_reported(aws: FakeAws) -> None:
    failed(aws, WEST, IRELAND)
    (secret,) = retry(aws, WEST)
    assert [row.region for row in secret.replicas] == [WEST]
    assert asked_for(aws) == [[WEST]]
    assert "also Failed in eu-west-1, which you did not select" in secret.notes[0]


def test_nothing_failed_is_well_and_nothing_is_sent(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST, IRELAND)
    (secret,) = retry(aws)
    assert secret.outcome is Outcome.OK
    assert [(row.action, row.changed) for row in secret.replicas] == [(Action.KEEP, False)] * 2
    assert aws.sent() == []


def test_a_secret_that_has_no_replicas_at_all_gets_none(aws: FakeAws) -> None:
    aws.create()
    (secret,) = retry(aws)
    assert secret.replicas == ()
    assert aws.sent() == []


def test_a_region_that_is_not_listed_is_missing_and_never_added(aws: FakeAws) -> None:
    failed(aws, WEST)
    (secret,) = retry(aws, WEST, IRELAND)
    mended, missing = secret.replicas
    assert mended.outcome is Outcome.OK
    assert (missing.outcome, missing.status, missing.changed, kinds(missing)) == (
        Outcome.FAILED,
        None,
        False,
        ["missing"],
    )
    assert missing.error is not None
    assert missing.error.code == "missing"
    assert missing.error.hint == "add it:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1"
    assert asked_for(aws) == [[WEST]]


@pytest.mark.parametrize("preflight", [True, False])
def test_force_adds_no_region_that_is_not_listed(aws: FakeAws, preflight: bool) -> None:
    aws.create()
    aws.create(region=WEST)
    row = only(retry(aws, WEST, consent=FORCE, preflight=preflight))
    assert (row.outcome, kinds(row)) == (Outcome.FAILED, ["missing"])
    assert aws.sent() == []


def test_a_replica_that_is_being_removed_is_not_added_again(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(retry(aws, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.FAILED, ["missing"])
    assert aws.sent() == []


def test_a_region_in_progress_is_waited_for_and_not_sent_again(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=20.0)
    aws.replicate_by_hand(WEST, settle_s=1.0)
    row = only(retry(aws))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.KEEP, False, "InSync")
    assert aws.sent() == []


def test_an_unknown_word_is_not_failed_and_not_done(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Detached", None)
    row = only(retry(aws, timeout_s=10.0))
    assert (row.outcome, row.action, row.status) == (Outcome.PENDING, Action.KEEP, "Detached")
    assert aws.sent() == []


def test_several_secrets_each_get_their_own_failed_regions(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.create("other")
    aws.faults(failures={IRELAND: NO_LUCK})
    aws.replicate_by_hand(WEST, IRELAND, name="other")
    aws.faults()
    aws.create("well")
    aws.replicate_by_hand(WEST, name="well")
    secrets = retry(aws, names=("prod/db", "other", "well"))
    assert [[(row.region, row.action) for row in each.replicas] for each in secrets] == [
        [(WEST, Action.RETRY)],
        [(IRELAND, Action.RETRY)],
        [(WEST, Action.KEEP)],
    ]
    assert {each.outcome for each in secrets} == {Outcome.OK}


def test_a_replica_that_failed_later_gets_the_value_that_it_missed(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    aws.faults(failures={WEST: NO_LUCK})
    version = aws.call("PutSecretValue", SecretId="prod/db", SecretString="newer")["VersionId"]
    aws.clock.time += 10
    aws.faults()
    row = only(retry(aws))
    assert (row.outcome, row.action) == (Outcome.OK, Action.RETRY)
    assert "its replica may be outdated" in row.findings[0].message
    assert aws.describe("prod/db", WEST).version("AWSCURRENT") == version


# what it says


def test_it_says_why_a_region_had_failed_and_what_is_done(aws: FakeAws) -> None:
    failed(aws, WEST)
    row = only(retry(aws))
    assert kinds(row) == ["failed"]
    assert "no luck" in row.findings[0].message
    assert "the name is free there now" in row.findings[0].message
    assert row.action is Action.RETRY


def test_it_fails_again_with_aws_own_words(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.faults(failures={WEST: "Replication failed: worse luck"})
    row = only(retry(aws))
    assert (row.outcome, row.status, row.status_message, row.changed) == (
        Outcome.FAILED,
        "Failed",
        "Replication failed: worse luck",
        True,
    )
    assert row.error is not None
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in (row.error.hint or "")


def test_a_failure_from_before_the_call_is_not_the_new_result(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.faults(list_lag_s=8.0, replication_delay_s=12.0)
    aws.lose["ReplicateSecretToRegions"] = ["after"]
    row = only(retry(aws))
    assert (row.outcome, row.status, row.changed) == (Outcome.OK, "InSync", True)
    assert len(aws.sent()) == 1


def test_the_same_failure_again_counts_once_another_status_was_seen(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.faults(failures={WEST: NO_LUCK}, replication_delay_s=3.0)
    row = only(retry(aws))
    assert (row.outcome, row.status_message) == (Outcome.FAILED, NO_LUCK)
    assert sum(aws.clock.sleeps) < 9


def test_a_region_that_is_stopped_is_not_said_to_be_tried_again(aws: FakeAws) -> None:
    key = new_key(aws)
    failed(aws, WEST, key=key)
    aws.simulator.set_key_state(key, WEST, "Disabled")
    row = only(retry(aws))
    assert (row.outcome, row.status, aws.sent()) == (Outcome.FAILED, None, [])
    assert row.error is not None
    assert row.error.code == "key_disabled"
    assert not [each.message for each in row.findings if "is tried again" in each.message]
