"""`replicate` on the simulator: how long it waits, and what is pending when its time is up."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import Outcome


def test_the_deadline_leaves_open_regions_pending(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=5.0, replication_delay_by_region={WEST: 999.0})
    (secret,) = replicate(aws, WEST, IRELAND, timeout_s=20.0)
    assert [row.outcome for row in secret.replicas] == [Outcome.PENDING, Outcome.OK]
    assert aws.clock.time == pytest.approx(20.0)


def test_timeout_zero_looks_once(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, WEST, timeout_s=0.0))
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, "InProgress", True)
    assert aws.clock.sleeps == []


def test_no_wait_ends_with_what_aws_accepted(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, WEST, wait=False))
    assert (row.outcome, row.status, row.changed) == (Outcome.ACCEPTED, "InProgress", True)
    assert aws.count("DescribeSecret", HOME) == 1


def test_throttling_is_sent_again_until_it_passes(aws: FakeAws) -> None:
    for name in ("a", "b", "c"):
        aws.create(name)
    aws.clock.time += 5
    aws.faults(write_quota=1)
    secrets = replicate(aws, WEST, names=("a", "b", "c"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    done = [call for call in aws.simulator.log if call.operation == "ReplicateSecretToRegions" and not call.code]
    assert len(done) == 3


def test_throttling_for_ever_ends_at_the_deadline(aws: FakeAws) -> None:
    aws.create()
    aws.faults(write_quota=0)
    row = only(replicate(aws, WEST, timeout_s=30.0))
    assert row.outcome is Outcome.PENDING
    assert row.error is not None
    assert row.error.code == "ThrottlingException"
    assert row.changed is False
    assert 30.0 <= aws.clock.time < 31.0  # a turn that was reserved before the deadline is waited for, but not used


def test_requests_that_hang_do_not_outlast_the_deadline_for_ever(aws: FakeAws) -> None:
    names = tuple(f"s{number}" for number in range(12))
    for name in names:
        aws.create(name)
    aws.lose["ReplicateSecretToRegions"] = ["before"] * 99

    def hang(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            aws.clock.sleep(10.0)

    aws.on_call = hang
    secrets = replicate(aws, WEST, names=names, timeout_s=3.0)
    assert {secret.outcome for secret in secrets} == {Outcome.PENDING}
    begun = aws.count("ReplicateSecretToRegions")
    assert 1 <= begun <= 4  # those that were begun together
    codes = [secret.replicas[0].error and secret.replicas[0].error.code for secret in secrets]
    assert codes.count("NotSent") == 12 - begun
    hint = secrets[-1].replicas[0].error
    assert hint is not None
    assert hint.hint == "try again:\n  smrep replicate s11 --primary-region us-east-1 -r us-west-2"


def test_a_look_that_took_the_whole_time_does_not_keep_the_request_back(aws: FakeAws) -> None:
    aws.create()

    def slow(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and not aws.sent():
            aws.clock.sleep(9.0)

    aws.on_call = slow
    row = only(replicate(aws, WEST, timeout_s=2.0))
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_nothing_more_is_sent_once_a_run_has_ended(aws: FakeAws) -> None:
    names = tuple(f"s{number}" for number in range(9))
    for name in names:
        aws.create(name)
    run = prepare(aws, request_for(WEST, names=names))
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    sent = aws.count("ReplicateSecretToRegions")
    assert sent == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4


def test_a_kms_that_hangs_does_not_hold_the_result_up(aws: FakeAws) -> None:
    import threading

    aws.create()
    never = threading.Event()
    metadata = aws.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    aws.call("CreateAlias", WEST, service="kms", AliasName="alias/dr", TargetKeyId=metadata["KeyId"])
    run = prepare(aws, request_for(f"{WEST}=alias/dr"), timeout_s=3.0)
    aws.faults(replication_delay_s=0.0)
    aws.on_call = lambda operation, _region: never.wait(60) and None if operation == "DescribeKey" else None
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    for _ in run.act():
        pass
    never.set()
    assert only(run.secrets()).outcome in {Outcome.OK, Outcome.PENDING}
