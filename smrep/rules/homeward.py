"""A failback in counts and words: what it means to do, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from smrep.errors import Outcome
from smrep.report import Action, Kind, SecretReport
from smrep.rules.commands import some
from smrep.rules.crossing import Line
from smrep.rules.homecoming import Goal, Truth
from smrep.rules.record import Pair

LEFT = ("BothChanged", "OldIsNewer", Kind.ROTATING.value, Kind.NAME_CLASH.value, Kind.ORPHAN.value)
"""Codes of what is left alone though AWS was in order."""
_WORDS = ("secrets", "to_lead", "led", "already", "left_alone", "failed", "denied", "pending")


def counted(reports: Iterable[SecretReport], *, dry_run: bool) -> dict[str, int]:
    """Return how many secrets there are and what is to become, or became, of them; `already`: nothing was to do."""
    counts = Counter(dict.fromkeys(_WORDS, 0))
    for secret in reports:
        counts["secrets"] += 1
        counts[_word(secret, dry_run=dry_run)] += 1
    return dict(counts)


def _word(secret: SecretReport, *, dry_run: bool) -> str:
    errors = {row.error.code for row in secret.replicas if row.error}
    if errors.intersection(LEFT):
        return "left_alone"
    if secret.outcome is Outcome.ACCESS:
        return "denied"
    if secret.outcome in (Outcome.PENDING, Outcome.ACCEPTED):
        return "pending"
    if secret.outcome is not Outcome.OK:
        return "failed"
    rows = secret.replicas
    if dry_run:
        return "to_lead" if any(row.action not in (None, Action.KEEP) for row in rows) else "already"
    return "led" if any(row.changed for row in rows) else "already"


def sheet(truths: Sequence[tuple[str, Truth | None]], pair: Pair, goal: Goal, clears: int) -> list[Line]:
    """Return what the comparison showed and which steps follow; `truths` are those that something is to be done for."""
    by_truth: dict[Truth | None, list[str]] = {}
    for name, each in truths:
        by_truth.setdefault(each, []).append(name)
    words = {
        Truth.LEVEL: "both sides hold the same",
        Truth.NEW: f"{pair.target} holds the newer value",
        Truth.OLD: f"{pair.source} holds the newer value",
        None: f"{pair.source} holds no copy of its own",
    }
    lines = [
        Line(f"{len(by_truth[each])} to lead home where {what}: {some(by_truth[each], 3)}")
        for each, what in words.items()
        if each in by_truth
    ]
    steps = [f"remove the {clears} replicas of what is replaced, in third Regions, and wait until they are gone"]
    steps = steps if clears else []
    steps.append(f"make each the primary of a replica in {pair.source}, and of new ones in its third Regions")
    if goal is Goal.RETURN:
        steps = [*steps, f"promote it in {pair.source}", f"make that the primary of a replica in {pair.target}"]
    if truths:
        lines += [Line(f"step {number}: {what}") for number, what in enumerate(steps, 1)]
        lines.append(
            Line("each step is looked at before the next; one Region at least holds the current value throughout")
        )
    return lines
