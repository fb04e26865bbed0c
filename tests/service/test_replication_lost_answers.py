"""`replicate` on the simulator: answers that are lost or denied while it sends and waits."""

from __future__ import annotations

import pytest
from fakes import WEST, FakeAws, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import CredentialsError, Denied, Outcome


def test_credentials_that_expire_while_waiting_end_the_run_with_what_was_done(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=60.0)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(aws.clock.sleeps) > 2:
            raise CredentialsError(
                "The security token included in the request is expired", code="ExpiredTokenException"
            )

    aws.on_call = expire
    run = prepare(aws, request_for(WEST))
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.status, row.changed, row.outcome) == ("InProgress", True, Outcome.PENDING)


def test_a_lost_answer_is_looked_for_and_not_sent_again(aws: FakeAws) -> None:
    aws.create()
    aws.lose["ReplicateSecretToRegions"] = ["after"]
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert aws.count("ReplicateSecretToRegions") == 1


def test_a_lost_request_is_sent_again_after_the_list_had_its_time(aws: FakeAws) -> None:
    aws.create()
    aws.lose["ReplicateSecretToRegions"] = ["before"]
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert aws.count("ReplicateSecretToRegions") == 2
    assert aws.clock.time >= 15.0


def test_a_write_that_is_never_answered_is_sent_twice_at_most(aws: FakeAws) -> None:
    aws.create()
    aws.lose["ReplicateSecretToRegions"] = ["before"] * 9
    (secret,) = replicate(aws, WEST, timeout_s=60.0)
    assert secret.outcome is Outcome.PENDING
    assert secret.replicas[0].changed is False
    assert aws.count("ReplicateSecretToRegions") == 2
    assert "no answer came" in secret.notes[0]


def test_no_wait_does_not_take_a_lost_request_for_accepted(aws: FakeAws) -> None:
    aws.create()
    aws.lose["ReplicateSecretToRegions"] = ["before", "before"]
    row = only(replicate(aws, WEST, wait=False))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=3.0)
    run = prepare(aws, request_for(WEST))
    aws.lose["DescribeSecret"] = ["before", "before"]
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_what_could_not_be_looked_for_is_not_sent_again(aws: FakeAws) -> None:
    aws.create()
    aws.lose["ReplicateSecretToRegions"] = ["after"]
    run = prepare(aws, request_for(WEST), timeout_s=60.0)
    aws.lose["DescribeSecret"] = ["before"] * 12
    for _ in run.act():
        pass
    assert aws.count("ReplicateSecretToRegions") == 1
    assert only(run.secrets()).status == "InSync"


def test_a_denied_look_after_a_lost_answer_ends_that_secret_only(aws: FakeAws) -> None:
    for name in ("a", "b"):
        aws.create(name)
    aws.lose["ReplicateSecretToRegions"] = ["after"]
    run = prepare(aws, request_for(WEST, names=("a", "b")), timeout_s=60.0)
    lost: list[str] = []

    def deny(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and aws.calls[-1][2].split(":")[-1].startswith("a-") and not lost:
            lost.append("a")
            raise Denied("no", code="AccessDeniedException")

    aws.on_call = deny
    for _ in run.act():
        pass
    outcomes = {secret.name: secret.outcome for secret in run.secrets()}
    assert outcomes["b"] is Outcome.OK
