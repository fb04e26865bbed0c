"""Where a run shows its progress: a live table or bar where one may redraw itself, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from smrep.model import IN_SYNC
from smrep.output.terminal import Messages
from smrep.report import Progress, SecretReport
from smrep.rules.hints import duration
from smrep.rules.run_outcome import is_open


class Screen(Protocol):
    """Where progress is shown."""

    def show(self, secrets: Sequence[SecretReport], elapsed_s: float) -> None:
        """Show the newest state."""
        ...

    def close(self) -> None:
        """Leave room for the result."""
        ...


class Gauge(Protocol):
    """Where the progress of a run over many secrets is shown."""

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Show how far it has come."""
        ...

    def close(self) -> None:
        """Leave room for the result."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""
        time.sleep(seconds)


HEARTBEAT_S = 30.0


@dataclass(slots=True)
class Lines:
    """Shows progress where no table can redraw itself: in CI, in a pipe, in a log file."""

    messages: Messages
    timeout_s: float | None = None
    _seen: dict[tuple[str, str], tuple[str | None, str | None]] = field(default_factory=dict)
    _spoke_at: float = 0.0

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Print what has changed since the last time, or that nothing has for a while."""
        open_rows = []
        for secret in secrets:
            for row in secret.replicas:
                place = (secret.arn or secret.name, row.region)
                doubt = (
                    ", ".join(dict.fromkeys(each.kind for each in row.findings))
                    if row.verified is False and row.status == IN_SYNC
                    else None
                )
                proof = f"{row.status}, and holds the current version" if row.verified else None
                word, message = doubt or proof or row.note or row.status, row.status_message
                state = (word, message)
                if is_open(row):
                    open_rows.append(f"{secret.name} {row.region} {word or 'open'}")
                if self._seen.get(place, (None, None)) != state:
                    self._seen[place] = state
                    words = f": {message}" if message and word == row.status else ""
                    gone = "no longer listed" if row.status is None and row.error is None else "stopped"
                    self._say(f"{secret.name} {row.region} {word or gone}{words}", elapsed_s)
        if elapsed_s - self._spoke_at >= HEARTBEAT_S and (open_rows or self.timeout_s is not None):
            limit = f" of {duration(self.timeout_s)}" if self.timeout_s is not None else ""
            names = f": {', '.join(open_rows)}" if open_rows else ""
            self._say(f"still waiting after {elapsed_s:.0f}s{limit}{names}", elapsed_s)

    def close(self) -> None:
        """End the progress; nothing is left to tidy up."""

    def _say(self, text: str, elapsed_s: float) -> None:
        self.messages.note(text)
        self._spoke_at = elapsed_s


EVERY_S = 5.0
"""So often a line is worth its place in a log; a phase that is shorter is not spoken of again."""
_TELLING_S = 1.0
"""What is done in less time says nothing of the speed."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One thing that a run does: how far it has come, since when, and when that was seen."""

    progress: Progress
    began_s: float
    """Both in seconds since the run began."""
    now_s: float

    @property
    def spent_s(self) -> float:
        """How long it has been going on."""
        return max(self.now_s - self.began_s, 0.0)

    @property
    def rate(self) -> float | None:
        """How many are done in a second; None in the first one."""
        return max(self.progress.done, 0) / self.spent_s if self.spent_s >= _TELLING_S else None

    @property
    def left_s(self) -> float | None:
        """How long the rest takes at this rate; None where nobody can tell, or nothing is left."""
        rest = (self.progress.total or 0) - self.progress.done
        return rest / self.rate if self.rate and rest > 0 else None

    @property
    def speed(self) -> str:
        """The rate in words; empty where there is none that could be seen."""
        words = f"{self.rate or 0:.1f}"
        return "" if words == "0.0" else f"{words}/s"

    @property
    def trouble(self) -> str:
        """How many are in trouble, in words; empty where none is."""
        return f"{self.progress.troubled} in trouble" if self.progress.troubled > 0 else ""


def onward(before: Phase | None, progress: Progress, now_s: float) -> Phase:
    """Return the phase as it is now: the same one as before, unless something else is being done."""
    goes_on = before is not None and before.progress.doing == progress.doing
    return Phase(progress, before.began_s if before and goes_on else now_s, now_s)


@dataclass(slots=True)
class FleetLines:
    """Shows how far a run has come where no bar can redraw itself: in CI, in a pipe, in a log file."""

    messages: Messages
    _phase: Phase | None = None
    _told: Progress | None = None
    """What was last told of the phase."""
    _last: str = ""
    _spoke_at: float = 0.0

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Say what begins and what has ended, and every five seconds how far it has come."""
        before = self._phase
        self._phase = onward(before, progress, elapsed_s)
        if before is None or before.progress.doing != progress.doing:
            self._end(replace(before, now_s=elapsed_s) if before else None)
            self._told = None
            self._say(f"{progress.doing} {progress.unit} ...", elapsed_s)
        elif elapsed_s - self._spoke_at >= EVERY_S:
            self._tell(self._phase)

    def close(self) -> None:
        """Say how far it came in the end."""
        self._end(self._phase)
        self._phase = None

    def _end(self, phase: Phase | None) -> None:
        if phase and phase.spent_s >= EVERY_S and phase.progress != self._told:
            self._tell(phase)

    def _tell(self, phase: Phase) -> None:
        self._told = here = phase.progress
        whole = f" of {here.total}" if here.total is not None else ""
        words = (f"{here.done}{whole} {here.unit}", phase.speed, phase.trouble, f"{phase.spent_s:.0f}s")
        self._say(f"{here.doing}: {', '.join(filter(None, words))}", phase.now_s)

    def _say(self, text: str, now_s: float) -> None:
        if text != self._last:
            self.messages.note(text)
        self._last, self._spoke_at = text, now_s
