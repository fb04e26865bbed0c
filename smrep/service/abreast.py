"""One call per item, side by side, so that five Regions take as long as one, and a dead one no longer than allowed."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn, TypeVar

from smrep.service.ports import Clock

A = TypeVar("A")
B = TypeVar("B")

WIDTH = 8
"""How many calls are under way at once."""
LOOK_S = 5.0
"""How far a look may outlast the deadline: the last look at it is still wanted, a Region that hangs is not."""
_PULSE_S = 1.0


def nothing() -> None:
    """Do nothing while waiting."""


def patience(clock: Clock, deadline: float) -> float:
    """Return for how many seconds to wait for looks that begin now."""
    return max(deadline - clock.monotonic(), LOOK_S)


def abreast(
    call: Callable[[A], B],
    items: Sequence[A],
    *,
    late: Callable[[A], B] | None = None,
    patience_s: float | None = None,
    pulse: Callable[[], None] | None = None,
) -> list[B]:
    """Return the answers in the order of the items.

    After `patience_s`, what `late` returns stands for the answers that have not come; `pulse` is called about once a
    second meanwhile. The threads are daemons, so that neither an interrupt nor the end of the process waits for a
    Region that does not answer. What a call raises is raised here, once.
    """
    if len(items) <= 1 and patience_s is None and pulse is None:
        return [call(item) for item in items]
    answers = _started(call, items)
    until = time.monotonic() + patience_s if late and patience_s is not None else float("inf")
    results: dict[int, B] = {}
    due = time.monotonic() + _PULSE_S
    while len(results) < len(items):
        try:
            place, answer = answers.get(timeout=max(0.0, min(due, until) - time.monotonic()))
            results[place] = answer()
        except queue.Empty:
            if late and time.monotonic() >= until:
                results |= {place: late(item) for place, item in enumerate(items) if place not in results}
        if time.monotonic() >= due:
            (pulse or nothing)()
            due = time.monotonic() + _PULSE_S
    return [results[place] for place in range(len(items))]


def _started(call: Callable[[A], B], items: Sequence[A]) -> queue.SimpleQueue[tuple[int, Callable[[], B]]]:
    """Begin the calls; return the queue to which each answer comes, with its place among the items."""
    waiting: queue.SimpleQueue[tuple[int, A]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, Callable[[], B]]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        waiting.put(numbered)

    def work() -> None:
        while not waiting.empty():
            try:
                place, item = waiting.get_nowait()
            except queue.Empty:
                return
            answers.put((place, _outcome(call, item)))

    for _ in range(min(WIDTH, len(items))):
        threading.Thread(target=work, daemon=True).start()
    return answers


def _outcome(call: Callable[[A], B], item: A) -> Callable[[], B]:
    """Return a function that returns or raises in the caller's thread what the call did in this one."""
    try:
        result = call(item)
    except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
        return partial(_fail, error)
    return lambda: result


def _fail(error: BaseException) -> NoReturn:
    raise error
