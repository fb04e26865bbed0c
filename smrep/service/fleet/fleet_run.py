"""A run over many secrets: each at its turn, at an even pace, waited for by one scheduler."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from smrep.errors import AllDenied, Outcome, SmrepError
from smrep.report import Problem, Progress, SecretReport
from smrep.service.fleet.inventory import Inventory
from smrep.service.fleet.multi_account import ENOUGH, DenialBreaker
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.ports import SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.rate_limiter import RateLimiter
from smrep.service.steps.write_once import WriteGate

WIDTH = 24
"""How many secrets are dealt with at once: at 50 writes a second, and a third of a second for each look and request."""
FIRST_LOOK_S = 1.5
"""How long after a request its result is looked for first."""
_GROWTH, _LONGEST_S, _JITTER_S = 1.4, 5.0, 0.25


@dataclass(slots=True)
class AccountRun:
    """How all the work in one account is done, and what has ended it before its time."""

    aws: SecretsManager
    pace: RateLimiter
    timeout_s: float
    """From each secret's request on."""
    wait: bool = True
    ended_by: SmrepError | None = None
    denials: DenialBreaker = field(default_factory=DenialBreaker)
    jitter: random.Random = field(default_factory=random.Random)
    """Spreads the looks."""
    estate: Inventory | None = None
    """What the account holds, in a run that may be about several."""

    def next_look(self, now: float, looks: int, deadline: float) -> float:
        """Return when to look after so many looks: at growing intervals from the request on, last at the deadline."""
        pause = min(FIRST_LOOK_S * _GROWTH**looks, _LONGEST_S) + self.jitter.uniform(0, _JITTER_S)
        return min(now + pause, deadline)

    def not_begun(self, report: SecretReport) -> SecretReport:
        """Return a secret whose turn did not come, with the reason where there is one."""
        why = self.ended_by
        if why is None:
            return report
        trouble = Problem(why.code, f"{report.name}: not begun, since {why.message}", None, None, why.outcome)
        return replace(report, outcome=why.outcome, error=trouble)


@dataclass(frozen=True, slots=True)
class StopFlag:
    """Stops the requests of one account: those of the whole run are stopped, or the account's have ended."""

    crew: Scheduler
    terms: AccountRun

    def is_set(self) -> bool:
        """Tell whether nothing more may be begun."""
        return self.crew.stop.is_set() or self.terms.ended_by is not None

    def set(self) -> None:
        """Begin nothing more at all."""
        self.crew.stop.set()


def open_gate(crew: Scheduler, terms: AccountRun, patience_s: float, pace: Any = None) -> WriteGate:
    """Return the gate for one secret's requests: its time runs from now on, and what a slow look holds up is sent."""
    now = crew.clock.monotonic()
    deadline = now + terms.timeout_s
    return WriteGate(crew.clock, deadline, max(deadline, now + patience_s), StopFlag(crew, terms), pace or terms.pace)


class FleetTask(Protocol):
    """The work on one secret."""

    terms: AccountRun
    done: Callable[[Any], None] | None
    """Is called with the task after each step."""
    begun: bool
    ended: bool

    @property
    def name(self) -> str:
        """The secret's name."""
        ...

    @property
    def has_work(self) -> bool:
        """Whether something is to be sent or to be waited for."""
        ...

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have taken a request."""
        ...

    def step(self) -> float | None:
        """Do what is due; return when to come back, None where there is nothing more to do."""
        ...

    def report(self) -> SecretReport:
        """Return the secret as it stands."""
        ...


@dataclass(slots=True)
class FleetRun:
    """The tasks of many secrets, done side by side."""

    tasks: Sequence[FleetTask]
    crew: Scheduler
    doing: str
    """A participle: `applying`."""
    _changed: dict[int, FleetTask] = field(default_factory=dict)
    _total: int = 0
    _ended: int = 0
    _troubled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry_out(self, run: RunState) -> None:
        """Do every task, and tell the run's observer now and then of those that have changed.

        What ends an account's tasks before their time (nothing but denials, credentials that are not accepted) is in
        its terms; those of the others go on.
        """
        own = [each for each in self.tasks if each.has_work]
        self._total = len(own)
        for each in own:
            each.done = self._note
        self.crew.run((each.step for each in own), lambda: run.update(self.news()))

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self.ended_tasks()

    def ended_tasks(self) -> Progress:
        """Return how many tasks have ended."""
        return Progress(self.doing, self._ended, self._total, self._troubled)

    @property
    def open_names(self) -> list[str]:
        """The secrets whose turn came, and which have not settled though they were waited for."""
        waited = (each for each in self.tasks if each.terms.wait and each.begun)
        return [each.name for each in waited if each.report().outcome is Outcome.PENDING]

    def check(self) -> None:
        """Say what ended the run before its time, where it is of one account.

        Raises:
            SmrepError: something did.

        """
        ended_by = next((each.terms.ended_by for each in self.tasks if each.terms.ended_by), None)
        if ended_by is not None:
            raise ended_by

    def stopped(self, again: str) -> Problem:
        """Begin nothing more, let what is under way end, and return what that leaves; `again` goes on from there."""
        self.crew.finish()
        begun = sum(1 for each in self.tasks if each.begun and not each.ended)
        left = self._total - self._ended - begun
        message = f"stopped: {self._ended} of {self._total} secrets have ended, {left} were not begun"
        if begun:
            message += f"; {begun} are under way, and AWS goes on with them"
        hint = f"the same command goes on from there: {again}"
        return Problem("Interrupted", message, hint, None, Outcome.INTERRUPTED)

    def news(self) -> list[SecretReport]:
        """Return the secrets for which anything was done since this was last asked."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return [each.report() for each in changed.values()]

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(task.begun for task in self.tasks)

    @property
    def summary(self) -> Mapping[str, int] | None:
        """How many secrets are how."""
        return None

    def reports(self, *, dry_run: bool = False) -> Sequence[SecretReport]:  # noqa: ARG002 - its tasks know
        """Return every secret as it stands."""
        return [task.report() for task in self.tasks]

    def _note(self, task: FleetTask) -> None:
        with self._lock:
            self._changed[id(task)] = task
        terms = task.terms
        if task.was_taken:
            terms.denials.note(denied=False)
        if not task.ended:
            return
        report = task.report()
        with self._lock:
            self._ended += 1
            self._troubled += report.outcome not in (Outcome.OK, Outcome.ACCEPTED)
        if report.outcome is Outcome.ACCESS and terms.ended_by is None:
            terms.denials.note(denied=True)
            if terms.denials.are_enough:
                errors = [report.error, *(row.error for row in report.replicas)]
                hint = next((each.hint for each in errors if each and each.hint), None)
                terms.ended_by = AllDenied(f"AWS denied each of the first {ENOUGH} secrets", hint)
