"""`apply`: carry out a plan for one or more accounts, one task per secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smrep.report import SecretReport
from smrep.rules.fleet.plan_counts import result_counts
from smrep.rules.replication.replica_state import worst_first
from smrep.service.fleet.apply_task import ApplyTask
from smrep.service.fleet.fleet_run import WIDTH, AccountRun, FleetRun
from smrep.service.fleet.multi_account import Accounts
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.fleet.secret_plan import AccountPlanner
from smrep.service.plan import FleetPlan, RevalidatedPlan, join_reports, kept_rows
from smrep.service.ports import Clock
from smrep.service.steps.rate_limiter import RateLimiter


@dataclass(slots=True)
class Application(FleetRun):
    """Run of the plan's secrets."""

    doing: str = "applying"
    kept: Sequence[tuple[AccountPlanner, int]] = ()
    """Secrets without changes, by listing: account and place."""

    @classmethod
    def of(
        cls, plan: FleetPlan | RevalidatedPlan, clock: Clock, rate: float, timeout_s: float, *, wait: bool
    ) -> Application:
        """Return the run of a plan, with each account limited to `rate` writes a second."""
        scheduler = Scheduler(clock, WIDTH)
        account_runs: dict[int, AccountRun] = {}
        tasks = []
        for planner, secret_plan in plan.plans:
            fresh = AccountRun(
                planner.inventory.aws, RateLimiter(clock, rate), timeout_s, wait=wait, inventory=planner.inventory
            )
            tasks.append(ApplyTask(secret_plan, account_runs.setdefault(id(planner), fresh), scheduler))
        return cls(tasks, scheduler, kept=plan.kept)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret's current report, worst first."""
        return join_reports(worst_first(task.report() for task in self.tasks), self.kept)

    @property
    def summary(self) -> dict[str, int]:
        """Regions counted by result."""
        return result_counts([task.report() for task in self.tasks], kept_rows(self.kept), len(self.kept))

    def check_accounts(self, accounts: Accounts) -> None:
        """Raise what ended the account early; `accounts` reports it for several.

        Raises:
            SmrepError: the only account failed.

        """
        account_runs = list({id(task.account_run): task.account_run for task in self.tasks}.values())
        for account_run in account_runs:
            if account_run.ended_by is not None and len(account_runs) == 1 and not accounts.lost:
                raise account_run.ended_by
            if account_run.ended_by is not None and account_run.inventory is not None:
                accounts.lose(account_run.inventory, account_run.ended_by)
