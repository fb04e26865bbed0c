"""`failback`: compare both sides of all secrets first, then return each, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smrep.report import Progress, SecretReport
from smrep.rules.recovery.failback_decision import unasked
from smrep.rules.recovery.recovery_summary import failback_counts
from smrep.rules.replication.replica_state import worst_first
from smrep.service.fleet.fleet_run import FleetRun
from smrep.service.recovery.failback_task import FailbackTask
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import parallel

_FIRST = 8
"""So many are looked at first; where a Region answers for none of them, it is not asked about the others."""


def plan_all(journeys: Sequence[FailbackTask], run: RunState) -> None:
    """Plan all of them, side by side; a Region that does not answer is not waited for hundreds of times.

    Raises:
        CredentialsError: no further call can succeed.

    """
    first, rest = journeys[:_FIRST], journeys[_FIRST:]
    parallel(FailbackTask.plan, first, pulse=run.heartbeat)
    silent = [each.left.region for each in first if each.left and each.left.is_silence]
    if len(silent) == _FIRST:
        for each in rest:
            each.leave(unasked(each.entry, silent[0], _FIRST))
        return
    parallel(FailbackTask.plan, rest, pulse=run.heartbeat)


@dataclass(slots=True)
class Failback(FleetRun):
    """The secrets of a record on their way back."""

    tasks: Sequence[FailbackTask]
    doing: str = "leading home"
    dry_run: bool = False
    is_compared: bool = False
    """Whether all were compared, so that it is known what is to be done."""

    def reports(self, *, dry_run: bool = False) -> Sequence[SecretReport]:  # noqa: ARG002 - its tasks know
        """Return every secret as it stands, the worst first."""
        return worst_first(task.report(dry_run=self.dry_run) for task in self.tasks) if self.is_compared else []

    @property
    def summary(self) -> Mapping[str, int] | None:
        """How many secrets are how."""
        return failback_counts(self.reports(), dry_run=self.dry_run) if self.is_compared else None

    @property
    def progress(self) -> Progress:
        """How many were compared, then how many have ended."""
        if self.is_compared:
            return self.ended_tasks()
        return Progress("comparing", sum(task.is_planned for task in self.tasks), len(self.tasks))
