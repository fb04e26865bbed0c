"""`promote` on the simulator: once is enough, and done is what stands alone when it is read back."""

from __future__ import annotations

import pytest
from fakes import WEST, FakeAws, only
from service.promote_scene import STOP, prepare, promote, promotions, replicated, stands_alone

from smrep.errors import CredentialsError, Outcome
from smrep.model import in_region
from smrep.regions import Region
from smrep.report import Action


class Slow(FakeAws):
    """A world in which an accepted promotion shows only after so many sleeps."""

    shows_after: int = 3

    def promote(self, secret_id: str, region: Region) -> None:
        self.calls.append((STOP, region, secret_id))
        self.on_call = self._catch_up

    def _catch_up(self, operation: str, region: str) -> None:
        if len(self.clock.sleeps) == self.shows_after:
            self.on_call = lambda _operation, _region: None
            self.call(STOP, WEST, SecretId="prod/db")


def test_running_again_changes_nothing_and_asks_nobody_else(aws: FakeAws) -> None:
    arn = replicated(aws)
    promote(aws)
    (secret,) = promote(aws)
    row = only((secret,))
    assert (row.outcome, row.changed, row.action, row.arn) == (
        Outcome.OK,
        False,
        Action.PROMOTE,
        in_region(arn, WEST),
    )
    assert (aws.count(STOP), promotions(aws)) == (0, [in_region(arn, WEST)])
    assert [region for _, region, _ in aws.calls] == [WEST]
    assert secret.notes == ("prod/db in us-west-2 is already standalone; nothing was sent",)


def test_a_secret_that_was_never_a_replica_is_standalone_already(aws: FakeAws) -> None:
    aws.create(region=WEST)
    (secret,) = promote(aws)
    assert (secret.outcome, only((secret,)).changed, aws.count(STOP)) == (Outcome.OK, False, 0)


def test_interrupted_and_repeated_it_sends_nothing_more(aws: FakeAws) -> None:
    aws = Slow(aws.clock, aws.simulator)
    replicated(aws)
    run = prepare(aws)
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    assert (only(run.secrets()).outcome, only(run.secrets()).changed) == (Outcome.PENDING, True)
    aws.call(STOP, WEST, SecretId="prod/db")  # what was accepted comes true
    row = only(promote(aws))
    assert (row.outcome, row.changed, aws.count(STOP)) == (Outcome.OK, False, 0)


def test_nothing_more_is_sent_once_a_run_has_ended(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        replicated(aws, name=name)
    run = prepare(aws, *names)
    acting = run.act()
    next(acting)
    acting.close()
    assert (aws.count(STOP), run.was_sent) == (4, True)
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4


def test_several_secrets_are_promoted_side_by_side(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        replicated(aws, name=name)
    aws.create("alone", region=WEST)
    secrets = promote(aws, *names, "alone")
    assert {secret.outcome for secret in secrets} == {Outcome.OK}
    assert [secret.replicas[0].changed for secret in secrets] == [True] * 9 + [False]
    assert all(stands_alone(aws, WEST, name) for name in names)


# reading back


def test_a_replica_that_still_shows_as_one_is_waited_for(aws: FakeAws) -> None:
    aws = Slow(aws.clock, aws.simulator)
    replicated(aws)
    row = only(promote(aws))
    assert (row.outcome, row.changed, aws.count(STOP)) == (Outcome.OK, True, 1)
    assert len(aws.clock.sleeps) == 3
    assert stands_alone(aws)


def test_one_that_never_becomes_standalone_is_pending_at_the_deadline(aws: FakeAws) -> None:
    aws = Slow(aws.clock, aws.simulator)
    aws.shows_after = 99_999
    replicated(aws)
    started = aws.clock.time
    (secret,) = promote(aws, timeout_s=20.0)
    assert (secret.outcome, only((secret,)).changed) == (Outcome.PENDING, True)
    assert aws.clock.time - started == pytest.approx(20.0)


def test_no_wait_ends_with_what_aws_accepted(aws: FakeAws) -> None:
    replicated(aws)
    row = only(promote(aws, wait=False))
    assert (row.outcome, row.changed) == (Outcome.ACCEPTED, True)
    assert aws.count("DescribeSecret", WEST) == 1
    assert aws.clock.sleeps == []


def test_timeout_zero_sends_and_looks_once(aws: FakeAws) -> None:
    replicated(aws)
    row = only(promote(aws, timeout_s=0.0))
    assert (row.outcome, row.changed) == (Outcome.OK, True)
    assert aws.clock.sleeps == []


def test_a_poll_that_gets_no_answer_is_a_tick_without_news(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws)
    aws.lose["DescribeSecret"] = ["before"] * 3
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.OK


def test_a_read_back_that_is_denied_is_not_taken_for_done(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed) == (Outcome.ACCESS, True)


def test_dry_run_decides_and_sends_nothing(aws: FakeAws) -> None:
    arn = replicated(aws)
    row = only(prepare(aws).secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.arn) == (
        Outcome.OK,
        Action.PROMOTE,
        False,
        in_region(arn, WEST),
    )
    assert aws.calls == [("DescribeSecret", WEST, "prod/db")]


def test_credentials_that_expire_while_reading_back_end_the_run_with_what_was_done(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws)

    def expire(operation: str, region: str) -> None:
        if operation == "DescribeSecret":
            raise CredentialsError("expired", code="ExpiredTokenException")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    row = only(run.secrets())
    assert (row.changed, row.outcome) == (True, Outcome.PENDING)


def test_a_secret_that_vanishes_while_read_back_is_told(aws: FakeAws) -> None:
    replicated(aws)
    run = prepare(aws)

    def vanish(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST and stands_alone(aws):
            aws.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
            aws.clock.time += 10

    aws.on_call = vanish
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert row.error is not None
    assert (row.outcome, row.error.code) == (Outcome.FAILED, "ResourceNotFoundException")
