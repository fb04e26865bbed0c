"""The scheduler of steps: what is due first, what was begun first, and how a run ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st
from use_case_run import steps_of

from smrep.output.progress import SystemClock
from smrep.service.fleet.scheduler import Scheduler

Log = list[tuple[float, str]]


def job(clock: Clock, log: Log, name: str, *pauses: float, takes_s: float = 0.0) -> Callable[[], float | None]:
    """Return a job that does a step, takes that long for it, and comes back after each of the pauses."""
    left = list(pauses)

    def step() -> float | None:
        log.append((clock.time, name))
        clock.time += takes_s
        return clock.time + left.pop(0) if left else None

    return step


def run(crew: Scheduler, *jobs: Callable[[], float | None]) -> None:
    crew.run(jobs, lambda: None)


def names(log: Log) -> str:
    return "".join(name for _, name in log)


# in the caller's thread, on a clock that only sleeping moves


def test_fresh_jobs_are_begun_in_their_order() -> None:
    clock, log = Clock(), Log()
    run(Scheduler(clock, 1), *(job(clock, log, name) for name in "abc"))
    assert names(log) == "abc"
    assert clock.sleeps == []


def test_what_is_due_comes_before_what_was_not_begun() -> None:
    clock, log = Clock(), Log()
    run(Scheduler(clock, 1), *(job(clock, log, name, 1.5, takes_s=1.0) for name in "abcd"))
    assert names(log) == "abcabcdd"


def test_of_several_that_are_due_the_one_due_longest_comes_first() -> None:
    clock, log = Clock(), Log()
    run(
        Scheduler(clock, 1),
        job(clock, log, "a", 9.0),
        job(clock, log, "b", 3.0),
        job(clock, log, "c", 3.0),
        job(clock, log, "d", takes_s=20.0),
    )
    assert names(log) == "abcdbca"


def test_where_nothing_is_due_it_sleeps_just_until_something_is() -> None:
    clock, log = Clock(), Log()
    run(Scheduler(clock, 1), job(clock, log, "a", 2.0, 5.0), job(clock, log, "b", 3.0))
    assert log == [(0.0, "a"), (0.0, "b"), (2.0, "a"), (3.0, "b"), (7.0, "a")]
    assert clock.sleeps == [2.0, 1.0, 4.0]


@given(st.lists(st.lists(st.floats(0, 100), max_size=4), max_size=8))
def test_every_step_is_done_once_and_none_before_it_is_due(jobs: list[list[float]]) -> None:
    clock, log = Clock(), Log()
    run(Scheduler(clock, 1), *(job(clock, log, str(number), *pauses) for number, pauses in enumerate(jobs)))
    assert Counter(name for _, name in log) == {str(number): len(each) + 1 for number, each in enumerate(jobs)}
    for number, pauses in enumerate(jobs):
        times = [at for at, name in log if name == str(number)]
        assert all(later >= earlier for earlier, later in pairwise(times))
        assert times[-1] >= sum(pauses) - 1e-6


def test_a_job_that_fails_ends_the_run_and_nothing_more_is_begun() -> None:
    clock, log = Clock(), Log()

    def fails() -> float | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Scheduler(clock, 1), job(clock, log, "a", 1.0), fails, job(clock, log, "b"))
    assert names(log) == "a"


def test_once_stopped_nothing_more_is_begun() -> None:
    clock, log = Clock(), Log()
    crew = Scheduler(clock, 1)

    def stops() -> float | None:
        crew.stop.set()
        return 1.0

    run(crew, job(clock, log, "a", 1.0), stops, job(clock, log, "b"))
    assert names(log) == "a"


# with threads


@pytest.mark.parametrize("width", [2, 5, 24])
def test_threads_do_every_step_of_every_job(width: int) -> None:
    clock, counts, lock = SystemClock(), Counter[int](), threading.Lock()

    def counting(number: int) -> Callable[[], float | None]:
        def step() -> float | None:
            with lock:
                counts[number] += 1
                return clock.monotonic() if counts[number] <= number % 3 else None

        return step

    run(Scheduler(clock, width), *(counting(number) for number in range(60)))
    assert counts == {number: number % 3 + 1 for number in range(60)}


def test_steps_really_run_at_the_same_time() -> None:
    together = threading.Barrier(4)

    def meets() -> float | None:
        together.wait(timeout=60)
        return None

    run(Scheduler(SystemClock(), 8), *[meets] * 4)
    assert not together.broken


def test_half_of_the_crew_is_kept_for_what_was_begun() -> None:
    clock = SystemClock()
    hangs, looked = threading.Event(), threading.Event()
    begun = iter([True, False])

    def polled() -> float | None:
        if next(begun):
            return clock.monotonic()
        looked.set()
        return None

    def hanging() -> float | None:
        assert looked.wait(timeout=60)  # a look gets its turn though every fresh job hangs
        hangs.set()
        return None

    run(Scheduler(clock, 4), polled, *[hanging] * 6)
    assert hangs.is_set()


def test_what_fails_in_a_thread_is_raised_in_the_callers_and_what_is_under_way_ends_first() -> None:
    failed, ended, begun = threading.Event(), threading.Event(), Counter[str]()

    def slow() -> float | None:
        failed.wait(timeout=60)
        ended.set()
        return None

    def fails() -> float | None:
        failed.set()
        raise ZeroDivisionError

    def late() -> float | None:
        begun["late"] += 1
        return None

    with pytest.raises(ZeroDivisionError):
        run(Scheduler(SystemClock(), 4), slow, fails, *[late] * 5000)
    assert ended.is_set()
    assert begun["late"] < 5000


def test_finish_waits_for_what_is_under_way_and_begins_nothing_else() -> None:
    crew = Scheduler(SystemClock(), 2)
    under_way, begun = threading.Event(), Counter[str]()

    def slow() -> float | None:
        under_way.set()
        crew.stop.wait(timeout=60)
        begun["ended"] += 1
        return 0.0

    def late() -> float | None:
        begun["late"] += 1
        return None

    turns = steps_of(partial(crew.run, [slow, late]))
    while not under_way.is_set():
        next(turns)
    crew.finish()
    assert begun == {"ended": 1}
    assert list(turns) == []
    assert begun == {"ended": 1}


def test_a_caller_that_goes_away_stops_it() -> None:
    crew = Scheduler(SystemClock(), 2)
    turns = steps_of(partial(crew.run, [lambda: 1e9]))
    next(turns)
    turns.close()  # type: ignore[attr-defined]
    assert crew.stop.is_set()
