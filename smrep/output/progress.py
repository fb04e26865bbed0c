"""Progress of a run: the interfaces of a live table and bar, and the plain lines shown where neither can be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from smrep.model import IN_SYNC
from smrep.output.terminal import Messages
from smrep.report import Progress, SecretReport
from smrep.rules.hints import duration, some_names
from smrep.rules.run_outcome import is_open


class Screen(Protocol):
    """Shows the progress of a few secrets."""

    def show(self, secrets: Sequence[SecretReport], elapsed_s: float) -> None:
        """Show the current state."""

    def close(self) -> None:
        """Clear the screen for the result."""


class Gauge(Protocol):
    """Shows the progress of a run over many secrets."""

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Show the current progress."""

    def close(self) -> None:
        """Clear the screen for the result."""


class SystemClock:
    """The clock of this machine."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)


HEARTBEAT_S = 30.0
"""After this long without a change, a line says that smrep is still waiting."""


@dataclass(slots=True)
class Lines:
    """Shows the progress of a few secrets as lines: in CI, in a pipe, in a log file."""

    messages: Messages
    timeout_s: float | None = None
    _states: dict[tuple[str, str], tuple[str | None, str | None]] = field(default_factory=dict)
    _written_at: float = 0.0

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Print each change, and after a while without one that smrep is still waiting."""
        open_rows = []
        for secret in secrets:
            for row in secret.replicas:
                replica = (secret.arn or secret.name, row.region)
                doubt = (
                    ", ".join(dict.fromkeys(finding.kind for finding in row.findings))
                    if row.verified is False and row.status == IN_SYNC
                    else None
                )
                proof = f"{row.status}, and holds the current version" if row.verified else None
                word, message = doubt or proof or row.note or row.status, row.status_message
                state = (word, message)
                if is_open(row):
                    open_rows.append(f"{secret.name} {row.region} {word or 'open'}")
                if self._states.get(replica, (None, None)) != state:
                    self._states[replica] = state
                    words = f": {message}" if message and word == row.status != IN_SYNC else ""
                    gone = "no longer listed" if row.status is None and row.error is None else "stopped"
                    self._write(f"{secret.name} {row.region} {word or gone}{words}", elapsed_s)
        if elapsed_s - self._written_at >= HEARTBEAT_S and (open_rows or self.timeout_s is not None):
            limit = f" of {duration(self.timeout_s)}" if self.timeout_s is not None else ""
            names = f": {some_names(open_rows)}" if open_rows else ""
            self._write(f"still waiting after {elapsed_s:.0f}s{limit}{names}", elapsed_s)

    def close(self) -> None:
        """Do nothing: lines stay."""

    def _write(self, text: str, elapsed_s: float) -> None:
        self.messages.note(text)
        self._written_at = elapsed_s


EVERY_S = 5.0
"""A phase has a line this often; a shorter one has only its first line."""
_MIN_RATE_S = 1.0
"""A shorter phase has no rate."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One activity of a run, its progress, and when that was measured."""

    progress: Progress
    began_s: float
    """In seconds since the run began, like `now_s`."""
    now_s: float
    moved_s: float | None = None
    """When the first secrets were done; before, AWS was only working on them."""
    moved: int = 0
    """How many were done then."""
    last_s: float | None = None
    """When more were done last."""

    @property
    def spent_s(self) -> float:
        """Seconds since the phase began."""
        return max(self.now_s - self.began_s, 0.0)

    @property
    def rate(self) -> float | None:
        """Secrets per second; None in the first second."""
        return max(self.progress.done, 0) / self.spent_s if self.spent_s >= _MIN_RATE_S else None

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the rest takes at the rate since the first were done; None if unknown, or if nothing remains.

        It is unknown too while nothing has been done for longer than that: what is left then is not like the rest was.
        """
        rest = (self.progress.total or 0) - self.progress.done
        since_s = self.began_s if self.moved_s is None else self.moved_s
        spent_s, done = self.now_s - since_s, self.progress.done - self.moved
        if rest <= 0 or done <= 0 or spent_s < _MIN_RATE_S:
            return None
        left_s = rest * spent_s / done
        return left_s if self.last_s is None or self.now_s - self.last_s <= max(left_s, EVERY_S) else None

    @property
    def speed(self) -> str:
        """The rate in words; empty if it rounds to zero."""
        words = f"{self.rate or 0:.1f}"
        return "" if words == "0.0" else f"{words}/s"

    @property
    def trouble(self) -> str:
        """The number of secrets in trouble, in words; empty for none."""
        return f"{self.progress.troubled} in trouble" if self.progress.troubled > 0 else ""


def next_phase(before: Phase | None, progress: Progress, now_s: float) -> Phase:
    """Return the current phase: a new one if the activity changed."""
    if before is None or before.progress.doing != progress.doing:
        before = Phase(progress, now_s, now_s)
    phase = replace(before, progress=progress, now_s=now_s)
    if progress.done > 0 and before.moved_s is None:
        return replace(phase, moved_s=now_s, moved=progress.done, last_s=now_s)
    return replace(phase, last_s=now_s) if progress.done > before.progress.done else phase


@dataclass(slots=True)
class FleetLines:
    """Shows the progress of a run over many secrets as lines: in CI, in a pipe, in a log file."""

    messages: Messages
    _phase: Phase | None = None
    _reported: Progress | None = None
    """The progress of the phase in the last line."""
    _last: str = ""
    _written_at: float = 0.0

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Print the begin and the end of a phase, and every five seconds its progress."""
        before = self._phase
        self._phase = next_phase(before, progress, elapsed_s)
        if before is None or before.progress.doing != progress.doing:
            self._end(replace(before, now_s=elapsed_s) if before else None)
            self._reported = None
            self._write(f"{progress.doing} {progress.unit} ...", elapsed_s)
        elif elapsed_s - self._written_at >= EVERY_S:
            self._report(self._phase)

    def close(self) -> None:
        """Print the final progress."""
        self._end(self._phase)
        self._phase = None

    def _end(self, phase: Phase | None) -> None:
        if phase and phase.spent_s >= EVERY_S and phase.progress != self._reported:
            self._report(phase)

    def _report(self, phase: Phase) -> None:
        self._reported = progress = phase.progress
        total = f" of {progress.total}" if progress.total is not None else ""
        words = (f"{progress.done}{total} {progress.unit}", phase.speed, phase.trouble, f"{phase.spent_s:.0f}s")
        self._write(f"{progress.doing}: {', '.join(filter(None, words))}", phase.now_s)

    def _write(self, text: str, now_s: float) -> None:
        if text != self._last:
            self.messages.note(text)
        self._last, self._written_at = text, now_s
