"""Dataclasses to JSON values and back, by the types of their fields."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

Words: TypeAlias = Mapping[type, str]
"""Dataclass -> its `kind` in the JSON text."""
_KIND = "kind"
"""The key of an object's dataclass, for fields with several possible ones."""


def encode(value: Any, words: Words, encoded: dict[int, Any] | None = None) -> Any:
    """Return a value as JSON values: a dataclass as an object of its `kind` and fields.

    `encoded` maps the ids of dataclasses to their objects, so that it encodes shared ones only once.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    encoded = {} if encoded is None else encoded
    if kind in (tuple, list):
        return [encode(member, words, encoded) for member in value]
    if isinstance(value, Mapping):
        return {key: encode(member, words, encoded) for key, member in value.items()}
    document = encoded.get(id(value))
    if document is None:
        document = {_KIND: words[kind]}
        for name in _list_fields(kind):
            document[name] = encode(getattr(value, name), words, encoded)
        encoded[id(value)] = document
    return document


def decode(kind: Any, value: Any, place: str, words: Words) -> Any:
    """Return a JSON value as a value of the type `kind`.

    Raises: ValueError with the place of an invalid value.
    """
    if kind is Any or (type(value) is kind and kind in _PLAIN):
        return value
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(args, value, place, words)
    if origin is tuple:
        return _decode_tuple(args, value, place, words)
    if origin in (dict, Mapping):
        return {
            _expect_plain(str, key, place): decode(args[1], member, f"{place}.{key}", words)
            for key, member in _expect_object(value, place).items()
        }
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, place, words)
    return _expect_plain(kind, value, place)


_PLAIN = frozenset({str, int, float, bool, type(None)})
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
_find_types = cache(get_type_hints)


@cache
def _list_fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _decode_union(args: tuple[Any, ...], value: Any, place: str, words: Words) -> Any:
    if value is None and type(None) in args:
        return None
    kinds = [kind for kind in args if kind is not type(None)]
    if len(kinds) > 1:
        word = _expect_object(value, place).get(_KIND)
        kinds = [kind for kind in kinds if words[kind] == word]
        if not kinds:
            raise ValueError(f"{place} is of no kind that there is")
    return decode(kinds[0], value, place, words)


def _decode_tuple(args: tuple[Any, ...], value: Any, place: str, words: Words) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is no list")  # noqa: TRY004 - input, not a caller's mistake
    kinds = args[:1] * len(value) if args[-1] is ... else args
    if len(kinds) != len(value):
        raise ValueError(f"{place} has not {len(kinds)} members")
    pairs = zip(kinds, value, strict=True)
    return tuple(decode(kind, member, f"{place}[{at}]", words) for at, (kind, member) in enumerate(pairs))


def _decode_dataclass(kind: Any, value: Any, place: str, words: Words) -> Any:
    document, field_types = _expect_object(value, place), _find_types(kind)
    if document.get(_KIND) != words[kind]:
        raise ValueError(f"{place} is no {words[kind]}")
    if missing := sorted(field_types.keys() - document.keys()):
        raise ValueError(f"{place}.{missing[0]} is missing")
    if unknown := sorted(document.keys() - field_types.keys() - {_KIND}):
        raise ValueError(f"{place}.{unknown[0]} is not known")
    values = {name: decode(type_, document[name], f"{place}.{name}", words) for name, type_ in field_types.items()}
    return kind(**values)


def _expect_object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")  # noqa: TRY004 - as above
    return value


def _expect_plain(kind: Any, value: Any, place: str) -> Any:
    if kind is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{place} is not {_NAMES[kind]}")
    return value
