"""`failback`: compare both sides of all secrets first, then fail each back step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smrep.report import Progress, SecretReport
from smrep.rules.recovery.failback_decision import skip_unanswered
from smrep.rules.recovery.recovery_summary import failback_counts
from smrep.rules.replication.replica_state import worst_first
from smrep.service.fleet.fleet_run import FleetRun
from smrep.service.recovery.failback_task import FailbackTask
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import parallel

_FIRST = 8
"""Number of secrets to look at first; if a Region answers for none, skip it for the rest."""


def plan_all(tasks: Sequence[FailbackTask], run: RunState) -> None:
    """Plan all tasks in parallel, without waiting hundreds of times for a Region that does not answer.

    Raises:
        CredentialsError: no further call can succeed.

    """
    first, rest = tasks[:_FIRST], tasks[_FIRST:]
    parallel(FailbackTask.plan, first, pulse=run.heartbeat)
    silent = [task.skipped.region for task in first if task.skipped and task.skipped.is_unanswered]
    if len(silent) == _FIRST:
        for task in rest:
            task.leave(skip_unanswered(task.entry, silent[0], _FIRST))
        return
    parallel(FailbackTask.plan, rest, pulse=run.heartbeat)


@dataclass(slots=True)
class Failback(FleetRun):
    """Run of a record's secrets."""

    tasks: Sequence[FailbackTask]
    doing: str = "leading home"
    dry_run: bool = False
    is_compared: bool = False
    """Whether all secrets were compared, so that the plan is known."""

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret's current report, worst first."""
        return worst_first(task.report(dry_run=self.dry_run) for task in self.tasks) if self.is_compared else []

    @property
    def summary(self) -> Mapping[str, int] | None:
        """Secrets counted by result."""
        return failback_counts(self.reports(), dry_run=self.dry_run) if self.is_compared else None

    @property
    def progress(self) -> Progress:
        """Number of secrets compared, then of those that ended."""
        if self.is_compared:
            return self.ended_tasks()
        return Progress("comparing", sum(task.is_planned for task in self.tasks), len(self.tasks))
