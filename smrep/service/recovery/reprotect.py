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
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, marked, regions
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
    aim: Reprotect
    entry: RecordEntry
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; if it raises, the announced step must not happen."""
    clearing: SecretRemoval | None = None
    """The victim's replicas, to be removed first."""
    parting: SecretRemoval | None = None
    """The primary's replicas, to be removed last, because its role goes back."""
    case: SecretReplication | None = None
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
        aim = self.aim
        self.clearing = self._begun(aim.victim, aim.clears, gate)
        self.parting = self._begun(aim.primary, aim.parts, gate)
        targets = [self._under_its_key(each) for each in aim.targets if each.region not in self.aside]
        steps = tuple(parallel(self._decided, targets))
        courses = {each.target.region: initial_state(each, NO_CONSENT) for each in steps}
        self.case = SecretReplication(aim.primary, courses, [], steps, command="failback")
        self._prove()

    @property
    def is_stopped(self) -> bool:
        """Whether something blocks the plan; then nothing is removed."""
        rows = self.report().replicas
        return self.error is not None or any(row.error and row.region not in self.aside for row in rows)

    @property
    def is_proved(self) -> bool:
        """Whether every replica is in sync, and looks on both sides prove it."""
        courses = self.case.states if self.case else ()
        return all(self.proved.get(region) is Outcome.OK for region in courses)

    @property
    def sends(self) -> bool:
        """Whether a replica is to be requested."""
        return self.case is not None and any(not isinstance(each, Keep | Skip) for each in self.case.steps)

    @property
    def removes(self) -> frozenset[Region]:
        """Regions in which replicas are removed, first or last."""
        return frozenset(region for each in (self.clearing, self.parting) if each for region in each.to_send)

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """What to confirm: the secret's name, and what is lost."""
        found = [stake for each in (self.clearing, self.parting) if each for stake in each.stakes]
        victim = self.aim.victim
        if victim is not None and self.sends:
            what = f"to be replaced by a replica of {self.aim.primary.region}, for good, in {victim.region}"
            found.append((victim.name, f"{what}: {secret_summary(victim)}"))
        return found

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        cleared = [each for part in (self.clearing, self.parting) if part for each in part.deletions.values()]
        courses = self.case.states.values() if self.case else ()
        return any(each.accepted for each in (*cleared, *courses))

    def step(self, gate: WriteGate) -> bool:
        """Do the next thing due; return whether there is more to do or to wait for.

        Raises:
            CredentialsError: no further call can succeed.
            OutputError: the record cannot be written.

        """
        if self.clearing is not None and not self._cleared(self.clearing, gate):
            return not self.is_stopped
        case = self.case
        assert case is not None  # noqa: S101 - it was looked at first
        if self._sent_at is None:
            self._sent_at = gate.clock.monotonic()
            self._send(case, gate)
        elif case.is_open:
            look_again(self.aws, case, gate.clock, gate)
        self._prove()
        if self.is_stopped or not self.is_proved:
            return not self.is_stopped
        return self.parting is not None and not self._cleared(self.parting, gate) and not self.is_stopped

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        case, primary = self.case, self.aim.primary
        rows = {row.region: row for row in case.report(waiting=waiting, dry_run=dry_run).replicas} if case else {}
        for region, outcome in self.proved.items():
            row = rows[region]
            if row.error is None and row.status == IN_SYNC and not dry_run:
                rows[region] = replace(row, verified=outcome is Outcome.OK, outcome=worst([row.outcome, outcome]))
        for clearing in (self.clearing if self._sent_at is None else None, self.parting):
            leaving = clearing.report(waiting=waiting, dry_run=dry_run).replicas if clearing else ()
            begun = clearing is not None and clearing.was_sent
            rows |= {row.region: row for row in leaving if begun or row.error or (dry_run and row.region not in rows)}
        rows |= self.aside
        error = self.error or (case.error if case else None)
        return secret_report(
            primary, [self._explained(row) for row in rows.values()], error, case.notes if case else ()
        )

    def _explained(self, row: RegionReport) -> RegionReport:
        """Return the row with an error that fits a failback."""
        victim, error = self.aim.victim, row.error
        if error is None:
            return row
        if victim is not None and row.region == victim.region:
            if row.has_failed_there:
                error = not_replaced(self.aim.primary, row.region, row.status_message or "no reason given")
            if error.code == "NotReplaced":
                error = replace(error, hint=BY_HAND)
        if error.code in ("ChangedMeanwhile", "unchecked") and row.region in self.removes:
            error = replace(error, hint=SAME_AGAIN)
        return replace(row, error=replace(error, hint=None) if error.code == "NotSent" else error)

    def _begun(self, holder: Secret | None, where: tuple[Region, ...], gate: WriteGate) -> SecretRemoval | None:
        """Return the removal of a secret's own replicas; secrets that are not its replicas stay."""
        if holder is None or not where:
            return None
        clearing = plan_removal(self.aws, holder, where, gate.clock, gate.deadline)
        for region, each in tuple(clearing.deletions.items()):
            if each.error is None or each.is_unseen:
                continue
            del clearing.deletions[region]
            if our_replica(self.aim.primary, look_up_name(self.aws, self.aim.primary, region)):
                continue  # it has arrived, and the list lags
            left = removal_row(each, holder)
            hint = each.error.hint.partition("; when it is out")[0] if each.error.hint else None
            self.aside[region] = replace(left, action=None, error=replace(each.error, hint=hint))
        return clearing

    def _under_its_key(self, target: Target) -> Target:
        """Return the target with the existing replica's own key."""
        known = self.clearing.deletions.get(target.region) if self.clearing else None
        return replace(target, kms_key=own_key(known.victim.kms_key_id)) if known and known.victim else target

    def _decided(self, target: Target) -> RegionStep:
        """Return one Region's step; only the victim is overwritten."""
        primary, victim = self.aim.primary, self.aim.victim
        entry = primary.replica(target.region)
        if victim is not None and target.region == victim.region:
            if entry is not None and entry.status not in (IN_SYNC, FAILED):
                return Keep(target, entry)  # requested before, and not settled, whatever AWS calls it
            before = (had_failed(entry),) if entry and entry.status == FAILED else ()
            return self._usable(Overwrite(target, victim, entry, before))
        if self.clearing is not None and target.region in self.clearing.deletions:
            return self._usable(Add(target, vacant=True))
        seen = look_up_name(self.aws, primary, target.region)
        return self._usable(decide_step(primary, target, seen, NO_CONSENT, lambda _: ()))

    def _usable(self, step: RegionStep) -> RegionStep:
        """Return the step, skipped if a key it needs is unusable or could not be checked."""
        if isinstance(step, Keep | Skip):
            return step
        primary = self.aim.primary
        found = (*self.health.of_key(primary, step.target), *self.health.of_primary(primary))
        no = next((each for each in found if each.severity is Severity.ERROR or each.kind is Kind.UNCHECKED), None)
        if no is None:
            return step
        outcome = Outcome.ACCESS if no.outcome is Outcome.ACCESS else Outcome.FAILED
        return skip(step.target, replace(no, severity=Severity.ERROR), outcome)

    def _cleared(self, clearing: SecretRemoval, gate: WriteGate) -> bool:
        """Remove a secret's own replicas after recording them; return whether they are gone."""
        if clearing.unsent:
            self.write(marked(RecordMark.LEAVING, self.entry.arn, regions=regions(_leaving(clearing))))
            write_once(RemoveWrite(self.aws, gate, clearing), clearing.unsent, gate)
        for region in clearing.open_regions:
            check_gone(self.aws, clearing, region, gate.clock)
        return all(each.gone for each in clearing.deletions.values())

    def _send(self, case: SecretReplication, gate: WriteGate) -> None:
        """Request the replicas: first in the victim's place after a look, then in the others."""
        victim = self.aim.victim
        for region in [step.target.region for step in case.overwrites] if victim else ():
            assert victim is not None  # noqa: S101 - as was checked
            self.write(marked(RecordMark.REPLACING, self.entry.arn, region=region))
            before = case.states[region]
            write_once(ReplicateWrite(self.aws, gate, case, partial(self._check, victim)), [region], gate)
            error = case.states[region].error
            if error and error.code in (ChangedMeanwhile.__name__, Kind.UNCHECKED):
                case.states[region], self.error = before, error
                return
        if case.plain:
            write_once(ReplicateWrite(self.aws, gate, case), case.plain, gate)

    def _check(self, victim: Secret) -> None:
        """Allow the victim to be destroyed.

        Raises:
            ChangedMeanwhile: a side changed since that was decided, or cannot be checked.

        """
        primary = self.aim.primary
        check_shown(self.aws, primary, SAME_AGAIN, written=True)
        check_shown(self.aws, victim, SAME_AGAIN, may_list=[*self.aside, primary.region])

    def _prove(self) -> None:
        """Compare each replica that AWS calls in sync with its primary, as both are now."""
        case = self.case
        assert case is not None  # noqa: S101 - it was looked at first
        due = [
            course
            for region, course in case.states.items()
            if not course.error and course.fresh_status == IN_SYNC and self.proved.get(region) is not Outcome.OK
        ]
        primary = look_up_name(self.aws, case.primary, case.primary.region) if due else None
        for course in due:
            if not isinstance(primary, Secret):
                self.proved[course.region] = Outcome.PENDING
                continue
            seen = look_up_name(self.aws, case.primary, course.region)
            proof = compare_replica(BothSides(primary, course.region, seen, None, None), lambda _one, _other: True)
            held = not primary.stages and isinstance(seen, Secret) and not seen.stages  # no value on either side
            kept = tuple(each for each in course.findings if each.kind is Kind.FAILED)
            case.states[course.region] = replace(
                course, findings=(*kept, *proof.findings), seen_there=proof.verified or None
            )
            proved = proof.verified or (held and proof.verified is None)
            self.proved[course.region] = Outcome.OK if proved else worst([Outcome.PENDING, proof.outcome])


def _leaving(clearing: SecretRemoval) -> list[Target]:
    """Return the replicas to be removed, each with its key."""
    departures = [clearing.deletions[region] for region in clearing.unsent]
    shown = [(each.region, each.victim or each.before) for each in departures]
    return [Target(region, own_key(there.kms_key_id if there else None)) for region, there in shown]
