"""`rekey` on the simulator: lost answers, throttling, and credentials that expire."""

from __future__ import annotations

import pytest
from fakes import HOME, WEST, FakeAws, new_key, only, replicated
from service.rekey_scene import DEFAULT, error_of, key_of, prepare, rekey

from smrep.errors import CredentialsError, Outcome
from smrep.report import Action
from smrep.rules.run_outcome import interruption, resume_commands, timed_out


def test_a_lost_answer_is_looked_for_and_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["UpdateSecret"] = ["after"]
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified, row.error) == (Outcome.OK, True, True, None)
    assert aws.count("UpdateSecret") == 1


def test_a_lost_request_is_sent_again_after_the_replica_had_its_time(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["UpdateSecret"] = ["before"]
    began = aws.clock.time
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert aws.count("UpdateSecret") == 2
    assert aws.clock.time - began >= 15.0


def test_a_request_that_is_never_answered_is_sent_twice_at_most_and_pending(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["UpdateSecret"] = ["before"] * 9
    (secret,) = rekey(aws, timeout_s=120.0)
    row = only((secret,))
    assert (row.outcome, row.changed, row.error) == (Outcome.PENDING, False, None)
    assert aws.count("UpdateSecret") == 2
    assert (
        resume_commands((secret,))
        == "to resume:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"
    )


def test_an_answer_lost_twice_is_found_at_the_second_look(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["UpdateSecret"] = ["before", "after"]
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified, aws.count("UpdateSecret")) == (Outcome.OK, True, True, 2)


def test_what_can_not_be_looked_for_is_not_sent_again(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["UpdateSecret"] = ["after"]
    run = prepare(aws, f"{WEST}=alias/new", timeout_s=60.0)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (aws.count("UpdateSecret"), row.changed, row.outcome) == (1, False, Outcome.PENDING)


def test_throttling_for_ever_is_pending_with_this_command(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(write_quota=0)
    (secret,) = rekey(aws, timeout_s=20.0)
    row = only((secret,))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.PENDING, False, "ThrottlingException")
    trouble = timed_out((secret,), 20.0, 20.0, "rekey")
    assert trouble is not None
    assert "prod/db us-west-2 (perhaps not sent)" in trouble.message
    assert (
        trouble.hint
        == "to resume:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --timeout 1m"
    )
    assert key_of(aws) == DEFAULT


def test_throttling_that_ends_is_outlasted(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(write_quota=0)
    aws.on_call = lambda operation, _: (
        aws.faults() if operation == "UpdateSecret" and len(aws.clock.sleeps) >= 3 else None
    )
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)


def test_credentials_that_expire_end_the_run_and_what_was_done_is_told(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new")

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret":
            raise CredentialsError("no", code="ExpiredTokenException")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        list(run.act())
    row = only(run.secrets())
    assert (row.changed, row.outcome, row.action) == (True, Outcome.PENDING, Action.REKEY)


def test_a_primary_that_may_not_be_looked_at_afterwards_is_told(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new")
    aws.faults(denied=frozenset({("DescribeSecret", HOME)}))
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert (secret.outcome, only((secret,)).changed) == (Outcome.ACCESS, True)
    assert secret.error is not None


def test_an_interrupt_in_place_after_the_request_names_rekey(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new")
    acting = run.act()
    next(acting)
    acting.close()
    trouble = interruption(run.secrets(), sent=run.was_sent, doing="changing the key")
    assert trouble.hint == "to resume:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"
    assert only(run.secrets()).changed is True
