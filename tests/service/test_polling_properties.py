"""The poll loop, side by side and past throttling, on a clock that only sleeps move."""

from __future__ import annotations

import pytest
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st
from use_case_run import quiet

from smrep.errors import Throttled
from smrep.service.steps.polling import poll, retry_throttled, watch

LONGEST_S = 5.5
deadlines = st.floats(0, 300)
starts = st.floats(0, 1e6)


@given(starts, st.floats(-50, 300), st.floats(0, 400))
def test_a_poll_never_sleeps_past_the_deadline_and_looks_there_last(start: float, left: float, settles: float) -> None:
    clock, looks = Clock(start), []
    deadline = start + left

    def look() -> bool:
        looks.append(clock.time)
        return clock.time - start >= settles

    seen: list[bool] = []
    last = poll(lambda: seen.append(look()) or seen[-1], bool, clock=clock, deadline=deadline)
    assert last == seen[-1]
    assert looks[0] == start, "it looks at once, also where the deadline has passed"
    assert clock.time <= max(start, deadline) + 1e-6
    assert all(0 <= pause <= LONGEST_S for pause in clock.sleeps)
    assert seen[:-1] == [False] * (len(seen) - 1)
    if not seen[-1]:
        assert looks[-1] == pytest.approx(max(start, deadline)), "there is always a last look"
    elif settles > 0:
        assert looks[-1] - start - settles <= LONGEST_S, "news are at most so old"


@given(deadlines, st.lists(st.floats(0, 400), max_size=6))
def test_ticks_look_at_what_is_open_only_and_end_with_the_last_of_it(deadline: float, settles: list[float]) -> None:
    clock = Clock()
    looks: list[tuple[float, int]] = []
    ended: set[int] = set()

    def look(item: int) -> None:
        assert item not in ended
        looks.append((clock.time, item))
        if clock.time >= settles[item]:
            ended.add(item)

    def still_open() -> list[int]:
        return [item for item in range(len(settles)) if item not in ended]

    watch(look, still_open, quiet(clock, deadline))
    assert clock.time <= deadline + 1e-6
    for item, settled in enumerate(settles):
        last = max(time for time, looked in looks if looked == item)
        if item in ended:
            assert last - settled <= LONGEST_S
        else:
            assert last == pytest.approx(deadline)
            assert settled > deadline - 1e-6


@given(deadlines, st.floats(0, 400))
def test_throttling_is_outlasted_until_the_deadline_and_no_longer(deadline: float, over_at: float) -> None:
    clock, sends = Clock(), []

    def call() -> str:
        sends.append(clock.time)
        if clock.time < over_at:
            raise Throttled("slow down")
        return "done"

    try:
        answer = retry_throttled(clock, deadline)(call)
    except Throttled:
        assert sends[-1] == pytest.approx(deadline), "the last try is at the deadline"
    else:
        assert answer == "done"
        assert sends[-1] - over_at <= LONGEST_S
    assert clock.time <= deadline + 1e-6
    assert all(0 <= pause <= LONGEST_S for pause in clock.sleeps)
