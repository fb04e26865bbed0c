"""Any text and any JSON value on its way out: harmless, and true where it is JSON."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from typing import Any
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from smrep.output.safe import safe, to_json

HARMFUL = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
lively = st.lists(
    st.sampled_from(["::", ":", "##[", "#", "[", "error", "a", "\x1b", "\u202e", "\n", "\\", "u", "x1b"])
).map("".join)
texts = st.text() | st.text(st.characters(categories=sorted(HARMFUL))) | lively
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(texts, st.booleans())
@example("::error::x", True)
@example(":::error", True)
@example("###[group]", True)
def test_what_is_made_safe_is_harmless_and_stays_as_it_is(text: str, runner: bool) -> None:
    with mock.patch.dict(os.environ, {"GITHUB_ACTIONS": "true" if runner else ""}):
        shown = safe(text)
        assert safe(shown) == shown
    assert not any(unicodedata.category(char) in HARMFUL for char in shown)
    if runner:
        assert not re.search(r"::[A-Za-z]|##\[", shown)
    elif not any(unicodedata.category(char) in HARMFUL for char in text):
        assert shown == text


@given(texts)
def test_no_text_that_harms_looks_like_another_that_harms(text: str) -> None:
    with mock.patch.dict(os.environ, {"GITHUB_ACTIONS": ""}):
        plain = text.replace("\\", "")  # a backslash of the text's own is not marked
        assert plain.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass") == _unescaped(safe(plain))


@given(json_values)
def test_json_is_true_printable_and_breaks_the_runners_commands(value: Any) -> None:
    written = to_json(value)
    assert json.loads(written) == value
    assert all(char == "\n" or " " <= char <= "~" for char in written)
    assert "##[" not in written
    assert to_json(json.loads(written)) == written


def _unescaped(shown: str) -> str:
    escapes = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
    return escapes.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), shown)
