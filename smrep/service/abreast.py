"""One call per item, side by side, so that five Regions take as long as one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_WIDTH = 8


def abreast(call: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Return the answers in the order of the items; at most eight calls are under way at once.

    The threads are daemons, so that an interrupt does not wait for a Region that does not answer. What a call raises
    is raised here, once.
    """
    if len(items) <= 1:
        return [call(item) for item in items]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, B | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            try:
                place = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answers.put((place, call(items[place]), None))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                answers.put((place, None, error))

    for place in range(len(items)):
        waiting.put(place)
    for _ in range(min(_WIDTH, len(items))):
        threading.Thread(target=work, daemon=True).start()
    results: dict[int, B] = {}
    for _ in items:
        place, answer, error = answers.get()
        if error is not None:
            raise error
        results[place] = answer  # type: ignore[assignment]  # B may itself be optional
    return [results[place] for place in range(len(items))]
