"""`apply`: the errands of a plan, sent at an even pace, waited for by one scheduler."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import Outcome, PlanIsStale
from smrep.report import Progress, SecretReport, Trouble
from smrep.service.abreast import LOOK_S
from smrep.service.cases import plain
from smrep.service.clearing import Clearer
from smrep.service.crew import Crew
from smrep.service.denials import Denials
from smrep.service.gate import Gate
from smrep.service.pace import Pace
from smrep.service.planning import Errand
from smrep.service.ports import SecretsManager
from smrep.service.sending import Sender
from smrep.service.waiting import Waiter

WIDTH = 24
"""How many secrets are dealt with at once: at 50 writes a second, and a third of a second for each look and request."""
FIRST_LOOK_S = 1.5
"""How long after a request its result is looked for first."""
_GROWTH, _LONGEST_S, _JITTER_S = 1.4, 5.0, 0.25
FRESH_S = 10.0
"""How old a look may be on which a request is based."""
_jitter = random.Random()  # noqa: S311 - it spreads calls and guards nothing


@dataclass(frozen=True, slots=True)
class Terms:
    """How all errands of one account are run."""

    aws: SecretsManager
    pace: Pace
    timeout_s: float
    """From each secret's request on."""
    wait: bool = True


@dataclass(slots=True)
class Assignment:
    """One errand on its way; `step` does what is due next."""

    errand: Errand
    terms: Terms
    crew: Crew
    done: Callable[[Assignment], None] = lambda _: None
    begun: bool = False
    ended: bool = False
    _gate: Gate | None = None
    _looks: int = 0

    def step(self) -> float | None:
        """Begin, or look once more; return when to come back, None where there is nothing more to do."""
        due = self._look(self._gate) if self._gate else self._begin()
        if not self.begun:
            return None  # the run was stopped before its turn came
        if due is None:
            self.ended = True
        self.done(self)
        return due

    def report(self) -> SecretReport:
        """Return the secret as it stands."""
        return self.errand.report(waiting=self.terms.wait)

    def _begin(self) -> float | None:
        """Look again where the last look is old, then send what is to be sent."""
        clock, errand = self.crew.clock, self.errand
        if errand.again and (errand.looked_at is None or clock.monotonic() - errand.looked_at > FRESH_S):
            self.errand = errand = _again(errand)
        adds = plain(errand.case) if errand.case and errand.has_work else []
        writes = errand.has_work and bool(adds or errand.removes)
        turns = self.terms.pace
        pace = turns.ahead(self.crew.stop) if writes else turns  # to wait for its turn is not to wait for AWS
        if writes and self.crew.stop.is_set():
            return None
        self.begun = True
        if not errand.has_work:
            return None
        deadline = clock.monotonic() + self.terms.timeout_s
        begin_until = max(deadline, clock.monotonic() + LOOK_S)
        self._gate = gate = Gate(clock, deadline, begin_until, self.crew.stop, pace)
        if errand.case and adds:
            Sender(self.terms.aws, gate).send(errand.case, adds)
        if errand.clearing and errand.removes:
            Clearer(self.terms.aws, gate).send(errand.clearing, errand.removes)
        return self._next(gate) if self.terms.wait and errand.is_open else None

    def _look(self, gate: Gate) -> float | None:
        errand, clock = self.errand, self.crew.clock
        if errand.case and errand.case.is_open:
            Waiter(self.terms.aws, clock, gate.deadline, Sender(self.terms.aws, gate)).look(errand.case)
        if errand.clearing:
            for region in errand.clearing.open_regions:
                Clearer(self.terms.aws, gate).look(errand.clearing, region)
        return self._next(gate) if errand.is_open and clock.monotonic() < gate.deadline else None

    def _next(self, gate: Gate) -> float:
        """Return when to look: at growing intervals from the request on, and last at the deadline."""
        pause = min(FIRST_LOOK_S * _GROWTH**self._looks, _LONGEST_S) + _jitter.uniform(0, _JITTER_S)
        self._looks += 1
        return min(self.crew.clock.monotonic() + pause, gate.deadline)


@dataclass(slots=True)
class Application:
    """One run over many errands: `act` does them, `reports` tells how each stands."""

    assignments: Sequence[Assignment]
    crew: Crew
    _changed: dict[int, Assignment] = field(default_factory=dict)
    _total: int = 0
    _ended: int = 0
    _troubled: int = 0
    _denials: Denials = field(default_factory=Denials)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self) -> Iterator[None]:
        """Do every errand, yielding now and then; ends early where every one of the first is denied.

        Raises:
            CredentialsError: no further call can succeed; the reports hold what was done up to then.

        """
        own = [each for each in self.assignments if each.errand.has_work]
        self._total = len(own)
        for each in own:
            each.done = self._note
        yield from self.crew.run(each.step for each in own)

    @property
    def gave_up(self) -> bool:
        """Whether the run was ended since AWS denied everything."""
        return self._denials.are_enough

    @property
    def progress(self) -> Progress:
        """How many errands have ended."""
        return Progress("applying", self._ended, self._total, self._troubled)

    @property
    def waits(self) -> bool:
        """Whether results are waited for."""
        return all(each.terms.wait for each in self.assignments)

    @property
    def open_names(self) -> list[str]:
        """The secrets that were begun and have not settled."""
        return [
            each.errand.name for each in self.assignments if each.begun and each.report().outcome is Outcome.PENDING
        ]

    def stopped(self, again: str) -> Trouble:
        """Begin nothing more, let what is under way end, and return what that leaves; `again` goes on from there."""
        self.crew.finish()
        begun = sum(1 for each in self.assignments if each.begun and not each.ended)
        left = self._total - self._ended - begun
        message = f"stopped: {self._ended} of {self._total} secrets have ended, {left} were not begun"
        if begun:
            message += f"; {begun} are under way, and AWS goes on with them"
        hint = f"the same command goes on from there: {again}"
        return Trouble("Interrupted", message, hint, None, Outcome.INTERRUPTED)

    def news(self) -> list[SecretReport]:
        """Return the secrets for which anything was done since this was last asked."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return [each.report() for each in changed.values()]

    def reports(self) -> list[SecretReport]:
        """Return every secret as it stands."""
        return [
            self._denied_too(each) if self.gave_up and not each.begun else each.report() for each in self.assignments
        ]

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        cases = (part for each in self.assignments for part in (each.errand.case, each.errand.clearing) if part)
        return any(part.was_sent for part in cases)

    def _note(self, assignment: Assignment) -> None:
        with self._lock:
            self._changed[id(assignment)] = assignment
        if not assignment.ended:
            if assignment.errand.ended is None:
                self._denials.note(denied=False)
            return
        outcome = assignment.report().outcome
        with self._lock:
            self._ended += 1
            self._troubled += outcome not in (Outcome.OK, Outcome.ACCEPTED)
        self._denials.note(denied=outcome is Outcome.ACCESS)
        if self.gave_up:
            self.crew.stop.set()

    def _denied_too(self, assignment: Assignment) -> SecretReport:
        report = assignment.report()
        if not assignment.errand.has_work:
            return report
        message = f"{report.name}: not begun, since AWS denied everything before it"
        trouble = Trouble("AccessDenied", message, None, None, Outcome.ACCESS)
        return replace(report, outcome=Outcome.ACCESS, error=trouble)


def _again(errand: Errand) -> Errand:
    """Return the errand after another look; one that its plan does not fit any more ends there."""
    assert errand.again is not None  # noqa: S101 - as was checked
    try:
        return errand.again()
    except PlanIsStale as error:
        ended = errand.report()
        return replace(errand, ended=replace(ended, outcome=error.outcome, error=Trouble.of(error)))
