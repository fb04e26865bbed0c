"""Removes account and key ids from a report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

MISSING_KEY = "deadbeef-dead-4bad-8bad-deadbeefdead"
"""A key id that no account has; it stays legible in what AWS says of it."""

PATTERNS = (
    (re.compile(r"(arn:[\w-]+:(?:iam|sts)::)[^\s\"',;)]+"), r"\1<principal>"),
    (re.compile(r"(?i)(request[ -]?id['\"]?[:=]?\s*)[^\s;,)]+"), r"\1<id>"),
    (re.compile(rf"(?i)\b(?!{MISSING_KEY})[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b"), "<id>"),
    (re.compile(r"\bmrk-[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA|ANPA)[A-Z0-9]{12,}\b"), "<id>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "************"),
)
"""Principals, request ids, version and key ids, access keys, account ids; the rest are AWS's own words."""


def mask(value: Any, private: Iterable[str] = ()) -> Any:
    """Return what JSON can hold of a value, masked in all its texts; `private` are words to take out as well."""
    match value:
        case str():
            return _masked(value, private)
        case dict():
            return {_masked(str(key), private): mask(each, private) for key, each in value.items()}
        case list() | tuple() | set():
            return [mask(each, private) for each in value]
        case datetime():
            return value.isoformat(timespec="seconds")
        case float():
            return round(value, 2)
        case _:
            return value


def _masked(text: str, private: Iterable[str]) -> str:
    for word in sorted(private, key=len, reverse=True):
        text = text.replace(word, "<key>")
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text
