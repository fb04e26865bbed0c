"""`promote` on the simulator: looks that lag or fail once, and what may have been sent."""

from __future__ import annotations

import pytest
from fakes import HOME, WEST, FakeAws, only
from service import promote_scene as promoting
from service.lagging_aws import STOP, LaggingAws, once, run_out

from smrep.errors import ConfigurationError, Denied, NotFound, Outcome
from smrep.regions import Region


def test_a_second_promotion_that_is_refused_does_not_fail_the_first_whose_answer_was_lost() -> None:
    aws = LaggingAws()
    promoting.replicated(aws)
    aws.lag(Region(WEST), 20.0, after=STOP)
    aws.lose[STOP] = ["after"]
    (secret,) = promoting.promote(aws)
    row = only((secret,))
    assert (aws.count(STOP), len(promoting.promotions(aws))) == (2, 1)
    assert (secret.outcome.exit_code, row.changed, row.error, row.note) == (0, True, None, "standalone")
    assert any("AWS refused the repeated request" in note for note in secret.notes)


def test_one_not_found_right_after_an_accepted_promotion_is_no_failure(aws: FakeAws) -> None:
    promoting.replicated(aws)
    run = promoting.prepare(aws)
    aws.on_call = once(NotFound("can't find it"), "DescribeSecret", WEST)
    row = only(run_out(run))
    assert (row.outcome, row.changed, row.error) == (Outcome.OK, True, None)


def test_an_old_primary_that_can_not_even_be_asked_is_a_note(aws: FakeAws) -> None:
    promoting.replicated(aws)
    aws.on_call = once(ConfigurationError("no endpoint for us-east-1"), "DescribeSecret", HOME)
    (secret,) = promoting.promote(aws)
    assert secret.outcome is Outcome.OK
    assert "did not say which Regions it still lists: no endpoint for us-east-1" in secret.notes[0]


@pytest.mark.parametrize("then", ["lost", "carried out", "denied"])
def test_a_promotion_may_have_been_sent_once_its_answer_was_lost(aws: FakeAws, then: str) -> None:
    promoting.replicated(aws)
    run = promoting.prepare(aws, timeout_s=60.0)
    aws.lose[STOP] = ["before"] * (9 if then == "lost" else 1)

    def second(operation: str, _region: str) -> None:
        if operation == STOP and then == "denied" and aws.count(STOP) == 2:
            raise Denied("no", code="AccessDeniedException")

    aws.on_call = second
    run_out(run)
    assert (run.was_sent, aws.count(STOP)) == (True, 2)


def test_a_promotion_that_was_refused_was_not_sent(aws: FakeAws) -> None:
    promoting.replicated(aws, denied=frozenset({(STOP, WEST)}))
    run = promoting.prepare(aws)
    run_out(run)
    assert (run.was_sent, aws.count(STOP)) == (False, 1)
