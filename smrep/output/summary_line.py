"""The last line of a result: counts, and how long the run took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.safe import safe
from smrep.report import Action, Kind, RegionReport, RunReport, SecretReport

REPORTS_FINDINGS = ("doctor", "verify")
"""The commands whose result is their findings, so that the table shows them in full."""
_DRIFT_WORDS = {Kind.WRONG_KEY: "under another key"}
_DOCTOR_WORDS = {Outcome.OK: "clear", Outcome.PENDING: "clear, but not settled", Outcome.ACCESS: "not fully checked"}


def summary_line(report: RunReport) -> str:
    """Return the counts by result, and the time taken."""
    if report.summary is not None:
        return f"{fleet_counts(report)} ({report.elapsed_s:.1f} s)"
    if report.command == "list":
        return f"{list_counts(report)} ({report.elapsed_s:.1f} s)"
    if report.command == "doctor" and any(secret.replicas for secret in report.secrets):
        rows = [row for secret in report.secrets for row in secret.replicas]
        health = Counter(_DOCTOR_WORDS.get(row.outcome, "in trouble") for row in rows)
        words = ", ".join(f"{count} of {len(rows)} {word}" for word, count in health.items())
        return f"{words} ({report.elapsed_s:.1f} s)"
    unsent = report.dry_run or report.outcome is Outcome.USAGE
    prefix = "dry run, nothing was sent: " if report.dry_run else "nothing was sent: " if unsent else ""
    return f"{prefix}{region_counts(report.secrets, dry_run=unsent)} ({report.elapsed_s:.1f} s)"


def region_counts(secrets: Sequence[SecretReport], *, dry_run: bool = False) -> str:
    """Return the number of Regions by state, and of secrets in trouble."""
    words = Counter(_word(row, dry_run=dry_run) for secret in secrets for row in secret.replicas)
    parts = [f"{count} of {words.total()} {word}" for word, count in words.items()]
    troubled = sum(1 for secret in secrets if secret.error)
    if troubled:
        parts.append(f"{troubled} of {len(secrets)} secrets in trouble")
    return ", ".join(parts) or "no replicas"


def _word(row: RegionReport, *, dry_run: bool) -> str:
    if dry_run and row.action is Action.REKEY and not row.error:
        return "to rekey"
    if row.action in (Action.REMOVE, Action.PROMOTE) and not row.error:
        return f"to {row.action}" if dry_run else row.note or "not known to be sent"
    if row.outcome is Outcome.DRIFT:
        kinds = {finding.kind for finding in row.findings if finding.kind is not Kind.UNCHECKED}
        kind = kinds.pop() if len(kinds) == 1 else None
        return _DRIFT_WORDS.get(kind, kind.replace("_", " ")) if kind else "not as it should be"
    if row.outcome is Outcome.ACCESS and not row.error:
        return "not fully checked"
    if row.error and not row.has_failed_there:
        return "not sent" if row.outcome is Outcome.PENDING else "stopped"
    if row.status == IN_SYNC and row.outcome is Outcome.PENDING:
        return "not settled"
    if row.status is None and row.action:
        return f"to {row.action}" if dry_run else "not listed"
    if row.status == FAILED and row.outcome is not Outcome.FAILED:
        return f"to {row.action}" if dry_run else "tried again"
    words = {IN_SYNC: "in sync", IN_PROGRESS: "in progress", FAILED: "failed", None: "missing"}
    return words.get(row.status) or safe(row.status or "")


_FINDING_WORDS = {
    "wrong_key": "under another key",
    "extra": "in an extra Region",
    "orphan": "left by another or a dead primary",
    "removing": "being removed",
    "name_clash": "kept out by a namesake",
    "no_value": "without a value",
    "key_missing": "without their key",
    "key_disabled": "under a disabled key",
    "key_unusable": "under an unusable key",
    "region_disabled": "in a Region that is not enabled",
    "region_unknown": "in a Region that nobody knows",
    "is_replica": "that are replicas",
    "managed": "managed by an AWS service",
    "unchecked": "not fully checked",
}
"""Words for secrets with a kind of finding; the name of any other kind is its word."""
_PLAN_WORDS = {
    "add": "to add",
    "retry": "to retry",
    "remove": "to remove",
    "wrong_key": "under another key",
    "blocked": "blocked",
    "keep": "to keep",
}


def fleet_counts(report: RunReport) -> str:
    """Return the counts of a run over many secrets, in the words of its command."""
    summary = report.summary or {}
    if report.command == "audit":
        return audit_counts(report)
    if report.command == "failover":
        return recovery_counts(summary, _FAILOVER_WORDS)
    if report.command == "failback":
        return recovery_counts(summary, _FAILBACK_WORDS)
    if report.command == "export":
        return export_counts(summary)
    if report.command == "plan" or report.dry_run or "changed" not in summary:
        return plan_counts(summary)
    return apply_counts(summary)


def list_counts(report: RunReport) -> str:
    """Return '312 secrets: 290 primary, 22 standalone'."""
    roles = Counter(secret.role for secret in report.secrets if secret.role)
    words = ", ".join(f"{count} {role}" for role, count in roles.items())
    return f"{_counted(roles.total(), 'secret')}{': ' if words else ''}{words}"


def audit_counts(report: RunReport) -> str:
    """Return '312 secrets: 290 covered by listing, 18 missing, 4 failed'."""
    summary = dict(report.summary or {})
    total, covered = summary.pop("secrets", 0), summary.pop("covered", 0)
    by_listing = sum(1 for secret in report.secrets if secret.checked_by == "list" and secret.outcome is Outcome.OK)
    label = "covered by listing" if by_listing else "covered"
    if 0 < by_listing < covered:
        label = f"covered ({by_listing} of them by listing)"
    words = [f"{covered} {label}"]
    words += [f"{count} {_FINDING_WORDS.get(kind, kind.replace('_', ' '))}" for kind, count in summary.items() if count]
    return f"{_counted(total, 'secret')}: {', '.join(words)}"


def plan_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets: 18 replicas to add, 290 to keep'."""
    is_idle = not any(count for key, count in summary.items() if key not in ("secrets", "keep"))
    return _line(
        summary, [*_labeled(summary, _PLAN_WORDS), *_trouble(summary), *(["nothing to do"] if is_idle else [])]
    )


def apply_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets: 18 replicas changed, 1 failed, 290 kept'."""
    changed = f"{_counted(summary.get('changed', 0), 'replica')} changed"
    return _line(summary, [changed, *_labeled(summary, _APPLY_WORDS), *_trouble(summary)])


_UNFINISHED = {"failed": "failed", "denied": "denied", "pending": "not finished"}
_APPLY_WORDS = {**_UNFINISHED, "wrong_key": "under another key", "keep": "kept"}
_FAILOVER_WORDS = {
    "to_promote": "to promote",
    "promoted": "promoted",
    "already": "stood alone already",
    **_UNFINISHED,
}
_FAILBACK_WORDS = {
    "to_lead": "to lead home",
    "led": "led home",
    "already": "at home already",
    "left_alone": "left alone",
    **_UNFINISHED,
}


def recovery_counts(summary: Mapping[str, int], labels: Mapping[str, str]) -> str:
    """Return '500 secrets: 498 promoted, 2 failed'."""
    return _line(summary, _labeled(summary, labels) or ["nothing to do"])


def _line(summary: Mapping[str, int], words: Iterable[str]) -> str:
    return f"{_counted(summary.get('secrets', 0), 'secret')}: {', '.join(words)}"


def _labeled(summary: Mapping[str, int], labels: Mapping[str, str]) -> list[str]:
    return [f"{summary[key]} {label}" for key, label in labels.items() if summary.get(key)]


def _trouble(summary: Mapping[str, int]) -> list[str]:
    count = summary.get("in_trouble", 0)
    return [f"{_counted(count, 'secret')} in trouble"] if count else []


def export_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets with 580 replicas, 3 more not seen'."""
    unseen = summary.get("unseen", 0)
    seen = summary.get("secrets", 0) - unseen
    words = f"{_counted(seen, 'secret')} with {_counted(summary.get('replicas', 0), 'replica')}"
    return words + (f", {unseen} more not seen" if unseen else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
