"""Decides whether `rekey` may act in a Region, and reports the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smrep.errors import AwsError, Denied, Outcome, Refused
from smrep.model import Secret, Target
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import format_command_on, remove_then_replicate, step, steps
from smrep.rules.replication.key_failures import credentials_prefix
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.rules.replication.replica_comparison import Proof, Verdict
from smrep.rules.replication.replica_state import LIST_LAG_S

_BLOCKERS = {
    Kind.MISSING: Outcome.FAILED,
    Kind.FAILED: Outcome.FAILED,
    Kind.PROMOTED: Outcome.FAILED,
    Kind.ORPHAN: Outcome.FAILED,
    Kind.NAME_CONFLICT: Outcome.FAILED,
    Kind.PENDING_DELETION: Outcome.FAILED,
    Kind.REMOVING: Outcome.PENDING,
    Kind.IN_PROGRESS: Outcome.PENDING,
}
"""Findings that block a key change, with the outcome."""
_STATUS_KINDS = (Kind.FAILED, Kind.IN_PROGRESS, Kind.UNCHECKED)
"""Kinds that keep AWS's status in the row: it is the reason, or all that is known."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The planned change of one replica's key, and its result."""

    target: Target
    """The Region and its wanted key."""
    wanted: bool = False
    """Whether to send a request."""
    sent_at: float | None = None
    """The time of our request, in the clock's seconds; None without one."""
    accepted: bool = False
    """Whether AWS is known to have accepted our request."""
    findings: tuple[Finding, ...] = ()
    """Findings from before the change."""
    error: Problem | None = None


def decide_key_change(
    primary: Secret, target: Target, seen: tuple[NameLookup, Proof], same: Verdict, *, recreate: bool
) -> KeyChange:
    """Return the key change: nothing to send if the replica and its versions use the key, or if something blocks it.

    A failed replica can only be recreated.
    """
    look, proof = seen
    if isinstance(look, NotChecked):
        (finding,) = proof.findings[-1:] or (Finding(Kind.UNCHECKED, Severity.WARNING, "not checked"),)
        return blocked_change(target, finding, look.error.outcome if look.error else Outcome.FAILED)
    for finding in proof.findings:
        if finding.kind in _BLOCKERS and not (recreate and finding.kind is Kind.FAILED):
            hint = finding.hint
            if finding.kind in (Kind.MISSING, Kind.REMOVING):
                owner = credentials_prefix(primary) if isinstance(look, NoSecret) and look.only_by_arn else ""
                hint = owner + _bring_back(primary, target)
            return blocked_change(target, replace(finding, hint=hint), _BLOCKERS[finding.kind])
    wrong = any(reason.kind in (Kind.WRONG_KEY, Kind.FAILED) for reason in proof.findings)
    return KeyChange(target, wanted=wrong or same is not True)


def _bring_back(primary: Secret, target: Target) -> str:
    """Return the hint to create a missing replica with that key."""
    if primary.replica(target.region) is None:
        return step("add it", format_command_on(primary, "replicate", [target]))
    return step("replicate again", *remove_then_replicate(primary, [target]))


def blocked_change(target: Target, finding: Finding, outcome: Outcome = Outcome.FAILED) -> KeyChange:
    """Return a key change that the finding stops; its kind is the error's code."""
    finding = replace(finding, severity=Severity.ERROR)
    return KeyChange(target, findings=(finding,), error=Problem.about(finding, outcome))


def with_blockers(change: KeyChange, findings: tuple[Finding, ...], *, sure: bool) -> KeyChange:
    """Return the key change with the new key's findings; an error stops it, with `sure` an unchecked key too."""
    no = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    doubt = next((finding for finding in findings if finding.kind is Kind.UNCHECKED), None) if sure else None
    if no or doubt:
        why = no or doubt
        assert why is not None  # noqa: S101 - one of them is set
        denied = no is None and why.outcome is Outcome.ACCESS
        outcome = Outcome.ACCESS if denied else Outcome.FAILED
        return replace(blocked_change(change.target, why, outcome), findings=findings)
    return replace(change, findings=findings)


def key_change_row(
    change: KeyChange, row: RegionReport, now: float, *, proved: bool, dry_run: bool = False
) -> RegionReport:
    """Return a verified row as a row of the key change; `proved` says whether the check came after the request."""
    lagging = change.sent_at is not None and now - change.sent_at < LIST_LAG_S
    unsure = change.sent_at is not None and not change.accepted
    action = Action.REKEY if change.wanted or change.error else Action.KEEP
    findings = tuple(dict.fromkeys((*change.findings, *row.findings)))
    error, outcome = change.error, row.outcome
    if error is not None:
        findings, outcome = change.findings, error.outcome
        if any(finding.kind == error.code and finding.kind not in _STATUS_KINDS for finding in findings):
            row = replace(row, status=None, status_message=None)  # AWS's status does not show this error
    elif change.wanted and dry_run:
        findings, outcome = change.findings, Outcome.OK
    elif change.wanted and (not proved or unsure or (lagging and row.outcome is Outcome.DRIFT)):
        findings, outcome = change.findings, Outcome.PENDING
    elif change.accepted and (old := next((finding for finding in findings if finding.kind is Kind.WRONG_KEY), None)):
        hint = steps(
            "AWS keeps a version under its old key if you lack kms:Decrypt on that key, or if it is disabled",
            f"fix that, then {old.hint}",
            "a version with a label of its own always keeps its key: remove the label at the primary, or add "
            "--recreate",
        )
        error = Problem(Kind.WRONG_KEY.value, old.message, hint, None, Outcome.FAILED)
        outcome = Outcome.FAILED
    else:
        error = row.error
    return replace(row, action=action, changed=change.accepted, findings=findings, error=error, outcome=outcome)


def recreated_row(row: RegionReport, primary: Secret, target: Target, *, made: bool) -> RegionReport:
    """Return a row of the removal, or of the replication if `made`, as a row of a recreated replica.

    Once the old replica is gone, the row is still pending.
    """
    again = format_command_on(primary, "replicate", [target])
    done, error = row.outcome is Outcome.OK, row.error
    if error and (made or row.changed):
        state = f"{target.region} has no replica now" if made else "the replica is being removed"
        error = replace(error, hint=steps(state, error.hint or "fix the cause", step("to add it again", again)))
    elif error and error.code in ("ChangedMeanwhile", Kind.UNCHECKED):
        error = replace(error, hint=step("try again", format_command_on(primary, "rekey", [target], ["--recreate"])))
    return replace(
        row,
        error=error,
        action=Action.REKEY,
        outcome=Outcome.PENDING if done and not made else row.outcome,
        arn=row.arn if made and done else None,
        wanted_key=target.kms_key,
        changed=made or row.changed,
    )


def key_change_refusal(error: AwsError, primary: Secret, target: Target, arn: str) -> AwsError:
    """Return AWS's refusal with the secret, the Region and the permissions to allow."""
    error.about(f"{primary.name} in {target.region} to {target.kms_key}")
    if isinstance(error, Denied):
        error.hint = error.allowing(
            f"secretsmanager:UpdateSecret on {arn}; kms:GenerateDataKey, kms:Encrypt and kms:Decrypt on the new "
            "key, kms:Decrypt on the old one"
        )
    elif isinstance(error, Refused) and not error.hint and error.code != "LimitExceededException":  # a quota
        again = format_command_on(primary, "rekey", [target], ["--recreate"])
        error.hint = step("if AWS cannot change the key in place, delete and recreate the replica", again)
    return error
