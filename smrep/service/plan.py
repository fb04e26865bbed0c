"""Plan for all accounts: new from the manifest, or saved and checked against AWS again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import NotFound, Outcome, PlanIsStale
from smrep.model import Secret
from smrep.report import Action, LazyReports, Progress, RegionReport, SecretReport
from smrep.rules.fleet.desired_state import DesiredState
from smrep.rules.fleet.plan_counts import action_of, tally
from smrep.rules.fleet.saved_plan import Saved, SavedSecret, differences
from smrep.rules.hints import step
from smrep.rules.manifest.schema import Rule
from smrep.rules.replication.replica_state import worst
from smrep.service.fleet.inspector import progress_of
from smrep.service.fleet.inventory import check_conflicts, refuse_absent, unmatched_rules
from smrep.service.fleet.multi_account import Accounts
from smrep.service.fleet.secret_plan import AccountPlanner, SecretPlan, SecretPlans
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name, not_a_primary, pending_deletion
from smrep.service.steps.parallel import parallel


@dataclass(slots=True)
class FleetPlan(SecretPlans):
    """Planned changes in all accounts; changes nothing in AWS."""

    planners: Sequence[AccountPlanner]
    rules: Sequence[Rule]
    whole: bool = True
    """Whether no other shard's accounts may contain a rule's secrets."""
    plans: list[tuple[AccountPlanner, SecretPlan]] = field(default_factory=list)
    kept: list[tuple[AccountPlanner, int]] = field(default_factory=list)
    """Secrets without changes, by listing: account and place."""
    accounts: Accounts = field(default_factory=Accounts)
    detailed: bool = False
    """Whether a planned change counts as drift in the exit code."""

    def look(self, run: RunState) -> None:
        """List and look in every account; a failed list does not stop the others.

        Raises:
            SmrepError: the only account could not be listed, or no further call can succeed.
            UsageError: rules conflict or select nothing, or the account is not the expected one.

        """
        self.accounts.each(lambda planner: planner.inventory.list_primaries(), self.planners, run)
        self._check()
        found: dict[int, list[SecretPlan]] = {}
        try:
            self.accounts.each(lambda planner: found.update({id(planner): list(planner.plans())}), self.planners, run)
        finally:
            for planner in self.planners:
                if id(planner) in found:
                    self.plans += [(planner, plan) for plan in found[id(planner)]]
                    self.kept += [(planner, place) for place in planner.kept]

    @property
    def progress(self) -> Progress:
        """Progress of the run."""
        return progress_of(planner.inspector for planner in self.planners)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret, planned changes first."""
        return join_reports([plan.report(dry_run=True) for _, plan in self.plans], self.kept, detailed=self.detailed)

    @property
    def summary(self) -> dict[str, int]:
        """Regions counted by planned change."""
        return tally([plan.report(dry_run=True) for _, plan in self.plans], kept_rows(self.kept), len(self.kept))

    @property
    def count(self) -> int:
        """Number of accounts."""
        return len(self.planners)

    @property
    def _living(self) -> list[AccountPlanner]:
        return self.accounts.living(self.planners)

    def _check(self) -> None:
        """Refuse a manifest that does not fit the existing secrets."""
        inventories = [planner.inventory for planner in self._living]
        whole = self.whole and not self.accounts.lost
        refuse_absent(inventories, whole=whole)
        empty = unmatched_rules(inventories, self.rules) if inventories and whole else []
        homes = ", ".join(dict.fromkeys(inventory.scope.home for inventory in inventories))
        mistakes = [
            f"{rule.place}: {rule.name} matches no secret in {homes}: {rule.selector.conditions}" for rule in empty
        ]
        check_conflicts(inventories, mistakes)


def join_reports(
    reports: Sequence[SecretReport], kept: Sequence[tuple[AccountPlanner, int]], *, detailed: bool = False
) -> Sequence[SecretReport]:
    """Join all reports; those of healthy secrets are created on access."""
    items: list[SecretReport | tuple[AccountPlanner, int]] = [
        *(_detailed(report) if detailed else report for report in reports)
    ]
    items += kept
    regions = Counter(planner.inventory.wants[place].regions for planner, place in kept)
    return LazyReports(
        items, lambda item: item if isinstance(item, SecretReport) else item[0].kept_report(item[1]), regions
    )


def kept_rows(kept: Sequence[tuple[AccountPlanner, int]]) -> int:
    """Return the number of unchanged Regions, by listing."""
    return sum(len(planner.inventory.wants[place].targets) for planner, place in kept)


def _detailed(report: SecretReport) -> SecretReport:
    """Return the secret with planned changes as drift; a Region that is kept but not checked does not pass."""
    rows = tuple(_differing(row) for row in report.replicas)
    return replace(report, replicas=rows, outcome=worst([report.outcome, *(row.outcome for row in rows)]))


def _differing(row: RegionReport) -> RegionReport:
    if row.error is not None:
        return row
    if action_of(row) != Action.KEEP:
        return replace(row, outcome=worst([row.outcome, Outcome.DRIFT]))
    return replace(row, outcome=worst([row.outcome, *(finding.outcome for finding in row.findings if finding.outcome)]))


@dataclass(slots=True)
class RevalidatedPlan(SecretPlans):
    """A saved plan, checked against AWS."""

    plan: Saved
    planners: Mapping[int, AccountPlanner]
    """Planners of the accounts with changes, by place in the plan."""
    plans: list[tuple[AccountPlanner, SecretPlan]] = field(default_factory=list)
    kept: list[tuple[AccountPlanner, int]] = field(default_factory=list)
    accounts: Accounts = field(default_factory=Accounts)
    _looked: int = 0

    def look(self, run: RunState) -> None:
        """Look at each secret of the plan.

        Raises:
            PlanIsStale: AWS changed for some secret; nothing of the plan may be applied.
            AwsError: a secret could not be checked.

        """
        results = parallel(self._looked_at, self.plan.secrets, pulse=run.heartbeat)
        stale = [result for result in results if isinstance(result, str)]
        if stale:
            raise PlanIsStale(
                f"the plan is out of date: AWS changed since it was made at {self.plan.made_at}; nothing was sent",
                step("make a new plan", "smrep plan -f FILE --out FILE"),
                details=tuple(stale),
            )
        pairs = zip(self.plan.secrets, results, strict=True)
        self.plans = [
            (self.planners[saved.account], result) for saved, result in pairs if isinstance(result, SecretPlan)
        ]
        run.update()

    @property
    def progress(self) -> Progress:
        """Number of secrets checked."""
        return Progress("examining", self._looked, len(self.plan.secrets))

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret of the plan."""
        return [plan.report(dry_run=True) for _, plan in self.plans]

    @property
    def summary(self) -> dict[str, int]:
        """Regions counted by planned change."""
        return tally(self.reports(), 0, 0)

    @property
    def count(self) -> int:
        """Number of accounts."""
        return len(self.planners)

    def _looked_at(self, saved: SavedSecret) -> SecretPlan | str:
        """Return the saved secret's plan, or how AWS has changed."""
        planner = self.planners[saved.account]
        try:
            primary = replace(planner.inventory.aws.describe(saved.arn, saved.region), by_arn=True)
        except NotFound as error:
            return error.message
        finally:
            self._looked += 1
        unusable = pending_deletion(primary) or not_a_primary(primary, "status", ())
        if unusable:
            return unusable.message
        plan = self._plan_again(planner, saved, primary)
        steps = plan.replication.steps if plan.replication else ()
        deletions = tuple(plan.removal.deletions.values()) if plan.removal else ()
        changes = differences(saved, steps, deletions)
        return f"{primary.name}: {'; '.join(changes)}" if changes else plan

    def _plan_again(self, planner: AccountPlanner, saved: SavedSecret, primary: Secret) -> SecretPlan:
        now = planner.clock.monotonic()
        wanted = DesiredState(saved.targets, saved.rules)
        looks = partial(look_up_name, planner.inventory.aws, primary)
        plan = planner.plan(primary, wanted, lambda target: looks(target.region), now, saved.removed)
        plan.again = partial(self._again, saved)
        return plan

    def _again(self, saved: SavedSecret) -> SecretPlan:
        """Return the plan after another look, empty if AWS has changed."""
        result = self._looked_at(saved)
        if isinstance(result, SecretPlan):
            return result
        raise PlanIsStale(f"the plan is out of date: AWS changed since it was made: {result}")
