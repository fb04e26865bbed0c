"""Checks JSON against the schema of smrep's document, which uses a few keywords of JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smrep.rules.manifest.fields import path, shown

_KINDS: dict[type, tuple[str, ...]] = {
    dict: ("object",),
    list: ("array",),
    str: ("string",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    type(None): ("null",),
}
"""Type of a value that json reads -> its names in a schema."""
KEYWORDS = {
    *("type", "const", "enum", "anyOf", "$ref", "pattern", "minimum", "items"),
    *("required", "properties", "additionalProperties"),
}
"""The keywords that `first_mistake` reads; it passes over any other."""
_REFERENCE = "#/$defs/"
Mistake = tuple[str, str]
"""The place of a value, such as `secrets[0].name`, and what is wrong with it."""


def first_mistake(value: object, part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mistake | None:
    """Return the first mistake in a value, None if it fits the part of the schema."""
    if "$ref" in part:
        return first_mistake(value, schema["$defs"][part["$ref"].removeprefix(_REFERENCE)], schema)
    if "anyOf" in part:
        mistakes = [first_mistake(value, option, schema) for option in part["anyOf"]]
        return None if None in mistakes else mistakes[0]
    allowed = [part["const"]] if "const" in part else part.get("enum")
    if allowed is not None and not any(type(value) is type(item) and value == item for item in allowed):
        return "", f"{_named(value)} is none of {', '.join(str(item) for item in allowed)}"
    if wanted := part.get("type"):
        kind, *others = _KINDS[type(value)]
        kinds = (wanted,) if isinstance(wanted, str) else wanted
        if kind not in kinds and not (others and others[0] in kinds):
            return "", f"must be {' or '.join(kinds)}, not {_named(value)}"
    if isinstance(value, str) and "pattern" in part and not re.search(part["pattern"], value):
        return "", f"{shown(value)} does not match {part['pattern']}"
    if isinstance(value, int | float) and value < part.get("minimum", value):
        return "", f"must be at least {part['minimum']}"
    if isinstance(value, dict):
        return _mistake_in_object(value, part, schema)
    if isinstance(value, list) and "items" in part:
        for place, item in enumerate(value):
            if mistake := first_mistake(item, part["items"], schema):
                return _at(f"[{place}]", mistake)
    return None


def _mistake_in_object(value: Mapping[str, Any], part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mistake | None:
    for key in part.get("required", ()):
        if key not in value:
            return key, "is missing"
    fields, others = part.get("properties", {}), part.get("additionalProperties", {})
    for key, item in value.items():
        of = fields.get(key, others)
        if of is False:
            return path("", key), "is a field that this version does not know"
        if mistake := first_mistake(item, of, schema):
            return _at(path("", key), mistake)
    return None


def _at(place: str, mistake: Mistake) -> Mistake:
    rest, words = mistake
    return place + ("." if rest and not rest.startswith("[") else "") + rest, words


def _named(value: object) -> str:
    """Return a short value as text, else its type."""
    if isinstance(value, str):
        return shown(value)
    return _KINDS[type(value)][0] if isinstance(value, dict | list) else str(value)
