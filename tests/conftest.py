"""The fixtures of all folders; what tests import lies in fixtures.py and fakes.py."""

import gc
import signal
import threading
from collections.abc import Iterator

import pytest
from fixtures import aws, make_sandbox, sandbox
from live.options import add_options

__all__ = ["aws", "make_sandbox", "sandbox"]

LAST_STEPS_S = 60.0
"""How long a thread may take to end once its test has; a safety net."""


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Take the signals that a shell's background job or `nohup` ignores; be an acceptance run with `--live`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    gc.set_threshold(20_000)  # AWS's models are large, and to look through them anew is a fifth of a test's time
    if config.getoption("--live"):
        from live.run import start

        start(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what Hypothesis finds the examples of: few in `make test`, many in `make test-all`."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread of smrep running: it would meet the patches and the signals of the next one."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if str(getattr(getattr(thread, "_target", None), "__module__", None)).startswith("smrep."):
            thread.join(LAST_STEPS_S)
            assert not thread.is_alive(), f"{thread} outlives its test"
