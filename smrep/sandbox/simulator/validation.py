"""Parameters of operations, and AWS's messages for invalid ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError

_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", list: "list", dict: "structure"}


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its type and limits. `low` and `high` bound a length, or an integer's value.

    `item` describes the items of a list, `members` the members of a structure. Messages omit a `sensitive` value.
    """

    kind: type
    required: bool = False
    low: int | None = None
    high: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    item: Field | None = None
    members: Mapping[str, Field] = field(default_factory=dict)
    sensitive: bool = False


Fields: TypeAlias = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: its function and its parameters."""

    run: Callable[[AccountState, Request], dict[str, Any]]
    fields: Fields


def validate(fields: Fields, params: Mapping[str, Any], *, code: str = "ValidationException") -> None:
    """Require valid parameters; ignore unknown ones.

    Raises: ApiError (`code`) with all mistakes.
    Source: aws-behavior.md 1.6 for the message about an empty list; the others are from the same framework.
    Choice: a wrong type is a ValidationException too.
    """
    mistakes = list(_check_structure(fields, params, ""))
    if mistakes:
        number = "1 validation error" if len(mistakes) == 1 else f"{len(mistakes)} validation errors"
        raise ApiError(code, f"{number} detected: {'; '.join(mistakes)}")


def _check_structure(fields: Fields, params: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, rule in fields.items():
        place = f"{path}{name[0].lower()}{name[1:]}"
        value = params.get(name)
        if value is not None:
            yield from _check_member(rule, value, place)
        elif rule.required:
            yield f"Value null at '{place}' failed to satisfy constraint: Member must not be null"


def _check_member(rule: Field, value: object, path: str) -> Iterator[str]:
    if type(value) is not rule.kind:
        wanted = f"Member must be of type {_TYPE_NAMES[rule.kind]}"
        yield f"Value at '{path}' failed to satisfy constraint: {wanted}"
        return
    shown = "Value" if rule.sensitive else f"Value {_show(value)}"
    for constraint in _check_limits(rule, value):
        yield f"{shown} at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(value, list) and rule.item is not None:
        for number, item in enumerate(value, start=1):
            yield from _check_member(rule.item, item, f"{path}.{number}.member")
    if isinstance(value, dict):
        yield from _check_structure(rule.members, value, f"{path}.")


def _check_limits(rule: Field, value: Any) -> Iterator[str]:
    size, measure = (value, "value") if rule.kind is int else (_measure(value), "length")
    if rule.low is not None and size < rule.low:
        yield f"Member must have {measure} greater than or equal to {rule.low}"
    if rule.high is not None and size > rule.high:
        yield f"Member must have {measure} less than or equal to {rule.high}"
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        yield f"Member must satisfy regular expression pattern: {rule.pattern}"
    if rule.enum and value not in rule.enum:
        yield f"Member must satisfy enum value set: [{', '.join(rule.enum)}]"


def _measure(value: Any) -> int:
    return len(value) if isinstance(value, (str, list)) else 0


def _show(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return "'[...]'" if value else "'[]'"
    return f"'{value}'"
