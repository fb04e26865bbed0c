"""Asking again: until a state is reached or the deadline has passed, and past throttling."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result, wait_exponential

from smrep.errors import Throttled
from smrep.service.ports import Clock
from smrep.service.steps.parallel import abreast, patience

A = TypeVar("A")
T = TypeVar("T")

_PACE = wait_exponential(multiplier=0.5, exp_base=1.4, max=5)
_JITTER_S = 0.5
_jitter = random.Random()  # noqa: S311 - it spreads calls and guards nothing


def poll(look: Callable[[], T], done: Callable[[T], bool], *, clock: Clock, deadline: float) -> Iterator[T]:
    """Yield what each look shows: at once, then at growing intervals of 0.5 to 5.5 s, and last at the deadline.

    Ends when `done` says so, or after the look at the deadline (in the clock's seconds), or with what a look raises.
    No sleep goes past the deadline.
    """
    looks = Retrying(
        retry=retry_if_result(lambda found: not done(found)),
        stop=lambda _: clock.monotonic() >= deadline,
        wait=_clipped(clock, deadline),
        sleep=clock.sleep,
        retry_error_callback=lambda _: None,
    )
    for attempt in looks:
        found = look()
        attempt.retry_state.set_result(found)
        yield found


def ticks(
    look: Callable[[A], object],
    still_open: Callable[[], Sequence[A]],
    *,
    clock: Clock,
    deadline: float,
    pulse: Callable[[], None],
) -> Iterator[None]:
    """Look at all that is open, side by side, and yield after each such tick, until nothing is or at the deadline.

    A look that takes too long is a tick without news.
    """

    def tick() -> None:
        abreast(look, still_open(), late=lambda _: None, patience_s=patience(clock, deadline), pulse=pulse)

    for _ in poll(tick, lambda _: not still_open(), clock=clock, deadline=deadline):
        yield


def past_throttling(call: Callable[[], T], *, clock: Clock, deadline: float) -> T:
    """Return the call's answer, sending it again after Throttled and after nothing else.

    Raises:
        Throttled: AWS still said so at the deadline.

    """
    sends = Retrying(
        retry=retry_if_exception_type(Throttled),
        stop=lambda _: clock.monotonic() >= deadline,
        wait=_clipped(clock, deadline),
        sleep=clock.sleep,
        reraise=True,
    )
    return sends(call)


def _clipped(clock: Clock, deadline: float) -> Callable[[RetryCallState], float]:
    """Return how long to pause before the next try, never past the deadline."""

    def pause(state: RetryCallState) -> float:
        return max(0.0, min(_PACE(state) + _jitter.uniform(0, _JITTER_S), deadline - clock.monotonic()))

    return pause
