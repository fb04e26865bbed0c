"""The faults that the sandbox can be given, as values and as JSON."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from smrep.sandbox.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection that is closed instead of answered, for the first `times` calls of one operation.

    `before`: the request is not carried out. `after`: it is, and only the answer is lost, which is
    how a client comes to send a write twice.
    """

    operation: str
    when: Literal["before", "after"]
    times: int = 1

    def __post_init__(self) -> None:
        if self.when not in ("before", "after"):
            raise ValueError(f"a connection is dropped 'before' or 'after', not {self.when!r}")


@dataclass(frozen=True, slots=True)
class Faults:
    """How the simulated AWS behaves; the default is a healthy one with believable delays.

    The simulator and the server read the value anew at every call, so a running sandbox changes its
    behaviour when it is given another `Faults`. Times are seconds.
    """

    replication_delay_s: float = 2.0
    """From the request until the Region is InSync or Failed. Source: aws-behavior.md 2.4."""
    replication_delay_by_region: Mapping[str, float] = field(default_factory=dict)
    value_delay_s: float | None = None
    """From a later change of the primary until a replica has it; `None`: as long as a replication."""
    removal_delay_s: float = 40.0
    """How long a removed replica lives on in its Region. Source: aws-behavior.md 0.3."""
    removal_delay_by_region: Mapping[str, float] = field(default_factory=dict)
    force_delete_delay_s: float = 1.0
    """How long a secret deleted without recovery can still be described."""
    list_lag_s: float = 0.0
    """How long DescribeSecret goes on showing a Region as it was before it was added or tried again."""
    listing_lag_s: float = 0.0
    """How far ListSecrets is behind; at AWS up to 300. Source: aws-behavior.md 1.5. What changes while this is 0
    is listed at once, also later."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Region -> StatusMessage: what is replicated to that Region ends Failed."""
    stuck: frozenset[str] = frozenset()
    """Regions that stay InProgress: what is replicated there arrives, and is never called InSync, also later."""
    outages: frozenset[str] = frozenset()
    """Regions that do not answer, and that nothing reaches or leaves until they are back."""
    disabled_regions: frozenset[str] = frozenset()
    """Regions that the account has not enabled: calls are refused, and replications end Failed."""
    latency_s: float = 0.0
    """How long the server waits before each answer."""
    drops: tuple[Drop, ...] = ()
    write_quota: int | None = None
    """Calls per second and Region of the group in aws-behavior.md 5 (50 at AWS); `None`: no limit."""
    denied: frozenset[tuple[str, str]] = frozenset()
    """(operation, Region) pairs the caller has no permission for; global services are in us-east-1."""
    promoted_entry: Literal["kept", "dropped"] = "kept"
    """What the old primary shows of a replica that was promoted."""
    stale_entry_guards: bool = False
    """Whether an old primary is spared by an overwrite for listing what is no replica of its any more."""
    strands_replicas: bool = True
    """Whether deleting a primary stops the removals still under way. Source: aws-behavior.md 3.2."""
    keeps_primary_region: bool = True
    """Whether PrimaryRegion is still shown once the last replica was removed."""
    primary_shows_rekey: bool = True
    """Whether the primary's list follows when a replica is given another key."""

    def __post_init__(self) -> None:
        if self.promoted_entry not in ("kept", "dropped"):
            raise ValueError(f"a promoted entry is 'kept' or 'dropped', not {self.promoted_entry!r}")
        times = (
            self.replication_delay_s,
            *self.replication_delay_by_region.values(),
            self.value_delay_s or 0.0,
            self.removal_delay_s,
            *self.removal_delay_by_region.values(),
            self.force_delete_delay_s,
            self.list_lag_s,
            self.listing_lag_s,
            self.latency_s,
        )
        if min(times) < 0:
            raise ValueError("a delay cannot be negative")

    def replication_delay(self, region: str) -> float:
        """Seconds until a replication to `region` is settled."""
        return self.replication_delay_by_region.get(region, self.replication_delay_s)

    def value_delay(self, region: str) -> float:
        """Seconds until a change of the primary has reached its replica in `region`."""
        return self.replication_delay(region) if self.value_delay_s is None else self.value_delay_s

    def removal_delay(self, region: str) -> float:
        """Seconds until a removed replica is gone from `region`."""
        return self.removal_delay_by_region.get(region, self.removal_delay_s)


class DropCounter:
    """Decides which calls lose their connection; starts again when it is shown other drops."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drops: tuple[Drop, ...] = ()
        self._used: Counter[int] = Counter()

    def take(self, drops: tuple[Drop, ...], operation: str) -> Literal["before", "after"] | None:
        """When this call of `operation` is to lose its connection, if at all; counts it."""
        with self._lock:
            if drops is not self._drops:
                self._drops = drops
                self._used.clear()
            for number, drop in enumerate(drops):
                if drop.operation == operation and self._used[number] < drop.times:
                    self._used[number] += 1
                    return drop.when
        return None


_REGION = re.compile(r"([a-z]+-)+\d{1,2}", re.ASCII)
_LONGEST_S = 1e9
_SHOWN = 60
_DROPPED: dict[str, Literal["before", "after"]] = {"dropped_requests": "before", "dropped_answers": "after"}


def document_of(faults: Faults) -> dict[str, Any]:
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


def changed(faults: Faults, document: Mapping[str, Any]) -> Faults:
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
    return {_region(region, name): _seconds(each, f"{name}.{region}") for region, each in _object(value, name)}


def _messages(value: Any, name: str) -> dict[str, str]:
    return {_region(region, name): _text(each, f"{name}.{region}") for region, each in _object(value, name)}


def _regions(value: Any, name: str) -> frozenset[str]:
    return frozenset(_region(each, name) for each in _list(value, name))


def _denied(value: Any, name: str) -> frozenset[tuple[str, str]]:
    rows = [dict(_object(each, name)) for each in _list(value, name)]
    return frozenset((_operation(each.get("operation"), name), _region(each.get("region"), name)) for each in rows)


def _drops(value: Any, name: str) -> list[Drop]:
    rows = [dict(_object(each, name)) for each in _list(value, name)]
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


def _object(value: Any, name: str) -> list[tuple[str, Any]]:
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
