"""Run over many secrets: at an even pace, with one scheduler."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.errors import AllDenied, CredentialsError, Outcome, SmrepError, StillOpen
from smrep.report import Problem, Progress, SecretReport
from smrep.rules.hints import some_names, step
from smrep.service.fleet.inventory import Inventory
from smrep.service.fleet.multi_account import ENOUGH, DenialBreaker
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState, Tracked
from smrep.service.steps.rate_limiter import RateLimiter
from smrep.service.steps.write_once import WriteGate

WIDTH = 24
"""Number of secrets handled in parallel: enough for 50 writes a second at a third of a second per call."""
FIRST_LOOK_S = 1.5
"""Seconds from a request to the first look at its result."""
_GROWTH, _LONGEST_S, _JITTER_S = 1.4, 5.0, 0.25


@dataclass(slots=True)
class AccountRun:
    """Settings for the work in one account, and the error that ended it early."""

    aws: SecretsManager
    pace: RateLimiter
    timeout_s: float
    """Counted from each secret's request."""
    wait: bool = True
    ended_by: SmrepError | None = None
    denials: DenialBreaker = field(default_factory=DenialBreaker)
    jitter: random.Random = field(default_factory=random.Random)
    """Spreads the looks over time."""
    inventory: Inventory | None = None
    """The account's inventory, in a run over several accounts."""

    def next_look(self, now: float, looks: int, deadline: float) -> float:
        """Return when to look next: at growing intervals since the request, and last at the deadline."""
        pause = min(FIRST_LOOK_S * _GROWTH**looks, _LONGEST_S) + self.jitter.uniform(0, _JITTER_S)
        return min(now + pause, deadline)

    def not_begun(self, report: SecretReport) -> SecretReport:
        """Return a secret that was not begun, with the reason if known."""
        why = self.ended_by
        if why is None:
            return report
        trouble = Problem(why.code, f"{report.name}: not started, because {why.message}", None, None, why.outcome)
        return replace(report, outcome=why.outcome, error=trouble)


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """Common part of the requests that change many secrets."""

    rate: float
    """Requests per second for an account."""
    timeout_s: float
    """Counted from each request."""
    wait: bool
    again: Callable[..., str]
    """Returns this request's command, with more flags."""

    def account_run(self, aws: SecretsManager, clock: Clock, inventory: Inventory | None = None) -> AccountRun:
        """Return the settings for the work in one account."""
        return AccountRun(aws, RateLimiter(clock, self.rate), self.timeout_s, self.wait, inventory=inventory)


@dataclass(frozen=True, slots=True)
class StopFlag:
    """Stops the requests of one account, when the run is stopped or the account's work has ended."""

    scheduler: Scheduler
    account_run: AccountRun

    def is_set(self) -> bool:
        """Return whether nothing more may be begun."""
        return self.scheduler.stop.is_set() or self.account_run.ended_by is not None

    def set(self) -> None:
        """Stop the whole run."""
        self.scheduler.stop.set()


def open_gate(scheduler: Scheduler, account_run: AccountRun, patience_s: float, pace: Any = None) -> WriteGate:
    """Return the gate for one secret: its time starts now, and requests held up by a slow look are sent."""
    now = scheduler.clock.monotonic()
    deadline = now + account_run.timeout_s
    return WriteGate(
        scheduler.clock,
        deadline,
        max(deadline, now + patience_s),
        StopFlag(scheduler, account_run),
        pace or account_run.pace,
    )


@dataclass(slots=True)
class FleetTask:
    """Work on one secret; `step` does the next thing due."""

    account_run: AccountRun
    scheduler: Scheduler
    done: Callable[[Any], None] | None = field(default=None, kw_only=True)
    """Called with the task after each step."""
    begun: bool = field(default=False, kw_only=True)
    ended: bool = field(default=False, kw_only=True)
    _gate: WriteGate | None = field(default=None, kw_only=True)
    _looks: int = field(default=0, kw_only=True)

    @property
    def name(self) -> str:
        """The secret's name."""
        raise NotImplementedError

    @property
    def has_work(self) -> bool:
        """Whether there is something to send or to wait for; where only a look can tell, True."""
        return True

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted a request."""
        raise NotImplementedError

    def report(self) -> SecretReport:
        """Return the secret's current report."""
        raise NotImplementedError

    def step(self) -> float | None:
        """Do the next thing due unless the account's run has ended; return when to call again, None when done.

        Credentials that no longer work end the run of the whole account.

        Raises:
            OutputError: a record cannot be written.

        """
        run = self.account_run
        if run.ended_by is not None and not self.begun:
            return None
        try:
            next_at = self._advance()
        except CredentialsError as error:
            run.ended_by = run.ended_by or error
            next_at = None
        if not self.begun:
            return None  # the run or its account ended first
        self.ended = next_at is None
        if self.done:
            self.done(self)
        return next_at

    def _advance(self) -> float | None:
        return self._look(self._gate) if self._gate else self._begin()

    def _begin(self) -> float | None:
        """Look and send."""
        raise NotImplementedError

    def _look(self, gate: WriteGate) -> float | None:
        """Look once more, and do what is due then."""
        raise NotImplementedError

    def _later(self, gate: WriteGate) -> float | None:
        """Return when to look next; None if nobody waits, or the deadline has passed."""
        is_over = not self.account_run.wait or self.scheduler.clock.monotonic() >= gate.deadline
        return None if is_over else self._next_look(gate)

    def _next_look(self, gate: WriteGate) -> float:
        self._looks += 1
        return self.account_run.next_look(self.scheduler.clock.monotonic(), self._looks - 1, gate.deadline)


@dataclass(slots=True)
class FleetRun(Tracked):
    """Tasks of many secrets, run in parallel."""

    tasks: Sequence[FleetTask]
    scheduler: Scheduler
    doing: str
    """Participle: `applying`."""
    _changed: dict[int, FleetTask] = field(default_factory=dict)
    _total: int = 0
    _ended: int = 0
    _troubled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry_out(self, run: RunState) -> None:
        """Run every task, and update the run's observer with those that changed.

        An error that ends one account's tasks early (only denials, rejected credentials) is kept in its `AccountRun`;
        other accounts continue.
        """
        tasks = [task for task in self.tasks if task.has_work]
        self._total = len(tasks)
        for task in tasks:
            task.done = self._note
        self.scheduler.run((task.step for task in tasks), lambda: run.update(self.news()))

    def carry_out_all(self, run: RunState, again: str, timeout_s: float) -> None:
        """Run every task, and raise what is left open; `again` is the command that resumes the run.

        Raises:
            SmrepError: what ended the run early.
            StillOpen: secrets are open `timeout_s` after their request.

        """
        run.track(self, lambda _: self.stopped(again))
        self.carry_out(run)
        self.check()
        if names := self.open_names:
            raise StillOpen(
                f"{len(names)} of {self.progress.total} secrets were not finished {timeout_s:g} s after their request: "
                + some_names(names),
                step("to resume", again),
            )

    @property
    def progress(self) -> Progress:
        """Progress of the run."""
        return self.ended_tasks()

    def ended_tasks(self) -> Progress:
        """Return how many tasks have ended."""
        return Progress(self.doing, self._ended, self._total, self._troubled)

    @property
    def open_names(self) -> list[str]:
        """Secrets that were begun and waited for but have not settled."""
        return [task.name for task in self.tasks if _is_open(task)]

    def check(self) -> None:
        """Raise what ended a run over one account early.

        Raises:
            SmrepError: the account failed.

        """
        ended_by = next((task.account_run.ended_by for task in self.tasks if task.account_run.ended_by), None)
        if ended_by is not None:
            raise ended_by

    def stopped(self, again: str) -> Problem:
        """Begin nothing more, finish steps in progress, and return what is left; `again` resumes it."""
        self.scheduler.finish()
        begun = [task for task in self.tasks if task.begun and (not task.ended or _is_open(task))]
        finished = self._ended - sum(task.ended for task in begun)
        remaining = self._total - finished - len(begun)
        message = f"stopped: {finished} of {self._total} secrets are finished, {remaining} were not started"
        if begun:
            message += f"; {len(begun)} are in progress, and AWS goes on with them"
        return Problem("Interrupted", message, step("to resume", again), None, Outcome.INTERRUPTED)

    def news(self) -> list[SecretReport]:
        """Return the secrets that changed since the last call."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return [task.report() for task in changed.values()]

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(task.begun for task in self.tasks)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret's current report."""
        return [task.report() for task in self.tasks]

    def _note(self, task: FleetTask) -> None:
        with self._lock:
            self._changed[id(task)] = task
        account_run = task.account_run
        if task.was_taken:
            account_run.denials.note(denied=False)
        if not task.ended:
            return
        report = task.report()
        with self._lock:
            self._ended += 1
            self._troubled += report.outcome not in (Outcome.OK, Outcome.ACCEPTED)
        if report.outcome is Outcome.ACCESS and account_run.ended_by is None:
            account_run.denials.note(denied=True)
            if account_run.denials.are_enough:
                errors = [report.error, *(row.error for row in report.replicas)]
                hint = next((trouble.hint for trouble in errors if trouble and trouble.hint), None)
                account_run.ended_by = AllDenied(f"AWS denied each of the first {ENOUGH} secrets", hint)


def _is_open(task: FleetTask) -> bool:
    """Return whether a task's secret has not settled, though the run waits for it."""
    return task.account_run.wait and task.begun and task.report().outcome is Outcome.PENDING
