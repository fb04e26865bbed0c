"""Fail one promoted secret back to its original Region, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from smrep.errors import AwsError, NotFound, Outcome, Refused
from smrep.model import Secret, in_region
from smrep.regions import Region
from smrep.report import Action, Problem, RegionReport, SecretReport
from smrep.rules.recovery.failback_decision import (
    BothRegions,
    FailbackGoal,
    NewerSide,
    SkippedSecret,
    missing_third_regions,
    next_step,
)
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair, apply_line, mark_line, versions
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked, secret_summary
from smrep.rules.replication.replica_state import worst
from smrep.service.fleet.fleet_run import FleetTask, StopFlag, open_gate
from smrep.service.ports import SecretsManager
from smrep.service.recovery.reprotect import SAME_AGAIN, Reprotection
from smrep.service.steps.lookup import answer_or_error, look_up_name
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.preflight import PreflightChecks
from smrep.service.steps.secret_promotion import SecretPromotion, check_promoted, promote_once
from smrep.service.steps.write_once import WriteGate, identity, state_of


@dataclass(frozen=True, slots=True)
class ConfirmedChanges:
    """States that a person confirmed; nothing else may be destroyed."""

    states: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """ARN -> state of a secret to replace; empty if a later phase may replace any state."""
    removals: frozenset[Region] = frozenset()

    def covers(self, phase: Reprotection) -> bool:
        """Return whether everything that the phase destroys was confirmed."""
        victim = phase.plan.victim if phase.sends else None
        if victim is not None and self.states.get(victim.arn, (None,)) not in ((), state_of(victim)):
            return False
        return phase.removes <= self.removals

    @classmethod
    def by(cls, phase: Reprotection, entry: RecordEntry, turned: RegionPair | None) -> ConfirmedChanges:
        """Return what a plan beginning with this phase showed; `turned` if the role goes back afterwards."""
        states: dict[str, tuple[object, ...]] = {in_region(entry.arn, turned.target): ()} if turned else {}
        if phase.plan.victim is not None and phase.sends:
            states[phase.plan.victim.arn] = state_of(phase.plan.victim)
        return cls(states, phase.removes | {replica.region for replica in entry.third})


def look_at_both(aws: SecretsManager, entry: RecordEntry, pair: RegionPair) -> BothRegions:
    """Look up the secret's name in both Regions, in parallel.

    Raises:
        CredentialsError: no further call can succeed.

    """
    sides = [Secret(in_region(entry.arn, region), entry.name, region) for region in (pair.source, pair.target)]
    old, new = parallel(partial(_look, aws), sides)
    return BothRegions(entry, pair, old, new)


def _look(aws: SecretsManager, secret: Secret) -> NameLookup:
    """Look up one side; a missing name proves nothing if the ARN exists or is another account's."""
    lookup = look_up_name(aws, secret, secret.region)
    if not isinstance(lookup, NoSecret):
        return lookup
    answer = answer_or_error(lambda: aws.describe(secret.arn, secret.region))
    if isinstance(answer, NotFound):
        return lookup
    if isinstance(answer, AwsError):
        return NotChecked(answer)
    why = f"AWS finds it by its ARN only, as if the credentials were not of account {secret.account}"
    return NotChecked(Refused(why, f"{secret.name} in {secret.region}"))


_MOST_PHASES = 4
"""A failback has three phases; one more covers changes meanwhile."""


@dataclass(slots=True)
class FailbackTask(FleetTask):
    """Fails one secret back; `plan` decides the next phase and changes nothing."""

    entry: RecordEntry
    pair: RegionPair
    goal: FailbackGoal
    rotation_handled: bool
    health: PreflightChecks
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; if it raises, the announced step must not happen."""
    skipped: SkippedSecret | None = None
    newer_side: NewerSide = NewerSide.ONE
    """Result of the first comparison of both sides."""
    _phase: Reprotection | SecretPromotion | None = None
    _shown: ConfirmedChanges = field(default_factory=ConfirmedChanges)
    _phases: int = 0
    _taken: bool = False

    def plan(self) -> None:
        """Look into both Regions and decide the next phase.

        Raises:
            CredentialsError: no further call can succeed.

        """
        self._decide(self._opened())
        phase = self._phase
        if not isinstance(phase, Reprotection) or self.skipped is not None:
            return
        self.newer_side = phase.plan.newer_side
        self._shown = ConfirmedChanges.by(phase, self.entry, self.pair if self._turns else None)

    @property
    def is_planned(self) -> bool:
        """Whether both Regions were looked into."""
        return self.skipped is not None or self._phase is not None

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.entry.name

    @property
    def has_work(self) -> bool:
        """Whether there is something to send, to wait for or to record."""
        phase = self._phase
        if self.skipped is not None or not isinstance(phase, Reprotection) or phase.is_stopped:
            return False
        marked_so = self.entry.mark in (RecordMark.PROMOTING, RecordMark.FAILED, self._end)
        return phase.sends or bool(phase.removes) or not phase.is_proved or self._turns or not marked_so

    @property
    def sends(self) -> bool:
        """Whether a request is planned, as far as known."""
        phase = self._phase
        return self.has_work and isinstance(phase, Reprotection) and (phase.sends or bool(phase.removes) or self._turns)

    @property
    def replaces(self) -> bool:
        """Whether a secret must be replaced before the role goes back."""
        return self.sends and isinstance(self._phase, Reprotection) and self._phase.plan.victim is not None

    @property
    def removals(self) -> int:
        """Number of replicas to remove in third Regions."""
        return len(self._phase.removes) if self.sends and isinstance(self._phase, Reprotection) else 0

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """Changes to confirm: the secret's name, and what is lost."""
        phase = self._phase
        if not self.has_work or not isinstance(phase, Reprotection):
            return []
        later: list[tuple[str, str]] = []
        if self._turns:
            promoted, home = phase.plan.primary, self.pair.source
            action = (
                f"{self.name} will be promoted in {home} and then replaced for good in {promoted.region} by a replica"
            )
            later = [(self.name, f"{action}: {secret_summary(promoted)}")]
        return [*phase.stakes, *later]

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        phase = self._phase
        now = phase.was_taken if isinstance(phase, Reprotection) else phase.accepted if phase else False
        return self._taken or now

    def leave(self, skipped: SkippedSecret) -> None:
        """Skip the secret."""
        self.skipped = skipped

    def report(self, *, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        report = self._report(dry_run=dry_run)
        return report if self.begun or dry_run or not self.has_work else self.account_run.not_begun(report)

    @property
    def _turns(self) -> bool:
        """Whether the primary role still has to go back to its old Region."""
        phase = self._phase
        away = (
            isinstance(phase, Reprotection) and phase.plan.primary.region == self.pair.target and not phase.is_stopped
        )
        return self.goal is FailbackGoal.RETURN and away

    @property
    def _end(self) -> RecordMark:
        """Record mark for a secret that has reached its current place."""
        phase = self._phase
        home = isinstance(phase, Reprotection) and phase.plan.primary.region == self.pair.source
        return RecordMark.RETURNED if home else RecordMark.PROTECTED

    def _report(self, *, dry_run: bool) -> SecretReport:
        if self.skipped is not None:
            return self._skipped_report(self.skipped)
        if isinstance(self._phase, SecretPromotion):
            return self._phase.report(waiting=self.account_run.wait, dry_run=False)
        assert self._phase is not None  # noqa: S101 - it was planned
        report = self._phase.report(waiting=self.account_run.wait, dry_run=dry_run)
        if not self._turns:
            return report
        if dry_run:
            rows = [
                replace(row, action=Action.PROMOTE, outcome=Outcome.OK) if row.region == self.pair.source else row
                for row in report.replicas
            ]
            return replace(report, replicas=tuple(rows))
        short = Problem("NotReturned", f"{self.name} is not failed back yet", None, None, Outcome.PENDING)
        return replace(report, outcome=worst([report.outcome, short.outcome]), error=report.error or short)

    def _skipped_report(self, skipped: SkippedSecret) -> SecretReport:
        row = RegionReport(skipped.region, skipped.error.outcome, findings=skipped.findings, error=skipped.error)
        home = self.pair.source if skipped.region == self.pair.target else self.pair.target
        rows = (row, *(row for row in missing_third_regions(self.entry, home) if row.region != skipped.region))
        outcome = worst(row.outcome for row in rows)
        return SecretReport(self.name, outcome, in_region(self.entry.arn, home), home, rows)

    def _begin(self) -> float | None:
        """Decide the first phase again, because AWS may have changed since the plan, and begin it."""
        if self.scheduler.stop.is_set():
            return None
        self.begun = True
        return self._new_phase()

    def _new_phase(self) -> float | None:
        """Decide and begin the next phase if everything it destroys was confirmed, else skip the secret."""
        if self._phases == _MOST_PHASES:
            self._halt("kept changing during the failback, so smrep stopped there", Outcome.PENDING)
            return None
        self._gate, self._looks = self._opened(), 0
        self._phases += 1
        self._decide(self._gate)
        phase = self._phase
        if self.skipped is not None or not isinstance(phase, Reprotection) or phase.is_stopped:
            return None
        if not self._shown.covers(phase):
            self._halt("changed after it was shown, so it was skipped", Outcome.FAILED)
            return None
        return self._look(self._gate)

    def _halt(self, reason: str, outcome: Outcome) -> None:
        trouble = Problem("ChangedMeanwhile", f"{self.name} {reason}", SAME_AGAIN, None, outcome)
        self.skipped = SkippedSecret(self.pair.target, trouble)

    def _look(self, opened: WriteGate) -> float | None:
        phase = self._phase
        if isinstance(phase, SecretPromotion):
            return self._look_promoted(phase, opened)
        assert phase is not None  # noqa: S101 - a phase was begun
        if phase.step(opened):
            return self._later(opened)
        if phase.is_stopped:
            return None
        if self._turns:
            return self._turn(phase, opened)
        if self.entry.mark not in (RecordMark.PROMOTING, RecordMark.FAILED, self._end):
            self._note(mark_line(self._end, self.entry.arn))
        return None

    def _turn(self, phase: Reprotection, opened: WriteGate) -> float | None:
        """Promote the replica in the old Region, if a look at both right before shows no change."""
        turn = self.account_run.pace.ahead(StopFlag(self.scheduler, self.account_run).is_set)
        if opened.closed:
            return None
        ends, primary = look_at_both(self.account_run.aws, self.entry, self.pair), phase.plan.primary
        old, new = ends.old, ends.new
        if not (isinstance(old, Secret) and isinstance(new, Secret)) or identity(new) != identity(primary):
            return self._new_phase()
        if (
            not old.is_replica
            or old.primary_region != self.pair.target
            or old.arn != in_region(primary.arn, old.region)
        ):
            return self._new_phase()
        if frozenset(old.stages) != frozenset(new.stages):
            phase.proved.pop(self.pair.source, None)  # a new value is being replicated
            return self._later(opened)
        self._note(mark_line(RecordMark.LEVEL, self.entry.arn, versions=versions(new)))
        self._taken = self._taken or phase.was_taken
        self._phase = promotion = SecretPromotion(old, old)
        self._gate, self._looks = open_gate(self.scheduler, self.account_run, LOOK_S, turn), 0
        promote_once(self.account_run.aws, promotion, self._gate)
        return self._look_promoted(promotion, self._gate)

    def _look_promoted(self, promotion: SecretPromotion, opened: WriteGate) -> float | None:
        if promotion.sent_at is not None and promotion.is_open:
            check_promoted(self.account_run.aws, promotion, opened.clock)
        if promotion.error is not None:
            return None
        if promotion.is_open:
            return self._later(opened)
        self._taken = self._taken or promotion.accepted
        return self._new_phase()

    def _opened(self) -> WriteGate:
        return open_gate(self.scheduler, self.account_run, LOOK_S)

    def _decide(self, opened: WriteGate) -> None:
        """Look into both Regions in parallel, and decide."""
        ends = look_at_both(self.account_run.aws, self.entry, self.pair)
        goal = next_step(ends, self.goal, rotation_handled=self.rotation_handled)
        self.skipped = goal if isinstance(goal, SkippedSecret) else None
        if not isinstance(goal, SkippedSecret):
            self._phase = phase = Reprotection(self.account_run.aws, self.health, goal, self.entry, self._note)
            phase.look(opened)

    def _note(self, line: Mapping[str, Any]) -> None:
        """Append a line to the record, and remember it."""
        self.write(line)
        self.entry = apply_line(self.entry, line)
