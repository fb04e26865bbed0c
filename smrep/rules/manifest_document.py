"""A manifest's text as plain tables and lists, and the lines where its tables begin."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from typing import Any

from smrep.rules.manifest_fields import TWICE, Mistakes

_HEADER = re.compile(r"[ \t]*\[\[[ \t]*(replicate|account)[ \t]*\]\][ \t]*(?:#.*)?\r?")
_PLACE = re.compile(r"(replicate|account)\[(\d+)\]")


def is_json(text: str) -> bool:
    """Tell whether the text is meant as JSON: it begins with a brace, as no TOML does, or is JSON of another shape."""
    begin = text.lstrip()[:1]
    if begin == "[":
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(text)
            return True
    return begin == "{"


def loaded(text: str, mistakes: Mistakes) -> dict[str, Any] | None:
    """Return the tables of a TOML or JSON text, None where it is neither; why is noted."""
    try:
        if is_json(text):
            found = json.loads(text, object_pairs_hook=_object)
            if isinstance(found, dict):
                return found
            mistakes.add("the text", "must be a JSON object, as smrep help manifest shows")
            return None
        return tomllib.loads(text)
    except json.JSONDecodeError as error:
        mistakes.add(f"line {error.lineno}, column {error.colno}", f"no valid JSON: {error.msg}")
    except tomllib.TOMLDecodeError as error:
        what, place = _split(str(error))
        mistakes.add(place, f"no valid TOML: {what}")
    except ValueError:  # Python reads no integer of more than some thousand digits
        mistakes.add("the text", "holds a number that is too long to be read")
    except RecursionError:
        mistakes.add("the text", "is nested too deeply to be read")
    return None


def header_lines(text: str) -> dict[str, list[int]]:
    """Return the lines of the `[[replicate]]` and `[[account]]` headers of a TOML text, counted from 1.

    A line that looks like a header is one unless it stands in a string of several lines: where there may be such
    strings nothing is returned.
    """
    found: dict[str, list[int]] = {"replicate": [], "account": []}
    if is_json(text) or '"""' in text or "'''" in text:
        return found
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.fullmatch(line)
        if header:
            found[header[1]].append(number)
    return found


def with_line(place: str, raw: dict[str, Any] | None, lines: dict[str, list[int]]) -> str:
    """Return the place with the line of the table that it lies in, where every table's line is known."""
    inside = _PLACE.match(place)
    if raw is None or inside is None:
        return place
    name, number = inside[1], int(inside[2])
    tables = raw.get(name)
    if not isinstance(tables, list) or len(tables) != len(lines[name]):
        return place
    return f"{place} (table at line {lines[name][number]})"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; what stands twice must not be taken for its last value, as json would have it."""
    found: dict[str, object] = {}
    for key, value in pairs:
        found[key] = TWICE if key in found else value
    return found


def _split(words: str) -> tuple[str, str]:
    """Return what tomllib says, and where: it ends in `(at line 1, column 2)` or `(at end of document)`."""
    found = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", words, re.DOTALL)
    return (found[1], found[2]) if found else (words, "the text")
