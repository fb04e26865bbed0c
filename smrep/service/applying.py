"""`apply`: the errands of a plan, sent at an even pace, waited for by one scheduler."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import AllDenied, AwsError, CredentialsError, NotFound, Outcome, PlanIsStale, SmrepError
from smrep.report import Progress, SecretReport, Trouble
from smrep.rules.removal import spared
from smrep.service.abreast import LOOK_S
from smrep.service.accounts import Accounts
from smrep.service.cases import plain
from smrep.service.clearing import Clearer, Clearing
from smrep.service.crew import Crew
from smrep.service.denials import ENOUGH, Denials
from smrep.service.estate import Estate
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


@dataclass(slots=True)
class Terms:
    """How all errands of one account are run, and what has ended them before their time."""

    estate: Estate
    aws: SecretsManager
    pace: Pace
    timeout_s: float
    """From each secret's request on."""
    wait: bool = True
    ended_by: SmrepError | None = None
    denials: Denials = field(default_factory=Denials)
    jitter: random.Random = field(default_factory=random.Random)
    """Spreads the looks."""


@dataclass(frozen=True, slots=True)
class Brake:
    """Stops the requests of one account: those of the whole run are stopped, or the account's have ended."""

    crew: Crew
    terms: Terms

    def is_set(self) -> bool:
        """Tell whether nothing more may be begun."""
        return self.crew.stop.is_set() or self.terms.ended_by is not None

    def set(self) -> None:
        """Begin nothing more at all."""
        self.crew.stop.set()


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
        if self.terms.ended_by is not None and not self.begun:
            return None
        try:
            due = self._look(self._gate) if self._gate else self._begin()
        except CredentialsError as error:
            self.terms.ended_by = self.terms.ended_by or error
            self.begun, due = self.was_sent, None
        if not self.begun:
            return None  # the run, or its account's, ended before its turn came
        if due is None:
            self.ended = True
        self.done(self)
        return due

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(part.was_sent for part in (self.errand.case, self.errand.clearing) if part)

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have taken a request."""
        case, clearing = self.errand.case, self.errand.clearing
        courses = [*(case.courses.values() if case else ()), *(clearing.departures.values() if clearing else ())]
        return any(each.accepted for each in courses)

    def report(self) -> SecretReport:
        """Return the secret as it stands."""
        report = self.errand.report(waiting=self.terms.wait)
        why = self.terms.ended_by
        if why is None or self.begun or not self.errand.has_work:
            return report
        trouble = Trouble(why.code, f"{report.name}: not begun, since {why.message}", None, None, why.outcome)
        return replace(report, outcome=why.outcome, error=trouble)

    def _begin(self) -> float | None:
        """Look again where the last look is old, then send what is to be sent."""
        clock, errand, brake = self.crew.clock, self.errand, Brake(self.crew, self.terms)
        if errand.again and (errand.looked_at is None or clock.monotonic() - errand.looked_at > FRESH_S):
            self.errand = errand = _again(errand)
        adds = plain(errand.case) if errand.case and errand.has_work else []
        goes_now = bool(errand.removes) and self._why_not() is None
        writes = errand.has_work and bool(adds or goes_now)
        turns = self.terms.pace
        pace = turns.ahead(brake.is_set) if writes else turns  # to wait for its turn is not to wait for AWS
        if writes and brake.is_set():
            return None
        self.begun = True
        if not errand.has_work:
            return None
        deadline = clock.monotonic() + self.terms.timeout_s
        begin_until = max(deadline, clock.monotonic() + LOOK_S)
        self._gate = gate = Gate(clock, deadline, begin_until, brake, pace)
        if errand.case and adds:
            Sender(self.terms.aws, gate).send(errand.case, adds)
        if errand.clearing:
            self._clear(errand.clearing, gate, seen=not adds)
        return self._next(gate) if self.terms.wait and errand.is_open else None

    def _look(self, gate: Gate) -> float | None:
        errand, clock = self.errand, self.crew.clock
        if errand.case and errand.case.is_open:
            Waiter(self.terms.aws, clock, gate.deadline, Sender(self.terms.aws, gate)).look(errand.case)
        if errand.clearing:
            for region in errand.clearing.open_regions:
                Clearer(self.terms.aws, gate).look(errand.clearing, region)
            self._clear(errand.clearing, gate)
        return self._next(gate) if errand.is_open and clock.monotonic() < gate.deadline else None

    def _clear(self, clearing: Clearing, gate: Gate, *, seen: bool = False) -> None:
        """Remove what is to go once the secret is in sync wherever it is wanted; else spare it when that is settled.

        `seen`: what is to go was looked at just now.
        """
        case, why = self.errand.case, self._why_not()
        if not clearing.unsent:
            return
        if why is None:
            clearer = Clearer(self.terms.aws, gate)
            regions = [each for each in clearing.unsent if seen or clearer.may_still_go(clearing, each)]
            if regions:
                clearer.send(clearing, regions)
        elif not (case and case.is_open and self.terms.wait and self.crew.clock.monotonic() < gate.deadline):
            clearing.spare(why)

    def _why_not(self) -> Trouble | None:
        """Return why nothing may be removed yet."""
        case = self.errand.case
        return spared(case.primary, case.report().replicas) if case else None

    def _next(self, gate: Gate) -> float:
        """Return when to look: at growing intervals from the request on, and last at the deadline."""
        pause = min(FIRST_LOOK_S * _GROWTH**self._looks, _LONGEST_S) + self.terms.jitter.uniform(0, _JITTER_S)
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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self) -> Iterator[None]:
        """Do every errand, yielding now and then.

        What ends an account's errands before their time (nothing but denials, credentials that are not accepted) is in
        its terms; those of the others go on.
        """
        own = [each for each in self.assignments if each.errand.has_work]
        self._total = len(own)
        for each in own:
            each.done = self._note
        yield from self.crew.run(each.step for each in own)

    @property
    def progress(self) -> Progress:
        """How many errands have ended."""
        return Progress("applying", self._ended, self._total, self._troubled)

    @property
    def open_names(self) -> list[str]:
        """The secrets whose turn came, and which have not settled though they were waited for."""
        waited = (each for each in self.assignments if each.terms.wait and each.begun)
        return [each.errand.name for each in waited if each.report().outcome is Outcome.PENDING]

    def check(self, accounts: Accounts) -> None:
        """Say what ended an account's errands before their time; what is left of several is told by `accounts`.

        Raises:
            SmrepError: that was the only account.

        """
        every = list({id(each.terms): each.terms for each in self.assignments}.values())
        for terms in every:
            if terms.ended_by is not None and len(every) == 1 and not accounts.lost:
                raise terms.ended_by
            if terms.ended_by is not None:
                accounts.lose(terms.estate, terms.ended_by)

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
        return [each.report() for each in self.assignments]

    def _note(self, assignment: Assignment) -> None:
        with self._lock:
            self._changed[id(assignment)] = assignment
        terms = assignment.terms
        if assignment.was_taken:
            terms.denials.note(denied=False)
        if not assignment.ended:
            return
        report = assignment.report()
        with self._lock:
            self._ended += 1
            self._troubled += report.outcome not in (Outcome.OK, Outcome.ACCEPTED)
        if report.outcome is Outcome.ACCESS and terms.ended_by is None:
            terms.denials.note(denied=True)
            if terms.denials.are_enough:
                errors = [report.error, *(row.error for row in report.replicas)]
                hint = next((each.hint for each in errors if each and each.hint), None)
                terms.ended_by = AllDenied(f"AWS denied each of the first {ENOUGH} secrets", hint)


def _again(errand: Errand) -> Errand:
    """Return the errand after another look; one that its plan does not fit any more ends there."""
    assert errand.again is not None  # noqa: S101 - as was checked
    try:
        renewed = errand.again()
        if renewed is not None:
            return renewed
        why: SmrepError = NotFound(
            "not there any more", f"{errand.name} in {errand.home}", code="ResourceNotFoundException"
        )
    except CredentialsError:
        raise
    except (PlanIsStale, AwsError) as error:
        why = error
    ended = errand.report()
    return replace(errand, ended=replace(ended, outcome=why.outcome, error=Trouble.of(why)))
