"""What replicate does in each Region: what was wanted, held against what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.report import Finding, Kind, Problem, Severity
from smrep.rules.replication.findings import absent, removing, unseen
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import (
    Absent,
    NameLookup,
    NameOwner,
    NotChecked,
    has_replicas,
    name_owner,
    obstacle,
    our_replica,
)


@dataclass(frozen=True, slots=True)
class Add:
    """Ask for a replica where the list has none; `removing`: an old one must be gone first."""

    target: Target
    findings: tuple[Finding, ...] = ()
    removing: bool = False
    vacant: bool = False
    """Whether a look into the Region found nothing."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Ask again for a replica that Failed."""

    target: Target
    before: Replica
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Ask for a replica in place of `victim`, which is destroyed."""

    target: Target
    victim: Secret
    before: Replica | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """Send nothing: the Region is in sync, or on its way."""

    target: Target
    before: Replica
    findings: tuple[Finding, ...] = ()
    seen_there: bool = False
    """Whether a look into the Region found our replica."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Send nothing for this Region, and say why."""

    target: Target
    error: Problem
    findings: tuple[Finding, ...]


RegionStep = Add | Retry | Overwrite | Keep | Skip


@dataclass(frozen=True, slots=True)
class Consent:
    """What may be destroyed: namesakes if `force`, and the promoted replicas of ours named by ARN.

    Where an ARN is named for a name in a Region, nothing else of that name may be destroyed there.
    """

    force: bool = False
    arns: frozenset[str] = frozenset()

    def others(self, victim: Secret) -> list[str]:
        """Return the ARNs named for the victim's name and Region, if the victim's own is not among them."""
        named = sorted(each for each in self.arns if each[:-7] == victim.arn[:-7])  # a hyphen and the suffix
        return [] if victim.arn in named else named


NO_CONSENT = Consent()


def decide_step(
    primary: Secret,
    target: Target,
    look: NameLookup,
    consent: Consent,
    key_findings: Callable[[Replica], tuple[Finding, ...]],
) -> RegionStep:
    """Return what to do in one Region; `key_findings` compares the key of a replica that is there."""
    who = name_owner(primary, look)
    entry = entry_under(primary.replica(target.region), our_replica(primary, look))
    if isinstance(look, Secret) and who not in (NameOwner.OURS, NameOwner.NOBODY):
        return _in_the_way(primary, target, look, who, consent)
    unchecked = unseen(primary, target.region, look)
    done = entry is not None and entry.status != FAILED
    if unchecked and consent.force and not done:
        cure = "allow the look" if isinstance(look, NotChecked) else unchecked[0].hint
        return skip(
            target,
            Finding(
                Kind.UNCHECKED,
                Severity.ERROR,
                f"--force-overwrite destroys only what was seen, and {unchecked[0].message}",
                f"leave --force-overwrite out, or {cure}",
            ),
            look.error.outcome if isinstance(look, NotChecked) and look.error else Outcome.ACCESS,
        )
    if entry is None:
        return _add(primary, target, who, unchecked)
    if entry.status == FAILED:
        retry = _under_its_key(target, entry)
        about_it = _about_it(retry, NameOwner.UNKNOWN if unchecked else who)
        return Retry(retry, entry, (had_failed(entry, about_it), *unchecked))
    if entry.status == IN_SYNC and isinstance(look, Absent):
        return skip(target, absent(primary, target.region, look))
    return Keep(target, entry, (*key_findings(entry), *unchecked), seen_there=who is NameOwner.OURS)


def entry_under(entry: Replica | None, replica: Secret | None) -> Replica | None:
    """Return the entry with the key that our replica itself shows, where it was seen.

    Whether the list follows a key that was changed over there is not known. Source: aws-behavior.md 1.8.
    """
    return replace(entry, kms_key_id=replica.kms_key_id or DEFAULT) if entry and replica else entry


def skip(target: Target, finding: Finding, outcome: Outcome = Outcome.FAILED) -> Skip:
    """Return the step that leaves a Region alone because of a finding, whose kind is the error's code."""
    return Skip(target, Problem.about(finding, outcome), (finding,))


def _in_the_way(primary: Secret, target: Target, victim: Secret, who: NameOwner, consent: Consent) -> RegionStep:
    """Return Overwrite where the victim may go and consent covers it, Keep where that is under way, else Stop."""
    finding = obstacle(primary, target, victim, who)
    covered = consent.force and (
        who is NameOwner.NAMESAKE or (who is NameOwner.PROMOTED and victim.arn in consent.arns)
    )
    entry = primary.replica(target.region)
    before = (had_failed(entry),) if entry and entry.status == FAILED else ()
    if covered and has_replicas(victim, primary):
        message = f"{victim.arn} has replicas of its own and is not overwritten"
        finding, covered = replace(finding, message=message), False
    others = consent.others(victim) if covered else []
    if others:
        message = f"{victim.arn} is there, and --overwrite-arn names {', '.join(others)}; it is not overwritten"
        finding, covered = replace(finding, message=message), False
    if not covered:
        return replace(skip(target, finding), findings=(finding, *before))
    if entry and entry.status == IN_PROGRESS:  # the overwriting was asked for before, and is on its way
        return Keep(target, entry)
    kept = _under_its_key(target, entry) if before and entry else target
    return Overwrite(kept, victim, entry, (replace(finding, severity=Severity.WARNING), *before))


def _add(primary: Secret, target: Target, who: NameOwner, unchecked: tuple[Finding, ...]) -> Add:
    """Return the step for a Region that the list does not have."""
    if who is not NameOwner.OURS:
        return Add(target, unchecked, vacant=who is NameOwner.NOBODY)
    return Add(target, (removing(primary, target.region),), removing=True)


def had_failed(entry: Replica, about_it: str = "") -> Finding:
    """Return why the Region had Failed, and what is done about it."""
    words = (entry.message or "AWS gave no reason").rstrip(".")
    return Finding(Kind.FAILED, Severity.WARNING, f"{entry.region} had Failed: {words}{about_it}")


def _about_it(target: Target, who: NameOwner) -> str:
    there = {
        NameOwner.NOBODY: "nothing bears the name there now, so ",
        NameOwner.OURS: "what it has of it may be old, so ",
    }
    key = f" under the key {target.kms_key}" if target.kms_key else ""
    return f"; {there.get(who, '')}it is tried again{key}"


def _under_its_key(target: Target, entry: Replica) -> Target:
    """Return the target with the key that the entry has, where none was asked for: a retry changes no key unasked."""
    if target.kms_key is None and entry.kms_key_id not in (None, DEFAULT):
        return replace(target, kms_key=entry.kms_key_id)
    return target
