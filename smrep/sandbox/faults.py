"""The faults that the sandbox can be given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal


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
