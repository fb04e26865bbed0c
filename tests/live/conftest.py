"""The run that the tests of this folder belong to."""

from __future__ import annotations

from typing import Any

import pytest
from live.options import HOW

FOLDER = "tests/live/"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one test of this folder where there is no run: it is skipped in one line, for all."""
    if not config.pluginmanager.has_plugin("live-run"):
        ours = [item for item in items if item.nodeid.startswith(FOLDER)]
        items[:] = [item for item in items if item not in ours[1:]]


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Any:
    """Return the run; there is one with --live only."""
    run = request.config.pluginmanager.get_plugin("live-run")
    if run is None:
        pytest.skip(HOW)
    return run
