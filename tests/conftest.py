"""The fixtures of all folders; what tests import lies in fixtures.py and fakes.py."""

import gc
import signal

import pytest
from fixtures import aws, make_sandbox, sandbox
from live.options import add_options

__all__ = ["aws", "make_sandbox", "sandbox"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Take Ctrl-C, which a shell has a job in the background ignore; be an acceptance run where that is asked for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(20_000)  # AWS's models are large, and to look through them anew is a fifth of a test's time
    if config.getoption("--live"):
        from live.run import start

        start(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what Hypothesis finds the examples of: few in `make test`, many in `make test-all`."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")
