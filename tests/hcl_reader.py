"""A small parser of HCL, as strict as Terraform: blocks, one attribute a line, strings, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_TOKEN = re.compile(
    r"""(?P<escape>\\[nrt"\\]) | \\u(?P<short>[0-9a-fA-F]{4}) | \\U(?P<long>[0-9a-fA-F]{8})
    | (?P<marked>\$\$\{|%%\{) | (?P<plain>(?!\$\{|%\{)[^"\\\r\n])""",
    re.VERBOSE,
)
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_-]*"
_STRING = r'"(?:[^"\\]|\\.)*"'


def meaning(source: str) -> str:
    """Return what a quoted string means; a template in it, or anything that is no string, is refused."""
    if len(source) < 2 or source[0] != '"' or source[-1] != '"':
        raise ValueError(f"no string: {source}")
    inner, at, found = source[1:-1], 0, []
    while at < len(inner):
        token = _TOKEN.match(inner, at)
        if token is None:
            raise ValueError(f"{inner[at:]!r} is no part of a string")
        at = token.end()
        found.append(_meant(token))
    return "".join(found)


def _meant(token: re.Match[str]) -> str:
    if token["escape"]:
        return _SIMPLE[token["escape"][1]]
    if token["marked"]:
        return token["marked"][1:]
    return token["plain"] or chr(int(token["short"] or token["long"], 16))


@dataclass
class Block:
    """What stands between two braces."""

    head: str
    values: dict[str, str] = field(default_factory=dict)
    """Attributes; what is no string stands as it is written."""
    blocks: list[Block] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read(text: str) -> Block:
    """Return the whole file as one block without a head."""
    lines = iter(text.split("\n"))
    whole = _read(lines, "")
    assert next(lines, None) is None
    return whole


def _read(lines: Iterator[str], head: str) -> Block:
    found = Block(head)
    for line in map(str.strip, lines):
        if line == "}":
            assert head
            return found
        if line.startswith("#"):
            found.comments.append(line)
        elif line.endswith("{"):
            found.blocks.append(_read(lines, line.removesuffix("{").strip()))
        elif line:
            attribute = re.fullmatch(rf"({IDENTIFIER}|{_STRING}) += ({IDENTIFIER}\.{IDENTIFIER}|{_STRING})", line)
            assert attribute, line
            key, value = attribute.groups()
            key = meaning(key) if key.startswith('"') else key
            assert key not in found.values
            found.values[key] = meaning(value) if value.startswith('"') else value
    assert not head
    return found
