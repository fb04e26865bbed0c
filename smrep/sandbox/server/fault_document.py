"""Faults to JSON and back."""

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
    """Return every fault under its name in `Faults`; `drops` becomes `dropped_requests` and `dropped_answers`.

    Regions are sorted, pairs are objects, times are in seconds.
    """
    plain = {fault.name: getattr(faults, fault.name) for fault in fields(faults) if fault.name != "drops"}
    dropped = {
        name: [{"operation": drop.operation, "times": drop.times} for drop in faults.drops if drop.when == when]
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
    """Return `faults` with those in a document replaced.

    Raises: ValueError for an unknown fault or an invalid value.
    """
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in _READERS:
            raise ValueError(f"there is no fault {name!r}")
        values[name] = _READERS[name](value, name)
    if values.keys() & _DROPPED.keys():
        values["drops"] = tuple(
            drop
            for name, when in _DROPPED.items()
            for drop in values.pop(name, [old for old in faults.drops if old.when == when])
        )
    return replace(faults, **values)


def _read_seconds(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LONGEST_S:
        raise _mistake(name, "is a number of seconds", value)
    return float(value)


def _read_optional_seconds(value: Any, name: str) -> float | None:
    return None if value is None else _read_seconds(value, name)


def _read_seconds_by_region(value: Any, name: str) -> dict[str, float]:
    return {
        _read_region(region, name): _read_seconds(delay, f"{name}.{region}")
        for region, delay in _read_items(value, name)
    }


def _read_messages(value: Any, name: str) -> dict[str, str]:
    return {
        _read_region(region, name): _read_text(message, f"{name}.{region}")
        for region, message in _read_items(value, name)
    }


def _read_regions(value: Any, name: str) -> frozenset[str]:
    return frozenset(_read_region(region, name) for region in _read_list(value, name))


def _read_denied(value: Any, name: str) -> frozenset[tuple[str, str]]:
    rows = [dict(_read_items(row, name)) for row in _read_list(value, name)]
    return frozenset(
        (_read_operation(row.get("operation"), name), _read_region(row.get("region"), name)) for row in rows
    )


def _read_drops(value: Any, name: str) -> list[Drop]:
    rows = [dict(_read_items(row, name)) for row in _read_list(value, name)]
    return [
        Drop(_read_operation(row.get("operation"), name), _DROPPED[name], _read_count(row.get("times", 1), name))
        for row in rows
    ]


def _read_optional_count(value: Any, name: str) -> int | None:
    return None if value is None else _read_count(value, name)


def _read_count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _mistake(name, "is a number, 0 or more", value)
    return value


def _read_flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _mistake(name, "is true or false", value)
    return value


def _read_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _mistake(name, "is a text", value)
    return value


def _read_region(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise _mistake(name, "has to do with Regions", value)
    return value


def _read_operation(value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in OPERATIONS:
        raise _mistake(name, "has to do with operations of the sandbox", value)
    return value


def _read_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mistake(name, "is a list", value)
    return value


def _read_items(value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _mistake(name, "is an object", value)
    return list(value.items())


def _mistake(name: str, rule: str, value: Any) -> ValueError:
    shown = repr(value)
    return ValueError(f"{name} {rule}, not {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}")


_BY_REGION = ("replication_delay_by_region", "removal_delay_by_region", "failures")
_REGIONS = ("stuck", "outages", "disabled_regions")
_READERS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("replication_delay_s", "removal_delay_s", "force_delete_delay_s", "latency_s"), _read_seconds),
    **dict.fromkeys(("list_lag_s", "listing_lag_s"), _read_seconds),
    "value_delay_s": _read_optional_seconds,
    **dict.fromkeys(("replication_delay_by_region", "removal_delay_by_region"), _read_seconds_by_region),
    "failures": _read_messages,
    **dict.fromkeys(_REGIONS, _read_regions),
    **dict.fromkeys(_DROPPED, _read_drops),
    "write_quota": _read_optional_count,
    "denied": _read_denied,
    "promoted_entry": _read_text,
    **dict.fromkeys(
        ("strands_replicas", "keeps_primary_region", "primary_shows_rekey", "stale_entry_guards"), _read_flag
    ),
}
