"""Writes the tables of docs/document.md from the JSON Schema itself.

python docs/fields.py < docs/document.md > docs/document.new
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parents[1] / "smrep/output/document.schema.json").read_text(encoding="utf-8"))
MARK = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """Return the page with a table of the fields at each of its marks."""
    return MARK.sub(lambda found: f"{found[1]}{table(found[2])}{found[3]}", page)


def table(name: str) -> str:
    """Return the fields of a part of the document: name, what it can be, and what the schema says of it."""
    part: Mapping[str, Any] = SCHEMA if name == "document" else SCHEMA["$defs"][name]
    rows = ["| field | is | |", "|---|---|---|"]
    rows += [f"| `{field}` | {' or '.join(_kinds(of))} | {of.get('description', '')} |" for field, of in _fields(part)]
    return "\n".join(rows) + "\n"


def _fields(part: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from part["properties"].items()


def _kinds(of: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a value can be, in words."""
    if "const" in of:
        yield f"`{of['const']}`"
    elif "enum" in of:
        yield from (f"`{'null' if each is None else each}`" for each in of["enum"])
    elif "anyOf" in of:
        for each in of["anyOf"]:
            yield from _kinds(each)
    elif "$ref" in of:
        yield from _named(of["$ref"].rpartition("/")[2])
    elif of.get("type") == "array":
        yield f"a list: {' or '.join(_kinds(of['items']))}"
    else:
        kinds = of.get("type", "anything")
        yield from [kinds] if isinstance(kinds, str) else kinds


def _named(name: str) -> Iterator[str]:
    """Yield what a part of the schema with a name can be: a part with fields has a heading of its own."""
    of = SCHEMA["$defs"][name]
    if "properties" in of:
        yield f"[{name}](#{name})"
        yield from ["null"] if "null" in of["type"] else []
    elif "enum" in of:
        yield from _kinds(of)
    else:
        yield of["description"]


if __name__ == "__main__":
    sys.stdout.write(filled(sys.stdin.read()))
