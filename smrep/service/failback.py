"""`failback`: compare both sides of all secrets first, then fail each back step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smrep.report import Progress, SecretReport, SecretsReport
from smrep.rules.recovery.failback_decision import FailbackGoal, skip_unanswered
from smrep.rules.recovery.failover_record import RecordEntry, RegionPair
from smrep.rules.recovery.recovery_summary import failback_counts, failback_sheet
from smrep.rules.replication.replica_state import worst_first
from smrep.service.fleet.fleet_run import WIDTH, FleetRequest, FleetRun
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.ports import Aws
from smrep.service.recovery.failback_task import FailbackTask
from smrep.service.run_state import Plan, RunState
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.parallel import parallel
from smrep.service.steps.preflight import PreflightChecks

_FIRST = 8
"""Number of secrets to look at first; if a Region answers for none, skip it for the rest."""


@dataclass(frozen=True, slots=True)
class FailbackRequest(FleetRequest):
    """Request of `failback`."""

    pair: RegionPair
    entries: Sequence[RecordEntry]
    goal: FailbackGoal
    rotation_handled: bool
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record."""


def failback(aws: Aws, request: FailbackRequest, run: RunState) -> SecretsReport:
    """Compare both sides of all secrets, and fail them back once the go/no-go sheet is approved.

    Raises:
        SmrepError: the plan was not confirmed, or no further call can succeed.
        StillOpen: secrets are open at the end.

    """
    pair, goal, scheduler = request.pair, request.goal, Scheduler(run.clock, WIDTH)
    account_run = request.account_run(aws, run.clock)
    health = PreflightChecks(aws, aws, KmsKeys(aws, run.clock), "failback", versions=False)
    tasks = [
        FailbackTask(account_run, scheduler, entry, pair, goal, request.rotation_handled, health, request.write)
        for entry in request.entries
    ]
    fleet = Failback(tasks, scheduler, dry_run=run.dry_run)
    run.track(fleet)
    plan_all(tasks, run)
    run.update()
    fleet.is_compared = True
    sending = [task for task in tasks if task.sends]
    sheet = failback_sheet(
        [(task.name, task.newer_side) for task in sending],
        pair,
        goal,
        removals=sum(task.removals for task in sending),
        replaced=sum(task.replaces for task in sending),
    )
    dangers = [stake for task in sending for stake in task.stakes]
    if run.approve(Plan("failback", dangers, request.again, [task.name for task in sending], sheet)):
        fleet.carry_out_all(run, request.again(), request.timeout_s)
    return run.report()


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
    doing: str = "failing back"
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
