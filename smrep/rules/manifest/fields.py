"""Reads the fields of a manifest's tables, and collects every mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from difflib import get_close_matches

MOST_CHARACTERS = 2048
"""The longest name, key or ARN in AWS. Source: API_DescribeSecret, KMS API_DescribeKey."""

DUPLICATE = object()
"""The value of a duplicate key in a JSON object."""

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a floating-point number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    ((date, time), "a date or time"),
    (type(None), "null"),
)
"""The names of types; Python counts a boolean as an integer, a manifest does not."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""A lone surrogate, which JSON can spell; it has no UTF-8."""


def plain(text: str) -> str:
    """Return the text with unprintable characters escaped."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def path(place: str, key: str) -> str:
    """Return the place of a key: `place.key`, quoted unless the key is a plain word."""
    word = key if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key) else shown(key)
    return f"{place}.{word}" if place else word


def shown(text: str) -> str:
    """Return the text quoted, escaped, and cut to fit a message."""
    return repr(text) if len(text) <= MOST_CHARACTERS else f"{text[:60]!r}..."


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The mistakes in a manifest."""

    found: list[tuple[str, str]] = field(default_factory=list)
    """(place, mistake) pairs."""

    def add(self, place: str, mistake: str) -> None:
        """Add a mistake."""
        self.found.append((place, plain(mistake)))

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the manifest; a wrong field adds a mistake and counts as missing.

    `expected` describes a valid field in all methods: "a string of twelve digits".
    """

    raw: dict[str, object]
    place: str
    """Its place, such as `replicate[0]`; empty for the whole manifest."""
    mistakes: Mistakes

    def check(self, fields: Sequence[str]) -> None:
        """Add a mistake for every unknown field."""
        for key in self.raw:
            if key not in fields:
                near = get_close_matches(key.lower(), fields)
                hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(fields)}"
                self.wrong(key, f"unknown field; {hint}")

    def wrong(self, key: str, mistake: str) -> None:
        """Add a mistake in the field."""
        self.mistakes.add(path(self.place, key), mistake)

    def text(self, key: str, expected: str = "a string", *, required: bool = False) -> str | None:
        """Return a nonempty string."""
        if key in self.raw:
            return string(self.raw[key], path(self.place, key), self.mistakes, expected)
        if required:
            self.wrong(key, f"is missing; it must be {expected}")
        return None

    def flag(self, key: str) -> bool:
        """Return a boolean, False without the field."""
        value = self.raw.get(key, False)
        if isinstance(value, bool):
            return value
        self.wrong(key, _type_mistake(value, "true or false"))
        return False

    def items(self, key: str, expected: str, *, may_be_empty: bool = False) -> Iterator[tuple[str, object]]:
        """Yield the (place, value) of every item in a list."""
        if key not in self.raw:
            return
        value = self.raw[key]
        if not isinstance(value, list):
            self.wrong(key, _type_mistake(value, expected))
        elif not value and not may_be_empty:
            self.wrong(key, "is an empty list; fill it or omit the field")
        else:
            yield from ((f"{path(self.place, key)}[{number}]", item) for number, item in enumerate(value))

    def texts(self, key: str, *, may_be_empty: bool = False) -> tuple[tuple[str, str], ...]:
        """Return the (place, string) of every item in a list of unique strings."""
        places: dict[str, str] = {}
        for place, item in self.items(key, "a list of strings", may_be_empty=may_be_empty):
            text = string(item, place, self.mistakes)
            if text in places:
                self.mistakes.add(place, f"{text!r} appears twice in this list")
            elif text is not None:
                places[text] = place
        return tuple((place, text) for text, place in places.items())

    def table(self, key: str) -> Table | None:
        """Return a table, None without the field."""
        value = self.raw.get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, _type_mistake(value, f"a table, under [{key}]"))
        return (
            Table(value, path(self.place, key), self.mistakes) if key in self.raw and isinstance(value, dict) else None
        )

    def tables(self, key: str) -> Iterator[Table]:
        """Yield the tables of a list of tables."""
        expected = f"a list of tables, each under [[{key}]]"
        for place, item in self.items(key, expected):
            if isinstance(item, dict):
                yield Table(item, place, self.mistakes)
            else:
                self.mistakes.add(place, _type_mistake(item, "a table"))

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the keys and values of a table of strings; the values may be empty."""
        if key not in self.raw:
            return ()
        value, place = self.raw[key], path(self.place, key)
        if not isinstance(value, dict):
            self.mistakes.add(place, _type_mistake(value, "a table of strings"))
            return ()
        if not value:
            self.mistakes.add(place, "is an empty table; fill it or omit the field")
        valid = []
        for word, content in value.items():
            name = string(word, path(place, word), self.mistakes)
            text = string(content, path(place, word), self.mistakes, may_be_empty=True)
            if name is not None and text is not None:
                valid.append((name, text))
        return tuple(valid)


def string(
    value: object, place: str, mistakes: Mistakes, expected: str = "a string", *, may_be_empty: bool = False
) -> str | None:
    """Return the value if it is a string that AWS can accept; otherwise add a mistake and return None."""
    if not isinstance(value, str):
        mistakes.add(place, _type_mistake(value, expected))
    elif not may_be_empty and not value.strip():
        mistakes.add(place, "is an empty string")
    elif len(value) > MOST_CHARACTERS:
        mistakes.add(place, f"is {len(value):,} characters long; the maximum is {MOST_CHARACTERS:,}")
    elif _SURROGATE.search(value):
        mistakes.add(place, f"{value!r} has half of a surrogate pair, which cannot be sent")
    else:
        return value
    return None


def _type_mistake(value: object, expected: str) -> str:
    """Return the mistake of a wrong type, without the value, which may be long and deep."""
    if value is DUPLICATE:
        return "appears twice in one object"
    kind = next((word for types, word in _KINDS if isinstance(value, types)), "something else")
    return f"must be {expected}, not {kind}"
