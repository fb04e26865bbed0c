"""Text from AWS and from the command line made harmless for terminals and for CI runners."""

from __future__ import annotations

import json
import os
import re
import unicodedata

_HARMFUL = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_RUNNER_COMMAND = re.compile(r"::(?=[A-Za-z\\])")


def safe(text: str) -> str:
    r"""Return the text with control, format, bidirectional and unassigned characters as \\x1b or \\u202e.

    Under GitHub Actions, what its runner would take for a command (`::error::`, `##[error]`) is broken up.
    Source: docs.github.com, workflow commands; actions/runner.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escaped(each) if unicodedata.category(each) in _HARMFUL else each for each in text)
    if os.environ.get("GITHUB_ACTIONS"):
        text = _RUNNER_COMMAND.sub(": :", text).replace("##[", "# #[")
    return text


def _escaped(character: str) -> str:
    point = ord(character)
    if point <= 0xFF:  # noqa: PLR2004 - the widths of Python's own escapes
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004


def to_json(value: object) -> str:
    r"""Return JSON in ASCII that no terminal and no CI runner acts on, with every value true.

    Whatever is not printable ASCII is `\\uXXXX`, and so is the first character of `##[`.
    """
    text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f").replace("##[", "\\u0023#[")
