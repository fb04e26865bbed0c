"""The pictures of README and docs show what smrep prints today."""

from __future__ import annotations

import html
import re
import runpy

import pytest
from fixtures import ROOT

PICTURE = runpy.run_path(str(ROOT / "docs/picture.py"))
CHANGES = re.compile(r"(?<=session-)\w{6}|\d{4}-\d{2}-\d{2}|\d+\.\d(?=\ss\))")
"""The parts that differ in each run: the end of an ARN, the day, how long it took."""


def styled_words(picture: str) -> list[tuple[str, str]]:
    """Return the words of a picture, each after its style."""
    texts = re.findall(r'<text class="(\S+)"[^>]*>(.*?)</text>', picture)
    return [(style, CHANGES.sub("…", html.unescape(text))) for style, text in texts]


def kept(name: str) -> str:
    return (ROOT / f"docs/{name}.svg").read_text()


@pytest.mark.terminal
@pytest.mark.parametrize("name", sorted(PICTURE["PICTURES"].keys() - {"drill"}))  # its times differ in each run
def test_a_picture_shows_what_smrep_prints(name: str) -> None:
    assert styled_words(PICTURE["draw"](PICTURE["PICTURES"][name])) == styled_words(kept(name))


def test_the_first_picture_is_of_a_good_run() -> None:
    text = " ".join(word for _, word in styled_words(kept("replicate")))
    assert "3 of 3 in sync" in text.replace("\xa0", " ")
    assert "hint" not in text
    assert all("hint" in kept(name) for name in ("failed", "audit", "plan"))
    assert "back in sync, each readable throughout" in html.unescape(kept("drill")).replace("\xa0", " ")


def test_every_picture_is_shown_once_with_words_for_it() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = [
        name
        for page in pages
        for name in re.findall(r"!\[[^\]]{20,}\]\((?:docs/)?(\w+)\.(?:svg|png)\)", page.read_text())
    ]
    assert shown[0] == "replicate"
    drawn = [path.stem for path in (ROOT / "docs").iterdir() if path.suffix in (".svg", ".png")]
    assert sorted(shown) == sorted([*PICTURE["PICTURES"], "page"]) == sorted(drawn)
