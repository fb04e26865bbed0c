"""Whether a replica holds what its primary holds, as far as looks on both sides tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import FAILED, IN_SYNC, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import format_command_on
from smrep.rules.replication.findings import (
    absent,
    failed,
    missing,
    no_value,
    removing,
    unchecked,
    unseen,
    unsettled,
    valueless,
)
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import Absent, NameLookup, NameOwner, NotChecked, name_owner, obstacle
from smrep.rules.replication.replica_state import LIST_LAG_S, worst

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
"""The labels whose versions must be the same on both sides; AWSPENDING is a rotation's own business."""

FOREVER_S = float("inf")

Verdict = bool | AwsError
"""Whether two keys are one, or why that could not be found out."""
Same = Callable[[str, str], Verdict]

Listed = tuple[Version, ...] | AwsError | None
"""The versions of one side, or why they could not be listed; None where that was not wanted."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the looks on both sides amount to for one Region."""

    verified: bool | None
    """None where something could not be looked at."""
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    patience_s: float = 0.0
    """For how long another answer is worth waiting for; a lagging version may come at any time."""


@dataclass(frozen=True, slots=True)
class BothSides:
    """One secret in one Region as both sides show it; `key` is the one that was asked for, None for any."""

    primary: Secret
    region: Region
    look: NameLookup
    here: Listed
    there: Listed
    key: str | None = None
    key_patience_s: float = 0.0
    """For how long another key may be a lagging answer."""


def compare_replica(sides: BothSides, same: Same) -> Proof:
    """Return what is proved of a replica: its origin, its versions, its keys; where there is no value, next to nothing.

    ListSecretVersionIds lists only versions that hold a value, so a label without one counts as missing.
    Source: aws-behavior.md 1.4, 9.4; API_ListSecretVersionIds.
    """
    proof, empty = _proved(sides, same), no_value(sides.primary)
    if not empty:
        return proof
    found = tuple(dict.fromkeys((*proof.findings, *empty)))
    return replace(proof, findings=found, outcome=worst([proof.outcome, Outcome.DRIFT]))


def _proved(sides: BothSides, same: Same) -> Proof:
    primary, region, look = sides.primary, sides.region, sides.look
    entry = primary.replica(region)
    who = name_owner(primary, look)
    strange = isinstance(look, Secret) and who is not NameOwner.OURS
    stranger = (obstacle(primary, Target(region), look, who),) if isinstance(look, Secret) and strange else ()
    doubt = unseen(primary, region, look) if isinstance(look, NotChecked) else ()
    if entry is None:
        gap = missing(primary, region, sides.key)
        leaving = replace(removing(primary, region), severity=Severity.ERROR, hint=gap.hint)
        unlisted = leaving if who is NameOwner.OURS else replace(gap, hint=None) if strange else gap
        found = _drift((*stranger, unlisted, *doubt))
        if stranger:
            return replace(found, patience_s=0.0)  # what bears the name is seen, and no list says so
        return replace(found, outcome=worst([found.outcome, *_outcomes(doubt)]))
    if entry.status == FAILED:
        return Proof(False, Outcome.FAILED, (*stranger, failed(primary, entry), *doubt))
    if isinstance(look, NotChecked):
        return _in_doubt(doubt)
    if entry.status != IN_SYNC:
        return Proof(False, Outcome.PENDING, (unsettled(primary, entry), *stranger), FOREVER_S)
    if isinstance(look, Absent):
        return _drift((absent(primary, region, look),))
    return Proof(False, Outcome.DRIFT, stranger) if stranger else _compared(sides, look, same)


def _drift(findings: tuple[Finding, ...]) -> Proof:
    """Return the proof of a difference, which AWS's list may show only because it lags."""
    return Proof(False, Outcome.DRIFT, findings, LIST_LAG_S)


def _in_doubt(findings: tuple[Finding, ...]) -> Proof:
    outcome = next(_outcomes(findings), Outcome.PENDING)
    return Proof(None, outcome, findings, FOREVER_S if outcome is Outcome.PENDING else 0.0)


def _outcomes(unchecked: Iterable[Finding]) -> Iterator[Outcome]:
    """Yield what each look that could not be made makes of the run."""
    return (each.outcome for each in unchecked if each.outcome)


def _compared(sides: BothSides, replica: Secret, same: Same) -> Proof:
    """Return the proof for a replica of ours that is listed as in sync."""
    stale = _stale(sides, replica)
    wrong, unsure = _wrong_keys(sides, replica, same)
    unsure += _unlisted(sides.primary, sides.here) + _unlisted(replica, sides.there)
    held = CURRENT in _labels(sides.here) if isinstance(sides.here, tuple) else True
    empty = () if stale or (held and sides.primary.version(CURRENT)) else (valueless(sides.primary),)
    outcomes = [Outcome.DRIFT] * bool(stale or wrong or empty) + [*_outcomes(unsure)]
    return Proof(
        verified=False if stale or wrong else None if unsure or empty else True,
        outcome=worst(outcomes),
        findings=(*stale, *wrong, *unsure, *empty),
        patience_s=FOREVER_S if stale or Outcome.PENDING in outcomes else sides.key_patience_s if wrong else 0.0,
    )


def _stale(sides: BothSides, replica: Secret) -> list[Finding]:
    """Return a finding for the first label that is not on the same version on both sides."""
    shown = [(dict(sides.primary.stages), dict(replica.stages))]
    if isinstance(sides.here, tuple) and isinstance(sides.there, tuple):
        shown.append((_labels(sides.here), _labels(sides.there)))
    for stage in (CURRENT, PREVIOUS):
        for here, there in shown:
            if here.get(stage) != there.get(stage):
                return [_stale_finding(sides, stage, here.get(stage), there.get(stage))]
    return []


def _labels(versions: tuple[Version, ...]) -> dict[str, str]:
    return {stage: version.version_id for version in versions for stage in version.stages}


def _stale_finding(sides: BothSides, stage: str, here: str | None, there: str | None) -> Finding:
    name, region = sides.primary.name, sides.region
    again = format_command_on(sides.primary, "verify", [Target(region, sides.key)])
    return Finding(
        Kind.STALE,
        Severity.ERROR,
        f"{name} in {region} holds {there or 'no version'} as {stage}, and its primary {here or 'none'}",
        "a new value may be on its way; if this stays so, whoever put it may lack kms:GenerateDataKey and kms:Encrypt "
        f"on the replica's key; look again: {again}",
    )


def _wrong_keys(sides: BothSides, replica: Secret, same: Same) -> tuple[list[Finding], list[Finding]]:
    """Return what is under another key than expected, and what could not be compared.

    Expected is the key that was asked for, else the one that the replica itself shows.
    """
    shown = replica.kms_key_id or DEFAULT
    wanted = sides.key or shown
    versions = sides.there if isinstance(sides.there, tuple) else ()
    pairs: list[tuple[tuple[str, ...], str]] = [((shown,), "the replica")] if sides.key else []
    pairs += [(each.keys, f"version {each.version_id} ({', '.join(each.stages)})") for each in versions if each.keys]
    wrong: list[Finding] = []
    unsure: list[Finding] = []
    for keys, what in pairs:
        verdicts = [same(wanted, key) for key in keys]
        doubt = next((each for each in verdicts if isinstance(each, AwsError) and not isinstance(each, NotFound)), None)
        if True in verdicts:
            continue
        if doubt:
            asking = f"whether {wanted} is the key in {sides.region}"
            unsure.append(unchecked(asking, doubt, f"kms:DescribeKey in {sides.region}"))
        elif keys != (shown,) or not wrong:  # what the replica is under is told of the replica alone
            wrong.append(_wrong_key(sides, what, ", ".join(keys), wanted))
    return wrong, list(dict.fromkeys(unsure))


def _wrong_key(sides: BothSides, what: str, key: str, wanted: str) -> Finding:
    name, region = sides.primary.name, sides.region
    target = Target(region, wanted)
    return Finding(
        Kind.WRONG_KEY,
        Severity.ERROR,
        f"{what} of {name} in {region} is under the key {key}, not {wanted}",
        format_command_on(sides.primary, "rekey", [target]),
    )


def _unlisted(secret: Secret, listed: Listed) -> list[Finding]:
    """Return the finding for versions that could not be listed, nothing where they were, or need not be."""
    if not isinstance(listed, AwsError):
        return []
    what = f"which versions of {secret.name} hold a value in {secret.region}"
    return [unchecked(what, listed, f"secretsmanager:ListSecretVersionIds on {secret.arn}")]
