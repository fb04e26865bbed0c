"""What `rekey` may do in a Region, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smrep.errors import AwsError, Denied, Outcome, Refused
from smrep.model import Secret, Target
from smrep.report import Action, Finding, Kind, Problem, RegionReport, Severity
from smrep.rules.hints import format_command_on, remove_then_replicate
from smrep.rules.replication.key_failures import whose
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked
from smrep.rules.replication.replica_comparison import Proof, Verdict
from smrep.rules.replication.replica_state import LIST_LAG_S

_IN_THE_WAY = {
    Kind.MISSING: Outcome.FAILED,
    Kind.FAILED: Outcome.FAILED,
    Kind.PROMOTED: Outcome.FAILED,
    Kind.ORPHAN: Outcome.FAILED,
    Kind.NAME_CLASH: Outcome.FAILED,
    Kind.PENDING_DELETION: Outcome.FAILED,
    Kind.REMOVING: Outcome.PENDING,
    Kind.IN_PROGRESS: Outcome.PENDING,
}
"""What keeps a replica from being given another key, and how that ends."""
_OF_THE_STATUS = (Kind.FAILED, Kind.IN_PROGRESS, Kind.UNCHECKED)
"""Kinds beside which AWS's own word stays: it is the reason, or nothing else is known."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to become of one replica's key, and what has."""

    target: Target
    """With the key that is wanted."""
    wanted: bool = False
    """Whether something is to be sent."""
    sent_at: float | None = None
    """When our request went out, in the clock's seconds; None where none did."""
    accepted: bool = False
    """Whether AWS is known to have taken our request."""
    findings: tuple[Finding, ...] = ()
    """What was found before acting."""
    error: Problem | None = None


def decide_key_change(
    primary: Secret, target: Target, seen: tuple[NameLookup, Proof], same: Verdict, *, recreate: bool
) -> KeyChange:
    """Return what to do: nothing where the replica and its versions are under the key, or where none is in order.

    A replica that Failed can only be made anew.
    """
    look, proof = seen
    if isinstance(look, NotChecked):
        (finding,) = proof.findings[-1:] or (Finding(Kind.UNCHECKED, Severity.WARNING, "not looked at"),)
        return stopped(target, finding, look.error.outcome if look.error else Outcome.FAILED)
    for finding in proof.findings:
        if finding.kind in _IN_THE_WAY and not (recreate and finding.kind is Kind.FAILED):
            hint = finding.hint
            if finding.kind in (Kind.MISSING, Kind.REMOVING):
                owner = whose(primary) if isinstance(look, Absent) and look.to_the_arn else ""
                hint = owner + _bring_back(primary, target)
            return stopped(target, replace(finding, hint=hint), _IN_THE_WAY[finding.kind])
    wrong = any(each.kind in (Kind.WRONG_KEY, Kind.FAILED) for each in proof.findings)
    return KeyChange(target, wanted=wrong or same is not True)


def _bring_back(primary: Secret, target: Target) -> str:
    """Return the commands that lead to a replica under that key where there is none."""
    if primary.replica(target.region) is None:
        return format_command_on(primary, "replicate", [target])
    return remove_then_replicate(primary, [target])


def stopped(target: Target, finding: Finding, outcome: Outcome = Outcome.FAILED) -> KeyChange:
    """Return the turn that leaves a replica alone because of a finding, whose kind is the error's code."""
    finding = replace(finding, severity=Severity.ERROR)
    return KeyChange(target, findings=(finding,), error=Problem.about(finding, outcome))


def with_blockers(known: KeyChange, findings: tuple[Finding, ...], *, sure: bool) -> KeyChange:
    """Return the turn with what was found of the new key; a no stops it, and where it must be `sure` a doubt too."""
    no = next((each for each in findings if each.severity is Severity.ERROR), None)
    doubt = next((each for each in findings if each.kind is Kind.UNCHECKED), None) if sure else None
    if no or doubt:
        why = no or doubt
        assert why is not None  # noqa: S101 - one of them is there
        denied = no is None and why.outcome is Outcome.ACCESS
        outcome = Outcome.ACCESS if denied else Outcome.FAILED
        return replace(stopped(known.target, why, outcome), findings=findings)
    return replace(known, findings=findings)


def rekeyed(known: KeyChange, row: RegionReport, now: float, *, proved: bool, dry_run: bool = False) -> RegionReport:
    """Return the row of a proof as the row of a rekeying; `proved` tells whether it was looked at since the request."""
    lagging = known.sent_at is not None and now - known.sent_at < LIST_LAG_S
    unsure = known.sent_at is not None and not known.accepted
    action = Action.REKEY if known.wanted or known.error else Action.KEEP
    findings = tuple(dict.fromkeys((*known.findings, *row.findings)))
    error, outcome = known.error, row.outcome
    if error is not None:
        findings, outcome = known.findings, error.outcome
        if any(each.kind == error.code and each.kind not in _OF_THE_STATUS for each in findings):
            row = replace(row, status=None, status_message=None)  # a definite no, which AWS's word does not tell of
    elif known.wanted and dry_run:
        findings, outcome = known.findings, Outcome.OK
    elif known.wanted and (not proved or unsure or (lagging and row.outcome is Outcome.DRIFT)):
        findings, outcome = known.findings, Outcome.PENDING
    elif known.accepted and (left := next((each for each in findings if each.kind is Kind.WRONG_KEY), None)):
        hint = (
            "AWS leaves a version under its old key where the caller lacks kms:Decrypt there, or that key is disabled: "
            f"mend that, then: {left.hint}; it leaves one with a label of its own in any case: take that label off at "
            "the primary, or add --recreate"
        )
        error = Problem(Kind.WRONG_KEY.value, left.message, hint, None, Outcome.FAILED)
        outcome = Outcome.FAILED
    else:
        error = row.error
    return replace(row, action=action, changed=known.accepted, findings=findings, error=error, outcome=outcome)


def recreated(row: RegionReport, primary: Secret, target: Target, *, made: bool) -> RegionReport:
    """Return a row of the removal, or with `made` of the replication, as one of a replica that is made anew.

    A replica that is gone is not the end of it.
    """
    again = format_command_on(primary, "replicate", [target])
    done, error = row.outcome is Outcome.OK, row.error
    if error and (made or row.changed):
        state = "there is no replica now" if made else "the replica is being removed"
        error = replace(error, hint=f"{state}; {error.hint or 'mend the cause'}; to bring it back: {again}")
    elif error and error.code in ("ChangedMeanwhile", Kind.UNCHECKED):
        error = replace(error, hint=format_command_on(primary, "rekey", [target], ["--recreate"]))
    return replace(
        row,
        error=error,
        action=Action.REKEY,
        outcome=Outcome.PENDING if done and not made else row.outcome,
        arn=row.arn if made and done else None,
        wanted_key=target.kms_key,
        changed=made or row.changed,
    )


def unkeyed(error: AwsError, primary: Secret, target: Target, arn: str) -> AwsError:
    """Return AWS's refusal with the secret, the Region and what to allow."""
    error.about(f"{primary.name} in {target.region} to {target.kms_key}")
    if isinstance(error, Denied):
        error.hint = error.allowing(
            f"secretsmanager:UpdateSecret on {arn}; kms:GenerateDataKey, kms:Encrypt and kms:Decrypt on the new "
            "key, kms:Decrypt on the old one"
        )
    elif isinstance(error, Refused) and not error.hint and error.code != "LimitExceededException":  # a quota
        again = format_command_on(primary, "rekey", [target], ["--recreate"])
        error.hint = f"where AWS will not change it in place, make the replica anew: {again}"
    return error
