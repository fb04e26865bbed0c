"""A signal that comes while a class is being made, which Python before 3.12 wraps, is a signal all the same."""

from __future__ import annotations

from signal import SIGHUP
from typing import Any

import pytest
from fakes import Clock
from fixtures import Sandbox

from smrep.cli import main as entry
from smrep.cli.signals import find_signal
from smrep.errors import Terminated


def wrapped(signal: BaseException) -> None:
    """Raise what Python 3.11 makes of it."""
    raise RuntimeError("Error calling __set_name__ on 'Field' instance") from signal


class Struck(Clock):
    """A clock at which a signal comes with the first pause, or the first question for the date."""

    def __init__(self, signal: BaseException, at: str) -> None:
        super().__init__()
        self.signal, self.at = signal, at

    def now(self) -> Any:
        return wrapped(self.signal) if self.at == "now" else super().now()

    def sleep(self, seconds: float) -> None:
        wrapped(self.signal)


@pytest.mark.parametrize(
    ("signal", "code"), [(KeyboardInterrupt(), 130), (Terminated(), 143), (Terminated(SIGHUP), 129)]
)
@pytest.mark.parametrize("at", ["now", "sleep"])
def test_it_is_no_fault_of_ours(
    make_sandbox: Any, monkeypatch: pytest.MonkeyPatch, signal: BaseException, code: int, at: str
) -> None:
    sandbox: Sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create()
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    assert entry.run(["replicate", "prod/db", "-r", "us-west-2", "--json"], Struck(signal, at)) == code


def test_an_error_without_a_signal_has_none() -> None:
    assert find_signal(ValueError("x")) is None
    assert find_signal(None) is None
