"""Escapes text from AWS and from the command line for terminals and CI runners."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

_HARMFUL = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_BATCH = 100
"""Words and marks of JSON that are written at once: one by one takes twice the time."""
_RUNNER_COMMAND = re.compile(r"::(?=[A-Za-z\\])")


def safe(text: str) -> str:
    r"""Escape control, format, bidirectional and unassigned characters as \\x1b or \\u202e.

    Under GitHub Actions, break up the commands of its runner (`::error::`, `##[error]`).
    Source: docs.github.com, workflow commands; actions/runner.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escape(char) if unicodedata.category(char) in _HARMFUL else char for char in text)
    if ("::" in text or "##[" in text) and os.environ.get("GITHUB_ACTIONS"):
        text = _RUNNER_COMMAND.sub(": :", text).replace("##[", "# #[")
    return text


def _escape(character: str) -> str:
    point = ord(character)
    if point <= 0xFF:  # noqa: PLR2004 - the widths of Python's own escapes
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004


def to_json(value: object, indent: int | None = 2) -> str:
    r"""Return JSON that neither a terminal nor a CI runner acts on, without changing any value.

    All but printable ASCII is `\\uXXXX`, and so is the first character of `##[`.
    """
    return _harmless(json.dumps(value, indent=indent, allow_nan=False))


def json_parts(value: object) -> Iterator[str]:
    """Yield the text of `to_json` in parts, taking items from a list only as they are written."""
    parts = json.JSONEncoder(indent=2, allow_nan=False).iterencode(value)
    while text := "".join(islice(parts, _BATCH)):
        yield _harmless(text)


def _harmless(text: str) -> str:
    return text.replace("\x7f", "\\u007f").replace("##[", "\\u0023#[")  # both can only stand in a string
