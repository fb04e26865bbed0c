"""`apply`: send the changes of a plan at an even pace and wait for them with one scheduler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from smrep.errors import AwsError, CredentialsError, NotFound, PlanIsStale, SmrepError
from smrep.report import Problem, SecretReport
from smrep.rules.replication.replica_deletion import why_kept
from smrep.service.fleet.fleet_run import AccountRun, StopFlag, open_gate
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.fleet.secret_plan import SecretPlan
from smrep.service.steps.parallel import LOOK_S
from smrep.service.steps.secret_removal import RemoveWrite, SecretRemoval, check_gone
from smrep.service.steps.secret_replication import ReplicateWrite, look_again
from smrep.service.steps.write_once import WriteGate, write_once

FRESH_S = 10.0
"""Maximum age in seconds of the look behind a request."""


@dataclass(slots=True)
class ApplyTask:
    """Changes one secret; `step` does the next thing due."""

    errand: SecretPlan
    terms: AccountRun
    crew: Scheduler
    done: Callable[[Any], None] | None = None
    begun: bool = False
    ended: bool = False
    _gate: WriteGate | None = None
    _looks: int = 0

    def step(self) -> float | None:
        """Begin, or look once more; return when to call again, None when done."""
        if self.terms.ended_by is not None and not self.begun:
            return None
        try:
            due = self._look(self._gate) if self._gate else self._begin()
        except CredentialsError as error:
            self.terms.ended_by = self.terms.ended_by or error
            self.begun, due = self.was_sent, None
        if not self.begun:
            return None  # the run or its account ended first
        if due is None:
            self.ended = True
        if self.done:
            self.done(self)
        return due

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.errand.name

    @property
    def has_work(self) -> bool:
        """Whether there is something to send or to wait for."""
        return self.errand.has_work

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(part.was_sent for part in (self.errand.case, self.errand.clearing) if part)

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        case, clearing = self.errand.case, self.errand.clearing
        courses = [*(case.states.values() if case else ()), *(clearing.deletions.values() if clearing else ())]
        return any(each.accepted for each in courses)

    def report(self) -> SecretReport:
        """Return the secret's current report."""
        report = self.errand.report(waiting=self.terms.wait)
        return report if self.begun or not self.errand.has_work else self.terms.not_begun(report)

    def _begin(self) -> float | None:
        """Look again if the last look is old, then send."""
        clock, errand, brake = self.crew.clock, self.errand, StopFlag(self.crew, self.terms)
        if errand.again and (errand.looked_at is None or clock.monotonic() - errand.looked_at > FRESH_S):
            self.errand = errand = _again(errand)
        adds = errand.case.plain if errand.case and errand.has_work else []
        goes_now = bool(errand.removes) and self._why_not() is None
        writes = errand.has_work and bool(adds or goes_now)
        turns = self.terms.pace
        pace = turns.ahead(brake.is_set) if writes else turns  # waiting for a turn is not waiting for AWS
        if writes and brake.is_set():
            return None
        self.begun = True
        if not errand.has_work:
            return None
        self._gate = opened = open_gate(self.crew, self.terms, LOOK_S, pace)
        if errand.case and adds:
            write_once(ReplicateWrite(self.terms.aws, opened, errand.case), adds, opened)
        if errand.clearing:
            self._clear(errand.clearing, opened)
        return self._next(opened) if self.terms.wait and errand.is_open else None

    def _look(self, gate: WriteGate) -> float | None:
        errand, clock = self.errand, self.crew.clock
        if errand.case and errand.case.is_open:
            look_again(self.terms.aws, errand.case, clock, gate)
        if errand.clearing:
            for region in errand.clearing.open_regions:
                check_gone(self.terms.aws, errand.clearing, region, clock)
            self._clear(errand.clearing, gate)
        return self._next(gate) if errand.is_open and clock.monotonic() < gate.deadline else None

    def _clear(self, clearing: SecretRemoval, gate: WriteGate) -> None:
        """Remove replicas once all wanted ones are in sync; skip them if that fails."""
        case, why = self.errand.case, self._why_not()
        if not clearing.unsent:
            return
        if why is None:
            write_once(RemoveWrite(self.terms.aws, gate, clearing), clearing.unsent, gate)
        elif not (case and case.is_open and self.terms.wait and self.crew.clock.monotonic() < gate.deadline):
            clearing.spare(why)

    def _why_not(self) -> Problem | None:
        """Return why nothing may be removed yet."""
        case = self.errand.case
        return why_kept(case.primary, case.report().replicas) if case else None

    def _next(self, gate: WriteGate) -> float:
        self._looks += 1
        return self.terms.next_look(self.crew.clock.monotonic(), self._looks - 1, gate.deadline)


def _again(errand: SecretPlan) -> SecretPlan:
    """Return the plan after another look; end it if it no longer fits.

    Only replicas that the plan showed may be removed.
    """
    assert errand.again is not None  # noqa: S101 - as was checked
    try:
        renewed = errand.again()
        if renewed is not None:
            if renewed.clearing and errand.clearing:
                renewed.clearing.show(errand.clearing.shown)
            return renewed
        why: SmrepError = NotFound(
            "not there any more", f"{errand.name} in {errand.home}", code="ResourceNotFoundException"
        )
    except CredentialsError:
        raise
    except (PlanIsStale, AwsError) as error:
        why = error
    ended = errand.report()
    return replace(errand, ended=replace(ended, outcome=why.outcome, error=Problem.of(why)))
