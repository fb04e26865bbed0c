"""Hostile text: nothing that a terminal or a CI runner acts on gets through, and JSON stays true."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.output.safe import safe, to_json

NASTY = [
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "line\nfeed\ttab\rreturn",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "\u2028\u2029",
    "\x7f\x00",
    "\ud800",
    "\U000e0001tag",
    "[bold]markup[/x]",
    ":secret: :key:",
]


@pytest.mark.parametrize("text", NASTY)
def test_what_a_terminal_acts_on_is_escaped(text: str) -> None:
    shown = safe(text)
    assert all(unicodedata.category(char)[0] != "C" and char not in "\u2028\u2029" for char in shown)


def test_plain_words_stay_as_they_are() -> None:
    for text in ("prod/db", "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b", "größe 漢字", "[/x] :key:"):
        assert safe(text) == text


@given(st.text())
def test_no_control_or_format_character_survives(text: str) -> None:
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"} for char in safe(text))


@pytest.mark.parametrize("text", ["::error::x", "  ::warning file=a::x", "##[add-mask]x", "a##[group]b"])
def test_a_runners_commands_are_broken_up(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert safe(text) == text
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert not re.search(r"::[a-z]|##\[", safe(text))


def test_an_arn_survives_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    arn = "arn:aws:iam::123456789012:role/dr"
    assert safe(arn) == arn


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_is_true_and_printable_ascii(text: str) -> None:
    written = to_json({"text": text})
    assert json.loads(written)["text"] == text
    assert all(char == "\n" or " " <= char <= "~" for char in written)
    assert "##[" not in written


def test_json_breaks_the_runners_old_command() -> None:
    written = to_json("###[x]")
    assert "##[" not in written
    assert json.loads(written) == "###[x]"
