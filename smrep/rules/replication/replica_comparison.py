"""Compares a replica with its primary: existence, versions and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import FAILED, IN_SYNC, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import format_command_on, step, steps
from smrep.rules.replication.findings import (
    failed,
    in_progress,
    listed_but_missing,
    no_value,
    not_checked,
    not_listed,
    removing,
    unchecked,
    valueless,
)
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding, name_owner
from smrep.rules.replication.replica_state import LIST_LAG_S, worst

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
"""Labels that must match on both sides; AWSPENDING belongs to rotation."""

FOREVER_S = float("inf")

Verdict = bool | AwsError
"""Whether two keys are the same, or why that is unknown."""
Same = Callable[[str, str], Verdict]

Listed = tuple[Version, ...] | AwsError | None
"""The versions of one side, or why they could not be listed; None if not wanted."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of the comparison for one Region."""

    verified: bool | None
    """None if something could not be checked."""
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    patience_s: float = 0.0
    """Seconds to wait for a better answer; a lagging version may arrive at any time."""


@dataclass(frozen=True, slots=True)
class BothSides:
    """One secret in one Region, as both sides show it; `key` is the wanted one, None for any."""

    primary: Secret
    region: Region
    look: NameLookup
    primary_versions: Listed
    replica_versions: Listed
    key: str | None = None
    key_patience_s: float = 0.0
    """Seconds during which another key may be a lagging answer."""


def compare_replica(sides: BothSides, same: Same) -> Proof:
    """Return the proof about a replica: its origin, versions and keys; a secret without a value proves almost nothing.

    ListSecretVersionIds lists only versions that hold a value, so a label without one counts as missing.
    Source: aws-behavior.md 1.4, 9.4; API_ListSecretVersionIds.
    """
    proof, empty = _prove(sides, same), no_value(sides.primary)
    if not empty:
        return proof
    findings = tuple(dict.fromkeys((*proof.findings, *empty)))
    return replace(proof, findings=findings, outcome=worst([proof.outcome, Outcome.DRIFT]))


def _prove(sides: BothSides, same: Same) -> Proof:
    primary, region, look = sides.primary, sides.region, sides.look
    entry = primary.replica(region)
    owner = name_owner(primary, look)
    conflicting = isinstance(look, Secret) and owner is not NameOwner.OURS
    stranger = (
        (conflict_finding(primary, Target(region), look, owner),) if isinstance(look, Secret) and conflicting else ()
    )
    doubt = not_checked(primary, region, look) if isinstance(look, NotChecked) else ()
    if entry is None:
        gap = not_listed(primary, region, sides.key)
        leaving = replace(removing(primary, region), severity=Severity.ERROR, hint=gap.hint)
        unlisted = leaving if owner is NameOwner.OURS else replace(gap, hint=None) if conflicting else gap
        drift = _drift((*stranger, unlisted, *doubt))
        if stranger:
            return replace(drift, patience_s=0.0)  # a conflict was seen directly, so no list lags
        return replace(drift, outcome=worst([drift.outcome, *_outcomes(doubt)]))
    if entry.status == FAILED:
        return Proof(False, Outcome.FAILED, (*stranger, failed(primary, entry), *doubt))
    if isinstance(look, NotChecked):
        return _undecided(doubt)
    if entry.status != IN_SYNC:
        return Proof(False, Outcome.PENDING, (in_progress(primary, entry), *stranger), FOREVER_S)
    if isinstance(look, NoSecret):
        return _drift((listed_but_missing(primary, region, look),))
    return Proof(False, Outcome.DRIFT, stranger) if stranger else _compare_in_sync(sides, look, same)


def _drift(findings: tuple[Finding, ...]) -> Proof:
    """Return the proof of drift, which may only be a lagging list."""
    return Proof(False, Outcome.DRIFT, findings, LIST_LAG_S)


def _undecided(findings: tuple[Finding, ...]) -> Proof:
    outcome = next(_outcomes(findings), Outcome.PENDING)
    return Proof(None, outcome, findings, FOREVER_S if outcome is Outcome.PENDING else 0.0)


def _outcomes(unchecked: Iterable[Finding]) -> Iterator[Outcome]:
    """Yield the outcome of each failed check."""
    return (finding.outcome for finding in unchecked if finding.outcome)


def _compare_in_sync(sides: BothSides, replica: Secret, same: Same) -> Proof:
    """Return the proof about our replica, listed as InSync."""
    stale = _stale_findings(sides, replica)
    wrong, unsure = _wrong_keys(sides, replica, same)
    unsure += _unlisted_findings(sides.primary, sides.primary_versions)
    unsure += _unlisted_findings(replica, sides.replica_versions)
    has_value = CURRENT in _labels(sides.primary_versions) if isinstance(sides.primary_versions, tuple) else True
    empty = () if stale or (has_value and sides.primary.version(CURRENT)) else (valueless(sides.primary),)
    outcomes = [Outcome.DRIFT] * bool(stale or wrong or empty) + [*_outcomes(unsure)]
    return Proof(
        verified=False if stale or wrong else None if unsure or empty else True,
        outcome=worst(outcomes),
        findings=(*stale, *wrong, *unsure, *empty),
        patience_s=FOREVER_S if stale or Outcome.PENDING in outcomes else sides.key_patience_s if wrong else 0.0,
    )


def _stale_findings(sides: BothSides, replica: Secret) -> list[Finding]:
    """Return a finding for the first label whose version differs between both sides."""
    shown = [(dict(sides.primary.stages), dict(replica.stages))]
    if isinstance(sides.primary_versions, tuple) and isinstance(sides.replica_versions, tuple):
        shown.append((_labels(sides.primary_versions), _labels(sides.replica_versions)))
    for stage in (CURRENT, PREVIOUS):
        for primary_labels, replica_labels in shown:
            if primary_labels.get(stage) != replica_labels.get(stage):
                return [_stale_finding(sides, stage, primary_labels.get(stage), replica_labels.get(stage))]
    return []


def _labels(versions: tuple[Version, ...]) -> dict[str, str]:
    return {stage: version.version_id for version in versions for stage in version.stages}


def _stale_finding(sides: BothSides, stage: str, expected: str | None, actual: str | None) -> Finding:
    name, region = sides.primary.name, sides.region
    again = format_command_on(sides.primary, "verify", [Target(region, sides.key)])
    return Finding(
        Kind.STALE,
        Severity.ERROR,
        f"{name} in {region} is outdated: its {stage} is {actual or 'no version'}, the primary's is "
        f"{expected or 'no version'}",
        steps(
            step("a new value may be in progress; check again", again),
            "if it stays outdated, allow kms:GenerateDataKey and kms:Encrypt on the replica's key for the role that "
            "put the value",
        ),
    )


def _wrong_keys(sides: BothSides, replica: Secret, same: Same) -> tuple[list[Finding], list[Finding]]:
    """Return findings for keys other than the expected one, and for keys that could not be compared.

    Expected is the wanted key, otherwise the replica's own.
    """
    shown = replica.kms_key_id or DEFAULT
    wanted = sides.key or shown
    versions = sides.replica_versions if isinstance(sides.replica_versions, tuple) else ()
    pairs: list[tuple[tuple[str, ...], str]] = [((shown,), "the replica")] if sides.key else []
    pairs += [
        (version.keys, f"version {version.version_id} ({', '.join(version.stages)})")
        for version in versions
        if version.keys
    ]
    wrong: list[Finding] = []
    unsure: list[Finding] = []
    for keys, subject in pairs:
        verdicts = [same(wanted, key) for key in keys]
        doubt = next(
            (verdict for verdict in verdicts if isinstance(verdict, AwsError) and not isinstance(verdict, NotFound)),
            None,
        )
        if True in verdicts:
            continue
        if doubt:
            asking = f"the key {wanted} in {sides.region}"
            unsure.append(unchecked(asking, doubt, f"kms:DescribeKey in {sides.region}"))
        elif keys != (shown,) or not wrong:  # report the replica's own key only once
            wrong.append(_wrong_key(sides, subject, ", ".join(keys), wanted))
    return wrong, list(dict.fromkeys(unsure))


def _wrong_key(sides: BothSides, subject: str, key: str, wanted: str) -> Finding:
    name, region = sides.primary.name, sides.region
    target = Target(region, wanted)
    return Finding(
        Kind.WRONG_KEY,
        Severity.ERROR,
        f"{subject} of {name} in {region} uses the key {key}, not {wanted}",
        step("change its key", format_command_on(sides.primary, "rekey", [target])),
    )


def _unlisted_findings(secret: Secret, listed: Listed) -> list[Finding]:
    """Return the finding for versions that could not be listed, nothing if they were or need not be."""
    if not isinstance(listed, AwsError):
        return []
    subject = f"the versions of {secret.name} in {secret.region}"
    return [unchecked(subject, listed, f"secretsmanager:ListSecretVersionIds on {secret.arn}")]
