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
from smrep.rules.hints import duration, some_names, step
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
        f"{name} rotates in {region}: after the promotion, both secrets would rotate the same password",
        step("read 'Rotation' in the runbook", "smrep help runbooks fail-back"),
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
        note=None if is_due else "standalone",
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
        SheetLine("listed", "up to five minutes ago; to add newer replicas, name them, also on standard input"),
        SheetLine("time", f"{duration(ceil(len(replicas) / rate))} at {rate:g} a second; every call goes to {target}"),
        SheetLine(
            "values",
            f"each secret keeps the value that {target} holds; values that never arrived from {source} stay there, and "
            "failback reports them",
        ),
        SheetLine(
            "third Regions",
            f"replicas in other Regions stay with the old primaries in {source} and get no new values from {target}; "
            f"{target} does not list them",
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
            f"enabled for {len(names)}: {some_names(names)}; stop it in {pair.source} when that Region recovers",
            is_warning=True,
        )
    return SheetLine(
        "rotation",
        f"the replicas show none, but may not show their primary's: rotation resumes in {pair.source} when the Region "
        f"recovers; nothing rotates these secrets in {pair.target} until you configure it there",
    )


def _keys(secrets: Sequence[SecretReport]) -> list[SheetLine]:
    troubled = _names_with(secrets, _KEYS)
    doubtful = _names_with(secrets, (Kind.UNCHECKED,))
    customer_keys = {
        row.kms_key_id for secret in secrets for row in secret.replicas if row.kms_key_id not in (None, DEFAULT)
    }
    lines = []
    if troubled:
        text = f"{len(troubled)} cannot be read or written with their keys: {some_names(troubled)}"
        lines.append(SheetLine("keys", text, is_warning=True))
    if doubtful:
        lines.append(SheetLine("keys", f"not checked for {len(doubtful)}: {some_names(doubtful)}", is_warning=True))
    count = (
        f"{len(customer_keys)} customer-managed, all enabled" if customer_keys else "AWS managed key, always enabled"
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
    *(kind.value for kind in (Kind.ROTATING, Kind.NAME_CONFLICT, Kind.ORPHAN, Kind.PROMOTED)),
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
        NewerSide.LEVEL: "both sides hold the same value",
        NewerSide.NEW: f"{pair.target} holds the newer value",
        NewerSide.OLD: f"{pair.source} holds the newer value",
        NewerSide.ONE: "only one side is a primary or standalone secret",
    }
    lines = [
        SheetLine("to fail back", f"{len(by_side[side])} where {description}: {some_names(by_side[side], 3)}")
        for side, description in words.items()
        if side in by_side
    ]
    if not comparisons:
        return lines
    third = "1 replica in a third Region" if removals == 1 else f"{removals} replicas in third Regions"
    tasks = [f"remove {third}, and wait for AWS to finish"] if removals else []
    if replaced or goal is FailbackGoal.PROTECT:
        tasks.append("replicate each secret from the side with the newer value, replacing the secret on the other side")
    turns = goal is FailbackGoal.RETURN and any(side is not NewerSide.OLD for side in by_side)
    if turns:  # the original Region stays the primary of its newer values
        tasks.append(f"promote the replicas in {pair.source}, and replicate them back to {pair.target}")
    if removals:
        tasks.append("add the replicas in third Regions again")
    lines += [SheetLine(f"step {number}", task) for number, task in enumerate(tasks, 1)]
    guarantee = "at least one Region holds the current value, and smrep proves each step before the next"
    lines.append(SheetLine("throughout", guarantee))
    if turns:
        twice = (
            f"for a few seconds after each promotion in {pair.source}, both Regions accept new values; smrep skips a "
            "secret that gets values on both sides"
        )
        lines.append(SheetLine("writers", twice, is_warning=True))
    return lines
