"""Calls side by side: order, errors, and no waiting for what does not answer."""

from __future__ import annotations

import threading
import time

import pytest

from smrep.service.steps.parallel import WIDTH, parallel


def test_answers_come_in_the_order_of_the_items() -> None:
    assert parallel(lambda n: n * n, range(50)) == [n * n for n in range(50)]


def test_without_items_nothing_is_waited_for() -> None:
    assert parallel(str, [], pulse=lambda: None, late=str, patience_s=10) == []


def test_what_a_call_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel(lambda n: 1 // n, [1, 0, 2])


def test_calls_really_run_at_the_same_time() -> None:
    together = threading.Barrier(3)
    assert parallel(lambda _: together.wait(timeout=60) >= 0, [1, 2, 3]) == [True] * 3


@pytest.mark.parametrize("items", [["dead"], ["alive", "dead"]])
def test_what_does_not_answer_in_time_is_late(items: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    never, late, real = threading.Event(), threading.Event(), time.monotonic
    before = set(threading.enumerate())
    monkeypatch.setattr(time, "monotonic", lambda: real() + (100.0 if late.is_set() else 0.0))

    def call(item: str) -> str:
        if item == "dead":
            for thread in set(threading.enumerate()) - before - {threading.current_thread()}:
                thread.join(timeout=60)  # once what is alive has answered, it is late
            late.set()
            never.wait(timeout=60)
        return item

    answers = parallel(call, items, late=lambda item: f"{item}, late", patience_s=60.0)
    assert answers == [{"dead": "dead, late"}.get(each, each) for each in items]
    never.set()


def test_a_pulse_is_felt_while_waiting() -> None:
    felt = threading.Event()
    assert parallel(lambda _: felt.wait(timeout=60), [1], pulse=felt.set) == [True]


def test_after_a_failure_no_call_begins() -> None:
    begun: list[int] = []

    def call(item: int) -> None:
        begun.append(item)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parallel(call, range(100))
    assert len(begun) <= WIDTH


def test_after_an_interrupt_no_call_begins() -> None:
    begun: list[int] = []
    full, go_on = threading.Semaphore(0), threading.Event()

    def call(item: int) -> None:
        begun.append(item)
        full.release()
        go_on.wait(timeout=60)

    def interrupted() -> None:
        for _ in range(WIDTH):
            full.acquire()
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        parallel(call, range(100), pulse=interrupted)
    go_on.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
    assert len(begun) == WIDTH
