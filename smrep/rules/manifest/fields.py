"""The fields of a manifest's tables, read with every mistake noted at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from difflib import get_close_matches

MOST_CHARACTERS = 2048
"""No name, key or ARN that AWS takes is longer. Source: API_DescribeSecret, KMS API_DescribeKey."""

TWICE = object()
"""Stands for the value of a key that a JSON object has more than once."""

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
"""What types are called; a boolean is an integer to Python, and is none here."""

_HALF = re.compile(r"[\ud800-\udfff]")
"""A surrogate on its own, as JSON can spell it; it has no UTF-8."""


def plain(text: str) -> str:
    """Return the text with everything that a terminal would not print as it stands escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def path(place: str, key: str) -> str:
    """Return the place of a key: `place.key`, with quotes where the key is no plain word."""
    word = key if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key) else shown(key)
    return f"{place}.{word}" if place else word


def shown(text: str) -> str:
    """Return the text in quotes, escaped, and cut where it is too long for a message."""
    return repr(text) if len(text) <= MOST_CHARACTERS else f"{text[:60]!r}..."


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What was found wrong so far."""

    found: list[tuple[str, str]] = field(default_factory=list)
    """(place, what is wrong there) pairs."""

    def add(self, place: str, what: str) -> None:
        """Note a mistake."""
        self.found.append((place, plain(what)))

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the manifest; a field that is wrong is noted, and then read as if it were absent.

    `what` says, in all that follows, what a field must be: "a string of twelve digits".
    """

    raw: dict[str, object]
    place: str
    """Where it stands: `replicate[0]`; empty for the whole."""
    mistakes: Mistakes

    def check(self, known: Sequence[str]) -> None:
        """Note every field that is not one of the known ones."""
        for key in self.raw:
            if key not in known:
                near = get_close_matches(key.lower(), known)
                hint = f"did you mean {near[0]}?" if near else f"the fields here are {', '.join(known)}"
                self.wrong(key, f"unknown field; {hint}")

    def wrong(self, key: str, what: str) -> None:
        """Note a mistake of that field."""
        self.mistakes.add(path(self.place, key), what)

    def text(self, key: str, what: str = "a string", *, required: bool = False) -> str | None:
        """Return a string that is not empty."""
        if key in self.raw:
            return string(self.raw[key], path(self.place, key), self.mistakes, what)
        if required:
            self.wrong(key, f"is missing; it must be {what}")
        return None

    def flag(self, key: str) -> bool:
        """Return a boolean, False where the field is absent."""
        value = self.raw.get(key, False)
        if isinstance(value, bool):
            return value
        self.wrong(key, _amiss(value, "true or false"))
        return False

    def items(self, key: str, what: str, *, may_be_empty: bool = False) -> Iterator[tuple[str, object]]:
        """Yield (place, value) of every item of a list."""
        if key not in self.raw:
            return
        value = self.raw[key]
        if not isinstance(value, list):
            self.wrong(key, _amiss(value, what))
        elif not value and not may_be_empty:
            self.wrong(key, "is an empty list; fill it or leave the field out")
        else:
            yield from ((f"{path(self.place, key)}[{number}]", item) for number, item in enumerate(value))

    def texts(self, key: str, *, may_be_empty: bool = False) -> tuple[tuple[str, str], ...]:
        """Return (place, string) of every item of a list of strings, each of them once."""
        found: dict[str, str] = {}
        for place, item in self.items(key, "a list of strings", may_be_empty=may_be_empty):
            text = string(item, place, self.mistakes)
            if text in found:
                self.mistakes.add(place, f"{text!r} stands twice in this list")
            elif text is not None:
                found[text] = place
        return tuple((place, text) for text, place in found.items())

    def tables(self, key: str) -> Iterator[Table]:
        """Yield the tables of a list of tables."""
        what = f"a list of tables, each under [[{key}]]"
        for place, item in self.items(key, what):
            if isinstance(item, dict):
                yield Table(item, place, self.mistakes)
            else:
                self.mistakes.add(place, _amiss(item, "a table"))

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the keys and values of a table of strings, of which the values may be empty."""
        if key not in self.raw:
            return ()
        value, place = self.raw[key], path(self.place, key)
        if not isinstance(value, dict):
            self.mistakes.add(place, _amiss(value, "a table of strings"))
            return ()
        if not value:
            self.mistakes.add(place, "is an empty table; fill it or leave the field out")
        found = []
        for word, content in value.items():
            name = string(word, path(place, word), self.mistakes)
            text = string(content, path(place, word), self.mistakes, may_be_empty=True)
            if name is not None and text is not None:
                found.append((name, text))
        return tuple(found)


def string(
    value: object, place: str, mistakes: Mistakes, what: str = "a string", *, may_be_empty: bool = False
) -> str | None:
    """Return the value if it is a string that can be sent to AWS; else note what is wrong, and return None."""
    if not isinstance(value, str):
        mistakes.add(place, _amiss(value, what))
    elif not may_be_empty and not value.strip():
        mistakes.add(place, "is an empty string")
    elif len(value) > MOST_CHARACTERS:
        mistakes.add(place, f"is {len(value):,} characters long, and {MOST_CHARACTERS:,} are the most")
    elif _HALF.search(value):
        mistakes.add(place, f"{value!r} holds half a character, which can't be sent")
    else:
        return value
    return None


def _amiss(value: object, what: str) -> str:
    """Return what is wrong with a value of another type; it is not shown, since it may be long and deep."""
    if value is TWICE:
        return "stands twice in one object"
    kind = next((word for types, word in _KINDS if isinstance(value, types)), "something else")
    return f"must be {what}, not {kind}"
