"""The last line of a table: how many Regions are how, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from smrep.errors import Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC
from smrep.output.fleet_words import of_list, of_many
from smrep.output.safe import safe
from smrep.report import Action, Kind, RegionReport, Report, SecretReport

TELLING = ("doctor", "verify")
"""The commands whose findings are the result, so that the table tells them in full."""
_DRIFTED = {Kind.WRONG_KEY: "under another key"}
_HEALTH = {Outcome.OK: "clear", Outcome.PENDING: "clear, but not settled", Outcome.ACCESS: "not fully checked"}


def closing(report: Report) -> str:
    """Return how many Regions ended how, and how long it took."""
    if report.summary is not None:
        return f"{of_many(report)} ({report.elapsed_s:.1f} s)"
    if report.command == "list":
        return f"{of_list(report)} ({report.elapsed_s:.1f} s)"
    if report.command == "doctor" and any(each.replicas for each in report.secrets):
        rows = [row for secret in report.secrets for row in secret.replicas]
        health = Counter(_HEALTH.get(row.outcome, "in trouble") for row in rows)
        words = ", ".join(f"{count} of {len(rows)} {word}" for word, count in health.items())
        return f"{words} ({report.elapsed_s:.1f} s)"
    unsent = report.dry_run or report.outcome is Outcome.USAGE
    dry = "dry run, nothing was sent: " if report.dry_run else "nothing was sent: " if unsent else ""
    return f"{dry}{counts(report.secrets, dry_run=unsent)} ({report.elapsed_s:.1f} s)"


def counts(secrets: Sequence[SecretReport], *, dry_run: bool = False) -> str:
    """Return how many Regions are how, and how many secrets could not be looked after."""
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
        kinds = {each.kind for each in row.findings if each.kind is not Kind.UNCHECKED}
        wrong = kinds.pop() if len(kinds) == 1 else None
        return _DRIFTED.get(wrong, wrong.replace("_", " ")) if wrong else "not as it should be"
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
