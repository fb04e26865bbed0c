"""A run under way: its clock and deadline, the secrets it works on, and who is told how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smrep.errors import Outcome
from smrep.report import Problem, Progress, SecretReport, SecretsReport
from smrep.rules.run_outcome import interruption, stopped_looking
from smrep.service.ports import Clock


class Tracked(Protocol):
    """The secrets of a run; they report themselves at any moment."""

    def reports(self, *, dry_run: bool) -> Sequence[SecretReport]:
        """Return each secret as it stands."""
        ...

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        ...

    @property
    def summary(self) -> Mapping[str, int] | None:
        """Counts, where the run is about many secrets."""
        ...

    @property
    def progress(self) -> Progress | None:
        """How far the run has come, where it is about many secrets."""
        ...


class TrackedSecret(Protocol):
    """One secret of a run."""

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        ...

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands; `waiting`: the run waits for the end of what it starts."""
        ...


@dataclass(frozen=True, slots=True)
class FewSecrets:
    """Secrets that are shown one by one, each on its way or ended before it began."""

    secrets: Sequence[TrackedSecret | SecretReport] = ()
    waiting: bool = True
    summary: None = None
    progress: None = None

    def reports(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return each secret as it stands, in their order."""
        return tuple(
            secret if isinstance(secret, SecretReport) else secret.report(waiting=self.waiting, dry_run=dry_run)
            for secret in self.secrets
        )

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(not isinstance(secret, SecretReport) and secret.was_sent for secret in self.secrets)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that is about to be made."""

    activity: str
    """A participle: `overwriting`, `removing`."""
    dangers: Sequence[tuple[str, str]]
    """What is destroyed: each secret's name, and the sentence that says so. It must be confirmed."""
    command: Callable[..., str]
    """Returns the command of this run, with more flags."""


def nothing_sent(_state: RunState) -> Problem:
    """Return what an interruption before any request leaves behind."""
    return Problem("Interrupted", "stopped; nothing was sent", None, None, Outcome.INTERRUPTED)


def interrupted_look(_state: RunState) -> Problem:
    """Return what an interruption of a command that changes nothing leaves behind."""
    return stopped_looking()


def interrupted_change(activity: str, state: RunState) -> Problem:
    """Return what an interruption of a change leaves behind; `activity` is what AWS goes on with: `replicating`."""
    reports = state.tracked.reports(dry_run=False)
    return interruption(reports, sent=state.tracked.was_sent, doing=activity)


class Observer(Protocol):
    """Whoever shows a run to people and programs."""

    def update(self, state: RunState, changed: Sequence[SecretReport] | None) -> None:
        """Show how far the run has come; of a run over many secrets, `changed` are those with news."""
        ...

    def approve(self, state: RunState, plan: Plan) -> bool:
        """Show the plan and have it confirmed where it destroys something; False: it is not to be carried out.

        Raises:
            UsageError: it was not confirmed, or nobody can answer.

        """
        ...


@dataclass(slots=True)
class RunState:
    """A use case's side of a run: it sets what it tracks, and tells the observer of news."""

    clock: Clock
    deadline: float
    """In the clock's seconds; the observer adds the time that a person took to answer."""
    observer: Observer
    dry_run: bool = False
    tracked: Tracked = field(default_factory=FewSecrets)
    interruption: Callable[[RunState], Problem] = nothing_sent
    """Tells what an interruption at this moment leaves behind."""

    def track(self, tracked: Tracked, interruption: Callable[[RunState], Problem] | None = None) -> None:
        """Report these secrets from now on, also where the run is interrupted."""
        self.tracked = tracked
        self.interruption = interruption or self.interruption

    def update(self, changed: Sequence[SecretReport] | None = None) -> None:
        """Tell the observer that there may be news; of many secrets, only those that have changed."""
        self.observer.update(self, changed)

    def heartbeat(self) -> None:
        """Tell the observer, about once a second, that AWS takes its time."""
        self.observer.update(self, None)

    def approve(self, plan: Plan) -> bool:
        """Have the plan shown and confirmed; see `Observer.approve`."""
        return self.observer.approve(self, plan)

    def report(self) -> SecretsReport:
        """Return what the run has found and done up to now."""
        return SecretsReport(self.tracked.reports(dry_run=self.dry_run), self.tracked.summary)
