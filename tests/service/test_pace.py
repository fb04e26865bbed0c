"""The pace of writes: never a burst, slower after throttling, back again by and by."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st

from smrep.service.steps.rate_limiter import RateLimiter

PAUSES = st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0, 5.0]), min_size=1, max_size=80)
RATES = st.sampled_from([0.5, 1.0, 5.0, 20.0, 50.0])


def passed(
    pace: RateLimiter, clock: Clock, pauses: list[float], throttled: frozenset[int] = frozenset()
) -> list[float]:
    """Return when each call went out whose caller came so many seconds after the last one."""
    times = []
    for number, pause in enumerate(pauses):
        clock.time += pause
        pace.wait()
        times.append(clock.time)
        if number in throttled:
            pace.throttled()
    return times


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@given(RATES, PAUSES, st.frozensets(st.integers(0, 79)))
def test_no_second_sees_more_than_the_rate_and_no_two_calls_are_nearer_than_that(
    rate: float, pauses: list[float], throttled: frozenset[int]
) -> None:
    clock = Clock()
    times = passed(RateLimiter(clock, rate), clock, pauses, throttled)
    assert all(gap >= 1 / rate - 1e-9 for gap in gaps(times))
    assert all(sum(start <= each < start + 1 for each in times) <= rate + 1 for start in times)


@given(RATES, st.floats(0, 1000), st.integers(1, 50))
def test_what_was_not_used_is_not_made_up_for(rate: float, idle_s: float, count: int) -> None:
    clock = Clock()
    pace = RateLimiter(clock, rate)
    passed(pace, clock, [0.0])
    times = passed(pace, clock, [idle_s, *[0.0] * count])
    assert gaps(times) == pytest.approx([1 / rate] * count)


def test_the_first_call_waits_for_nothing() -> None:
    clock = Clock(1000.0)
    assert passed(RateLimiter(clock, 1.0), clock, [0.0]) == [1000.0]


def test_throttling_halves_the_rate_which_comes_back_in_five_seconds() -> None:
    clock = Clock(100.0)
    pace = RateLimiter(clock, 20.0)
    pace.throttled()
    rates = []
    for _ in range(7):
        rates.append(pace.present_rate)
        clock.time += 1.0
    assert rates == pytest.approx([10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 20.0])


def test_the_next_call_after_throttling_goes_at_the_slower_rate() -> None:
    clock = Clock()
    pace = RateLimiter(clock, 10.0)
    pace.wait()
    pace.throttled()
    assert passed(pace, clock, [0.0])[0] == pytest.approx(0.2)


def test_throttling_that_comes_in_within_a_second_is_one_sign() -> None:
    clock = Clock()
    pace = RateLimiter(clock, 20.0)
    for _ in range(5):
        pace.throttled()
        clock.time += 0.2
    assert pace.present_rate == pytest.approx(12.0)  # halved once, and a second further on its way back
    pace.throttled()
    assert pace.present_rate == pytest.approx(6.0)


@given(RATES, st.lists(st.floats(0, 3), max_size=60))
def test_however_often_it_is_throttled_it_never_stands_still(rate: float, pauses: list[float]) -> None:
    clock = Clock()
    pace = RateLimiter(clock, rate)
    for pause in pauses:
        pace.throttled()
        clock.time += pause
        assert rate * 0.05 - 1e-9 <= pace.present_rate <= rate
    clock.time += 10.0
    assert pace.present_rate == rate


def test_a_turn_that_was_waited_for_ahead_is_not_waited_for_again() -> None:
    clock = Clock()
    pace = RateLimiter(clock, 10.0)
    pace.wait()
    turn = pace.ahead(lambda: False)
    assert clock.time == pytest.approx(0.1)
    assert passed(pace, clock, [0.0]) == pytest.approx([0.2])
    turn.wait()
    assert clock.time == pytest.approx(0.2)
    turn.wait()
    assert clock.time == pytest.approx(0.3)
    turn.throttled()
    assert pace.present_rate == pytest.approx(5.0)


class Stopping(Clock):
    """Time in which the run is stopped during the first sleep."""

    stop = threading.Event()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.stop.set()


def test_who_is_stopped_does_not_wait_for_a_turn_that_is_far_away() -> None:
    clock = Stopping()
    pace = RateLimiter(clock, 0.1)
    pace.wait()
    pace.ahead(clock.stop.is_set)
    assert clock.time <= 0.5


class Still(Clock):
    """Time that stands, in which each caller only notes until when it would have slept."""

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)


def test_threads_share_it_and_each_gets_a_turn_of_its_own() -> None:
    clock = Still()
    pace = RateLimiter(clock, 10.0)
    threads = [threading.Thread(target=pace.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(clock.sleeps) == pytest.approx([each / 10 for each in range(1, 20)])
