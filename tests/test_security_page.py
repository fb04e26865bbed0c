"""SECURITY.md names files and tests: all of them are there."""

from __future__ import annotations

import re

from fixtures import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


def test_each_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`([\w./-]+(?:\.\w+|/)|Makefile)`", PAGE))
    assert len(named) > 20
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []


def test_each_test_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert [each for each in sorted(named) if f"def {each}(" not in TESTS] == []


def test_its_numbers_are_the_sandboxs() -> None:
    from smrep.sandbox.server.http_server import SandboxServer

    bounds = SandboxServer.bounds
    assert f"takes {bounds.body_bytes // 2**20} MiB a request, {bounds.connections} connections" in PAGE
    assert f"{bounds.patience_s:.0f} s of silence" in PAGE
