"""`apply`: carry out the plan of one account or several, each secret at its turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smrep.report import SecretReport
from smrep.rules.fleet.plan_counts import done
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
    """The plan's secrets on their way."""

    doing: str = "applying"
    kept: Sequence[tuple[AccountPlanner, int]] = ()
    """Those for which nothing is to be done, by listing."""

    @classmethod
    def of(
        cls, draft: FleetPlan | RevalidatedPlan, clock: Clock, rate: float, timeout_s: float, *, wait: bool
    ) -> Application:
        """Return what was planned as a run, each account at its own pace of so many writes a second."""
        crew = Scheduler(clock, WIDTH)
        terms: dict[int, AccountRun] = {}
        tasks = []
        for planner, errand in draft.errands:
            fresh = AccountRun(
                planner.estate.aws, RateLimiter(clock, rate), timeout_s, wait=wait, estate=planner.estate
            )
            tasks.append(ApplyTask(errand, terms.setdefault(id(planner), fresh), crew))
        return cls(tasks, crew, kept=draft.kept)

    def reports(self, *, dry_run: bool = False) -> Sequence[SecretReport]:  # noqa: ARG002 - it acts
        """Return every secret as it stands, the worst first."""
        return join_reports(worst_first(task.report() for task in self.tasks), self.kept)

    @property
    def summary(self) -> dict[str, int]:
        """How many Regions got what."""
        return done([task.report() for task in self.tasks], kept_rows(self.kept), len(self.kept))

    def check_accounts(self, accounts: Accounts) -> None:
        """Say what ended an account's errands before their time; what is left of several is told by `accounts`.

        Raises:
            SmrepError: that was the only account.

        """
        every = list({id(task.terms): task.terms for task in self.tasks}.values())
        for terms in every:
            if terms.ended_by is not None and len(every) == 1 and not accounts.lost:
                raise terms.ended_by
            if terms.ended_by is not None and terms.estate is not None:
                accounts.lose(terms.estate, terms.ended_by)
