"""Which side of a failover holds the truth, and what the next step of the way back is; nothing else decides it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from smrep.errors import Outcome, Unanswered
from smrep.model import FAILED, IN_PROGRESS, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity, Trouble
from smrep.rules.commands import spell
from smrep.rules.findings import unseen
from smrep.rules.keys import DEFAULT
from smrep.rules.preflight import Absent, Look, Unseen, portrait
from smrep.rules.record import Entry, Pair


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
    truth: Truth = Truth.ONE
    """What the comparison of both sides showed."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the secret alone."""

    region: Region
    """Where the trouble lies."""
    error: Trouble
    findings: tuple[Finding, ...] = ()
    is_silence: bool = False
    """Whether the Region did not answer."""


Step = Protect | Leave


@dataclass(frozen=True, slots=True)
class Sides:
    """One secret of the record as both Regions show it now."""

    entry: Entry
    pair: Pair
    old: Look
    """What bears the name in the Region that was left."""
    new: Look
    """What bears it in the Region that took over."""


def compared(old: Secret, new: Secret, base: frozenset[tuple[str, str]]) -> Truth:
    """Return which side was changed since both were level, at `base`."""
    here, there = frozenset(old.stages), frozenset(new.stages)
    if here == there:
        return Truth.LEVEL
    if there == base:
        return Truth.OLD
    return Truth.NEW if here == base else Truth.BOTH


def next_step(sides: Sides, goal: Goal, *, rotation_handled: bool) -> Step:
    """Return what to do next for a secret, given a look into both Regions.

    What bears the name and is not what the record names is left alone, and so is what could not be looked at.
    """
    old, new, pair = sides.old, sides.new, sides.pair
    stop = _not_the_promoted(sides) or _not_the_old(sides)
    if stop is not None:
        return stop
    assert isinstance(new, Secret)  # noqa: S101 - as was checked
    if not isinstance(old, Secret):
        return _orphaned(new) if new.is_replica else _protect(sides, new, None)
    if new.is_replica and old.is_replica:
        return _strange(new, pair.source, "ReplicaOfReplica", "both sides are replicas, and nobody is their primary")
    if new.is_replica:
        return _protect(sides, old, None)
    if old.is_replica:
        turning = goal is Goal.RETURN and new.rotation_enabled
        return _rotating(sides) if turning and not rotation_handled else _protect(sides, new, None)
    if (old.rotation_enabled or new.rotation_enabled) and not rotation_handled:
        return _rotating(sides)
    return _between(sides, old, new, goal)


def _between(sides: Sides, old: Secret, new: Secret, goal: Goal) -> Step:
    """Return the step where both sides stand alone: the one that holds the truth replaces the other."""
    found = compared(old, new, sides.entry.stages)
    if found is Truth.BOTH:
        return _both_changed(old, new)
    if found is Truth.OLD and goal is Goal.PROTECT and not _is_coming(old, new):
        return _old_is_newer(old, new)
    if found is not Truth.NEW and _is_coming(old, new):
        return _protect(sides, old, new, found)
    if found is not Truth.OLD and _is_coming(new, old):
        return _protect(sides, new, old, found)
    # A Region that is listed already is not known to be replicated to anew, so what is level goes the longer way.
    listed = old.replica(new.region) is not None
    if goal is Goal.RETURN and (found is Truth.OLD or (found is Truth.LEVEL and not listed)):
        return _protect(sides, old, new, found)
    return _protect(sides, new, old, found)


def _is_coming(primary: Secret, there: Secret) -> bool:
    """Tell whether a replica of the one is on its way to take the other's place, as an earlier run asked for."""
    entry = primary.replica(there.region)
    return entry is not None and entry.status == IN_PROGRESS


def _protect(sides: Sides, primary: Secret, victim: Secret | None, found: Truth = Truth.ONE) -> Protect:
    clears = _clears(sides.entry, primary, victim) if victim else ()
    targets = {each.region: each for each in _targets(sides, primary, victim) if each.region != primary.region}
    return Protect(primary, victim, clears, tuple(targets.values()), found)


def _clears(entry: Entry, primary: Secret, victim: Secret) -> tuple[Region, ...]:
    """Return where the victim has replicas of its own, or had some that are not seen to be gone yet."""
    listed = [each.region for each in victim.replicas]
    leaving = [each.region for each in entry.third if primary.replica(each.region) is None]
    apart = (primary.region, victim.region)
    return tuple(dict.fromkeys(each for each in (*listed, *leaving) if each not in apart))


def _targets(sides: Sides, primary: Secret, victim: Secret | None) -> Iterator[Target]:
    """Yield where replicas are to be; of a Region that comes twice, the last counts."""
    other = sides.pair.source if primary.region == sides.pair.target else sides.pair.target
    there = sides.old if other == sides.pair.source else sides.new
    yield from sides.entry.third
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


def _not_the_promoted(sides: Sides) -> Leave | None:
    """Return why the promoted secret is not there to lead home, None where it is."""
    new, entry, region = sides.new, sides.entry, sides.pair.target
    name = entry.name
    if isinstance(new, Unseen):
        return _unchecked(new, name, entry.arn, region)
    if isinstance(new, Absent):
        return _left(
            region,
            Kind.MISSING,
            f"{name} in {region} was promoted and is not there any more: {entry.arn}",
            _look(name, region),
        )
    return _unfit(new, entry.arn, region, (sides.pair.source,))


def _not_the_old(sides: Sides) -> Leave | None:
    """Return why what bears the name in the old Region is left alone, None where that is nothing or the old primary."""
    old, entry, region = sides.old, sides.entry, sides.pair.source
    if isinstance(old, Unseen):
        return _unchecked(old, entry.name, in_region(entry.arn, region), region)
    if isinstance(old, Absent):
        return None
    return _unfit(old, in_region(entry.arn, region), region, (sides.pair.target,))


def _unfit(secret: Secret, arn: str, region: Region, homes: tuple[Region, ...]) -> Leave | None:
    """Return why a secret is not what the record names, or can't be dealt with; its primary may be in `homes`."""
    name = secret.name
    if secret.arn != arn:
        what = f"another secret bears the name {name} in {region}, which the record does not name: {portrait(secret)}"
        return _left(region, Kind.NAME_CLASH, what, _look(name, region))
    if secret.deleted is not None:
        restore = f"aws secretsmanager restore-secret --secret-id {shlex.quote(arn)} --region {region}"
        return _left(region, Kind.PENDING_DELETION, f"{name} in {region} is scheduled for deletion: {arn}", restore)
    if secret.cross_account is not None:
        return _strange(secret, region, "CrossAccount", "it is replicated between accounts, which is not smrep's to do")
    if secret.is_replica and secret.primary_region not in homes:
        what = f"{name} in {region} is a replica of another primary in {secret.primary_region}: {arn}"
        return _left(region, Kind.ORPHAN, what, _look(name, region))
    return None


def _unchecked(look: Unseen, name: str, arn: str, region: Region) -> Leave:
    (finding,) = unseen(Secret(arn, name, region), region, look) or (
        Finding(Kind.UNCHECKED, Severity.ERROR, f"{name} in {region} was not looked at"),
    )
    sure = replace(finding, severity=Severity.ERROR, message=f"nothing is done unseen, and {finding.message}")
    outcome = look.error.outcome if look.error else Outcome.FAILED
    return Leave(region, Trouble.about(sure, outcome), (sure,), is_silence=isinstance(look.error, Unanswered))


def _left(region: Region, kind: Kind, message: str, hint: str) -> Leave:
    finding = Finding(kind, Severity.ERROR, message, hint)
    return Leave(region, Trouble.about(finding), (finding,))


def _strange(secret: Secret, region: Region, code: str, why: str) -> Leave:
    message = f"{secret.name} in {region} is left alone: {why}"
    return Leave(region, Trouble(code, message, _look(secret.name, region), None, Outcome.FAILED))


def _rotating(sides: Sides) -> Leave:
    where = [each.region for each in (sides.old, sides.new) if isinstance(each, Secret) and each.rotation_enabled]
    name = sides.entry.name
    return _left(
        where[0],
        Kind.ROTATING,
        f"rotation of {name} is enabled in {' and '.join(where)}, and would change the shared password on one side",
        f"aws secretsmanager cancel-rotate-secret --secret-id {shlex.quote(name)} --region {where[0]}; or, where that "
        "is seen to: --rotation-handled",
    )


def _orphaned(new: Secret) -> Leave:
    what = (
        f"{new.name} in {new.region} is a replica still, and its primary in {new.primary_region} is not there any more"
    )
    return _left(new.region, Kind.ORPHAN, what, spell("promote", [new.name], targets=[Target(new.region)]))


def _both_changed(old: Secret, new: Secret) -> Leave:
    message = (
        f"{new.name} was changed on both sides: {old.region} holds {_current(old)} as AWSCURRENT and {new.region} "
        f"{_current(new)}; it is left alone"
    )
    hint = "decide which is right: docs/runbooks/fail-back.md, 'Both sides changed'"
    return Leave(old.region, Trouble("BothChanged", message, hint, None, Outcome.FAILED))


def _old_is_newer(old: Secret, new: Secret) -> Leave:
    message = (
        f"{old.region} holds the newer value of {new.name}, {_current(old)}, which a replica of {new.region} would "
        "destroy; it is left alone"
    )
    return Leave(old.region, Trouble("OldIsNewer", message, "--return-primary keeps it", None, Outcome.FAILED))


def _current(secret: Secret) -> str:
    changed = f", last changed {secret.last_changed:%Y-%m-%dT%H:%M:%SZ}" if secret.last_changed else ""
    return f"{secret.version('AWSCURRENT') or 'no version'}{changed}"


def _look(name: str, region: Region) -> str:
    return f"look at it: aws secretsmanager describe-secret --secret-id {shlex.quote(name)} --region {region}"
