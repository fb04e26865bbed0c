"""`remove` on the simulator: looks that come too early or fail once, and who is told what of an unsent removal."""

from __future__ import annotations

import pytest
from fakes import HOME, WEST, FakeAws, is_there, kinds, only
from service import remove_scene as removing
from service.lagging_aws import LaggingAws, once, run_out
from service.remove_scene import REMOVE

from smrep.errors import CredentialsError, NotFound, Outcome, Throttled, Unanswered
from smrep.model import Secret
from smrep.regions import Region
from smrep.rules.run_outcome import timed_out


class Hidden(FakeAws):
    """A world in which nothing is found in us-west-2 until so late, whatever is there."""

    until: float = 0.0

    def describe(self, secret_id: str, region: Region) -> Secret:
        found = super().describe(secret_id, region)
        if region == WEST and self.clock.time < self.until:
            raise NotFound("Secrets Manager can't find the specified secret.", f"{secret_id} in {region}")
        return found


def test_a_replica_that_is_not_found_at_first_is_not_gone_before_it_really_is() -> None:
    aws = Hidden()
    removing.replicated(aws, removal_delay_s=20.0)
    began = aws.clock.time
    aws.until = began + 6.0
    row = only(removing.remove(aws, WEST))
    assert (row.outcome, row.changed, is_there(aws)) == (Outcome.OK, True, False)
    assert aws.clock.time - began >= 20.0


def test_a_replica_that_was_seen_is_not_gone_for_one_stray_not_found(aws: FakeAws) -> None:
    removing.replicated(aws)
    run = removing.prepare(aws, WEST)
    began = aws.clock.time
    aws.on_call = once(NotFound("can't find it"), "DescribeSecret", WEST)
    assert only(run_out(run)).outcome is Outcome.OK
    assert (is_there(aws), aws.clock.time - began >= 30.0) == (False, True)


def test_a_removal_whose_answer_and_whose_primary_are_lost_is_not_called_done(aws: FakeAws) -> None:
    removing.replicated(aws)
    run = removing.prepare(aws, WEST)
    aws.lose[REMOVE] = ["after"]
    aws.on_call = once(Unanswered("connection was closed"), "DescribeSecret", HOME, times=999)
    (secret,) = run_out(run)
    row = only((secret,))
    assert (row.outcome, row.changed, aws.count(REMOVE), is_there(aws)) == (Outcome.PENDING, False, 1, False)
    assert ["AWS's list could not be read" in note for note in secret.notes] == [True]


def test_what_goes_by_an_earlier_removal_does_not_tell_of_a_request_that_was_lost(aws: FakeAws) -> None:
    removing.replicated(aws, stale_entry_guards=True)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.replicate_by_hand(WEST)
    aws.lose[REMOVE] = ["before"] * 9
    row = only(removing.remove(aws, WEST))
    assert (row.outcome, row.changed, is_there(aws), removing.listed(aws)) == (
        Outcome.PENDING,
        False,
        False,
        [WEST],
    )


def test_a_second_removal_that_is_refused_does_not_fail_the_first_whose_answer_was_lost() -> None:
    aws = LaggingAws()
    removing.replicated(aws)
    aws.lag(HOME, 20.0, after=REMOVE)
    aws.lose[REMOVE] = ["after"]
    (secret,) = removing.remove(aws, WEST)
    row = only((secret,))
    assert (aws.count(REMOVE), len(removing.removals(aws))) == (2, 1)
    assert (row.outcome, row.changed, row.error, is_there(aws)) == (Outcome.OK, True, None, False)
    assert "AWS refused the repeated request" in secret.notes[0]


def test_one_throttled_look_does_not_end_a_removal(aws: FakeAws) -> None:
    removing.replicated(aws)
    run = removing.prepare(aws, WEST)
    aws.on_call = once(Throttled("Rate exceeded"), "DescribeSecret", WEST)
    row = only(run_out(run))
    assert (row.outcome, row.error, is_there(aws)) == (Outcome.OK, None, False)


def test_credentials_that_expire_while_a_lost_removal_is_looked_for_end_the_run(aws: FakeAws) -> None:
    removing.replicated(aws)
    run = removing.prepare(aws, WEST)
    aws.lose[REMOVE] = ["after"]
    aws.on_call = once(CredentialsError("no", code="ExpiredTokenException"), "DescribeSecret", HOME)
    with pytest.raises(CredentialsError):
        list(run.act())
    assert run.was_sent
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_removal_not_known_to_be_sent_is_waited_for_and_pending_with_this_command(aws: FakeAws) -> None:
    removing.replicated(aws)
    aws.lose[REMOVE] = ["before"] * 9
    began = aws.clock.time
    secrets = removing.remove(aws, WEST, timeout_s=100.0)
    row = only(secrets)
    assert (row.outcome, row.changed, aws.clock.time - began) == (Outcome.PENDING, False, pytest.approx(100.0))
    trouble = timed_out(secrets, 100.0, 100.0, "remove")
    assert trouble is not None
    assert trouble.hint == "to resume:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2 --timeout 200s"


def test_a_removal_that_never_arrived_is_not_said_to_be_under_way(aws: FakeAws) -> None:
    removing.replicated(aws)
    aws.lose[REMOVE] = ["before"] * 9
    secrets = removing.remove(aws, WEST, timeout_s=100.0)
    trouble = timed_out(secrets, 100.0, 100.0, "remove")
    assert trouble is not None
    assert "prod/db us-west-2 (perhaps not sent)" in trouble.message
    assert kinds(only(secrets)) == []
