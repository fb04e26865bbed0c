"""Dataclasses as JSON values and back, by the types of their fields. What does not fit is told with its place."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_KIND = "kind"
"""The key that tells which of several dataclasses an object is, where a field may have any of them."""


def encode(value: Any, known: dict[int, Any] | None = None) -> Any:
    """Return a value as what JSON has: a dataclass as an object of its fields and of its name under `kind`.

    What stands in it several times is made once: `known` has what was made so far, by the id of what it was made of.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    known = {} if known is None else known
    if kind in (tuple, list):
        return [encode(each, known) for each in value]
    if isinstance(value, Mapping):
        return {key: encode(each, known) for key, each in value.items()}
    made = known.get(id(value))
    if made is None:
        made = {_KIND: kind.__name__}
        for name in _names(kind):
            made[name] = encode(getattr(value, name), known)
        known[id(value)] = made
    return made


def decode(kind: Any, value: Any, place: str) -> Any:
    """Return the value of the type `kind` that a JSON value is.

    Raises: ValueError with the place of what is none.
    """
    if kind is Any or (type(value) is kind and kind in _PLAIN):
        return value
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(args, value, place)
    if origin is tuple:
        return _tuple(args, value, place)
    if origin in (dict, Mapping):
        return {
            _plain(str, key, place): decode(args[1], each, f"{place}.{key}")
            for key, each in _object(value, place).items()
        }
    if is_dataclass(kind):
        return _dataclass(kind, value, place)
    return _plain(kind, value, place)


_types = cache(get_type_hints)
_PLAIN = frozenset({str, int, float, bool, type(None)})
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _one_of(args: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in args:
        return None
    left = [each for each in args if each is not type(None)]
    if len(left) > 1:
        name = _object(value, place).get(_KIND)
        left = [each for each in left if each.__name__ == name]
        if not left:
            raise ValueError(f"{place} is of no kind that there is")
    return decode(left[0], value, place)


def _tuple(args: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is no list")  # noqa: TRY004 - it is what came, not what we passed
    kinds = args[:1] * len(value) if args[-1] is ... else args
    if len(kinds) != len(value):
        raise ValueError(f"{place} has not {len(kinds)} members")
    return tuple(decode(kind, each, f"{place}[{at}]") for at, (kind, each) in enumerate(zip(kinds, value)))  # noqa: B905


def _dataclass(kind: Any, value: Any, place: str) -> Any:
    given, wanted = _object(value, place), _types(kind)
    if given.get(_KIND) != kind.__name__:
        raise ValueError(f"{place} is no {kind.__name__}")
    if missing := sorted(wanted.keys() - given.keys()):
        raise ValueError(f"{place}.{missing[0]} is missing")
    if unknown := sorted(given.keys() - wanted.keys() - {_KIND}):
        raise ValueError(f"{place}.{unknown[0]} is not known")
    return kind(**{name: decode(each, given[name], f"{place}.{name}") for name, each in wanted.items()})


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")  # noqa: TRY004 - as above
    return value


def _plain(kind: Any, value: Any, place: str) -> Any:
    if kind is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{place} is not {_WORDS[kind]}")
    return value
