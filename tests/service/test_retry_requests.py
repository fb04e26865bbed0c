"""`retry` on the simulator: which key and which secret a request is sent for, and what AWS answers."""

from __future__ import annotations

import pytest
from fakes import IRELAND, WEST, FakeAws, kinds, new_key, only
from service.replicate_scene import prepare, replicate, request_for
from service.retry_scene import NO_LUCK, failed, retry

from smrep.errors import Denied, Outcome, Refused
from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.primary_region import SecretAddress
from smrep.service.replicate import ReplicateRequest


def test_the_key_that_is_recorded_is_kept(aws: FakeAws) -> None:
    key = new_key(aws)
    failed(aws, WEST, key=key)
    row = only(retry(aws))
    assert (row.outcome, row.kms_key_id) == (Outcome.OK, key)
    assert aws.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": key}]


def test_another_key_is_taken_where_one_is_named(aws: FakeAws) -> None:
    failed(aws, WEST, key=new_key(aws))
    new_key(aws, alias="alias/dr")
    row = only(retry(aws, f"{WEST}=alias/dr"))
    assert (row.outcome, row.kms_key_id, kinds(row)) == (Outcome.OK, "alias/dr", ["failed"])
    assert aws.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/dr"}]


def test_the_default_key_is_taken_where_it_is_named(aws: FakeAws) -> None:
    failed(aws, WEST, key=new_key(aws))
    row = only(retry(aws, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.kms_key_id) == (Outcome.OK, "alias/aws/secretsmanager")


def test_a_recorded_key_that_is_still_missing_is_told_before_anything_is_sent(aws: FakeAws) -> None:
    aws.create()
    replicate(aws, f"{WEST}=alias/late", preflight=False)
    row = only(retry(aws))
    assert (row.outcome, row.status, aws.sent()) == (Outcome.FAILED, None, [])
    assert row.error is not None
    assert row.error.code == "key_missing"
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2=alias/NAME" in (row.error.hint or "")


def test_a_named_region_in_sync_under_another_key_is_reported_and_skipped(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    new_key(aws, alias="alias/dr")
    row = only(retry(aws, f"{WEST}=alias/dr"))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.DRIFT, False, ["wrong_key"])
    assert aws.sent() == []


# what AWS answers


def refuse(operation: str, _region: str) -> None:
    if operation == "ReplicateSecretToRegions":
        raise Refused("You can't do that.", "prod/db in us-east-1", code="InvalidRequestException")


def test_a_refused_repeat_names_the_way_around_it(aws: FakeAws) -> None:
    key = new_key(aws)
    failed(aws, WEST, key=key)
    aws.on_call = refuse
    row = only(retry(aws))
    assert (row.outcome, row.changed) == (Outcome.FAILED, False)
    assert row.error is not None
    assert "You can't do that." in row.error.message
    assert row.error.hint == (
        "replicate again:\n"
        "  smrep remove prod/db --primary-region us-east-1 -r us-west-2\n"
        f"  smrep replicate prod/db --primary-region us-east-1 -r us-west-2={key}"
    )


def test_a_refusal_of_one_region_does_not_stop_the_other(aws: FakeAws) -> None:
    failed(aws, WEST, IRELAND)
    count = iter(range(9))

    def refuse_twice(operation: str, region: str) -> None:
        if operation == "ReplicateSecretToRegions" and next(count) in (0, 1):
            refuse(operation, region)

    aws.on_call = refuse_twice  # both together, then the first by itself
    (secret,) = retry(aws)
    assert [(row.region, row.outcome) for row in secret.replicas] == [(WEST, Outcome.FAILED), (IRELAND, Outcome.OK)]


def test_a_denied_repeat_names_the_permission(aws: FakeAws) -> None:
    failed(aws, WEST)

    def deny(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            raise Denied("no", code="AccessDeniedException")

    aws.on_call = deny
    row = only(retry(aws))
    assert row.outcome is Outcome.ACCESS
    assert row.error is not None
    assert "secretsmanager:ReplicateSecretToRegions" in (row.error.hint or "")


def test_a_repeat_that_never_arrives_is_pending_and_not_taken_for_sent(aws: FakeAws) -> None:
    failed(aws, WEST)
    aws.lose["ReplicateSecretToRegions"] = ["before"] * 9
    row = only(retry(aws, timeout_s=120.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert aws.count("ReplicateSecretToRegions") == 2


def test_no_wait_ends_with_what_aws_accepted(aws: FakeAws) -> None:
    failed(aws, WEST)
    row = only(retry(aws, wait=False))
    assert (row.outcome, row.changed, row.status) == (Outcome.ACCEPTED, True, "InProgress")


def test_what_comes_too_late_is_told_with_retry(aws: FakeAws) -> None:
    names = tuple(f"s{number}" for number in range(6))
    aws.faults(failures={WEST: NO_LUCK})
    for name in names:
        aws.create(name)
        aws.replicate_by_hand(WEST, name=name)
    aws.faults()
    aws.on_call = lambda operation, _region: aws.clock.sleep(10.0) if operation == "ReplicateSecretToRegions" else None
    secrets = retry(aws, names=names, timeout_s=3.0)
    last = secrets[-1].replicas[0].error
    assert last is not None
    assert (last.code, last.hint) == (
        "NotSent",
        "try again:\n  smrep retry s5 --primary-region us-east-1 -r us-west-2",
    )


# which secret


@pytest.mark.parametrize(
    ("regions", "words"),
    [((), ""), ((IRELAND,), " -r eu-west-1"), ((f"{IRELAND}=alias/dr",), " -r eu-west-1=alias/dr")],
)
def test_a_replica_is_refused_with_the_command_to_run(aws: FakeAws, regions: tuple[str, ...], words: str) -> None:
    failed(aws, IRELAND, also=(WEST,))
    request = ReplicateRequest(
        (SecretAddress(SecretId("prod/db"), Region(WEST)),), request_for(*regions).targets, command="retry"
    )
    (secret,) = prepare(aws, request).secrets()
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("is_replica", Outcome.FAILED)
    assert secret.error.hint == f"use the primary:\n  smrep retry prod/db --primary-region us-east-1{words}"
    assert aws.sent() == []


def test_a_missing_secret_does_not_stop_the_others(aws: FakeAws) -> None:
    failed(aws, WEST)
    secrets = retry(aws, names=("nowhere", "prod/db"))
    assert [each.outcome for each in secrets] == [Outcome.FAILED, Outcome.OK]


def test_a_dry_run_shows_what_would_be_tried_again(aws: FakeAws) -> None:
    key = new_key(aws)
    failed(aws, WEST, also=(IRELAND,), key=None)
    row = only(prepare(aws, request_for(f"{WEST}={key}", command="retry")).secrets(dry_run=True))
    assert (row.action, row.changed, row.outcome, row.kms_key_id) == (Action.RETRY, False, Outcome.OK, key)
    assert aws.sent() == []
