"""Which secrets are meant: names, prefixes, tags, the service that owns them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from smrep.model import Filter, Listed

_FILTERABLE = re.compile(r"(?!!)[A-Za-z0-9 :_@/+=.!-]{1,512}", re.ASCII)
"""What may stand in a filter's value; a leading ! would negate it. Source: API_Filter."""
_MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Selector:
    """What a secret must be to be meant: it must match every kind of condition that is given."""

    names: frozenset[str] = frozenset()
    """Names and ARNs; one of them."""
    prefixes: tuple[str, ...] = ()
    """One of them begins the name."""
    tags: tuple[tuple[str, str | None], ...] = ()
    """All of them; a value of None is any value."""
    owning_service: str | None = None
    exclude: tuple[str, ...] = ()
    """Shell patterns of names, in which case matters; none of them."""

    def matches(self, secret: Listed) -> bool:
        """Tell whether the secret is meant."""
        if self.names and secret.name not in self.names and secret.arn not in self.names:
            return False
        if self.prefixes and not secret.name.startswith(self.prefixes):
            return False
        if self.owning_service and secret.owning_service != self.owning_service:
            return False
        tags = dict(secret.tags)
        if any(key not in tags or value not in (None, tags[key]) for key, value in self.tags):
            return False
        return not any(fnmatchcase(secret.name, pattern) for pattern in self.exclude)

    @property
    def needs_more_than_a_name(self) -> bool:
        """Whether a name alone does not tell, as it must of a replica, which shows no tags."""
        return bool(self.tags or self.owning_service)


EVERY = Selector()


def filters(selectors: Sequence[Selector], *, names_only: bool = False) -> tuple[Filter, ...]:
    """Return filters that let through at least all that the selectors mean; what comes must still be matched.

    `names_only` is for Regions of replicas, which show no tags. Source: API_Filter: prefixes, case-sensitive.
    """
    beginnings = _beginnings(selectors)
    found = [Filter("name", beginnings)] if beginnings else []
    if names_only or len(selectors) != 1:
        return tuple(found)
    (selector,) = selectors
    if selector.tags:
        key, value = selector.tags[0]
        found += _filter("tag-key", key) + (_filter("tag-value", value) if value else [])
    if selector.owning_service:
        found += _filter("owning-service", selector.owning_service)
    return tuple(found)


def _filter(key: str, value: str) -> list[Filter]:
    return [Filter(key, (value,))] if _FILTERABLE.fullmatch(value) else []


def _beginnings(selectors: Iterable[Selector]) -> tuple[str, ...]:
    """Return what the names of all that is meant begin with; nothing where some may begin with anything."""
    found: dict[str, None] = {}
    for selector in selectors:
        plain = [_name(each) for each in selector.names]
        beginnings = selector.prefixes or tuple(plain)
        if not beginnings or not all(_FILTERABLE.fullmatch(each) for each in beginnings):
            return ()
        found |= dict.fromkeys(beginnings)
    shortest = [each for each in found if not any(each != other and each.startswith(other) for other in found)]
    return tuple(sorted(shortest)) if len(shortest) <= _MOST_VALUES else ()


def _name(name_or_arn: str) -> str:
    """Return the name, with an ARN's suffix cut off as far as AWS's own form tells."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    return re.sub(r"-[A-Za-z0-9]{6}$", "", name_or_arn.split(":", 6)[6])
