"""Make a secret the primary of replicas elsewhere, and clear their way first, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from smrep.errors import ChangedMeanwhile, Outcome
from smrep.model import FAILED, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.report import Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.recovery.failback_decision import BY_HAND, Reprotect, own_key
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, mark_line, regions
from smrep.rules.replication.key_failures import not_replaced
from smrep.rules.replication.name_owner import our_replica, secret_summary
from smrep.rules.replication.region_step import (
    NO_CONSENT,
    Add,
    Keep,
    Overwrite,
    RegionStep,
    Skip,
    decide_step,
    had_failed,
    skip,
)
from smrep.rules.replication.replica_comparison import BothSides, compare_replica
from smrep.rules.replication.replica_deletion import deletion_report as removal_row
from smrep.rules.replication.replica_state import secret_report, worst
from smrep.service.ports import SecretsManager
from smrep.service.steps.lookup import look_up_name
from smrep.service.steps.parallel import parallel
from smrep.service.steps.preflight import PreflightChecks
from smrep.service.steps.secret_removal import RemoveWrite, SecretRemoval, check_gone, plan_removal
from smrep.service.steps.secret_replication import ReplicateWrite, SecretReplication, initial_state, look_again
from smrep.service.steps.write_once import WriteGate, check_shown, write_once

SAME_AGAIN = "run the same command again"


@dataclass(slots=True)
class Reprotection:
    """Reprotects one secret: `look` decides and changes nothing, `step` does the next thing due."""

    aws: SecretsManager
    health: PreflightChecks
    plan: Reprotect
    entry: RecordEntry
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; if it raises, the announced step must not happen."""
    removal: SecretRemoval | None = None
    """The victim's replicas, to be removed first."""
    parting: SecretRemoval | None = None
    """The primary's replicas, to be removed last, because its role goes back."""
    replication: SecretReplication | None = None
    error: Problem | None = None
    aside: dict[Region, RegionReport] = field(default_factory=dict)
    """Third Regions that are skipped, because they hold no replica of the cleared secret."""
    proved: dict[Region, Outcome] = field(default_factory=dict)
    _sent_at: float | None = None

    def look(self, gate: WriteGate) -> None:
        """Look into every Region concerned, and plan its step.

        Raises:
            CredentialsError: no further call can succeed.

        """
        plan = self.plan
        self.removal = self._begun(plan.victim, plan.clears, gate)
        self.parting = self._begun(plan.primary, plan.parts, gate)
        targets = [self._under_its_key(target) for target in plan.targets if target.region not in self.aside]
        steps = tuple(parallel(self._decided, targets))
        states = {step.target.region: initial_state(step, NO_CONSENT) for step in steps}
        self.replication = SecretReplication(plan.primary, states, [], steps, command="failback")
        self._prove()

    @property
    def is_stopped(self) -> bool:
        """Whether something blocks the plan; then nothing is removed."""
        rows = self.report().replicas
        return self.error is not None or any(row.error and row.region not in self.aside for row in rows)

    @property
    def is_proved(self) -> bool:
        """Whether every replica is in sync, and looks on both sides prove it."""
        states = self.replication.states if self.replication else ()
        return all(self.proved.get(region) is Outcome.OK for region in states)

    @property
    def sends(self) -> bool:
        """Whether to request a replica."""
        return self.replication is not None and any(
            not isinstance(step, Keep | Skip) for step in self.replication.steps
        )

    @property
    def removes(self) -> frozenset[Region]:
        """Regions in which replicas are removed, first or last."""
        return frozenset(region for removal in (self.removal, self.parting) if removal for region in removal.to_send)

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """Changes to confirm: the secret's name, and what is lost."""
        stakes = [stake for removal in (self.removal, self.parting) if removal for stake in removal.stakes]
        victim, home = self.plan.victim, self.plan.primary.region
        if victim is not None and self.sends:
            action = f"{victim.name} in {victim.region} will be replaced for good by a replica of {home}"
            stakes.append((victim.name, f"{action}: {secret_summary(victim)}"))
        return stakes

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        deletions = [part for removal in (self.removal, self.parting) if removal for part in removal.deletions.values()]
        states = self.replication.states.values() if self.replication else ()
        return any(part.accepted for part in (*deletions, *states))

    def step(self, gate: WriteGate) -> bool:
        """Do the next thing due; return whether there is more to do or to wait for.

        Raises:
            CredentialsError: no further call can succeed.
            OutputError: the record cannot be written.

        """
        if self.removal is not None and not self._cleared(self.removal, gate):
            return not self.is_stopped
        replication = self.replication
        assert replication is not None  # noqa: S101 - it was looked at first
        if self._sent_at is None:
            self._sent_at = gate.clock.monotonic()
            self._send(replication, gate)
        elif replication.is_open:
            look_again(self.aws, replication, gate.clock, gate)
        self._prove()
        if self.is_stopped or not self.is_proved:
            return not self.is_stopped
        return self.parting is not None and not self._cleared(self.parting, gate) and not self.is_stopped

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        replication, primary = self.replication, self.plan.primary
        rows = (
            {row.region: row for row in replication.report(waiting=waiting, dry_run=dry_run).replicas}
            if replication
            else {}
        )
        for region, outcome in self.proved.items():
            row = rows[region]
            if row.error is None and row.status == IN_SYNC and not dry_run:
                rows[region] = replace(row, verified=outcome is Outcome.OK, outcome=worst([row.outcome, outcome]))
        for removal in (self.removal if self._sent_at is None else None, self.parting):
            leaving = removal.report(waiting=waiting, dry_run=dry_run).replicas if removal else ()
            begun = removal is not None and removal.was_sent
            rows |= {row.region: row for row in leaving if begun or row.error or (dry_run and row.region not in rows)}
        rows |= self.aside
        error = self.error or (replication.error if replication else None)
        return secret_report(
            primary, [self._explained(row) for row in rows.values()], error, replication.notes if replication else ()
        )

    def _explained(self, row: RegionReport) -> RegionReport:
        """Return the row with an error that fits a failback."""
        victim, error = self.plan.victim, row.error
        if error is None:
            return row
        if victim is not None and row.region == victim.region:
            if row.has_failed_there:
                error = not_replaced(self.plan.primary, row.region, row.status_message or "AWS gave no reason")
            if error.code == "NotReplaced":
                error = replace(error, hint=BY_HAND)
        if error.code in ("ChangedMeanwhile", "unchecked") and row.region in self.removes:
            error = replace(error, hint=SAME_AGAIN)
        return replace(row, error=replace(error, hint=None) if error.code == "NotSent" else error)

    def _begun(self, holder: Secret | None, where: tuple[Region, ...], gate: WriteGate) -> SecretRemoval | None:
        """Return the removal of a secret's own replicas; secrets that are not its replicas stay."""
        if holder is None or not where:
            return None
        removal = plan_removal(self.aws, holder, where, gate.clock, gate.deadline)
        for region, deletion in tuple(removal.deletions.items()):
            if deletion.error is None or deletion.is_not_checked:
                continue
            del removal.deletions[region]
            if our_replica(self.plan.primary, look_up_name(self.aws, self.plan.primary, region)):
                continue  # it has arrived, and the list lags
            row = removal_row(deletion, holder)
            hint = deletion.error.hint.partition("\nonce it is gone")[0] if deletion.error.hint else None
            self.aside[region] = replace(row, action=None, error=replace(deletion.error, hint=hint))
        return removal

    def _under_its_key(self, target: Target) -> Target:
        """Return the target with the existing replica's own key."""
        deletion = self.removal.deletions.get(target.region) if self.removal else None
        return replace(target, kms_key=own_key(deletion.victim.kms_key_id)) if deletion and deletion.victim else target

    def _decided(self, target: Target) -> RegionStep:
        """Return one Region's step; only the victim is overwritten."""
        primary, victim = self.plan.primary, self.plan.victim
        entry = primary.replica(target.region)
        if victim is not None and target.region == victim.region:
            if entry is not None and entry.status not in (IN_SYNC, FAILED):
                return Keep(target, entry)  # requested before, and not settled, whatever AWS calls it
            before = (had_failed(entry),) if entry and entry.status == FAILED else ()
            return self._usable(Overwrite(target, victim, entry, before))
        if self.removal is not None and target.region in self.removal.deletions:
            return self._usable(Add(target, vacant=True))
        seen = look_up_name(self.aws, primary, target.region)
        return self._usable(decide_step(primary, target, seen, NO_CONSENT, lambda _: ()))

    def _usable(self, step: RegionStep) -> RegionStep:
        """Return the step, skipped if a key it needs is unusable or could not be checked."""
        if isinstance(step, Keep | Skip):
            return step
        primary = self.plan.primary
        findings = (*self.health.of_key(primary, step.target), *self.health.of_primary(primary))
        no = next(
            (finding for finding in findings if finding.severity is Severity.ERROR or finding.kind is Kind.UNCHECKED),
            None,
        )
        if no is None:
            return step
        outcome = Outcome.ACCESS if no.outcome is Outcome.ACCESS else Outcome.FAILED
        return skip(step.target, replace(no, severity=Severity.ERROR), outcome)

    def _cleared(self, removal: SecretRemoval, gate: WriteGate) -> bool:
        """Remove a secret's own replicas after recording them; return whether they are gone."""
        if removal.unsent:
            self.write(mark_line(RecordMark.LEAVING, self.entry.arn, regions=regions(_leaving(removal))))
            write_once(RemoveWrite(self.aws, gate, removal), removal.unsent, gate)
        for region in removal.open_regions:
            check_gone(self.aws, removal, region, gate.clock)
        return all(deletion.gone for deletion in removal.deletions.values())

    def _send(self, replication: SecretReplication, gate: WriteGate) -> None:
        """Request the replicas: first in the victim's place after a look, then in the others."""
        victim = self.plan.victim
        for region in [step.target.region for step in replication.overwrites] if victim else ():
            assert victim is not None  # noqa: S101 - as was checked
            self.write(mark_line(RecordMark.REPLACING, self.entry.arn, region=region))
            before = replication.states[region]
            write_once(ReplicateWrite(self.aws, gate, replication, partial(self._check, victim)), [region], gate)
            error = replication.states[region].error
            if error and error.code in (ChangedMeanwhile.__name__, Kind.UNCHECKED):
                replication.states[region], self.error = before, error
                return
        if replication.plain:
            write_once(ReplicateWrite(self.aws, gate, replication), replication.plain, gate)

    def _check(self, victim: Secret) -> None:
        """Allow the victim to be destroyed.

        Raises:
            ChangedMeanwhile: a side changed since that was decided, or cannot be checked.

        """
        primary = self.plan.primary
        check_shown(self.aws, primary, SAME_AGAIN, written=True)
        check_shown(self.aws, victim, SAME_AGAIN, may_list=[*self.aside, primary.region])

    def _prove(self) -> None:
        """Compare each replica that AWS calls in sync with its primary, as both are now."""
        replication = self.replication
        assert replication is not None  # noqa: S101 - it was looked at first
        unproved = [
            state
            for region, state in replication.states.items()
            if not state.error and state.fresh_status == IN_SYNC and self.proved.get(region) is not Outcome.OK
        ]
        primary = look_up_name(self.aws, replication.primary, replication.primary.region) if unproved else None
        for state in unproved:
            if not isinstance(primary, Secret):
                self.proved[state.region] = Outcome.PENDING
                continue
            seen = look_up_name(self.aws, replication.primary, state.region)
            proof = compare_replica(BothSides(primary, state.region, seen, None, None), lambda _one, _other: True)
            held = not primary.stages and isinstance(seen, Secret) and not seen.stages  # no value on either side
            kept = tuple(finding for finding in state.findings if finding.kind is Kind.FAILED)
            replication.states[state.region] = replace(
                state, findings=(*kept, *proof.findings), replica_seen=proof.verified or None
            )
            proved = proof.verified or (held and proof.verified is None)
            self.proved[state.region] = Outcome.OK if proved else worst([Outcome.PENDING, proof.outcome])


def _leaving(removal: SecretRemoval) -> list[Target]:
    """Return the replicas to be removed, each with its key."""
    deletions = [removal.deletions[region] for region in removal.unsent]
    shown = [(deletion.region, deletion.victim or deletion.before) for deletion in deletions]
    return [Target(region, own_key(secret.kms_key_id if secret else None)) for region, secret in shown]
