"""Progress of a run over many secrets as plain lines, and the arithmetic that they share with the bar."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smrep.output.messages import Messages
from smrep.report import Progress

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
class Tally:
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
