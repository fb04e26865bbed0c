"""Work side by side where the system has few threads to give, or none: it takes longer, and gets done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from fakes import Clock
from few_threads import few_threads

from smrep.output.progress import SystemClock
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.steps.parallel import WIDTH, parallel, start_threads


@pytest.mark.parametrize("most", range(6))
def test_a_crew_does_every_step_with_as_many_threads_as_there_are(most: int) -> None:
    steps, at_once, most_at_once, lock = Counter[int](), 0, 0, threading.Lock()

    def job(number: int) -> Callable[[], float | None]:
        def step() -> float | None:
            nonlocal at_once, most_at_once
            with lock:
                at_once += 1
                most_at_once = max(at_once, most_at_once)
                steps[number] += 1
            with lock:
                at_once -= 1
            return 0.0 if steps[number] < 3 else None

        return step

    with few_threads(most) as threads:
        Scheduler(SystemClock(), 5).run((job(number) for number in range(20)), lambda: None)
    assert steps == dict.fromkeys(range(20), 3)
    assert most_at_once <= max(most, 1)
    assert threads.refused == (most < 5)


def test_a_crew_without_threads_waits_on_the_clock_as_one_of_width_one_does() -> None:
    clock, pauses = Clock(), [2.0, 5.0]
    with few_threads(0):
        Scheduler(clock, 24).run([lambda: clock.time + pauses.pop(0) if pauses else None], lambda: None)
    assert clock.sleeps == [2.0, 5.0]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_what_a_step_raises_is_raised_and_stops_the_crew(most: int) -> None:
    begun = Counter[str]()

    def fails() -> float | None:
        raise ZeroDivisionError

    def late() -> float | None:
        begun["late"] += 1
        return None

    crew = Scheduler(SystemClock(), 5)
    with few_threads(most), pytest.raises(ZeroDivisionError):
        crew.run([fails, *[late] * 5000], lambda: None)
    assert crew.stop.is_set()
    assert begun["late"] < 5000


@pytest.mark.parametrize("most", [0, 1, 7, 8])
def test_calls_are_all_made_and_their_answers_in_order(most: int) -> None:
    with few_threads(most) as threads:
        assert parallel(lambda n: n * n, range(50)) == [n * n for n in range(50)]
    assert threads.refused == (most < WIDTH)


@pytest.mark.parametrize("most", [0, 1])
def test_what_a_call_raises_is_raised_without_threads_too_and_no_other_begins(most: int) -> None:
    begun: list[int] = []

    def call(item: int) -> None:
        begun.append(item)
        raise ZeroDivisionError

    with few_threads(most), pytest.raises(ZeroDivisionError):
        parallel(call, range(100))
    assert begun == [0]


def test_without_threads_what_has_not_begun_in_time_is_late() -> None:
    begun: list[str] = []

    def call(item: str) -> str:
        begun.append(item)
        return item

    with few_threads(0):
        answers = parallel(call, ["first", "second"], late=lambda item: f"{item}, late", patience_s=0.0)
    assert (begun, answers) == (["first"], ["first", "second, late"])


def test_calls_within_a_crews_steps_are_made_where_its_threads_were_the_last() -> None:
    answers: list[list[int]] = []

    def step() -> float | None:
        answers.append(parallel(lambda n: n + 1, [1, 2, 3]))
        return None

    with few_threads(3):
        Scheduler(SystemClock(), 3).run([step] * 9, lambda: None)
    assert answers == [[2, 3, 4]] * 9


def test_none_begins_before_all_are_started() -> None:
    with few_threads(4) as threads:
        counts: list[int] = []
        done = threading.Semaphore(0)

        def work() -> None:
            counts.append(len(threads.alive))
            done.release()

        assert start_threads(work, 4) == 4
        for _ in range(4):
            assert done.acquire(timeout=60)
    assert counts == [4] * 4
