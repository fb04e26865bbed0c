"""Selects secrets by names, prefixes, tags, or the service that owns them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from smrep.model import Filter, Listed

_FILTERABLE = re.compile(r"(?!!)[A-Za-z0-9 :_@/+=.!-]{1,512}", re.ASCII)
"""A valid filter value; a leading ! would negate it. Source: API_Filter."""
_MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions for a secret; it must match every kind that is set."""

    names: frozenset[str] = frozenset()
    """Names and ARNs; one must match."""
    prefixes: tuple[str, ...] = ()
    """Prefixes of the name; one must match."""
    tags: tuple[tuple[str, str | None], ...] = ()
    """Tags that must all match; None stands for any value."""
    owning_service: str | None = None
    exclude: tuple[str, ...] = ()
    """Case-sensitive shell patterns of names; none may match."""

    def matches(self, secret: Listed) -> bool:
        """Return whether the secret matches."""
        if self.names and secret.name not in self.names and secret.arn not in self.names:
            return False
        if self.prefixes and not secret.name.startswith(self.prefixes):
            return False
        if self.owning_service and secret.owning_service != self.owning_service:
            return False
        tags = dict(secret.tags)
        if any(key not in tags or value not in (None, tags[key]) for key, value in self.tags):
            return False
        return not self.excludes(secret.name)

    def excludes(self, name: str) -> bool:
        """Return whether it leaves out a secret of this name."""
        return any(fnmatchcase(name, pattern) for pattern in self.exclude)

    @property
    def conditions(self) -> str:
        """The conditions as a person reads them, those that hold for every secret left out."""
        tags = [f"tag {key}{'' if value is None else f'={value}'}" for key, value in self.tags]
        parts = [
            *([f"name {' or '.join(sorted(self.names))}"] if self.names else []),
            *([f"prefix {' or '.join(self.prefixes)}"] if self.prefixes else []),
            *tags,
            *([f"owning service {self.owning_service}"] if self.owning_service else []),
            *([f"none of {', '.join(self.exclude)}"] if self.exclude else []),
        ]
        return ", ".join(parts)

    @property
    def needs_details(self) -> bool:
        """Whether matching takes more than a name; replicas show no tags."""
        return bool(self.tags or self.owning_service)


EVERY = Selector()


def filters(selectors: Sequence[Selector], *, names_only: bool = False) -> tuple[Filter, ...]:
    """Return filters that pass at least every selected secret; match the results again.

    `names_only` is for Regions of replicas, which show no tags. Source: API_Filter: prefixes, case-sensitive.
    """
    beginnings = _name_prefixes(selectors)
    result = [Filter("name", beginnings)] if beginnings else []
    if names_only or len(selectors) != 1:
        return tuple(result)
    (selector,) = selectors
    if selector.tags:
        key, value = selector.tags[0]
        result += _filter("tag-key", key) + (_filter("tag-value", value) if value else [])
    if selector.owning_service:
        result += _filter("owning-service", selector.owning_service)
    return tuple(result)


def _filter(key: str, value: str) -> list[Filter]:
    return [Filter(key, (value,))] if _FILTERABLE.fullmatch(value) else []


def _name_prefixes(selectors: Iterable[Selector]) -> tuple[str, ...]:
    """Return prefixes of all selected names; nothing if some names may start with anything."""
    all_prefixes: dict[str, None] = {}
    for selector in selectors:
        plain = [_name(name) for name in selector.names]
        beginnings = selector.prefixes or tuple(plain)
        if not beginnings or not all(_FILTERABLE.fullmatch(prefix) for prefix in beginnings):
            return ()
        all_prefixes |= dict.fromkeys(beginnings)
    shortest = [
        prefix
        for prefix in all_prefixes
        if not any(prefix != other and prefix.startswith(other) for other in all_prefixes)
    ]
    return tuple(sorted(shortest)) if len(shortest) <= _MOST_VALUES else ()


def _name(name_or_arn: str) -> str:
    """Return the name, from an ARN without its suffix if it has AWS's usual form."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    return re.sub(r"-[A-Za-z0-9]{6}$", "", name_or_arn.split(":", 6)[6])
