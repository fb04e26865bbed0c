"""Decides which side of a promoted secret is newer, and the next step of its failback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from smrep.errors import Outcome, Unanswered
from smrep.model import FAILED, IN_SYNC, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import aws_command, format_command, promotion
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair
from smrep.rules.replication.findings import unseen
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked, secret_summary


class FailbackGoal(Enum):
    """How far the way back is to go."""

    PROTECT = "protect"
    """The promoted secret stays the primary and gets its replicas."""
    RETURN = "return"
    """The primary role goes back to its old Region."""


class NewerSide(StrEnum):
    """Which side was changed since both were level."""

    LEVEL = "level"
    OLD = "old"
    NEW = "new"
    BOTH = "both"
    ONE = "one"
    """There are not two sides: one of them is a replica, or nothing."""


@dataclass(frozen=True, slots=True)
class Reprotect:
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
    truth: NewerSide = NewerSide.ONE
    """What the comparison of both sides showed."""


@dataclass(frozen=True, slots=True)
class SkippedSecret:
    """Leave the secret alone."""

    region: Region
    """Where the trouble lies."""
    error: Problem
    findings: tuple[Finding, ...] = ()
    is_silence: bool = False
    """Whether the Region did not answer."""


Step = Reprotect | SkippedSecret


def compared(old: Secret, new: Secret, base: frozenset[tuple[str, str]]) -> NewerSide:
    """Return which side was changed since both were level, at `base`."""
    here, there = frozenset(old.stages), frozenset(new.stages)
    if here == there:
        return NewerSide.LEVEL
    if there == base:
        return NewerSide.OLD
    return NewerSide.NEW if here == base else NewerSide.BOTH


def next_step(ends: BothRegions, goal: FailbackGoal, *, rotation_handled: bool) -> Step:
    """Return what to do next for a secret, given a look into both Regions.

    What bears the name and is not what the record names is left alone, and so is what could not be looked at.
    """
    old, new = ends.old, ends.new
    if (
        isinstance(new, Absent)
        and isinstance(old, Secret)
        and ends.entry.mark is RecordMark.RETURNED
        and not old.is_replica
    ):
        return Reprotect(old, None, (), ())  # it was led home, and its replica was taken away since
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
        turning = goal is FailbackGoal.RETURN and new.rotation_enabled
        return rotating(ends) if turning and not rotation_handled else _protect(ends, goal, new, None)
    if (old.rotation_enabled or new.rotation_enabled) and not rotation_handled:
        return rotating(ends)
    return valueless(ends, old, new) or _between(ends, goal, old, new)


def _between(ends: BothRegions, goal: FailbackGoal, old: Secret, new: Secret) -> Step:
    """Return the step where both sides stand alone: the one that holds the truth replaces the other."""
    found = compared(old, new, ends.entry.stages)
    if found is NewerSide.BOTH:
        return both_changed(old, new)
    if found is not NewerSide.NEW and _is_coming(ends.entry, old, new):
        return _protect(ends, goal, old, new, found) if goal is FailbackGoal.RETURN else on_its_way(old, new)
    if found is NewerSide.OLD and goal is FailbackGoal.PROTECT:
        return old_is_newer(old, new)
    if found is not NewerSide.OLD and _is_coming(ends.entry, new, old):
        return _protect(ends, goal, new, old, found)
    # A Region that is listed already is not known to be replicated to anew, so what is level goes the longer way.
    listed = old.replica(new.region) is not None
    if goal is FailbackGoal.RETURN and (found is NewerSide.OLD or (found is NewerSide.LEVEL and not listed)):
        return _protect(ends, goal, old, new, found)
    return _protect(ends, goal, new, old, found)


def _is_coming(entry: RecordEntry, primary: Secret, there: Secret) -> bool:
    """Tell whether a replica of the one is on its way to take the other's place, as the record says was asked for."""
    listed = primary.replica(there.region)
    return entry.replacing == there.region and listed is not None and listed.status not in (IN_SYNC, FAILED)


def _protect(
    ends: BothRegions, goal: FailbackGoal, primary: Secret, victim: Secret | None, found: NewerSide = NewerSide.ONE
) -> Reprotect:
    """Return how to make the one the primary; where its role goes back then, third Regions wait for that."""
    other = ends.pair.source if primary.region == ends.pair.target else ends.pair.target
    turns = goal is FailbackGoal.RETURN and primary.region == ends.pair.target
    clears = _clears(ends.entry, primary, victim) if victim else ()
    targets = {each.region: each for each in _targets(ends, primary, victim, other) if each.region != primary.region}
    parts = tuple(each.region for each in primary.replicas if each.region != other) if turns else ()
    wanted = tuple(each for each in targets.values() if each.region == other or not turns)
    return Reprotect(primary, victim, clears, wanted, parts, found)


def _clears(entry: RecordEntry, primary: Secret, victim: Secret) -> tuple[Region, ...]:
    """Return where the victim has replicas of its own, or had some that are not seen to be gone yet."""
    listed = [each.region for each in victim.replicas]
    leaving = [each.region for each in entry.third if primary.replica(each.region) is None]
    apart = (primary.region, victim.region)
    return tuple(dict.fromkeys(each for each in (*listed, *leaving) if each not in apart))


def _targets(ends: BothRegions, primary: Secret, victim: Secret | None, other: Region) -> Iterator[Target]:
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


BY_HAND = "what can be done by hand: smrep help runbooks fail-back, 'AWS refuses'"
"""The hint where AWS left a copy where it was."""


@dataclass(frozen=True, slots=True)
class BothRegions:
    """One secret of the record as both Regions show it now."""

    entry: RecordEntry
    pair: RegionPair
    old: NameLookup
    """What bears the name in the Region that was left."""
    new: NameLookup
    """What bears it in the Region that took over."""


def not_the_promoted(ends: BothRegions) -> SkippedSecret | None:
    """Return why the promoted secret is not there to lead home, None where it is."""
    new, entry, region = ends.new, ends.entry, ends.pair.target
    name = entry.name
    if isinstance(new, NotChecked):
        return _unchecked(new, name, entry.arn, region)
    if isinstance(new, Absent):
        return _left(
            region,
            Kind.MISSING,
            f"{name} in {region} was promoted and is not there any more: {entry.arn}",
            _look(name, region),
        )
    return _unfit(new, entry.arn, region, (ends.pair.source,))


def not_the_old(ends: BothRegions) -> SkippedSecret | None:
    """Return why what bears the name in the old Region is left alone, None where that is nothing or the old primary."""
    old, entry, region = ends.old, ends.entry, ends.pair.source
    if isinstance(old, NotChecked):
        return _unchecked(old, entry.name, in_region(entry.arn, region), region)
    if isinstance(old, Absent):
        return None
    return _unfit(old, in_region(entry.arn, region), region, (ends.pair.target,))


def _unfit(secret: Secret, arn: str, region: Region, homes: tuple[Region, ...]) -> SkippedSecret | None:
    """Return why a secret is not what the record names, or can't be dealt with; its primary may be in `homes`."""
    name = secret.name
    if secret.arn != arn:
        shown = secret_summary(secret)
        what = f"another secret bears the name {name} in {region}, which the record does not name: {shown}"
        return _left(region, Kind.NAME_CLASH, what, _look(name, region))
    if secret.deleted is not None:
        restore = aws_command("secretsmanager restore-secret", secret_id=arn, region=region)
        return _left(region, Kind.PENDING_DELETION, f"{name} in {region} is scheduled for deletion: {arn}", restore)
    if secret.cross_account is not None:
        return strange(secret, region, "CrossAccount", "it is replicated between accounts, which is not smrep's to do")
    if secret.is_replica and secret.primary_region not in homes:
        what = f"{name} in {region} is a replica of another primary in {secret.primary_region}: {arn}"
        return _left(region, Kind.ORPHAN, what, _look(name, region))
    return None


def unasked(entry: RecordEntry, region: Region, count: int) -> SkippedSecret:
    """Return that a secret is left alone, since the Region did not answer for so many others."""
    why = Unanswered(f"not asked for, since there was no answer for any of {count} others", f"{entry.name} in {region}")
    return _unchecked(NotChecked(why), entry.name, in_region(entry.arn, region), region)


def _unchecked(look: NotChecked, name: str, arn: str, region: Region) -> SkippedSecret:
    (finding,) = unseen(Secret(arn, name, region), region, look) or (
        Finding(Kind.UNCHECKED, Severity.ERROR, f"{name} in {region} was not looked at"),
    )
    sure = replace(finding, severity=Severity.ERROR, message=f"nothing is done unseen, and {finding.message}")
    outcome = look.error.outcome if look.error else Outcome.FAILED
    return SkippedSecret(region, Problem.about(sure, outcome), (sure,), is_silence=isinstance(look.error, Unanswered))


def _left(region: Region, kind: Kind, message: str, hint: str) -> SkippedSecret:
    finding = Finding(kind, Severity.ERROR, message, hint)
    return SkippedSecret(region, Problem.about(finding), (finding,))


def strange(secret: Secret, region: Region, code: str, why: str) -> SkippedSecret:
    """Return that a secret is left alone for a reason of its own."""
    message = f"{secret.name} in {region} is left alone: {why}"
    return SkippedSecret(region, Problem(code, message, _look(secret.name, region), None, Outcome.FAILED))


def rotating(ends: BothRegions) -> SkippedSecret:
    """Return the refusal of a secret whose rotation would change a password that both sides share."""
    where = [each.region for each in (ends.old, ends.new) if isinstance(each, Secret) and each.rotation_enabled]
    name = ends.entry.name
    return _left(
        where[0],
        Kind.ROTATING,
        f"rotation of {name} is enabled in {' and '.join(where)}, and would change the shared password on one side",
        f"{aws_command('secretsmanager cancel-rotate-secret', secret_id=name, region=where[0])}; "
        "or, where that is seen to: --rotation-handled",
    )


def valueless(ends: BothRegions, old: Secret, new: Secret) -> SkippedSecret | None:
    """Return why a side that shows no current version is not held against the other, None where both show one."""
    sides = (dict(ends.entry.stages), dict(old.stages), dict(new.stages))
    missing = [each.region for each in (old, new) if each.version("AWSCURRENT") is None]
    if not missing or not any("AWSCURRENT" in each for each in sides):
        return None
    what = f"{new.name} in {' and '.join(missing)} shows no current version, so that it can't be held against anything"
    return _left(missing[0], Kind.UNCHECKED, what, _look(new.name, missing[0]))


def on_its_way(old: Secret, new: Secret) -> SkippedSecret:
    """Return that an earlier run asked for the other direction, and AWS is at it."""
    message = (
        f"{new.name} in {new.region} is being replaced by a replica of {old.region}, as an earlier run asked for, and "
        "is left as it is"
    )
    hint = "the same command with --return-primary goes on with that"
    return SkippedSecret(new.region, Problem("OnItsWay", message, hint, None, Outcome.PENDING))


def orphaned(new: Secret) -> SkippedSecret:
    """Return that a replica was never promoted, and nothing is there to be its primary."""
    what = (
        f"{new.name} in {new.region} is a replica still, and its primary in {new.primary_region} is not there any more"
    )
    return _left(new.region, Kind.ORPHAN, what, promotion(new))


def both_changed(old: Secret, new: Secret) -> SkippedSecret:
    """Return that neither side can take the place of the other without a loss."""
    message = (
        f"{new.name} was changed on both sides: {old.region} holds {_current(old)} as AWSCURRENT and {new.region} "
        f"{_current(new)}; it is left alone"
    )
    hint = "decide which is right: smrep help runbooks fail-back, 'Both sides changed'"
    return SkippedSecret(old.region, Problem("BothChanged", message, hint, None, Outcome.FAILED))


def old_is_newer(old: Secret, new: Secret) -> SkippedSecret:
    """Return that the old side would lose its newer value."""
    message = (
        f"{old.region} holds the newer value of {new.name}, {_current(old)}, which a replica of {new.region} would "
        "destroy; it is left alone"
    )
    listed = old.replica(new.region) is not None
    hint = "smrep help runbooks fail-back, 'AWS refuses'" if listed else "--return-primary keeps it"
    return SkippedSecret(old.region, Problem("OldIsNewer", message, hint, None, Outcome.FAILED))


def dark(entry: RecordEntry, home: Region) -> tuple[RegionReport, ...]:
    """Return the third Regions whose replicas an earlier run took away and that have none since."""
    return tuple(_dark(entry, home, each) for each in entry.third)


def _dark(entry: RecordEntry, home: Region, target: Target) -> RegionReport:
    finding = Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{entry.name} has no replica in {target.region}: an earlier run took it away, and it was not put back",
        format_command("replicate", [entry.name], primary_region=home, targets=[target]),
    )
    return RegionReport(target.region, Outcome.FAILED, findings=(finding,), error=Problem.about(finding))


def _current(secret: Secret) -> str:
    changed = f", last changed {secret.last_changed:%Y-%m-%dT%H:%M:%SZ}" if secret.last_changed else ""
    return f"{secret.version('AWSCURRENT') or 'no version'}{changed}"


def _look(name: str, region: Region) -> str:
    return f"look at it: {aws_command('secretsmanager describe-secret', secret_id=name, region=region)}"
