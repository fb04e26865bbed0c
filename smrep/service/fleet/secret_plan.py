"""Plan the changes for each secret of an inventory, from lists if they are enough, else from looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import Outcome
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import Action, SecretReport
from smrep.rules.fleet.coverage import covered_row
from smrep.rules.fleet.desired_state import DesiredState, changed_problem
from smrep.rules.replication.blockers import with_blockers
from smrep.rules.replication.name_owner import NameLookup
from smrep.rules.replication.region_step import NO_CONSENT, Keep, RegionStep, Skip, decide_step
from smrep.rules.replication.replica_deletion import removal_blocker
from smrep.rules.replication.replica_state import secret_report
from smrep.service.fleet.inspector import Inspector
from smrep.service.fleet.inventory import Inventory, check_conflicts
from smrep.service.ports import Clock
from smrep.service.run_state import Tracked
from smrep.service.steps.lookup import troubles_elsewhere
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.preflight import PreflightChecks
from smrep.service.steps.secret_removal import SecretRemoval, plan_removal
from smrep.service.steps.secret_replication import SecretReplication, initial_state


@dataclass(slots=True)
class SecretPlan:
    """One secret and its planned changes."""

    name: str
    arn: str
    home: Region
    wanted: DesiredState
    replication: SecretReplication | None = None
    """Replicas in the Regions where it is wanted."""
    removal: SecretRemoval | None = None
    """Replicas to remove."""
    ended: SecretReport | None = None
    """Report of a secret that ended before it began."""
    looked_at: float | None = None
    """When the primary was looked at, in the clock's seconds; None if only listed."""
    again: Callable[[], SecretPlan | None] | None = None
    """Looks again and returns the new plan, limited to the planned changes; None if the secret is gone."""
    account: str | None = None
    """Its account, in a run over several."""

    @property
    def adds(self) -> bool:
        """Whether to request a replica, now or once an old one is gone."""
        return self.replication is not None and any(
            not isinstance(step, Keep | Skip) for step in self.replication.steps
        )

    @property
    def removes(self) -> list[Region]:
        """Regions to remove it from."""
        return self.removal.to_send if self.removal else []

    @property
    def is_open(self) -> bool:
        """Whether there is something to wait for."""
        opened = self.removal is not None and bool(self.removal.open_regions)
        return opened or (self.replication is not None and self.replication.is_open)

    @property
    def has_work(self) -> bool:
        """Whether there is something to send or to wait for."""
        return self.ended is None and (self.adds or bool(self.removes) or self.is_open)

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        checked = "list" if self.looked_at is None else "describe"
        if self.ended is not None:
            ended = replace(self.ended, rules=self.wanted.rules, checked_by=self.ended.checked_by or checked)
            return replace(ended, account=self.account)
        parts = [part.report(waiting=waiting, dry_run=dry_run) for part in (self.replication, self.removal) if part]
        primary = self.replication.primary if self.replication else self.removal.primary if self.removal else None
        assert primary is not None  # noqa: S101 - one of them is always there
        rows = [row for part in parts for row in part.replicas]
        notes = dict.fromkeys(note for part in parts for note in part.notes)
        error = next((part.error for part in parts if part.error), None)
        report = replace(secret_report(primary, rows, error, notes), checked_by=checked, rules=self.wanted.rules)
        return replace(report, account=self.account)


@dataclass(slots=True)
class AccountPlanner:
    """Plans one account; changes nothing in AWS."""

    inventory: Inventory
    clock: Clock
    trusting: bool = False
    """Whether to accept from the list that a secret was never replicated; it is checked before a request."""
    kept: list[int] = field(default_factory=list)
    """Places of secrets without changes, by listing."""
    inspector: Inspector = field(init=False)
    health: PreflightChecks = field(init=False)

    def __post_init__(self) -> None:
        """Share one cache of keys and Regions."""
        self.inspector = Inspector(self.inventory)
        self.health = PreflightChecks(self.inventory.aws, self.inventory.aws, self.inventory.key_check, versions=False)

    def plans(self) -> Iterator[SecretPlan]:
        """Yield a plan for each secret that listing shows may need a change.

        The places of the others go to `kept`, except for secrets that are gone.

        Raises:
            CredentialsError: no further call can succeed.

        """
        inventory, inspector = self.inventory, self.inspector
        inventory.list_replicas()
        inspector.orphans()
        check_conflicts([inventory])
        doubtful = inspector.doubtful(blindly=True, trusting=self.trusting)
        inspector.to_look = len(doubtful)
        for report in inventory.refused:
            account = inventory.account
            yield SecretPlan(
                report.name, report.arn or "", inventory.scope.home, DesiredState(()), ended=report, account=account
            )
        looked = dict(zip(doubtful, parallel(self._decided, doubtful, pulse=self.inventory.pulse), strict=True))
        for place, primary in enumerate(inventory.primaries):
            plan = looked.get(place)
            if plan is not None:
                yield plan
            elif place not in looked and primary.primary_region is None:
                yield self.decide(place, primary.as_seen())
            elif place not in looked:
                self.kept.append(place)

    def decide(self, place: int, primary: Secret, looked_at: float | None = None) -> SecretPlan:
        """Return one secret's plan."""
        wanted = self.inventory.wants[place]

        def look_there(target: Target) -> NameLookup:
            if looked_at is None:
                return self.inventory.look(place, target.region)
            return self.inspector.look(place, primary, target)

        regions = {target.region for target in wanted.targets}
        extra = (
            [replica.region for replica in primary.replicas if replica.region not in regions]
            if wanted.remove_extra
            else []
        )
        plan = self.plan(primary, wanted, look_there, looked_at, extra)
        plan.again = partial(self._renewed, place, frozenset(plan.removes))
        return plan

    def plan(
        self,
        primary: Secret,
        wanted: DesiredState,
        look_there: Callable[[Target], NameLookup],
        looked_at: float | None,
        extra: Sequence[Region] = (),
    ) -> SecretPlan:
        """Plan a primary from a look into each Region; remove it from `extra`."""
        steps = tuple(self._step(primary, target, look_there(target)) for target in wanted.targets)
        removal = None
        if extra:
            removal = plan_removal(self.inventory.aws, primary, extra, self.clock, self.clock.monotonic() + LOOK_S)
        states = {step.target.region: initial_state(step, NO_CONSENT) for step in steps}
        replication = SecretReplication(
            primary,
            states,
            [*troubles_elsewhere(primary, [*(target.region for target in wanted.targets), *extra])],
            steps,
        )
        account = self.inventory.account
        if removal is not None and any(isinstance(step, Skip) for step in steps):
            removal.skip_unsent(removal_blocker(primary, replication.report().replicas))
        return SecretPlan(
            primary.name,
            primary.arn,
            primary.region,
            wanted,
            replication,
            removal,
            looked_at=looked_at,
            account=account,
        )

    def kept_report(self, place: int) -> SecretReport:
        """Return the report of an unchanged secret, from listing."""
        primary, wanted = self.inventory.primaries[place], self.inventory.wants[place]
        rows = tuple(replace(covered_row(primary, target), action=Action.KEEP) for target in wanted.targets)
        report = SecretReport(primary.name, Outcome.OK, primary.arn, primary.region, rows)
        return replace(report, checked_by="list", rules=wanted.rules, account=self.inventory.account)

    def _decided(self, place: int) -> SecretPlan | None:
        """Look at the primary and return its plan, None if it is gone.

        Skips a secret that the rules no longer select, or want elsewhere.
        """
        listed, wanted = self.inventory.primaries[place], self.inventory.wants[place]
        primary = self.inspector.primary(place)
        now = self.clock.monotonic()
        if primary is None:
            return None
        if isinstance(primary, Secret) and self.inventory.wanted_now(primary) != wanted:
            primary = secret_report(primary, (), changed_problem(primary))
        if isinstance(primary, SecretReport):
            account = self.inventory.account
            return SecretPlan(
                listed.name, listed.arn, listed.region, wanted, ended=primary, looked_at=now, account=account
            )
        return self.decide(place, primary, now)

    def _renewed(self, place: int, removed: frozenset[Region]) -> SecretPlan | None:
        """Return the plan after another look; remove no Region that was not to be removed before."""
        plan = self._decided(place)
        if plan is not None and plan.removal is not None:
            plan.removal.keep_only(removed)
        return plan

    def _step(self, primary: Secret, target: Target, seen: NameLookup) -> RegionStep:
        step = decide_step(
            primary, target, seen, NO_CONSENT, partial(self.inventory.key_check.findings, primary, target)
        )
        if isinstance(step, Keep | Skip):
            return step
        return with_blockers(step, (*self.health.of_target(primary, target, seen), *self.health.of_primary(primary)))


class SecretPlans(Tracked):
    """Totals of all accounts' plans, new or saved."""

    __slots__ = ()
    plans: list[tuple[AccountPlanner, SecretPlan]]

    @property
    def removals(self) -> int:
        """Number of replicas to remove."""
        return sum(len(plan.removes) for _, plan in self.plans)

    @property
    def changes(self) -> list[SecretPlan]:
        """Plans with something to send."""
        return [plan for _, plan in self.plans if plan.ended is None and (plan.adds or plan.removes)]
