"""Faults of the simulated AWS: delays, failures, outages and lost connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection closed without an answer, for the first `times` calls of one operation.

    `before`: the sandbox does not carry out the request. `after`: it does, and only the answer is lost, which
    makes a client send a write twice.
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

    The simulator and the server read it at every call, so you can replace the `Faults` of a running sandbox.
    Times are in seconds.
    """

    replication_delay_s: float = 2.0
    """Time from the request until the Region is InSync or Failed. Source: aws-behavior.md 2.4."""
    replication_delay_by_region: Mapping[str, float] = field(default_factory=dict)
    value_delay_s: float | None = None
    """Time from a change of the primary until its replicas have it; `None`: as long as a replication."""
    removal_delay_s: float = 40.0
    """Time until a removed replica is gone from its Region. Source: aws-behavior.md 0.3."""
    removal_delay_by_region: Mapping[str, float] = field(default_factory=dict)
    force_delete_delay_s: float = 1.0
    """Time during which a secret deleted without recovery can still be described."""
    list_lag_s: float = 0.0
    """Time during which DescribeSecret shows a Region as it was before it was added or retried."""
    listing_lag_s: float = 0.0
    """How far ListSecrets lags; at AWS up to 300. Source: aws-behavior.md 1.5. It never hides a change made at 0."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Region -> StatusMessage: every replication to that Region fails with it."""
    stuck: frozenset[str] = frozenset()
    """Regions that stay InProgress: the data arrives, but the entry never becomes InSync, even after the fault."""
    outages: frozenset[str] = frozenset()
    """Regions that do not answer; nothing reaches or leaves them until they are back."""
    disabled_regions: frozenset[str] = frozenset()
    """Regions that the account has not enabled: they refuse calls, and replications to them fail."""
    latency_s: float = 0.0
    """How long the server waits before each answer."""
    drops: tuple[Drop, ...] = ()
    write_quota: int | None = None
    """Calls per second and Region of the group in aws-behavior.md 5 (50 at AWS); `None`: no limit."""
    denied: frozenset[tuple[str, str]] = frozenset()
    """(operation, Region) pairs that callers have no permission for; global services are in us-east-1."""
    promoted_entry: Literal["kept", "dropped"] = "kept"
    """Whether the old primary still lists a promoted replica."""
    stale_entry_guards: bool = False
    """Whether stale entries protect an old primary from being overwritten."""
    strands_replicas: bool = True
    """Whether deleting a primary stops removals in progress. Source: aws-behavior.md 3.2."""
    keeps_primary_region: bool = True
    """Whether a primary still shows PrimaryRegion after its last replica is removed."""
    primary_shows_rekey: bool = True
    """Whether the primary's list shows a replica's new key."""

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
        """Return the seconds until a replication to `region` succeeds or fails."""
        return self.replication_delay_by_region.get(region, self.replication_delay_s)

    def value_delay(self, region: str) -> float:
        """Return the seconds until a change of the primary reaches its replica in `region`."""
        return self.replication_delay(region) if self.value_delay_s is None else self.value_delay_s

    def removal_delay(self, region: str) -> float:
        """Return the seconds until a removed replica is gone from `region`."""
        return self.removal_delay_by_region.get(region, self.removal_delay_s)


class DropCounter:
    """Counts the calls that lost their connection; starts over when the drops change."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drops: tuple[Drop, ...] = ()
        self._used: Counter[int] = Counter()

    def take(self, drops: tuple[Drop, ...], operation: str) -> Literal["before", "after"] | None:
        """Return when this call of `operation` loses its connection, if it does, and count it."""
        with self._lock:
            if drops is not self._drops:
                self._drops = drops
                self._used.clear()
            for number, drop in enumerate(drops):
                if drop.operation == operation and self._used[number] < drop.times:
                    self._used[number] += 1
                    return drop.when
        return None
