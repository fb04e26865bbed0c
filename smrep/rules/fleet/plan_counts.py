"""Counts of planned or finished actions by Region, and groups of them for display."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action, Kind, RegionReport, SecretReport
from smrep.rules.replication.replica_deletion import GONE

KEEP, WRONG_KEY, BLOCKED = Action.KEEP.value, Kind.WRONG_KEY.value, "blocked"
COUNTED = (Action.ADD.value, Action.RETRY.value, Action.REMOVE.value, WRONG_KEY, BLOCKED, KEEP)
"""Actions of a manifest, and reasons for none; the words of a summary."""
ORDER = (Action.PROMOTE.value, Action.OVERWRITE.value, Action.REKEY.value, *COUNTED)
"""All actions, in order of display."""


def action_of(row: RegionReport) -> str:
    """Return the action in a Region, or the reason for none."""
    if row.error is not None and not row.changed and row.action in (None, Action.REMOVE, Action.REKEY):
        return BLOCKED
    if any(finding.kind is Kind.WRONG_KEY for finding in row.findings) and row.action is Action.KEEP:
        return WRONG_KEY
    if row.action is Action.REMOVE and row.note == GONE and not row.changed:
        return KEEP
    return row.action.value if row.action else BLOCKED


def tally(reports: Iterable[SecretReport], kept: int, healthy: int) -> dict[str, int]:
    """Return the number of secrets, and of Regions by action.

    `kept` Regions of `healthy` more secrets need no action.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("secrets", *COUNTED, "in_trouble"), 0))
    counts["secrets"], counts[KEEP] = healthy, kept
    for secret in reports:
        counts["secrets"] += 1
        counts["in_trouble"] += secret.error is not None
        counts.update(action_of(row) for row in secret.replicas)
    return dict(counts)


def result_counts(reports: Iterable[SecretReport], kept: int, healthy: int) -> dict[str, int]:
    """Return the same, with the number of changed, failed, denied and pending Regions."""
    reports = list(reports)
    rows = [row for secret in reports for row in secret.replicas]
    return {
        **tally(reports, kept, healthy),
        "changed": sum(row.changed for row in rows),
        "failed": sum(row.outcome is Outcome.FAILED for row in rows),
        "denied": sum(row.outcome is Outcome.ACCESS for row in rows),
        "pending": sum(row.outcome in (Outcome.PENDING, Outcome.ACCEPTED) for row in rows),
    }


@dataclass(slots=True)
class Group:
    """Secrets that share rules, action and Region, or the reason for none."""

    rules: tuple[str, ...]
    action: str
    region: Region | None
    """None for whole secrets."""
    key: str | None = None
    why: str | None = None
    """The blocker: a kind of finding or an error's code."""
    names: list[str] = field(default_factory=list)
    """The first few."""
    count: int = 0

    @property
    def place(self) -> tuple[object, ...]:
        """The key that identifies the group."""
        return self.rules, self.action, self.region, self.key, self.why


_FEW = 3


def groups(reports: Iterable[SecretReport]) -> Iterator[Group]:
    """Yield the groups, in the order of the rules and of ORDER."""
    by_place: dict[tuple[object, ...], Group] = {}
    for secret in reports:
        for candidate in _groups_of(secret):
            group = by_place.setdefault(candidate.place, candidate)
            group.count += 1
            if len(group.names) < _FEW:
                group.names.append(secret.label)
    rules = {group.rules: None for group in by_place.values()}
    order = {names: place for place, names in enumerate(rules)}
    yield from sorted(
        by_place.values(),
        key=lambda group: (order[group.rules], ORDER.index(group.action), group.region or "", group.why or ""),
    )


def _groups_of(secret: SecretReport) -> Iterator[Group]:
    if secret.error is not None:
        yield Group(secret.rules, BLOCKED, None, why=secret.error.code)
    for row in secret.replicas:
        action = action_of(row)
        key = row.wanted_key if action != Action.REMOVE.value else None
        yield Group(secret.rules, action, row.region, key, row.error.code if action == BLOCKED and row.error else None)
