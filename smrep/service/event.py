"""`apply --event`: describe the secret of an event first, then plan it alone; lists may not show it for minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smrep.errors import AwsError, NotFound
from smrep.model import FAILED, Listed, Secret
from smrep.report import SecretReport
from smrep.rules.fleet.desired_state import DesiredState
from smrep.rules.fleet.plan_counts import tally
from smrep.rules.primary_region import check_account
from smrep.rules.trigger import SecretEvent
from smrep.service.fleet.inventory import Inventory, check_conflicts
from smrep.service.fleet.multi_account import Accounts
from smrep.service.fleet.secret_plan import AccountPlanner, SecretPlan, SecretPlans
from smrep.service.run_state import RunState

NEWBORN_PAUSES_S = (1.0, 2.0, 4.0)
"""Pauses between looks for a secret that an event announced and AWS does not show yet."""


@dataclass(slots=True)
class EventPlan(SecretPlans):
    """Plan for the secret of one event."""

    planner: AccountPlanner
    primary: Secret
    plans: list[tuple[AccountPlanner, SecretPlan]] = field(default_factory=list)
    kept: Sequence[tuple[AccountPlanner, int]] = ()
    accounts: Accounts = field(default_factory=Accounts)
    count: int = 1

    def look(self, run: RunState) -> None:
        """Look into each wanted Region, and last at the primary again: another event of it may be on its way.

        Raises:
            AwsError: the primary could not be described again.

        """
        planner, clock = self.planner, run.clock
        plan = planner.decide(0, self.primary, clock.monotonic())
        if plan.adds:
            latest = planner.inventory.aws.describe(self.primary.arn, self.primary.region)
            if latest.replicas != self.primary.replicas:
                plan = planner.decide(0, latest, clock.monotonic())
        self.plans = [(planner, plan)]
        run.update()

    def reports(self) -> Sequence[SecretReport]:
        """Return the secret."""
        return [plan.report(dry_run=True) for _, plan in self.plans]

    @property
    def summary(self) -> dict[str, int]:
        """Regions counted by planned change."""
        return tally(self.reports(), 0, 0)


def find_event_secret(event: SecretEvent, planner: AccountPlanner) -> EventPlan | SecretReport | str:
    """Describe the event's secret, and return its plan, or why it needs nothing done.

    After an event that smrep only reports, or a request that Failed, return what an audit finds.

    Raises:
        AwsError: it could not be described.
        UsageError: it belongs to another account than expected, or rules conflict.

    """
    inventory = planner.inventory
    if event.may_be_own and _is_own(event, inventory):
        return "smrep made this call itself"
    try:
        primary = _describe(event, planner)
    except NotFound:
        return "the secret no longer exists"
    check_account(primary.account, inventory.scope.expect_account, primary.arn)
    if primary.deleted is not None:
        return "the secret is scheduled for deletion"
    if primary.is_replica:
        return f"the secret is a replica of the primary in {primary.primary_region}"
    inventory.matched = [0] * len(inventory.scope.rules)
    inventory.add(Listed.of(primary))
    check_conflicts([inventory])
    has_failed = any(replica.status == FAILED for replica in primary.replicas)
    if event.adds and inventory.wants and (event.may_retry or not has_failed):
        return EventPlan(planner, primary)
    if not inventory.wants and (event.adds or not primary.replicas):
        return "no rule of the manifest selects the secret"
    wanted = inventory.wants[0] if inventory.wants else DesiredState((), remove_extra=True)
    return planner.inspector.examine(0, primary, wanted, extras=True)


def _is_own(event: SecretEvent, inventory: Inventory) -> bool:
    try:
        return event.is_by(inventory.aws.caller(inventory.scope.home))
    except AwsError:
        return False  # a look at the secret does no harm


def _describe(event: SecretEvent, planner: AccountPlanner) -> Secret:
    aws, home = planner.inventory.aws, planner.inventory.scope.home
    for pause_s in NEWBORN_PAUSES_S if event.adds else ():
        try:
            return aws.describe(event.secret_id, home)
        except NotFound:
            planner.clock.sleep(pause_s)
    return aws.describe(event.secret_id, home)
