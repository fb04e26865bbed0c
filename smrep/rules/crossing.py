"""A failover in words and counts: what the go / no-go sheet says, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from smrep.errors import Outcome
from smrep.model import Listed, in_region
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.commands import duration, some
from smrep.rules.keys import DEFAULT
from smrep.rules.record import Pair

_KEYS = (Kind.KEY_DISABLED, Kind.KEY_MISSING, Kind.KEY_UNUSABLE)


def rotating(name: str, region: Region) -> Finding:
    """Return the finding for a secret that rotates: who changes the shared password once there are two of it."""
    return Finding(
        Kind.ROTATING,
        Severity.WARNING,
        f"rotation of {name} is enabled in {region}: once there are two secrets, each rotates the same password",
        "see smrep help runbooks fail-back, 'Rotation'",
    )


def to_cross(
    listed: Listed, pair: Pair, findings: Sequence[Finding], *, is_due: bool, dry_run: bool = False
) -> SecretReport:
    """Return a secret before its turn, as its Region's list shows it: to be promoted, or standing alone already."""
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


def counted(reports: Iterable[SecretReport], rate: float) -> dict[str, int]:
    """Return how many secrets there are and what is to become, or became, of them.

    `seconds` is how long the requests take at the rate; `already`: it stood alone before.
    """
    counts = Counter(
        dict.fromkeys(("secrets", "to_promote", "promoted", "already", "failed", "denied", "pending", "rotating"), 0)
    )
    counts["key_trouble"] = 0
    for secret in reports:
        counts["secrets"] += 1
        counts[_word(secret)] += 1
        kinds = {each.kind for row in secret.replicas for each in row.findings}
        counts["rotating"] += Kind.ROTATING in kinds
        counts["key_trouble"] += any(kind in kinds for kind in _KEYS)
    return {**counts, "seconds": ceil(counts["to_promote"] / rate)}


def _word(secret: SecretReport) -> str:
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
class Line:
    """One line of what a person must know before she says go."""

    label: str
    """A word or two."""
    text: str
    is_warning: bool = False


def sheet(secrets: Sequence[SecretReport], pair: Pair, rate: float, credentials: Line) -> list[Line]:
    """Return the go / no-go sheet of a failover."""
    source, target = pair.source, pair.target
    due = [each for each in secrets if each.outcome is Outcome.OK]
    what = "replica" if len(due) == 1 else "replicas"
    return [
        Line("to promote", f"{len(due)} {what} of {source} in {target}"),
        Line(
            "by the list", "which may be five minutes old; names, also on standard input, add what it does not show yet"
        ),
        Line("time", f"{duration(ceil(len(due) / rate))} at {rate:g} a second; every call goes to {target}"),
        Line(
            "values",
            f"each goes on from the value that {target} holds; what was written in {source} and had not arrived stays "
            "there, and failback tells of it",
        ),
        Line(
            "given up",
            f"replicas in third Regions stay with the old primaries in {source} and get no value written in {target}; "
            f"which there are, {target} can't tell",
        ),
        _rotation(due, pair),
        *_keys(due),
        credentials,
    ]


def _rotation(secrets: Sequence[SecretReport], pair: Pair) -> Line:
    names = _with(secrets, (Kind.ROTATING,))
    if names:
        return Line(
            "rotation",
            f"enabled for {len(names)}: {some(names)}; see to it that {pair.source} does not rotate them when it is "
            "back",
            is_warning=True,
        )
    return Line(
        "rotation",
        f"none is shown, and a replica need not show its primary's: what rotates in {pair.source} does so again the "
        "moment it is back, and in its place nothing does until it is set up anew",
    )


def _keys(secrets: Sequence[SecretReport]) -> list[Line]:
    troubled = _with(secrets, _KEYS)
    doubtful = _with(secrets, (Kind.UNCHECKED,))
    own = {row.kms_key_id for each in secrets for row in each.replicas if row.kms_key_id not in (None, DEFAULT)}
    lines = []
    if troubled:
        text = f"{len(troubled)} can't be read or written under their keys: {some(troubled)}"
        lines.append(Line("keys", text, is_warning=True))
    if doubtful:
        lines.append(
            Line("keys", f"those of {len(doubtful)} could not be looked at: {some(doubtful)}", is_warning=True)
        )
    count = f"{len(own)} of your own, all of them enabled" if own else "AWS's own, which needs no look"
    return lines or [Line("keys", count)]


def _with(secrets: Sequence[SecretReport], kinds: Sequence[Kind]) -> list[str]:
    return [
        each.name for each in secrets if any(finding.kind in kinds for row in each.replicas for finding in row.findings)
    ]
