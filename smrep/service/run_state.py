"""State of a run: its clock and deadline, its secrets, and its observer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from smrep.errors import Outcome, SmrepError
from smrep.report import Problem, Progress, SecretReport, SecretsReport
from smrep.rules.run_outcome import interrupted_read, interruption
from smrep.service.ports import Clock

if TYPE_CHECKING:
    from smrep.rules.recovery.recovery_summary import SheetLine


class Tracked:
    """Secrets of a run, which can report at any moment."""

    __slots__ = ()

    def reports(self) -> Sequence[SecretReport]:
        """Return each secret's current report; none while the secrets are unknown."""
        return ()

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return False

    @property
    def summary(self) -> Mapping[str, int] | None:
        """Counts of a run over many secrets."""
        return None

    @property
    def progress(self) -> Progress | None:
        """Progress of a run over many secrets."""
        return None


class TrackedSecret(Protocol):
    """One secret of a run."""

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        ...

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret's current report; `waiting`: the run waits for what it starts."""
        ...


@dataclass(frozen=True, slots=True)
class FewSecrets(Tracked):
    """Secrets shown one by one, each in progress or ended before it began."""

    secrets: Sequence[TrackedSecret | SecretReport] = ()
    waiting: bool = True
    dry_run: bool = False
    summary: None = None
    progress: None = None

    def reports(self) -> tuple[SecretReport, ...]:
        """Return each secret's current report, in order."""
        return tuple(
            secret if isinstance(secret, SecretReport) else secret.report(waiting=self.waiting, dry_run=self.dry_run)
            for secret in self.secrets
        )

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(not isinstance(secret, SecretReport) and secret.was_sent for secret in self.secrets)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change about to be made."""

    activity: str
    """Word for it in messages: `overwriting`, `removing`, `apply`."""
    dangers: Sequence[tuple[str, str]]
    """Losses to confirm: each secret's name and a sentence."""
    command: Callable[..., str]
    """Returns this run's command, with more flags."""
    names: Sequence[str] | None = None
    """Names to confirm in a run that shows its plan, over many or selected secrets; None: those of the losses."""
    sheet: Sequence[SheetLine] | None = None
    """Go/no-go sheet to show; None: a table of the plan."""
    destroys: bool = True
    """Whether anything is destroyed: then the answer is a name or a number, else y."""
    rate: float = 20.0
    """Requests per second at which it is carried out."""
    refusal: SmrepError | None = None
    """Error to raise once the plan is shown, unless in a dry run."""


def nothing_sent(_state: RunState) -> Problem:
    """Return the problem of an interruption before any request."""
    return Problem("Interrupted", "stopped; nothing was sent", None, None, Outcome.INTERRUPTED)


def interrupted_look(_state: RunState) -> Problem:
    """Return the problem of an interrupted command that changes nothing."""
    return interrupted_read()


def interrupted_change(activity: str, state: RunState) -> Problem:
    """Return the problem of an interrupted change; AWS continues the `activity`: `replicating`."""
    return interruption(state.tracked.reports(), sent=state.tracked.was_sent, doing=activity)


class Observer(Protocol):
    """Shows a run to people and programs."""

    def note(self, text: str) -> None:
        """Show a sentence about the run as a whole."""
        ...

    def update(self, state: RunState, changed: Sequence[SecretReport] | None) -> None:
        """Show the progress; in a run over many secrets, `changed` are those with news."""
        ...

    def approve(self, state: RunState, plan: Plan) -> bool:
        """Show the plan and confirm what it destroys; False: do not carry it out.

        Raises:
            UsageError: it was not confirmed, or nobody can answer.

        """
        ...


@dataclass(slots=True)
class RunState:
    """A use case's view of its run: set the tracked secrets, and update the observer."""

    clock: Clock
    deadline: float
    """In the clock's seconds; the observer adds the time spent on a confirmation."""
    observer: Observer
    dry_run: bool = False
    tracked: Tracked = field(default_factory=FewSecrets)
    interruption: Callable[[RunState], Problem] = nothing_sent
    """Returns the problem of an interruption at this moment."""
    looks_last: bool = False
    """Whether Regions in sync are checked only at the end."""

    def track(
        self,
        tracked: Tracked | Sequence[TrackedSecret | SecretReport],
        interruption: Callable[[RunState], Problem] | None = None,
        *,
        waiting: bool = True,
    ) -> None:
        """Report these secrets from now on, also after an interruption; `waiting`: the run waits for what it starts."""
        self.tracked = tracked if isinstance(tracked, Tracked) else FewSecrets(tracked, waiting, self.dry_run)
        self.interruption = interruption or self.interruption

    def note(self, text: str) -> None:
        """Show a sentence about the run as a whole."""
        self.observer.note(text)

    def update(self, changed: Sequence[SecretReport] | None = None) -> None:
        """Update the observer; in a run over many secrets, with those that changed."""
        self.observer.update(self, changed)

    def heartbeat(self) -> None:
        """Tell the observer, about once a second, that AWS is slow."""
        self.observer.update(self, None)

    def approve(self, plan: Plan) -> bool:
        """Show and confirm the plan; see `Observer.approve`."""
        return self.observer.approve(self, plan)

    def report(self) -> SecretsReport:
        """Return the run's results so far."""
        return SecretsReport(self.tracked.reports(), self.tracked.summary)
