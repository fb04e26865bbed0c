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
from smrep.rules.settle import worst

LEFT = (
    "BothChanged",
    "OldIsNewer",
    *(each.value for each in (Kind.ROTATING, Kind.NAME_CLASH, Kind.ORPHAN, Kind.PROMOTED)),
)
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
    rows = [row for row in secret.replicas if not (row.error and row.error.code in LEFT)]
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


def sheet(truths: Sequence[tuple[str, Truth]], pair: Pair, goal: Goal, *, removals: int, replaced: int) -> list[Line]:
    """Return what the comparison showed and which steps follow; `truths` are those that something is to be done for.

    `removals` replicas in third Regions go first; `replaced` copies are to be replaced before any role goes back.
    """
    by_truth: dict[Truth, list[str]] = {}
    for name, each in truths:
        by_truth.setdefault(each, []).append(name)
    words = {
        Truth.LEVEL: "both sides hold the same",
        Truth.NEW: f"{pair.target} holds the newer value",
        Truth.OLD: f"{pair.source} holds the newer value",
        Truth.ONE: "only one side stands alone",
    }
    lines = [
        Line("to lead home", f"{len(by_truth[each])} where {what}: {some(by_truth[each], 3)}")
        for each, what in words.items()
        if each in by_truth
    ]
    if not truths:
        return lines
    steps = [f"remove replicas in third Regions ({removals}), and wait until they are gone"] if removals else []
    if replaced or goal is Goal.PROTECT:
        steps.append("replicate each from where its value is to the other side, in place of the copy there")
    if goal is Goal.RETURN:
        steps.append(f"promote what is a replica in {pair.source} then, and replicate it back to {pair.target}")
    if removals:
        steps.append("put the replicas in third Regions back, under the primary")
    lines += [Line(f"step {number}", what) for number, what in enumerate(steps, 1)]
    held = "one Region at least holds the current value, and each step is proved before the next"
    lines.append(Line("throughout", held))
    if goal is Goal.RETURN:
        twice = (
            f"for the seconds from a promotion in {pair.source} until {pair.target} is replaced, both can be written; "
            "what is written on both sides then is left alone"
        )
        lines.append(Line("writers", twice, is_warning=True))
    return lines
