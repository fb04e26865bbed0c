"""The go/no-go sheets and the counts of a failover and of a failback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from smrep.errors import Outcome
from smrep.model import Listed, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.hints import duration, some_names
from smrep.rules.recovery.failback_decision import FailbackGoal, NewerSide
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.replica_state import worst

_KEYS = (Kind.KEY_DISABLED, Kind.KEY_MISSING, Kind.KEY_UNUSABLE)


def rotating(name: str, region: Region) -> Finding:
    """Return the warning for a secret that rotates: after a promotion, both secrets rotate one password."""
    return Finding(
        Kind.ROTATING,
        Severity.WARNING,
        f"rotation of {name} is enabled in {region}: once there are two secrets, each rotates the same password",
        "see smrep help runbooks fail-back, 'Rotation'",
    )


def promotion_row(
    listed: Listed, pair: RegionPair, findings: Sequence[Finding], *, is_due: bool, dry_run: bool = False
) -> SecretReport:
    """Return the report of a secret before its turn, as listed: to be promoted, or already standalone."""
    outcome = Outcome.OK if dry_run or not is_due else Outcome.PENDING
    row = RegionReport(
        region=pair.target,
        outcome=outcome,
        arn=listed.arn,
        kms_key_id=listed.kms_key_id,
        action=Action.PROMOTE if is_due else None,
        findings=tuple(findings),
        note=None if is_due else "stands alone",
    )
    arn = in_region(listed.arn, pair.source)
    return SecretReport(listed.name, outcome, arn, pair.source, (row,), checked_by="list")


def failover_counts(reports: Iterable[SecretReport], rate: float) -> dict[str, int]:
    """Return the number of secrets, in total and by planned or actual result.

    `seconds` is the time for the requests at the rate; `already` counts secrets that were standalone before.
    """
    counts = Counter(
        dict.fromkeys(("secrets", "to_promote", "promoted", "already", "failed", "denied", "pending", "rotating"), 0)
    )
    counts["key_trouble"] = 0
    for secret in reports:
        counts["secrets"] += 1
        counts[_failover_word(secret)] += 1
        kinds = {finding.kind for row in secret.replicas for finding in row.findings}
        counts["rotating"] += Kind.ROTATING in kinds
        counts["key_trouble"] += any(kind in kinds for kind in _KEYS)
    return {**counts, "seconds": ceil(counts["to_promote"] / rate)}


def _failover_word(secret: SecretReport) -> str:
    if secret.outcome is Outcome.ACCESS:
        return "denied"
    if secret.outcome is Outcome.PENDING or secret.outcome is Outcome.ACCEPTED:
        return "pending"
    if secret.outcome is not Outcome.OK:
        return "failed"
    (row,) = secret.replicas
    if row.changed:
        return "promoted"
    return "to_promote" if row.action is Action.PROMOTE and secret.checked_by == "list" else "already"


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of the go/no-go sheet."""

    label: str
    """One or two words."""
    text: str
    is_warning: bool = False


def failover_sheet(
    secrets: Sequence[SecretReport], pair: RegionPair, rate: float, credentials: SheetLine
) -> list[SheetLine]:
    """Return the go/no-go sheet of a failover."""
    source, target = pair.source, pair.target
    replicas = [secret for secret in secrets if secret.outcome is Outcome.OK]
    noun = "replica" if len(replicas) == 1 else "replicas"
    return [
        SheetLine("to promote", f"{len(replicas)} {noun} of {source} in {target}"),
        SheetLine(
            "by the list", "which may be five minutes old; names, also on standard input, add what it does not show yet"
        ),
        SheetLine("time", f"{duration(ceil(len(replicas) / rate))} at {rate:g} a second; every call goes to {target}"),
        SheetLine(
            "values",
            f"each goes on from the value that {target} holds; what was written in {source} and had not arrived stays "
            "there, and failback tells of it",
        ),
        SheetLine(
            "given up",
            f"replicas in third Regions stay with the old primaries in {source} and get no value written in {target}; "
            f"which there are, {target} can't tell",
        ),
        _rotation(replicas, pair),
        *_keys(replicas),
        credentials,
    ]


def _rotation(secrets: Sequence[SecretReport], pair: RegionPair) -> SheetLine:
    names = _names_with(secrets, (Kind.ROTATING,))
    if names:
        return SheetLine(
            "rotation",
            f"enabled for {len(names)}: {some_names(names)}; "
            f"see to it that {pair.source} does not rotate them when it is back",
            is_warning=True,
        )
    return SheetLine(
        "rotation",
        f"none is shown, and a replica need not show its primary's: what rotates in {pair.source} does so again the "
        "moment it is back, and in its place nothing does until it is set up anew",
    )


def _keys(secrets: Sequence[SecretReport]) -> list[SheetLine]:
    troubled = _names_with(secrets, _KEYS)
    doubtful = _names_with(secrets, (Kind.UNCHECKED,))
    customer_keys = {
        row.kms_key_id for secret in secrets for row in secret.replicas if row.kms_key_id not in (None, DEFAULT)
    }
    lines = []
    if troubled:
        text = f"{len(troubled)} can't be read or written under their keys: {some_names(troubled)}"
        lines.append(SheetLine("keys", text, is_warning=True))
    if doubtful:
        lines.append(
            SheetLine(
                "keys", f"those of {len(doubtful)} could not be looked at: {some_names(doubtful)}", is_warning=True
            )
        )
    count = (
        f"{len(customer_keys)} of your own, all of them enabled" if customer_keys else "AWS's own, which needs no look"
    )
    return lines or [SheetLine("keys", count)]


def _names_with(secrets: Sequence[SecretReport], kinds: Sequence[Kind]) -> list[str]:
    return [
        secret.name
        for secret in secrets
        if any(finding.kind in kinds for row in secret.replicas for finding in row.findings)
    ]


SKIPPED_CODES = (
    "BothChanged",
    "OldIsNewer",
    *(kind.value for kind in (Kind.ROTATING, Kind.NAME_CLASH, Kind.ORPHAN, Kind.PROMOTED)),
)
"""Codes of secrets that failback skips although AWS refused nothing."""
_WORDS = ("secrets", "to_lead", "led", "already", "left_alone", "failed", "denied", "pending")


def failback_counts(reports: Iterable[SecretReport], *, dry_run: bool) -> dict[str, int]:
    """Return the number of secrets, in total and by planned or actual result; `already`: nothing to do."""
    counts = Counter(dict.fromkeys(_WORDS, 0))
    for secret in reports:
        counts["secrets"] += 1
        counts[_failback_word(secret, dry_run=dry_run)] += 1
    return dict(counts)


def _failback_word(secret: SecretReport, *, dry_run: bool) -> str:
    rows = [row for row in secret.replicas if not (row.error and row.error.code in SKIPPED_CODES)]
    if not rows and secret.error is None:
        return "left_alone"
    outcome = worst([*(row.outcome for row in rows), *([secret.error.outcome] if secret.error else [])])
    if outcome is Outcome.ACCESS:
        return "denied"
    if outcome in (Outcome.PENDING, Outcome.ACCEPTED):
        return "pending"
    if outcome is not Outcome.OK:
        return "failed"
    if dry_run:
        return "to_lead" if any(row.action not in (None, Action.KEEP) for row in rows) else "already"
    return "led" if any(row.changed for row in rows) else "already"


def failback_sheet(
    comparisons: Sequence[tuple[str, NewerSide]], pair: RegionPair, goal: FailbackGoal, *, removals: int, replaced: int
) -> list[SheetLine]:
    """Return the result of the comparison and the next steps; `comparisons` are the secrets with something to do.

    Failback first removes `removals` replicas in third Regions and overwrites `replaced` secrets before a role returns.
    """
    by_side: dict[NewerSide, list[str]] = {}
    for name, side in comparisons:
        by_side.setdefault(side, []).append(name)
    words = {
        NewerSide.LEVEL: "both sides hold the same",
        NewerSide.NEW: f"{pair.target} holds the newer value",
        NewerSide.OLD: f"{pair.source} holds the newer value",
        NewerSide.ONE: "only one side stands alone",
    }
    lines = [
        SheetLine("to lead home", f"{len(by_side[side])} where {description}: {some_names(by_side[side], 3)}")
        for side, description in words.items()
        if side in by_side
    ]
    if not comparisons:
        return lines
    steps = [f"remove replicas in third Regions ({removals}), and wait until they are gone"] if removals else []
    if replaced or goal is FailbackGoal.PROTECT:
        steps.append("replicate each from where its value is to the other side, in place of the copy there")
    turns = goal is FailbackGoal.RETURN and any(side is not NewerSide.OLD for side in by_side)
    if turns:  # the original Region stays the primary of its newer values
        steps.append(f"promote what is a replica in {pair.source} then, and replicate it back to {pair.target}")
    if removals:
        steps.append("put the replicas in third Regions back, under the primary")
    lines += [SheetLine(f"step {number}", step) for number, step in enumerate(steps, 1)]
    guarantee = "one Region at least holds the current value, and each step is proved before the next"
    lines.append(SheetLine("throughout", guarantee))
    if turns:
        twice = (
            f"for the seconds from a promotion in {pair.source} until {pair.target} is replaced, both can be written; "
            "what is written on both sides then is left alone"
        )
        lines.append(SheetLine("writers", twice, is_warning=True))
    return lines
