"""SECURITY.md names files and tests: all of them are there."""

from __future__ import annotations

import re

import pytest
from fixtures import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`([\w./-]+(?:\.\w+|/)|Makefile)`", PAGE))))
def test_a_file_that_it_names_is_there(named: str) -> None:
    assert (ROOT / named).exists()


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_a_test_that_it_names_is_there(named: str) -> None:
    assert f"def {named}(" in TESTS


def test_its_numbers_are_the_sandboxs() -> None:
    from smrep.sandbox.server import SandboxServer

    bounds = SandboxServer.bounds
    assert f"takes {bounds.body_bytes // 2**20} MiB a request, {bounds.connections} connections" in PAGE
    assert f"{bounds.patience_s:.0f} s of silence" in PAGE
