"""Decides the step of `replicate` in each Region from the target and the current state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.report import Finding, Kind, Problem, Severity
from smrep.rules.hints import steps
from smrep.rules.replication.findings import listed_but_missing, not_checked, removing
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import (
    NameLookup,
    NameOwner,
    NoSecret,
    NotChecked,
    conflict_finding,
    has_replicas,
    name_owner,
)


@dataclass(frozen=True, slots=True)
class Add:
    """Request a replica that is not listed; with `removing`, wait until the old one is gone."""

    target: Target
    findings: tuple[Finding, ...] = ()
    removing: bool = False
    vacant: bool = False
    """Whether a check of the Region found nothing."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Request a failed replica again."""

    target: Target
    before: Replica
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Request a replica that destroys and replaces `victim`."""

    target: Target
    victim: Secret
    before: Replica | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """Send nothing: the Region is in sync or in progress."""

    target: Target
    before: Replica
    findings: tuple[Finding, ...] = ()
    replica_seen: bool = False
    """Whether a check of the Region found our replica."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Skip this Region, and say why."""

    target: Target
    error: Problem
    findings: tuple[Finding, ...]


RegionStep = Add | Retry | Overwrite | Keep | Skip


@dataclass(frozen=True, slots=True)
class Consent:
    """Permission to destroy: secrets in a name conflict with `force`, and our promoted replicas by ARN.

    An ARN for a name in a Region protects any other secret of that name there.
    """

    force: bool = False
    arns: frozenset[str] = frozenset()

    def others(self, victim: Secret) -> list[str]:
        """Return the ARNs given for the victim's name and Region, nothing if the victim's ARN is one of them."""
        named = sorted(arn for arn in self.arns if arn[:-7] == victim.arn[:-7])  # cut the hyphen and the suffix
        return [] if victim.arn in named else named


NO_CONSENT = Consent()


def decide_step(
    primary: Secret,
    target: Target,
    look: NameLookup,
    consent: Consent,
    key_findings: Callable[[Replica], tuple[Finding, ...]],
) -> RegionStep:
    """Return the step for one Region; `key_findings` compares the key of an existing replica."""
    owner = name_owner(primary, look)
    entry = primary.replica(target.region)
    if isinstance(look, Secret):
        if owner is not NameOwner.OURS:
            return _overwrite_step(primary, target, look, owner, consent)
        entry = with_replica_key(entry, look)
    unchecked = not_checked(primary, target.region, look)
    done = entry is not None and entry.status != FAILED
    if unchecked and consent.force and not done:
        cure = None if isinstance(look, NotChecked) else unchecked[0].hint
        return skip(
            target,
            Finding(
                Kind.UNCHECKED,
                Severity.ERROR,
                f"--force-overwrite destroys only a secret that smrep could check, and {unchecked[0].message}",
                steps("omit --force-overwrite, or allow the check", cure),
            ),
            look.error.outcome if isinstance(look, NotChecked) and look.error else Outcome.ACCESS,
        )
    if entry is None:
        old = owner is NameOwner.OURS
        findings = (removing(primary, target.region),) if old else unchecked
        return Add(target, findings, removing=old, vacant=owner is NameOwner.NOBODY)
    if entry.status == FAILED:
        retry = _keep_key(target, entry)
        about_it = _retry_note(retry, NameOwner.UNKNOWN if unchecked else owner)
        return Retry(retry, entry, (had_failed(entry, about_it), *unchecked))
    if entry.status == IN_SYNC and isinstance(look, NoSecret):
        return skip(target, listed_but_missing(primary, target.region, look))
    return Keep(target, entry, (*key_findings(entry), *unchecked), replica_seen=owner is NameOwner.OURS)


def with_replica_key(entry: Replica | None, replica: Secret | None) -> Replica | None:
    """Return the entry with the key that our replica shows, if it was checked.

    AWS may not update the list after a key change in the replica's Region. Source: aws-behavior.md 1.8.
    """
    return replace(entry, kms_key_id=replica.kms_key_id or DEFAULT) if entry and replica else entry


def skip(target: Target, finding: Finding, outcome: Outcome = Outcome.FAILED) -> Skip:
    """Return a Skip for the finding, whose kind is the error's code."""
    return Skip(target, Problem.about(finding, outcome), (finding,))


def _overwrite_step(primary: Secret, target: Target, victim: Secret, owner: NameOwner, consent: Consent) -> RegionStep:
    """Return Overwrite if consent covers the victim, Keep if that is in progress, otherwise Skip."""
    finding = conflict_finding(primary, target, victim, owner)
    covered = consent.force and (
        owner is NameOwner.OTHER_SECRET or (owner is NameOwner.PROMOTED and victim.arn in consent.arns)
    )
    entry = primary.replica(target.region)
    before = (had_failed(entry),) if entry and entry.status == FAILED else ()
    if covered and has_replicas(victim, primary):
        message = f"{victim.arn} has replicas of its own, so smrep does not overwrite it"
        finding, covered = replace(finding, message=message), False
    others = consent.others(victim) if covered else []
    if others:
        message = (
            f"{target.region} has {victim.arn}, but --overwrite-arn names {', '.join(others)}; it was not overwritten"
        )
        finding, covered = replace(finding, message=message), False
    if not covered:
        return replace(skip(target, finding), findings=(finding, *before))
    if entry and entry.status == IN_PROGRESS:  # already overwriting
        return Keep(target, entry)
    kept = _keep_key(target, entry) if before and entry else target
    return Overwrite(kept, victim, entry, (replace(finding, severity=Severity.WARNING), *before))


def had_failed(entry: Replica, about_it: str = "") -> Finding:
    """Return why the Region Failed before, and the reaction."""
    words = (entry.message or "AWS gave no reason").rstrip(".")
    return Finding(Kind.FAILED, Severity.WARNING, f"{entry.region} Failed before: {words}{about_it}")


def _retry_note(target: Target, owner: NameOwner) -> str:
    reasons = {
        NameOwner.NOBODY: "the name is free there now, so ",
        NameOwner.OURS: "its replica may be outdated, so ",
    }
    key = f" with the key {target.kms_key}" if target.kms_key else ""
    return f"; {reasons.get(owner, '')}smrep tries again{key}"


def _keep_key(target: Target, entry: Replica) -> Target:
    """Return the target, by default with the entry's key: a retry changes no key unasked."""
    if target.kms_key is None and entry.kms_key_id not in (None, DEFAULT):
        return replace(target, kms_key=entry.kms_key_id)
    return target
