"""Which side of a failover holds the truth, and what the next step of the way back is; nothing else decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum

from smrep.model import FAILED, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.rules.keys import DEFAULT
from smrep.rules.left_alone import (
    Ends,
    Leave,
    both_changed,
    not_the_old,
    not_the_promoted,
    old_is_newer,
    on_its_way,
    orphaned,
    rotating,
    strange,
    valueless,
)
from smrep.rules.preflight import Absent
from smrep.rules.record import Entry, Mark


class Goal(Enum):
    """How far the way back is to go."""

    PROTECT = "protect"
    """The promoted secret stays the primary and gets its replicas."""
    RETURN = "return"
    """The primary role goes back to its old Region."""


class Truth(StrEnum):
    """Which side was changed since both were level."""

    LEVEL = "level"
    OLD = "old"
    NEW = "new"
    BOTH = "both"
    ONE = "one"
    """There are not two sides: one of them is a replica, or nothing."""


@dataclass(frozen=True, slots=True)
class Protect:
    """Make `primary` the primary of replicas in all of `targets`."""

    primary: Secret
    victim: Secret | None
    """The copy on the other side that a replica takes the place of; None where none is to be destroyed."""
    clears: tuple[Region, ...]
    """Where the victim's own replicas are removed and waited for first; never the primary's Region."""
    targets: tuple[Target, ...]
    """With the keys that were there."""
    parts: tuple[Region, ...] = ()
    """Where the primary's own replicas are removed once the rest is done, since its role goes back then."""
    truth: Truth = Truth.ONE
    """What the comparison of both sides showed."""


Step = Protect | Leave


def compared(old: Secret, new: Secret, base: frozenset[tuple[str, str]]) -> Truth:
    """Return which side was changed since both were level, at `base`."""
    here, there = frozenset(old.stages), frozenset(new.stages)
    if here == there:
        return Truth.LEVEL
    if there == base:
        return Truth.OLD
    return Truth.NEW if here == base else Truth.BOTH


def next_step(ends: Ends, goal: Goal, *, rotation_handled: bool) -> Step:
    """Return what to do next for a secret, given a look into both Regions.

    What bears the name and is not what the record names is left alone, and so is what could not be looked at.
    """
    old, new = ends.old, ends.new
    if isinstance(new, Absent) and isinstance(old, Secret) and ends.entry.mark is Mark.RETURNED and not old.is_replica:
        return Protect(old, None, (), ())  # it was led home, and its replica was taken away since
    stop = not_the_promoted(ends) or not_the_old(ends)
    if stop is not None:
        return stop
    assert isinstance(new, Secret)  # noqa: S101 - as was checked
    if not isinstance(old, Secret):
        return orphaned(new) if new.is_replica else _protect(ends, goal, new, None)
    if new.is_replica and old.is_replica:
        return strange(
            new, ends.pair.source, "ReplicaOfReplica", "both sides are replicas, and nobody is their primary"
        )
    if new.is_replica:
        return _protect(ends, goal, old, None)
    if old.is_replica:
        turning = goal is Goal.RETURN and new.rotation_enabled
        return rotating(ends) if turning and not rotation_handled else _protect(ends, goal, new, None)
    if (old.rotation_enabled or new.rotation_enabled) and not rotation_handled:
        return rotating(ends)
    return valueless(ends, old, new) or _between(ends, goal, old, new)


def _between(ends: Ends, goal: Goal, old: Secret, new: Secret) -> Step:
    """Return the step where both sides stand alone: the one that holds the truth replaces the other."""
    found = compared(old, new, ends.entry.stages)
    if found is Truth.BOTH:
        return both_changed(old, new)
    if found is not Truth.NEW and _is_coming(ends.entry, old, new):
        return _protect(ends, goal, old, new, found) if goal is Goal.RETURN else on_its_way(old, new)
    if found is Truth.OLD and goal is Goal.PROTECT:
        return old_is_newer(old, new)
    if found is not Truth.OLD and _is_coming(ends.entry, new, old):
        return _protect(ends, goal, new, old, found)
    # A Region that is listed already is not known to be replicated to anew, so what is level goes the longer way.
    listed = old.replica(new.region) is not None
    if goal is Goal.RETURN and (found is Truth.OLD or (found is Truth.LEVEL and not listed)):
        return _protect(ends, goal, old, new, found)
    return _protect(ends, goal, new, old, found)


def _is_coming(entry: Entry, primary: Secret, there: Secret) -> bool:
    """Tell whether a replica of the one is on its way to take the other's place, as the record says was asked for."""
    listed = primary.replica(there.region)
    return entry.replacing == there.region and listed is not None and listed.status not in (IN_SYNC, FAILED)


def _protect(ends: Ends, goal: Goal, primary: Secret, victim: Secret | None, found: Truth = Truth.ONE) -> Protect:
    """Return how to make the one the primary; where its role goes back then, third Regions wait for that."""
    other = ends.pair.source if primary.region == ends.pair.target else ends.pair.target
    turns = goal is Goal.RETURN and primary.region == ends.pair.target
    clears = _clears(ends.entry, primary, victim) if victim else ()
    targets = {each.region: each for each in _targets(ends, primary, victim, other) if each.region != primary.region}
    parts = tuple(each.region for each in primary.replicas if each.region != other) if turns else ()
    wanted = tuple(each for each in targets.values() if each.region == other or not turns)
    return Protect(primary, victim, clears, wanted, parts, found)


def _clears(entry: Entry, primary: Secret, victim: Secret) -> tuple[Region, ...]:
    """Return where the victim has replicas of its own, or had some that are not seen to be gone yet."""
    listed = [each.region for each in victim.replicas]
    leaving = [each.region for each in entry.third if primary.replica(each.region) is None]
    apart = (primary.region, victim.region)
    return tuple(dict.fromkeys(each for each in (*listed, *leaving) if each not in apart))


def _targets(ends: Ends, primary: Secret, victim: Secret | None, other: Region) -> Iterator[Target]:
    """Yield where replicas are to be; of a Region that comes twice, the last counts."""
    there = ends.old if other == ends.pair.source else ends.new
    yield from ends.entry.third
    for each in victim.replicas if victim else ():
        yield Target(each.region, own_key(each.kms_key_id))
    for each in primary.replicas:
        if each.status == FAILED or each.region == other:
            yield Target(each.region, own_key(each.kms_key_id))
    if isinstance(there, Secret):
        yield Target(other, own_key(there.kms_key_id))
    elif primary.replica(other) is None:
        yield Target(other)


def own_key(key: str | None) -> str | None:
    """Return a customer's key, None for AWS's own."""
    return None if key in (None, DEFAULT) else key
