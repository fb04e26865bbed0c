"""`promote` on the simulator: looks that lag or fail once, and what may have been sent."""

from __future__ import annotations

import pytest
from fakes import HOME, WEST, World, only
from service import promoting_scene as promoting
from service.lagging_worlds import STOP, Lagging, once, run_out

from smrep.errors import ConfigurationError, Denied, NotFound, Outcome
from smrep.regions import Region


def test_a_second_promotion_that_is_refused_does_not_fail_the_first_whose_answer_was_lost() -> None:
    world = Lagging()
    promoting.replicated(world)
    world.lag(Region(WEST), 20.0, after=STOP)
    world.lose[STOP] = ["after"]
    (secret,) = promoting.promote(world)
    row = only((secret,))
    assert (world.count(STOP), len(promoting.promotions(world))) == (2, 1)
    assert (secret.outcome.exit_code, row.changed, row.error, row.note) == (0, True, None, "stands alone")
    assert any("was refused the second time" in note for note in secret.notes)


def test_one_not_found_right_after_an_accepted_promotion_is_no_failure(world: World) -> None:
    promoting.replicated(world)
    run = promoting.prepare(world)
    world.on_call = once(NotFound("can't find it"), "DescribeSecret", WEST)
    row = only(run_out(run))
    assert (row.outcome, row.changed, row.error) == (Outcome.OK, True, None)


def test_an_old_primary_that_can_not_even_be_asked_is_a_note(world: World) -> None:
    promoting.replicated(world)
    world.on_call = once(ConfigurationError("no endpoint for us-east-1"), "DescribeSecret", HOME)
    (secret,) = promoting.promote(world)
    assert secret.outcome is Outcome.OK
    assert "did not tell what it still lists: no endpoint for us-east-1" in secret.notes[0]


@pytest.mark.parametrize("then", ["lost", "carried out", "denied"])
def test_a_promotion_may_have_been_sent_once_its_answer_was_lost(world: World, then: str) -> None:
    promoting.replicated(world)
    run = promoting.prepare(world, timeout_s=60.0)
    world.lose[STOP] = ["before"] * (9 if then == "lost" else 1)

    def second(operation: str, _region: str) -> None:
        if operation == STOP and then == "denied" and world.count(STOP) == 2:
            raise Denied("no", code="AccessDeniedException")

    world.on_call = second
    run_out(run)
    assert (run.was_sent, world.count(STOP)) == (True, 2)


def test_a_promotion_that_was_refused_was_not_sent(world: World) -> None:
    promoting.replicated(world, denied=frozenset({(STOP, WEST)}))
    run = promoting.prepare(world)
    run_out(run)
    assert (run.was_sent, world.count(STOP)) == (False, 1)
