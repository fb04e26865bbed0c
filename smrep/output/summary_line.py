"""The last line of a result: counts, and how long the run took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Action, Kind, RegionReport, RunReport, SecretReport, healthy, without_healthy
from smrep.rules.hints import counted

REPORTS_FINDINGS = ("doctor", "verify")
"""The commands whose result is their findings, so that the table shows them in full."""
_DRIFT_WORDS = {Kind.WRONG_KEY: "under another key"}
_DOCTOR_WORDS = {Outcome.OK: "clear", Outcome.PENDING: "not finished", Outcome.ACCESS: "not checked"}


def summary_line(report: RunReport) -> str:
    """Return the counts by result, and the time taken."""
    if report.summary is not None:
        stop = "." if report.command in ("audit", "failover", "failback") else ""
        return f"{fleet_counts(report)} ({report.elapsed_s:.1f} s){stop}"
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
    words = Counter(state_word(row, dry_run=dry_run) for secret in secrets for row in secret.replicas)
    parts = [f"{count} of {words.total()} {word}" for word, count in words.items()]
    troubled = sum(1 for secret in secrets if secret.error)
    if troubled:
        parts.append(f"{troubled} of {counted(len(secrets), 'secret')} in trouble")
    return ", ".join(parts) or "no replicas"


def state_word(row: RegionReport, *, dry_run: bool = False) -> str:
    """Return the state of a Region in words, or what a dry run would do to it."""
    if dry_run and row.action is Action.REKEY and not row.error:
        return "to rekey"
    if row.action in (Action.REMOVE, Action.PROMOTE) and not row.error:
        return f"to {row.action}" if dry_run else row.note or "possibly not sent"
    if row.outcome is Outcome.DRIFT:
        kinds = {finding.kind for finding in row.findings if finding.kind is not Kind.UNCHECKED}
        kind = kinds.pop() if len(kinds) == 1 else None
        return _DRIFT_WORDS.get(kind, kind.replace("_", " ")) if kind else "drifted"
    if row.outcome is Outcome.ACCESS and not row.error:
        return "not checked"
    if row.error and not row.has_failed_there:
        return "not sent" if row.outcome is Outcome.PENDING else "skipped"
    if row.status == IN_SYNC and row.outcome is Outcome.PENDING:
        return "not confirmed"
    if row.status is None and row.action:
        return f"to {row.action}" if dry_run else "not listed"
    if row.status == FAILED and row.outcome is not Outcome.FAILED:
        return f"to {row.action}" if dry_run else "retried"
    words = {IN_SYNC: "in sync", IN_PROGRESS: "in progress", FAILED: "failed", None: "missing"}
    return words.get(row.status) or safe(row.status or "")


_FINDING_WORDS = {
    "wrong_key": "under another key",
    "extra": "not wanted",
    "orphan": "of another or a lost primary",
    "removing": "being removed",
    "name_conflict": "with a name conflict",
    "no_value": "without a value",
    "key_missing": "without their key",
    "key_disabled": "under a disabled key",
    "key_unusable": "under an unusable key",
    "region_disabled": "blocked by a disabled Region",
    "region_unknown": "blocked by an unknown Region",
    "is_replica": "that are replicas",
    "managed": "managed by an AWS service",
    "unchecked": "not checked",
}
"""Words for secrets with a kind of finding; the name of any other kind is its word."""
_PLAN_WORDS = {
    "overwrite": "to overwrite",
    "add": "to add",
    "retry": "to retry",
    "rekey": "to rekey",
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
    if report.command == "accounts":
        return accounts_counts(summary)
    if report.command in ("failover", "failback"):
        return recovery_counts(summary, report.command)
    if report.command == "export":
        return export_counts(summary)
    if report.command == "plan" or report.dry_run or "changed" not in summary:
        return plan_counts(summary)
    return apply_counts(summary)


def accounts_counts(summary: Mapping[str, int]) -> str:
    """Return '45 accounts covered, 3 skipped'."""
    skipped = summary.get("skipped", 0)
    return f"{counted(summary.get('covered', 0), 'account')} covered{f', {skipped} skipped' if skipped else ''}"


def list_counts(report: RunReport) -> str:
    """Return '312 secrets: 290 primary, 22 standalone'."""
    roles = Counter(secret.role for secret in report.secrets if secret.role)
    words = ", ".join(f"{count} {role}" for role, count in roles.items())
    return f"{counted(roles.total(), 'secret')}{': ' if words else ''}{words}"


def audit_counts(report: RunReport) -> str:
    """Return 'All 37 secrets have a current replica in us-west-2', or how many have, and what the others lack where."""
    summary = dict(report.summary or {})
    total, covered = summary.pop("secrets", 0), summary.pop("covered", 0)
    wanted = {tuple(sorted(regions)) for regions in healthy(report.secrets)}
    places: dict[str, Counter[Region]] = {}
    for secret in without_healthy(report.secrets):
        kinds = {(finding.kind.value, row.region) for row in secret.replicas for finding in row.findings}
        wanted.add(tuple(sorted(row.region for row in secret.replicas if not _is_unwanted(row))))
        for kind, region in kinds:
            places.setdefault(kind, Counter())[region] += 1
    wanted.discard(())
    verb = "has" if 1 in (covered, total) else "have"
    only = next(iter(wanted)) if len(wanted) == 1 else ()
    where = f" in {' and '.join(only)}" if only else " wherever one is wanted" if wanted else ""
    if not total:
        return "0 secrets"
    trouble = [
        words
        for kind, count in summary.items()
        if count
        for words in _by_region(kind, count, places.get(kind, Counter()), only)
    ]
    if covered == total and not trouble:
        return f"{'All ' if total > 1 else ''}{counted(total, 'secret')} {verb} a current replica{where}"
    head = f"{covered} of {counted(total, 'secret')} {verb} a current replica{where}"
    return "; ".join([head, *([", ".join(trouble)] if trouble else [])])


def _is_unwanted(row: RegionReport) -> bool:
    return any(finding.kind in (Kind.EXTRA, Kind.ORPHAN) for finding in row.findings)


def _by_region(kind: str, count: int, regions: Counter[Region], wanted: tuple[Region, ...]) -> list[str]:
    """Return '2 missing in us-west-2' for each Region; without the Region if no other one is wanted."""
    word = _FINDING_WORDS.get(kind, kind.replace("_", " "))
    if not regions or (wanted == tuple(regions) and len(wanted) == 1):
        return [f"{count} {word}"]
    return [f"{regions[region]} {word} in {region}" for region in sorted(regions)]


def plan_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets: 18 replicas to add, 290 to keep'."""
    idle = ["nothing to do"] if is_idle(summary) else []
    return _line(summary, [*_labeled(summary, _PLAN_WORDS), *_trouble(summary), *idle])


def is_idle(summary: Mapping[str, int]) -> bool:
    """Return whether a plan has nothing to do."""
    return not any(count for key, count in summary.items() if key not in ("secrets", "keep"))


def apply_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets: 18 replicas changed, 1 failed, 290 kept'."""
    changed = "nothing to do" if is_idle(summary) else f"{counted(summary.get('changed', 0), 'replica')} changed"
    return _line(summary, [changed, *_labeled(summary, _APPLY_WORDS), *_trouble(summary)])


_UNFINISHED = {"failed": "failed", "denied": "denied", "pending": "not finished"}
_APPLY_WORDS = {**_UNFINISHED, "wrong_key": "under another key", "keep": "kept"}
_RECOVERED = {"already": "done before", "left_alone": "skipped", **_UNFINISHED}


def recovery_counts(summary: Mapping[str, int], command: str) -> str:
    """Return 'Failed over 498 of 500 secrets; 2 failed'; `command` is failover or failback."""
    direction = command.removeprefix("fail")
    total = counted(summary.get("secrets", 0), "secret")
    done = summary.get("promoted", 0) + summary.get("led", 0)
    planned = summary.get("to_promote", 0) + summary.get("to_lead", 0)
    others = _labeled(summary, _RECOVERED)
    if planned and not done:
        head = f"{planned} of {total} to fail {direction}"
    elif others == [f"{summary.get('secrets')} done before"]:
        return f"{total} failed {direction} before: nothing to do"
    else:
        head = f"Failed {direction} {done} of {total}"
    return "; ".join([head, *([", ".join(others)] if others else [])])


def _line(summary: Mapping[str, int], words: Iterable[str]) -> str:
    return f"{counted(summary.get('secrets', 0), 'secret')}: {', '.join(words)}"


def _labeled(summary: Mapping[str, int], labels: Mapping[str, str]) -> list[str]:
    return [f"{summary[key]} {label}" for key, label in labels.items() if summary.get(key)]


def _trouble(summary: Mapping[str, int]) -> list[str]:
    count = summary.get("in_trouble", 0)
    return [f"{counted(count, 'secret')} in trouble"] if count else []


def export_counts(summary: Mapping[str, int]) -> str:
    """Return '312 secrets with 580 replicas, 3 more not seen'."""
    unseen = summary.get("unseen", 0)
    seen = summary.get("secrets", 0) - unseen
    words = f"{counted(seen, 'secret')} with {counted(summary.get('replicas', 0), 'replica')}"
    return words + (f", {unseen} more not checked" if unseen else "")
