"""`apply`: carry out a plan for one or more accounts, one task per secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smrep.errors import UsageError
from smrep.report import SecretReport, SecretsReport
from smrep.rules.fleet.plan_counts import result_counts
from smrep.rules.hints import counted, step
from smrep.rules.replication.replica_state import worst_first
from smrep.service.event import EventPlan
from smrep.service.fleet.apply_task import ApplyTask
from smrep.service.fleet.fleet_run import WIDTH, AccountRun, FleetRequest, FleetRun
from smrep.service.fleet.multi_account import Accounts
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.fleet.secret_plan import AccountPlanner
from smrep.service.plan import FleetPlan, RevalidatedPlan, join_reports, kept_rows
from smrep.service.ports import Clock
from smrep.service.run_state import Plan, RunState


@dataclass(frozen=True, slots=True)
class ApplyRequest(FleetRequest):
    """Request of `apply`."""

    yes: bool
    """Whether the command line confirms the plan."""
    max_removals: int | None

    def confirmed(self, removals: int) -> str:
        """Return the command that needs no answer, for a plan that removes so many replicas."""
        return self.again("--yes", *(["--max-removals", str(removals)] if removals else []))

    def refusal(self, removals: int) -> UsageError | None:
        """Return why so many replicas may not be removed: without a question, their number must have been allowed."""
        most = self.max_removals
        if removals <= (most or 0) or (most is None and not self.yes):
            return None
        allowed = "--yes alone allows none" if most is None else f"--max-removals allows {most}"
        return UsageError(
            f"the plan removes {counted(removals, 'replica')}, but {allowed}; nothing was sent",
            step("to remove them", self.confirmed(removals)),
            code="TooManyRemovals",
        )


def apply(plan: FleetPlan | RevalidatedPlan | EventPlan, request: ApplyRequest, run: RunState) -> SecretsReport:
    """Look at every secret of a plan, and carry it out once it is approved.

    Raises:
        SmrepError: accounts were lost, or the plan is out of date, was not confirmed, or removes too much.
        StillOpen: secrets are open at the end.

    """
    run.track(plan)
    plan.look(run)
    removals, names = plan.removals, [change.name for change in plan.changes]
    dangers = [
        stake
        for change in plan.changes
        for stake in (change.removal.stakes if change.removal and not (request.yes or run.dry_run) else ())
    ]
    shown = Plan(
        "apply",
        dangers,
        lambda *_: request.confirmed(removals),
        names,
        destroys=bool(removals),
        rate=request.rate,
        refusal=request.refusal(removals),
    )
    if not run.approve(shown):
        plan.accounts.check(plan.count)
    else:
        application = Application.of(plan, request, run.clock)
        again = request.confirmed(removals) if request.yes else request.again()
        application.carry_out_all(run, again, request.timeout_s)
    return run.report()


@dataclass(slots=True)
class Application(FleetRun):
    """Run of the plan's secrets."""

    doing: str = "applying"
    kept: Sequence[tuple[AccountPlanner, int]] = ()
    """Secrets without changes, by listing: account and place."""
    accounts: Accounts = field(default_factory=Accounts)
    """Accounts lost so far."""
    count: int = 1
    """Number of accounts."""

    @classmethod
    def of(cls, plan: FleetPlan | RevalidatedPlan | EventPlan, request: ApplyRequest, clock: Clock) -> Application:
        """Return the run of a plan."""
        scheduler = Scheduler(clock, WIDTH)
        account_runs: dict[int, AccountRun] = {}
        tasks = []
        for planner, secret_plan in plan.plans:
            fresh = request.account_run(planner.inventory.aws, clock, planner.inventory)
            tasks.append(ApplyTask(account_runs.setdefault(id(planner), fresh), scheduler, secret_plan))
        return cls(tasks, scheduler, kept=plan.kept, accounts=plan.accounts, count=plan.count)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret's current report, worst first."""
        return join_reports(worst_first(task.report() for task in self.tasks), self.kept)

    @property
    def summary(self) -> dict[str, int]:
        """Regions counted by result."""
        return result_counts([task.report() for task in self.tasks], kept_rows(self.kept), len(self.kept))

    def check(self) -> None:
        """Raise what ended accounts early.

        Raises:
            SmrepError: the only account failed.
            SomeAccountsLost: one of several failed.

        """
        account_runs = list({id(task.account_run): task.account_run for task in self.tasks}.values())
        for account_run in account_runs:
            if account_run.ended_by is not None and len(account_runs) == 1 and not self.accounts.lost:
                raise account_run.ended_by
            if account_run.ended_by is not None and account_run.inventory is not None:
                self.accounts.lose(account_run.inventory, account_run.ended_by)
        self.accounts.check(self.count)
