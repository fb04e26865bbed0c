"""The checks of `doctor`, a line for each, and its findings, each cause once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from smrep.errors import Outcome
from smrep.output.safe import safe
from smrep.output.stderr_notes import causes
from smrep.output.terminal import Terminal
from smrep.report import Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.hints import some_names
from smrep.rules.replication.diagnosis import is_unusable

_SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_MAX_ALIKE = 3
"""Findings of one kind in one Region that are shown one by one."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that doctor checks in each Region."""

    label: str
    kinds: tuple[Kind, ...]
    """Kinds of findings that it ends with if it does not pass."""
    permissions: str
    """Matches the permissions that it needs, as the hint of an unchecked finding names them."""


_REGION = Check("Region enabled", (Kind.REGION_DISABLED, Kind.REGION_UNKNOWN), "ListRegions|DescribeRegions")
_NAME = Check(
    "Name free or ours",
    (Kind.NAME_CONFLICT, Kind.ORPHAN, Kind.PROMOTED, Kind.DETACHED, Kind.REMOVING, Kind.PENDING_DELETION),
    "DescribeSecret",
)
_KEYS = Check(
    "Keys usable",
    (Kind.KEY_MISSING, Kind.KEY_DISABLED, Kind.KEY_UNUSABLE, Kind.WRONG_KEY),
    "kms:|ListSecretVersionIds",
)
_IN_SYNC = Check("Replicas in sync", (Kind.FAILED, Kind.IN_PROGRESS, Kind.STUCK, Kind.MISSING, Kind.NO_VALUE), "(?!)")
_READER = Check("Reader allowed", (Kind.READER,), "iam:|GetResourcePolicy")
_PERMISSIONS = Check("Read permissions", (Kind.UNCHECKED,), "")
_PERMITTED = (_REGION, _NAME, _KEYS, _READER)
"""The checks whose permissions a finding can name."""


def checks(secrets: Sequence[SecretReport], terminal: Terminal) -> list[RenderableType]:
    """Return a line for each check with its mark: passed, not passed, or not checked somewhere."""
    rows = [row for secret in secrets for row in secret.replicas]
    named = [row for secret in secrets if secret.name != "-" for row in secret.replicas]
    read = [row for row in rows if any(finding.kind is Kind.READER for finding in row.findings)]
    made = (
        (_REGION, rows),
        (_NAME, named),
        (_KEYS, rows),
        (_IN_SYNC, [row for row in rows if row.status]),
        (_READER, read),
        (_PERMISSIONS, rows),
    )
    lines: list[RenderableType] = [_line(check, checked, terminal) for check, checked in made if checked]
    return [*lines, Text("")] if lines else []


def _line(check: Check, rows: Sequence[RegionReport], terminal: Terminal) -> Text:
    failures: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for row in rows:
        kinds = [finding.kind for finding in row.findings if _ends(check, finding)]
        words = ("denied" if kind is Kind.UNCHECKED else kind.replace("_", " ") for kind in dict.fromkeys(kinds))
        failures.update(f"{word} in {safe(row.region)}" for word in words)
        if not kinds and not _was_checked(check, row):
            unknown[f"not checked in {safe(row.region)}"] += 1
    mark, style = ("✗", "red") if failures else ("?", "yellow") if unknown else ("✓", "green")
    if not terminal.unicode:
        mark = {"✗": "x", "✓": "+"}.get(mark, mark)
    trouble = [f"{words} ({count} secrets)" if count > 1 else words for words, count in (failures + unknown).items()]
    regions = list(dict.fromkeys(safe(row.region) for row in rows))
    told = (", ".join(trouble or regions), "" if trouble else "dim")
    return Text.assemble("  ", (mark, style), f" {check.label:<19}", told)


def _ends(check: Check, finding: Finding) -> bool:
    """Return whether the check did not pass for this finding; what only informs ends none."""
    is_denied = finding.kind is not Kind.UNCHECKED or finding.outcome in (None, Outcome.ACCESS)
    return finding.kind in check.kinds and finding.severity is not Severity.INFO and is_denied


def _was_checked(check: Check, row: RegionReport) -> bool:
    """Return whether nothing kept the check from being made in this Region.

    A finding that names no permission of a certain check may be about any.
    """
    if check is not _REGION and is_unusable(row.findings):
        return False
    hints = [finding.hint or "" for finding in row.findings if finding.kind is Kind.UNCHECKED]
    named = [[other for other in _PERMITTED if re.search(other.permissions, hint)] for hint in hints]
    return all(others and check not in others for others in named)


def findings(secrets: Sequence[SecretReport]) -> list[RenderableType]:
    """Return each finding once, errors first, with the command that fixes it; many alike in a Region as one."""
    groups: dict[tuple[Severity, Kind, str], dict[str, tuple[Finding, str]]] = {}
    for secret in secrets:
        for row in secret.replicas:
            for finding in causes(row):
                alike = groups.setdefault((finding.severity, finding.kind, row.region), {})
                alike.setdefault(finding.message, (finding, secret.label))
    seen: set[str] = set()
    lines: list[RenderableType] = []
    for severity in Severity:
        for (grade, kind, region), alike in groups.items():
            new = [pair for message, pair in alike.items() if message not in seen] if grade is severity else []
            seen.update(finding.message for finding, _ in new)
            lines += _few(new) if len(new) <= _MAX_ALIKE else _many(new, kind, region)
    return [*lines, Text("")] if lines else []


def _few(pairs: Iterable[tuple[Finding, str]]) -> Iterator[Text]:
    for finding, _ in pairs:
        yield Text.assemble(_severity(finding), f"{safe(finding.kind)}: {safe(finding.message)}")
        yield from _hint(finding.hint or "")


def _many(pairs: Sequence[tuple[Finding, str]], kind: Kind, region: str) -> Iterator[Text]:
    first, _ = pairs[0]
    names = safe(some_names([name for _, name in pairs], _MAX_ALIKE))
    yield Text.assemble(_severity(first), f"{safe(kind)} in {safe(region)} ({len(pairs)} secrets): {names}")
    yield Text(f"          for example: {safe(first.message)}")
    if first.hint:
        yield from _hint(f"for the first, {first.hint}")


def _hint(text: str) -> Iterator[Text]:
    """Yield the lines of a hint."""
    yield from (Text(f"          {safe(line)}", style="cyan") for line in text.split("\n") if line)


def _severity(finding: Finding) -> tuple[str, str]:
    return f"  {finding.severity:<8}", _SEVERITIES[finding.severity]
