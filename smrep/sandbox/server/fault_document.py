"""Faults as JSON, and from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Literal

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.operations import OPERATIONS

_REGION = re.compile(r"([a-z]+-)+\d{1,2}", re.ASCII)
_LONGEST_S = 1e9
_SHOWN = 60
_DROPPED: dict[str, Literal["before", "after"]] = {"dropped_requests": "before", "dropped_answers": "after"}


def format_faults(faults: Faults) -> dict[str, Any]:
    """Return every fault under its name in `Faults`, but for `drops`: these are the dropped requests and answers.

    Regions come sorted, pairs as objects; times are seconds.
    """
    plain = {each.name: getattr(faults, each.name) for each in fields(faults) if each.name != "drops"}
    dropped = {
        name: [{"operation": each.operation, "times": each.times} for each in faults.drops if each.when == when]
        for name, when in _DROPPED.items()
    }
    return {
        **plain,
        **{name: dict(sorted(plain[name].items())) for name in _BY_REGION},
        **{name: sorted(plain[name]) for name in _REGIONS},
        **dropped,
        "denied": [{"operation": operation, "region": region} for operation, region in sorted(faults.denied)],
    }


def apply_document(faults: Faults, document: Mapping[str, Any]) -> Faults:
    """Return faults in which those of a document, whole or in part, stand in the place of the ones before.

    Raises: ValueError for a fault that there is not, and for a value that it can't have.
    """
    given: dict[str, Any] = {}
    for name, value in document.items():
        if name not in _READERS:
            raise ValueError(f"there is no fault {name!r}")
        given[name] = _READERS[name](value, name)
    if given.keys() & _DROPPED.keys():
        given["drops"] = tuple(
            drop
            for name, when in _DROPPED.items()
            for drop in given.pop(name, [each for each in faults.drops if each.when == when])
        )
    return replace(faults, **given)


def _seconds(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LONGEST_S:
        raise _mistake(name, "is a number of seconds", value)
    return float(value)


def _seconds_if_any(value: Any, name: str) -> float | None:
    return None if value is None else _seconds(value, name)


def _seconds_by_region(value: Any, name: str) -> dict[str, float]:
    return {_region(region, name): _seconds(each, f"{name}.{region}") for region, each in _items(value, name)}


def _messages(value: Any, name: str) -> dict[str, str]:
    return {_region(region, name): _text(each, f"{name}.{region}") for region, each in _items(value, name)}


def _regions(value: Any, name: str) -> frozenset[str]:
    return frozenset(_region(each, name) for each in _list(value, name))


def _denied(value: Any, name: str) -> frozenset[tuple[str, str]]:
    rows = [dict(_items(each, name)) for each in _list(value, name)]
    return frozenset((_operation(each.get("operation"), name), _region(each.get("region"), name)) for each in rows)


def _drops(value: Any, name: str) -> list[Drop]:
    rows = [dict(_items(each, name)) for each in _list(value, name)]
    return [
        Drop(_operation(each.get("operation"), name), _DROPPED[name], _count(each.get("times", 1), name))
        for each in rows
    ]


def _count_if_any(value: Any, name: str) -> int | None:
    return None if value is None else _count(value, name)


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _mistake(name, "is a number, 0 or more", value)
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _mistake(name, "is true or false", value)
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _mistake(name, "is a text", value)
    return value


def _region(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise _mistake(name, "has to do with Regions", value)
    return value


def _operation(value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in OPERATIONS:
        raise _mistake(name, "has to do with operations of the sandbox", value)
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mistake(name, "is a list", value)
    return value


def _items(value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _mistake(name, "is an object", value)
    return list(value.items())


def _mistake(name: str, what: str, value: Any) -> ValueError:
    shown = repr(value)
    return ValueError(f"{name} {what}, not {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}")


_BY_REGION = ("replication_delay_by_region", "removal_delay_by_region", "failures")
_REGIONS = ("stuck", "outages", "disabled_regions")
_READERS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("replication_delay_s", "removal_delay_s", "force_delete_delay_s", "latency_s"), _seconds),
    **dict.fromkeys(("list_lag_s", "listing_lag_s"), _seconds),
    "value_delay_s": _seconds_if_any,
    **dict.fromkeys(("replication_delay_by_region", "removal_delay_by_region"), _seconds_by_region),
    "failures": _messages,
    **dict.fromkeys(_REGIONS, _regions),
    **dict.fromkeys(_DROPPED, _drops),
    "write_quota": _count_if_any,
    "denied": _denied,
    "promoted_entry": _text,
    **dict.fromkeys(("strands_replicas", "keeps_primary_region", "primary_shows_rekey", "stale_entry_guards"), _flag),
}
