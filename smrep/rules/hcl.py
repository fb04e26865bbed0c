"""HCL, Terraform's language: strings, comments, attributes, blocks, and names for resources.

Source: HCL Native Syntax Specification, 'Quoted Template Expressions'; Terraform's documentation, 'Identifiers'.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from smrep.rules.manifest_fields import plain

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HASH_STEP = 8
"""So many digits are added at a time to names that would be one."""


def quoted(text: str) -> str:
    """Return a string on one line that means the text; what a terminal would not print as it stands is escaped.

    So is what begins a template, and what GitHub's runner would take for a command.
    Source: docs.github.com, workflow commands; actions/runner.
    """
    inner = "".join(_character(each) for each in text).replace("##[", "\\u0023#[")
    return '"' + re.sub(r"([$%])(?=\{)", r"\1\1", inner) + '"'


def comment(text: str) -> str:
    """Return a comment on one line, whatever the text holds."""
    return f"# {plain(text).replace('##[', '# #[')}".rstrip()


def attributes(values: Mapping[str, str]) -> list[str]:
    """Return a line for each attribute, the signs below each other as `terraform fmt` puts them."""
    width = max(map(len, values), default=0)
    return [f"{key:{width}} = {quoted(value)}" for key, value in values.items()]


def block(head: str, lines: Iterable[str]) -> list[str]:
    """Return a block with its lines; empty ones stay empty."""
    return [f"{head} {{", *(f"  {each}" if each else "" for each in lines), "}"]


def identifiers(names: Sequence[str]) -> dict[str, str]:
    """Return an identifier for each of the names, no two alike, and the same ones whatever their order.

    Names that would be one are each given the beginning of their own hash, as much of it as is needed.
    """
    digits = dict.fromkeys(names, 0)
    while True:
        made = {name: _identifier(name, count) for name, count in digits.items()}
        often = Counter(made.values())
        alike = [name for name, identifier in made.items() if often[identifier] > 1]
        if not alike:
            return made
        for name in alike:
            digits[name] += _HASH_STEP


def _identifier(name: str, digits: int) -> str:
    """Return letters, digits, underscores and dashes, of which a digit or a dash does not come first."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if not re.match(r"[A-Za-z_]", stem):
        stem = f"_{stem}"
    return f"{stem}_{sha256(name.encode(errors='surrogatepass')).hexdigest()[:digits]}" if digits else stem


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if character <= "\uffff" else f"\\U{code:08x}"
