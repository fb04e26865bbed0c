"""`apply`: send the changes of a plan at an even pace and wait for them with one scheduler."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smrep.errors import AwsError, CredentialsError, NotFound, PlanIsStale, SmrepError
from smrep.report import Problem, SecretReport
from smrep.rules.replication.replica_deletion import removal_blocker
from smrep.service.fleet.fleet_run import FleetTask, StopFlag, open_gate
from smrep.service.fleet.secret_plan import SecretPlan
from smrep.service.steps.parallel import LOOK_S
from smrep.service.steps.secret_removal import RemoveWrite, SecretRemoval, check_gone
from smrep.service.steps.secret_replication import ReplicateWrite, look_again
from smrep.service.steps.write_once import WriteGate, write_once

FRESH_S = 10.0
"""Maximum age in seconds of the look behind a request."""


@dataclass(slots=True)
class ApplyTask(FleetTask):
    """Changes one secret."""

    plan: SecretPlan

    def _advance(self) -> float | None:
        try:
            return self._look(self._gate) if self._gate else self._begin()
        except CredentialsError:
            self.begun = self.was_sent
            raise

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.plan.name

    @property
    def has_work(self) -> bool:
        """Whether there is something to send or to wait for."""
        return self.plan.has_work

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(part.was_sent for part in (self.plan.replication, self.plan.removal) if part)

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        replication, removal = self.plan.replication, self.plan.removal
        parts = [
            *(replication.states.values() if replication else ()),
            *(removal.deletions.values() if removal else ()),
        ]
        return any(part.accepted for part in parts)

    def report(self) -> SecretReport:
        """Return the secret's current report."""
        report = self.plan.report(waiting=self.account_run.wait)
        return report if self.begun or not self.plan.has_work else self.account_run.not_begun(report)

    def _begin(self) -> float | None:
        """Look again if the last look is old, then send."""
        clock, plan, brake = self.scheduler.clock, self.plan, StopFlag(self.scheduler, self.account_run)
        if plan.again and (plan.looked_at is None or clock.monotonic() - plan.looked_at > FRESH_S):
            self.plan = plan = _again(plan)
        adds = plan.replication.plain if plan.replication and plan.has_work else []
        goes_now = bool(plan.removes) and self._why_not() is None
        writes = plan.has_work and bool(adds or goes_now)
        turns = self.account_run.pace
        pace = turns.ahead(brake.is_set) if writes else turns  # waiting for a turn is not waiting for AWS
        if writes and brake.is_set():
            return None
        self.begun = True
        if not plan.has_work:
            return None
        self._gate = opened = open_gate(self.scheduler, self.account_run, LOOK_S, pace)
        if plan.replication and adds:
            write_once(ReplicateWrite(self.account_run.aws, opened, plan.replication), adds, opened)
        if plan.removal:
            self._clear(plan.removal, opened)
        return self._next_look(opened) if self.account_run.wait and plan.is_open else None

    def _look(self, gate: WriteGate) -> float | None:
        plan, clock = self.plan, self.scheduler.clock
        if plan.replication and plan.replication.is_open:
            look_again(self.account_run.aws, plan.replication, clock, gate)
        if plan.removal:
            for region in plan.removal.open_regions:
                check_gone(self.account_run.aws, plan.removal, region, clock)
            self._clear(plan.removal, gate)
        return self._later(gate) if plan.is_open else None

    def _clear(self, removal: SecretRemoval, gate: WriteGate) -> None:
        """Remove replicas once all wanted ones are in sync; skip them if that fails."""
        replication, why = self.plan.replication, self._why_not()
        if not removal.unsent:
            return
        if why is None:
            write_once(RemoveWrite(self.account_run.aws, gate, removal), removal.unsent, gate)
        elif not (
            replication
            and replication.is_open
            and self.account_run.wait
            and self.scheduler.clock.monotonic() < gate.deadline
        ):
            removal.skip_unsent(why)

    def _why_not(self) -> Problem | None:
        """Return why nothing may be removed yet."""
        replication = self.plan.replication
        return removal_blocker(replication.primary, replication.report().replicas) if replication else None


def _again(plan: SecretPlan) -> SecretPlan:
    """Return the plan after another look; end it if it no longer fits.

    Only replicas that the plan showed may be removed.
    """
    assert plan.again is not None  # noqa: S101 - as was checked
    try:
        renewed = plan.again()
        if renewed is not None:
            if renewed.removal and plan.removal:
                renewed.removal.show(plan.removal.shown)
            return renewed
        why: SmrepError = NotFound("no longer exists", f"{plan.name} in {plan.home}", code="ResourceNotFoundException")
    except CredentialsError:
        raise
    except (PlanIsStale, AwsError) as error:
        why = error
    ended = plan.report()
    return replace(plan, ended=replace(ended, outcome=why.outcome, error=Problem.of(why)))
