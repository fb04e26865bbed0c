"""`replicate` on the simulator: which secrets it takes, and which it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, addresses_of, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import Outcome, UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.replication.region_step import Consent
from smrep.service.replicate import ReplicateRequest


def test_a_replica_is_refused_with_the_command_to_run(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST)
    request = ReplicateRequest(
        tuple(a.__class__(a.secret_id, WEST) for a in addresses_of()), (Target(IRELAND, "alias/dr"),)
    )
    (secret,) = prepare(aws, request).secrets()
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == (
        "use the primary:\n  smrep replicate prod/db --primary-region us-east-1 -r eu-west-1=alias/dr"
    )
    assert secret.outcome is Outcome.FAILED
    assert secret.replicas == ()


def test_a_missing_secret_and_one_marked_for_deletion_do_not_stop_the_others(aws: FakeAws) -> None:
    aws.create()
    aws.create("doomed")
    aws.call("DeleteSecret", SecretId="doomed")
    secrets = replicate(aws, WEST, names=("prod/db", "nowhere", "doomed"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK, Outcome.FAILED, Outcome.FAILED]
    assert [secret.error and secret.error.code for secret in secrets] == [
        None,
        "ResourceNotFoundException",
        "pending_deletion",
    ]
    assert len(aws.sent()) == 1


def test_a_secret_named_by_name_and_by_arn_is_one(aws: FakeAws) -> None:
    arn = aws.create()
    secrets = replicate(aws, WEST, names=("prod/db", arn))
    assert len(secrets) == 1
    assert len(aws.sent()) == 1


def test_all_secrets_are_sent_first_and_then_waited_for_together(aws: FakeAws) -> None:
    names = ("a", "b", "c")
    for name in names:
        aws.create(name)
    aws.faults(replication_delay_s=10.0)
    secrets = replicate(aws, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    assert aws.clock.time < 17


def test_access_denied_is_an_access_outcome(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("ReplicateSecretToRegions", HOME)}))
    (secret,) = replicate(aws, WEST, IRELAND)
    assert [row.outcome for row in secret.replicas] == [Outcome.ACCESS] * 2
    assert all(row.error and "AccessDeniedException" in row.error.message for row in secret.replicas)
    assert aws.count("ReplicateSecretToRegions") == 3  # together, then each by itself


def test_another_account_stops_before_any_write(aws: FakeAws) -> None:
    aws.create()
    with pytest.raises(UsageError, match="123456789012"):
        prepare(aws, request_for(WEST, expect_account="999999999999"))
    assert aws.sent() == []


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={IRELAND: "Replication failed: no luck"})
    aws.replicate_by_hand(IRELAND)
    (secret,) = replicate(aws, WEST)
    assert [row.region for row in secret.replicas] == [WEST]
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db also Failed in eu-west-1, which you did not select: Replication failed: no luck",)


def test_dry_run_decides_and_sends_nothing(aws: FakeAws) -> None:
    aws.create()
    run = prepare(aws, request_for(WEST))
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.ADD, False, None)
    assert aws.sent() == []


def test_a_primary_that_vanishes_while_waiting_is_told(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("DescribeSecret", HOME)}))
    run = prepare(aws, request_for(WEST))
    assert run.secrets()[0].outcome is Outcome.ACCESS
    assert aws.sent() == []


def test_a_secret_of_the_same_name_in_another_account_is_not_taken_for_a_name_conflict(aws: FakeAws) -> None:
    from dataclasses import replace

    aws.create()
    ours = aws.describe

    def describe(secret_id: str, region: Region) -> Any:
        secret = ours(secret_id if region == HOME else "prod/db", HOME)
        return secret if region == HOME else replace(secret, region=region, arn=secret.arn.replace("1234", "9999"))

    aws.describe = describe  # type: ignore[method-assign]  # another account's view can't be simulated
    row = only(replicate(aws, WEST, consent=Consent(force=True)))
    assert [each.kind for each in row.findings] == ["unchecked"]
    assert aws.sent() == []
