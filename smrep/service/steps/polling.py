"""Poll until a state is reached or the deadline passes, and retry throttled calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result, wait_exponential

from smrep.errors import Throttled
from smrep.service.ports import Clock
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import parallel, time_left

A = TypeVar("A")
T = TypeVar("T")

_PACE = wait_exponential(multiplier=0.5, exp_base=1.4, max=5)
_JITTER_S = 0.5
_jitter = random.Random()  # noqa: S311 - it spreads calls and guards nothing


def poll(look: Callable[[], T], done: Callable[[T], bool], *, clock: Clock, deadline: float) -> T:
    """Look at once, then every 0.5 to 5.5 s, and last at the deadline; return the last look.

    Ends when `done` accepts a look, a look raises, or the look at the deadline (in the clock's seconds) is made. Never
    sleeps past the deadline.
    """
    looks = _retrying(
        clock,
        deadline,
        retry=retry_if_result(lambda seen: not done(seen)),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return looks(look)


def watch(
    look: Callable[[A], object],
    still_open: Callable[[], Sequence[A]],
    run: RunState,
    *,
    after: Callable[[], object] | None = None,
) -> None:
    """Look at all open items in parallel, until none is open or the deadline passes.

    After each tick, call `after` and update the run's observer. A look that takes too long yields no news.
    """

    def tick() -> None:
        patience_s = time_left(run.clock, run.deadline)
        parallel(look, still_open(), late=lambda _: None, patience_s=patience_s, pulse=run.heartbeat)
        if after:
            after()
        run.update()

    poll(tick, lambda _: not still_open(), clock=run.clock, deadline=run.deadline)


def retry_throttled(clock: Clock, deadline: float) -> Retrying:
    """Return a caller that retries only Throttled, until the deadline.

    Raises the last call's error.
    """
    return _retrying(clock, deadline, retry=retry_if_exception_type(Throttled), reraise=True)


def _retrying(clock: Clock, deadline: float, **how: Any) -> Retrying:
    """Return tenacity's loop on our clock; it never sleeps past the deadline."""

    def pause(state: RetryCallState) -> float:
        return max(0.0, min(_PACE(state) + _jitter.uniform(0, _JITTER_S), deadline - clock.monotonic()))

    return Retrying(stop=lambda _: clock.monotonic() >= deadline, wait=pause, sleep=clock.sleep, **how)
