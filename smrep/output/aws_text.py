"""The result of a JMESPath query as tab-separated text, in the manner of `aws --output text`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smrep.output.safe import safe


def lines(value: Any, label: str | None = None, columns: list[str] | None = None) -> Iterator[str]:
    """Yield one line per row: scalars side by side, keys sorted, what is nested below under its key in capitals."""
    if isinstance(value, dict):
        yield from _mapping(value, label, columns)
    elif isinstance(value, list):
        yield from _sequence(value, label)
    else:
        yield safe(str(value))


def _mapping(value: dict[str, Any], label: str | None, columns: list[str] | None) -> Iterator[str]:
    if columns is None:
        columns = sorted(key for key, each in value.items() if _is_scalar(each))
    cells = [safe(str(value.get(key, ""))) for key in columns]
    if cells:
        yield "\t".join(([safe(label.upper())] if label else []) + cells)
    for key in sorted(set(value) - set(columns)):
        yield from lines(value[key], key)


def _sequence(value: list[Any], label: str | None) -> Iterator[str]:
    if any(isinstance(each, dict) for each in value):
        columns = sorted({key for each in value if isinstance(each, dict) for key in each if _is_scalar(each[key])})
        for each in value:
            yield from lines(each, label, columns)
        return
    scalars = [safe(str(each)) for each in value if _is_scalar(each)]
    if scalars and label:
        yield from (f"{safe(label.upper())}\t{each}" for each in scalars)
    elif scalars:
        yield "\t".join(scalars)
    for each in value:
        if not _is_scalar(each):
            yield from lines(each, label)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)
