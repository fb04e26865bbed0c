"""Runs a use case step by step: it stops where it asks for approval, and whenever it tells of news."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from greenlet import getcurrent, greenlet

from smrep.report import SecretReport, SecretsReport
from smrep.rules.replication.region_step import Overwrite
from smrep.service.ports import Clock
from smrep.service.run_state import Plan, RunState
from smrep.service.steps.secret_replication import SecretReplication


class SteppedState(RunState):
    """The state of a run that stands still between two steps; how long AWS takes in real time makes no step."""

    on_heartbeat: Callable[[], None] | None = None

    def heartbeat(self) -> None:
        """Make no step."""
        if self.on_heartbeat:
            self.on_heartbeat()


class Silence:
    """An observer that approves of everything and shows nothing."""

    def update(self, state: RunState, changed: Sequence[SecretReport] | None) -> None:
        """Show nothing."""

    def approve(self, state: RunState, plan: Plan) -> bool:
        """Approve."""
        return True


def quiet(clock: Clock, deadline: float = float("inf")) -> RunState:
    """Return the state of a run that nobody watches."""
    return RunState(clock, deadline, Silence())


def steps_of(work: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """Yield whenever the work tells of news; it is given the function by which it tells."""
    steps = greenlet(lambda: work(getcurrent().parent.switch))
    try:
        while True:
            steps.switch()
            if steps.dead:
                return
            yield
    finally:
        if steps:
            steps.throw()


@dataclass
class UseCaseRun:
    """A use case of which a test makes one step after the other, and may change the world in between."""

    use_case: Callable[[RunState], object]
    clock: Clock
    deadline_s: float
    """In the clock's seconds."""
    plan_made: Plan | None = None
    result: SecretsReport | None = None
    changed: Sequence[SecretReport] = ()
    """Those with news at the last step, of a run over many secrets."""
    state: SteppedState = field(init=False)

    def __post_init__(self) -> None:
        self.state = SteppedState(self.clock, self.deadline_s, self)
        self._steps = greenlet(self._work)

    def _work(self, _: object = None) -> None:
        result = self.use_case(self.state)
        self.result = result if isinstance(result, SecretsReport) else None

    def update(self, state: RunState, changed: Sequence[SecretReport] | None) -> None:
        """Hand over to the test."""
        self.changed = changed or ()
        getcurrent().parent.switch()

    def approve(self, state: RunState, plan: Plan) -> bool:
        """Keep the plan, and hand over to the test, which approves when it goes on."""
        self.plan_made = plan
        getcurrent().parent.switch()
        return True

    def plan(self) -> None:
        """Run until the plan is made, or to the end where none is."""
        while self.plan_made is None and not self._steps.dead:
            self._steps.switch()

    def act(self) -> Iterator[None]:
        """Yield after each step."""
        while True:
            self._steps.switch()
            if self._steps.dead:
                return
            yield

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        tracked: Any = self.state.tracked
        return tuple((replace(tracked, dry_run=True) if dry_run else tracked).reports())

    @property
    def stakes(self) -> Sequence[tuple[str, str]]:
        """Return what must be confirmed."""
        return tuple(self.plan_made.dangers) if self.plan_made else ()

    @property
    def victims(self) -> tuple[Overwrite, ...]:
        """Return the steps that overwrite something."""
        secrets = self.state.tracked.secrets
        return tuple(step for case in secrets if isinstance(case, SecretReplication) for step in case.overwrites)

    @property
    def was_sent(self) -> bool:
        """Return whether a request may have reached AWS."""
        return self.state.tracked.was_sent

    def command(self, *more: str) -> str:
        """Return the command of this run, with more flags."""
        assert self.plan_made
        return self.plan_made.command(*more)

    @property
    def interrupted(self) -> Any:
        """Return what an interruption at this moment leaves behind."""
        return self.state.interruption(self.state)
