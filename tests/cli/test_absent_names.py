"""The names that no account of a shard has, while threads still list its accounts: after an interrupt they may."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from smrep.cli.fleet_setup import absent_names


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let Python change between threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty")
def test_names_may_be_read_while_accounts_are_listed() -> None:
    inventory: Any = SimpleNamespace(present=set(), absent={})
    over = threading.Event()

    def listing() -> None:
        number = 0
        while not over.is_set():
            number = (number + 1) % 2000
            inventory.present.add(f"present-{number}")
            inventory.absent[f"absent-{number}"] = number
            if number == 0:
                inventory.present.clear()
                inventory.absent.clear()

    thread = threading.Thread(target=listing)
    thread.start()
    try:
        seen = [absent_names([inventory]) for _ in range(300)]
    finally:
        over.set()
        thread.join()
    assert any(seen)
