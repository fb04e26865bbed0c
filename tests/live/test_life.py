"""The life of a replica in a real account, walked with smrep."""

from __future__ import annotations

from typing import Any

import pytest
from live.steps import STEPS, Step

pytestmark = pytest.mark.live


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step(live: Any, step: Step) -> None:
    live.take(step)
