"""The first look of a failback at all its secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smrep.rules.recovery.failback_decision import unasked
from smrep.service.recovery.failback_task import Journey
from smrep.service.steps.parallel import abreast

_FIRST = 8
"""So many are looked at first; where a Region answers for none of them, it is not asked about the others."""


def plan_all(journeys: Sequence[Journey], pulse: Callable[[], None]) -> None:
    """Plan all of them, side by side; a Region that does not answer is not waited for hundreds of times.

    Raises:
        CredentialsError: no further call can succeed.

    """
    first, rest = journeys[:_FIRST], journeys[_FIRST:]
    abreast(Journey.plan, first, pulse=pulse)
    silent = [each.left.region for each in first if each.left and each.left.is_silence]
    if len(silent) == _FIRST:
        for each in rest:
            each.leave(unasked(each.entry, silent[0], _FIRST))
        return
    abreast(Journey.plan, rest, pulse=pulse)
