"""`remove` on the simulator: requests that AWS refuses, throttles or does not know the credentials of."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, is_there, only
from service.remove_scene import REMOVE, DenyingAws, listed, prepare, removals, remove, replicated

from smrep.errors import CredentialsError, Outcome


def test_a_refusal_of_one_region_is_isolated(aws: FakeAws) -> None:
    aws = DenyingAws(aws.clock, aws.simulator)
    replicated(aws, WEST, IRELAND, SYDNEY)
    (secret,) = remove(aws, WEST, IRELAND, SYDNEY)
    assert [row.outcome for row in secret.replicas] == [Outcome.OK, Outcome.ACCESS, Outcome.OK]
    assert [row.changed for row in secret.replicas] == [True, False, True]
    denied = secret.replicas[1]
    assert denied.error is not None
    assert denied.error.code == "AccessDeniedException"
    assert "secretsmanager:RemoveRegionsFromReplication" in (denied.error.hint or "")
    assert "eu-west-1" in denied.error.message
    assert removals(aws) == [[WEST], [SYDNEY]]
    assert aws.count(REMOVE) == 4  # together, then each by itself
    assert listed(aws) == [IRELAND]


def test_a_denied_removal_is_an_access_outcome_and_changes_nothing(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, denied=frozenset({(REMOVE, HOME)}))
    run = prepare(aws, WEST, IRELAND)
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert [(row.outcome, row.changed) for row in secret.replicas] == [(Outcome.ACCESS, False)] * 2
    assert not run.was_sent
    assert listed(aws) == [WEST, IRELAND]


def test_throttling_is_sent_again_until_it_passes(aws: FakeAws) -> None:
    replicated(aws, removal_delay_s=1.0, write_quota=0)
    run = prepare(aws, WEST)

    def relent(operation: str, _region: str) -> None:
        if operation == REMOVE and len(aws.clock.sleeps) == 3:
            aws.faults(removal_delay_s=1.0)

    aws.on_call = relent
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, len(removals(aws))) == (Outcome.OK, True, 1)


def test_throttling_for_ever_ends_at_the_deadline(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, write_quota=0)
    started = aws.clock.time
    (secret,) = remove(aws, WEST, IRELAND, timeout_s=30.0)
    for row in secret.replicas:
        assert (row.outcome, row.changed) == (Outcome.PENDING, False)
        assert row.error is not None
        assert row.error.code == "ThrottlingException"
    assert 30.0 <= aws.clock.time - started < 40.0  # two Regions that pause at once add their pauses up
    assert removals(aws) == []


def test_requests_that_take_the_whole_time_leave_the_others_unsent(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        aws.create(name)
        aws.replicate_by_hand(WEST, name=name)
    aws.on_call = lambda operation, _region: aws.clock.sleep(40.0) if operation == REMOVE else None
    secrets = remove(aws, WEST, names=names, timeout_s=3.0)
    last = secrets[-1].replicas[0]
    assert 1 <= aws.count(REMOVE) <= 4
    assert (last.outcome, last.changed) == (Outcome.PENDING, False)
    assert last.error is not None
    assert (last.error.code, last.error.hint) == (
        "NotSent",
        "try again:\n  smrep remove s5 --primary-region us-east-1 -r us-west-2",
    )
    assert is_there(aws, WEST, "s5")


def test_credentials_that_expire_while_waiting_end_the_run_with_what_was_done(aws: FakeAws) -> None:
    replicated(aws)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and len(aws.clock.sleeps) > 2:
            raise CredentialsError("expired", code="ExpiredTokenException")

    aws.on_call = expire
    run = prepare(aws, WEST)
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_credentials_that_are_refused_when_sending_claim_nothing(aws: FakeAws) -> None:
    replicated(aws)

    def refuse(operation: str, _region: str) -> None:
        if operation == REMOVE:
            raise CredentialsError("no", code="UnrecognizedClientException")

    run = prepare(aws, WEST)
    aws.on_call = refuse
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert not run.was_sent
    assert only(run.secrets()).changed is False
