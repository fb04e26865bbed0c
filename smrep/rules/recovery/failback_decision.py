"""Decides which side of a promoted secret is newer, and the next step of its failback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from smrep.errors import Outcome, Unanswered
from smrep.model import FAILED, IN_SYNC, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import aws_command, format_command, promote_command, step, steps
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair
from smrep.rules.replication.findings import not_checked
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked, secret_summary


class FailbackGoal(Enum):
    """How far to fail back."""

    PROTECT = "protect"
    """The promoted secret stays the primary and gets its replicas."""
    RETURN = "return"
    """The primary role returns to its original Region."""


class NewerSide(StrEnum):
    """The side that changed since both were equal."""

    LEVEL = "level"
    OLD = "old"
    NEW = "new"
    BOTH = "both"
    ONE = "one"
    """Only one side is standalone; the other is a replica or missing."""


@dataclass(frozen=True, slots=True)
class Reprotect:
    """Make `primary` the primary of replicas in all of `targets`."""

    primary: Secret
    victim: Secret | None
    """The secret on the other side that a replica overwrites; None to destroy nothing."""
    clears: tuple[Region, ...]
    """Regions of the victim's replicas to remove first, and wait for; never the primary's Region."""
    targets: tuple[Target, ...]
    """Regions to replicate to, with their former keys."""
    parts: tuple[Region, ...] = ()
    """Regions of the primary's replicas to remove at the end, before its role returns."""
    newer_side: NewerSide = NewerSide.ONE
    """The result of comparing both sides."""


@dataclass(frozen=True, slots=True)
class SkippedSecret:
    """A secret that failback does not act on, and why."""

    region: Region
    """The Region of the trouble."""
    error: Problem
    findings: tuple[Finding, ...] = ()
    is_unanswered: bool = False
    """Whether the Region did not answer."""


Step = Reprotect | SkippedSecret


def newer_side(old: Secret, new: Secret, base: frozenset[tuple[str, str]]) -> NewerSide:
    """Return the side that changed since both were equal, at `base`."""
    old_stages, new_stages = frozenset(old.stages), frozenset(new.stages)
    if old_stages == new_stages:
        return NewerSide.LEVEL
    if new_stages == base:
        return NewerSide.OLD
    return NewerSide.NEW if old_stages == base else NewerSide.BOTH


def next_step(ends: BothRegions, goal: FailbackGoal, *, rotation_handled: bool) -> Step:
    """Return the next step for a secret, given the state of both Regions.

    Skips any secret that the record does not name, and any Region that could not be checked.
    """
    old, new = ends.old, ends.new
    if (
        isinstance(new, NoSecret)
        and isinstance(old, Secret)
        and ends.entry.mark is RecordMark.RETURNED
        and not old.is_replica
    ):
        return Reprotect(old, None, (), ())  # failed back, then its replica was removed
    stop = check_promoted(ends) or check_original(ends)
    if stop is not None:
        return stop
    assert isinstance(new, Secret)  # noqa: S101 - checked above
    if not isinstance(old, Secret):
        return orphaned(new) if new.is_replica else _protect(ends, goal, new, None)
    if new.is_replica and old.is_replica:
        return skip_secret(
            new, ends.pair.source, "ReplicaOfReplica", "both sides are replicas, and neither has a primary"
        )
    if new.is_replica:
        return _protect(ends, goal, old, None)
    if old.is_replica:
        turning = goal is FailbackGoal.RETURN and new.rotation_enabled
        return rotating(ends) if turning and not rotation_handled else _protect(ends, goal, new, None)
    if (old.rotation_enabled or new.rotation_enabled) and not rotation_handled:
        return rotating(ends)
    return valueless(ends, old, new) or _replace_older(ends, goal, old, new)


def _replace_older(ends: BothRegions, goal: FailbackGoal, old: Secret, new: Secret) -> Step:
    """Return the step for two standalone sides: the newer one replaces the other."""
    newer = newer_side(old, new, ends.entry.stages)
    if newer is NewerSide.BOTH:
        return both_changed(old, new)
    if newer is not NewerSide.NEW and _is_overwriting(ends.entry, old, new):
        return _protect(ends, goal, old, new, newer) if goal is FailbackGoal.RETURN else skip_in_progress(old, new)
    if newer is NewerSide.OLD and goal is FailbackGoal.PROTECT:
        return old_is_newer(old, new)
    if newer is not NewerSide.OLD and _is_overwriting(ends.entry, new, old):
        return _protect(ends, goal, new, old, newer)
    # AWS may refuse to replicate to a Region that is still listed, so equal sides take the longer way.
    listed = old.replica(new.region) is not None
    if goal is FailbackGoal.RETURN and (newer is NewerSide.OLD or (newer is NewerSide.LEVEL and not listed)):
        return _protect(ends, goal, old, new, newer)
    return _protect(ends, goal, new, old, newer)


def _is_overwriting(entry: RecordEntry, primary: Secret, victim: Secret) -> bool:
    """Return whether AWS is overwriting the victim with a replica of the primary, as the record requested."""
    listed = primary.replica(victim.region)
    return entry.replacing == victim.region and listed is not None and listed.status not in (IN_SYNC, FAILED)


def _protect(
    ends: BothRegions, goal: FailbackGoal, primary: Secret, victim: Secret | None, newer: NewerSide = NewerSide.ONE
) -> Reprotect:
    """Return how to make `primary` the primary; third Regions wait if the role returns afterwards."""
    other = ends.pair.source if primary.region == ends.pair.target else ends.pair.target
    turns = goal is FailbackGoal.RETURN and primary.region == ends.pair.target
    clears = _clears(ends.entry, primary, victim) if victim else ()
    targets = {
        target.region: target for target in _targets(ends, primary, victim, other) if target.region != primary.region
    }
    parts = tuple(replica.region for replica in primary.replicas if replica.region != other) if turns else ()
    wanted = tuple(target for target in targets.values() if target.region == other or not turns)
    return Reprotect(primary, victim, clears, wanted, parts, newer)


def _clears(entry: RecordEntry, primary: Secret, victim: Secret) -> tuple[Region, ...]:
    """Return the Regions of the victim's replicas, including those removed but not confirmed gone."""
    listed = [replica.region for replica in victim.replicas]
    leaving = [target.region for target in entry.third if primary.replica(target.region) is None]
    apart = (primary.region, victim.region)
    return tuple(dict.fromkeys(region for region in (*listed, *leaving) if region not in apart))


def _targets(ends: BothRegions, primary: Secret, victim: Secret | None, other: Region) -> Iterator[Target]:
    """Yield the wanted replicas; the last one of a Region wins."""
    former = ends.old if other == ends.pair.source else ends.new
    yield from ends.entry.third
    for replica in victim.replicas if victim else ():
        yield Target(replica.region, own_key(replica.kms_key_id))
    for replica in primary.replicas:
        if replica.status == FAILED or replica.region == other:
            yield Target(replica.region, own_key(replica.kms_key_id))
    if isinstance(former, Secret):
        yield Target(other, own_key(former.kms_key_id))
    elif primary.replica(other) is None:
        yield Target(other)


def own_key(key: str | None) -> str | None:
    """Return a customer-managed key, None for the AWS managed one."""
    return None if key in (None, DEFAULT) else key


BY_HAND = step("read 'AWS refuses' in the runbook", "smrep help runbooks fail-back")
"""The hint for a secret that AWS did not overwrite."""


@dataclass(frozen=True, slots=True)
class BothRegions:
    """The current state of one recorded secret in both Regions."""

    entry: RecordEntry
    pair: RegionPair
    old: NameLookup
    """The secret of this name in the original Region."""
    new: NameLookup
    """The secret of this name in the Region that took over."""


def check_promoted(ends: BothRegions) -> SkippedSecret | None:
    """Return why the promoted secret cannot fail back, None if it can."""
    new, entry, region = ends.new, ends.entry, ends.pair.target
    name = entry.name
    if isinstance(new, NotChecked):
        return _unchecked(new, name, entry.arn, region)
    if isinstance(new, NoSecret):
        return _skip(
            region,
            Kind.MISSING,
            f"{name} in {region} was promoted and no longer exists: {entry.arn}",
            _describe_hint(name, region),
        )
    return _unfit(new, entry.arn, region, (ends.pair.source,))


def check_original(ends: BothRegions) -> SkippedSecret | None:
    """Return why to skip the secret in the original Region, None if it is missing or the original primary."""
    old, entry, region = ends.old, ends.entry, ends.pair.source
    if isinstance(old, NotChecked):
        return _unchecked(old, entry.name, in_region(entry.arn, region), region)
    if isinstance(old, NoSecret):
        return None
    return _unfit(old, in_region(entry.arn, region), region, (ends.pair.target,))


def _unfit(secret: Secret, arn: str, region: Region, homes: tuple[Region, ...]) -> SkippedSecret | None:
    """Return why smrep skips a secret: not the recorded one, or not usable; `homes` may hold its primary."""
    name = secret.name
    if secret.arn != arn:
        shown = secret_summary(secret)
        message = f"{region} has a different secret named {name} that is not in the failover record: {shown}"
        return _skip(region, Kind.NAME_CONFLICT, message, _describe_hint(name, region))
    if secret.deleted is not None:
        restore = step("restore it", aws_command("secretsmanager restore-secret", secret_id=arn, region=region))
        return _skip(region, Kind.PENDING_DELETION, f"{name} in {region} is scheduled for deletion: {arn}", restore)
    if secret.cross_account is not None:
        return skip_secret(secret, region, "CrossAccount", "smrep does not change cross-account replicas")
    if secret.is_replica and secret.primary_region not in homes:
        message = f"{name} in {region} is a replica of another primary in {secret.primary_region}: {arn}"
        return _skip(region, Kind.ORPHAN, message, _describe_hint(name, region))
    return None


def skip_unanswered(entry: RecordEntry, region: Region, count: int) -> SkippedSecret:
    """Return the skip of a secret whose Region did not answer for `count` others."""
    why = Unanswered(f"{region} answered for none of {count} others")
    return _unchecked(NotChecked(why), entry.name, in_region(entry.arn, region), region)


def _unchecked(look: NotChecked, name: str, arn: str, region: Region) -> SkippedSecret:
    (finding,) = not_checked(Secret(arn, name, region), region, look) or (
        Finding(Kind.UNCHECKED, Severity.ERROR, f"{name} in {region} was not checked"),
    )
    sure = replace(finding, severity=Severity.ERROR, message=f"{finding.message}, so it was skipped")
    outcome = look.error.outcome if look.error else Outcome.FAILED
    return SkippedSecret(
        region, Problem.about(sure, outcome), (sure,), is_unanswered=isinstance(look.error, Unanswered)
    )


def _skip(region: Region, kind: Kind, message: str, hint: str) -> SkippedSecret:
    finding = Finding(kind, Severity.ERROR, message, hint)
    return SkippedSecret(region, Problem.about(finding), (finding,))


def skip_secret(secret: Secret, region: Region, code: str, why: str) -> SkippedSecret:
    """Return the skip of a secret for the given reason."""
    message = f"{secret.name} in {region} was skipped: {why}"
    return SkippedSecret(region, Problem(code, message, _describe_hint(secret.name, region), None, Outcome.FAILED))


def rotating(ends: BothRegions) -> SkippedSecret:
    """Return the skip of a secret whose rotation would change a password that both sides share."""
    where = [secret.region for secret in (ends.old, ends.new) if isinstance(secret, Secret) and secret.rotation_enabled]
    name = ends.entry.name
    return _skip(
        where[0],
        Kind.ROTATING,
        f"{name} rotates in {' and '.join(where)}, which would change the shared password on one side",
        steps(
            step("stop it", aws_command("secretsmanager cancel-rotate-secret", secret_id=name, region=where[0])),
            "or, if you have already handled rotation, add --rotation-handled",
        ),
    )


def valueless(ends: BothRegions, old: Secret, new: Secret) -> SkippedSecret | None:
    """Return the skip of a secret without a current version on one side, None if both sides have one."""
    sides = (dict(ends.entry.stages), dict(old.stages), dict(new.stages))
    missing = [secret.region for secret in (old, new) if secret.version("AWSCURRENT") is None]
    if not missing or not any("AWSCURRENT" in stages for stages in sides):
        return None
    message = f"{new.name} in {' and '.join(missing)} shows no current version, so smrep cannot compare the two sides"
    return _skip(missing[0], Kind.UNCHECKED, message, _describe_hint(new.name, missing[0]))


def skip_in_progress(old: Secret, new: Secret) -> SkippedSecret:
    """Return the skip of a secret that AWS is still replicating the other way, for an earlier run."""
    message = (
        f"{new.name} in {new.region} is being replaced by a replica of {old.region}, as an earlier run requested, so "
        "it was skipped"
    )
    hint = "to resume that run, run the same command with --return-primary"
    return SkippedSecret(new.region, Problem("OnItsWay", message, hint, None, Outcome.PENDING))


def orphaned(new: Secret) -> SkippedSecret:
    """Return the skip of a replica that was never promoted and has no primary."""
    message = f"{new.name} in {new.region} is still a replica, and its primary in {new.primary_region} no longer exists"
    return _skip(new.region, Kind.ORPHAN, message, step("promote it", promote_command(new)))


def both_changed(old: Secret, new: Secret) -> SkippedSecret:
    """Return the skip of a secret where either side would lose a value."""
    message = (
        f"{new.name} changed on both sides, so it was skipped: AWSCURRENT in {old.region} is {_current(old)}, and in "
        f"{new.region} {_current(new)}"
    )
    hint = step("decide which one to keep; read 'Both sides changed' in the runbook", "smrep help runbooks fail-back")
    return SkippedSecret(old.region, Problem("BothChanged", message, hint, None, Outcome.FAILED))


def old_is_newer(old: Secret, new: Secret) -> SkippedSecret:
    """Return the skip of a secret whose original side would lose its newer value."""
    message = (
        f"{new.name} was skipped: {old.region} holds its newer value, {_current(old)}, which a replica of {new.region} "
        "would destroy"
    )
    listed = old.replica(new.region) is not None
    hint = BY_HAND if listed else "to keep the newer value, run the same command with --return-primary"
    return SkippedSecret(old.region, Problem("OldIsNewer", message, hint, None, Outcome.FAILED))


def missing_third_regions(entry: RecordEntry, home: Region) -> tuple[RegionReport, ...]:
    """Return the third Regions where an earlier run removed the replica and none replaced it."""
    return tuple(_missing_third_region(entry, home, target) for target in entry.third)


def _missing_third_region(entry: RecordEntry, home: Region, target: Target) -> RegionReport:
    finding = Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{entry.name} has no replica in {target.region}: an earlier run removed it and did not add it again",
        step("add it", format_command("replicate", [entry.name], primary_region=home, targets=[target])),
    )
    return RegionReport(target.region, Outcome.FAILED, findings=(finding,), error=Problem.about(finding))


def _current(secret: Secret) -> str:
    changed = f", last changed {secret.last_changed:%Y-%m-%dT%H:%M:%SZ}" if secret.last_changed else ""
    return f"{secret.version('AWSCURRENT') or 'no version'}{changed}"


def _describe_hint(name: str, region: Region) -> str:
    return step("look at it", aws_command("secretsmanager describe-secret", secret_id=name, region=region))
