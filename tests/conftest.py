"""The fixtures of all folders; what tests import lies in fixtures.py and fakes.py."""

import pytest
from fixtures import make_sandbox, sandbox, world
from live.options import add_options

__all__ = ["make_sandbox", "sandbox", "world"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Turn the session into an acceptance run, where that is asked for."""
    if config.getoption("--live"):
        from live.run import start

        start(config)
