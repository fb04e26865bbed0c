"""README's pictures show what smrep prints today."""

from __future__ import annotations

import html
import re
import runpy
from pathlib import Path

import pytest
from fixtures import ROOT

PICTURE = runpy.run_path(str(ROOT / "docs/picture.py"))
CHANGES = re.compile(r"(?<=session-)\w{6}|\d{4}-\d{2}-\d{2}|\d+\.\d(?=\ss\))")
"""What is another in each run: the end of an ARN, the day, and how long it took."""


def told(picture: str) -> list[tuple[str, str]]:
    """Return the words of a picture, each with its style."""
    words = re.findall(r'<text class="(\S+)"[^>]*>(.*?)</text>', picture)
    return [(style, CHANGES.sub("…", html.unescape(text))) for style, text in words]


@pytest.mark.parametrize("name", PICTURE["PICTURES"])
def test_a_picture_is_of_today(name: str) -> None:
    kept = (ROOT / f"docs/{name}.svg").read_text()
    assert told(PICTURE["drawn"](PICTURE["PICTURES"][name])) == told(kept)
    assert "hint" in kept


def test_every_picture_is_shown() -> None:
    shown = re.findall(r"!\[[^\]]{20,}\]\(docs/(\w+)\.svg\)", (ROOT / "README.md").read_text())
    assert sorted(shown) == sorted(PICTURE["PICTURES"])
    assert {each.stem for each in Path(ROOT / "docs").glob("*.svg")} == {*shown}
