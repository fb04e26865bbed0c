"""The poll loop on a clock that only sleeps move."""

from __future__ import annotations

import pytest
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st
from use_case_run import quiet

from smrep.errors import Refused, Throttled
from smrep.service.steps.polling import poll, retry_throttled, watch


@given(st.floats(0, 400), st.floats(0, 500))
def test_a_poll_ends_when_done_or_at_the_deadline_and_looks_last_there(deadline: float, settles_at: float) -> None:
    clock = Clock()
    looks = []

    def look() -> bool:
        looks.append(clock.time)
        return clock.time >= settles_at

    last = poll(look, lambda settled: settled, clock=clock, deadline=deadline)
    assert looks[0] == 0.0
    assert clock.time <= max(deadline, 0.0) + 1e-9
    if last:
        assert clock.time - settles_at <= 5.5, "the news are at most one interval old"
    else:
        assert looks[-1] == pytest.approx(deadline), "the last look is at the deadline"


@given(st.floats(10, 400))
def test_intervals_grow_to_five_seconds_with_jitter(deadline: float) -> None:
    clock = Clock()
    poll(lambda: False, bool, clock=clock, deadline=deadline)
    assert all(0 <= each <= 5.5 for each in clock.sleeps)
    assert 0.5 <= clock.sleeps[0] <= 1.0


def test_what_a_look_raises_ends_the_poll() -> None:
    with pytest.raises(Refused):
        poll(lambda: (_ for _ in ()).throw(Refused("no")), bool, clock=Clock(), deadline=10)


def test_after_a_tick_what_is_watched_may_be_settled() -> None:
    clock, state = Clock(), {"done": False}
    watch(
        lambda _: None,
        lambda: [] if state["done"] else [1],
        quiet(clock, 100.0),
        after=lambda: state.update(done=True),
    )
    assert clock.time == 0.0


def test_only_throttling_is_sent_again() -> None:
    clock, answers = Clock(), [Throttled("slow"), Throttled("slow"), "done"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retry_throttled(clock, 100)(call) == "done"
    assert len(clock.sleeps) == 2
    answers[:] = [Refused("no"), "done"]
    with pytest.raises(Refused):
        retry_throttled(clock, 100)(call)
