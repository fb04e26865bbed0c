"""How much of what there is to do, or was done: counts of Regions, and lines that group them for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action, Kind, RegionReport, SecretReport

KEEP, WRONG_KEY, BLOCKED = Action.KEEP.value, Kind.WRONG_KEY.value, "blocked"
COUNTED = (Action.ADD.value, Action.RETRY.value, Action.REMOVE.value, WRONG_KEY, BLOCKED, KEEP)
"""What a manifest has done to a Region, and what is not done there; the words of a summary."""
ORDER = (Action.PROMOTE.value, Action.OVERWRITE.value, *COUNTED)
"""Everything that is done to a Region, as it is shown."""


def what_of(row: RegionReport) -> str:
    """Return what is to be done to a Region, or why nothing is."""
    if row.error is not None and not row.changed and row.action in (None, Action.REMOVE):
        return BLOCKED
    if any(each.kind is Kind.WRONG_KEY for each in row.findings) and row.action is Action.KEEP:
        return WRONG_KEY
    if row.action is Action.REMOVE and row.note == "gone" and not row.changed:
        return KEEP
    return row.action.value if row.action else BLOCKED


def tally(reports: Iterable[SecretReport], kept: int, healthy: int) -> dict[str, int]:
    """Return how many Regions get what, and how many secrets there are.

    `kept` Regions of `healthy` more secrets are as they should be.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("secrets", *COUNTED, "in_trouble"), 0))
    counts["secrets"], counts[KEEP] = healthy, kept
    for secret in reports:
        counts["secrets"] += 1
        counts["in_trouble"] += secret.error is not None
        counts.update(what_of(row) for row in secret.replicas)
    return dict(counts)


def done(reports: Iterable[SecretReport], kept: int, healthy: int) -> dict[str, int]:
    """Return the same, and how many Regions AWS took a request for, failed, were denied, are not finished."""
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
    """Secrets for which the same rules want the same in the same Region, or that are stopped for the same reason."""

    rules: tuple[str, ...]
    what: str
    region: Region | None
    """None where it is about whole secrets."""
    key: str | None = None
    why: str | None = None
    """What stops them: a kind of finding or an error's code."""
    names: list[str] = field(default_factory=list)
    """The first few."""
    count: int = 0

    @property
    def place(self) -> tuple[object, ...]:
        """What tells it from the others."""
        return self.rules, self.what, self.region, self.key, self.why


_FEW = 3


def groups(reports: Iterable[SecretReport]) -> Iterator[Group]:
    """Yield what is to be done, grouped by rules, action and Region, in the order of the rules and of ORDER."""
    found: dict[tuple[object, ...], Group] = {}
    for secret in reports:
        for each in _groups_of(secret):
            group = found.setdefault(each.place, each)
            group.count += 1
            if len(group.names) < _FEW:
                group.names.append(secret.label)
    rules = {each.rules: None for each in found.values()}
    order = {each: place for place, each in enumerate(rules)}
    yield from sorted(
        found.values(), key=lambda each: (order[each.rules], ORDER.index(each.what), each.region or "", each.why or "")
    )


def _groups_of(secret: SecretReport) -> Iterator[Group]:
    if secret.error is not None:
        yield Group(secret.rules, BLOCKED, None, why=secret.error.code)
    for row in secret.replicas:
        what = what_of(row)
        key = row.wanted_key if what != Action.REMOVE.value else None
        yield Group(secret.rules, what, row.region, key, row.error.code if what == BLOCKED and row.error else None)
