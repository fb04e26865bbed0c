"""Runs of apply that are killed at one call while AWS lives on, and the state they leave."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, new_key
from use_case_run import quiet

from smrep.regions import Region
from smrep.rules.manifest.schema import Rule
from smrep.sandbox.simulator.account_calls import catch_up
from smrep.sandbox.simulator.simulated_aws import ApiError
from smrep.service.apply import Application
from smrep.service.fleet.apply_task import ApplyTask
from smrep.service.fleet.fleet_run import AccountRun
from smrep.service.fleet.inventory import FleetScope, Inventory
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.fleet.secret_plan import AccountPlanner
from smrep.service.plan import FleetPlan
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.rate_limiter import RateLimiter

REGIONS = (HOME, WEST, IRELAND, SYDNEY)
ALIAS = "alias/dr"
STATES = ("new", "healthy", "failed", "extra", "namesake", "under way")
"""What a secret may be before the first run; one that somebody removes meanwhile is listed as if it stayed."""


class Killed(BaseException):
    """The end of a run that nothing in it may notice."""


@dataclass(frozen=True, slots=True)
class Death:
    """The moment at which a run dies, and for how long it lies dead."""

    call: int
    """At which of its calls, counted from 0."""
    answered: bool
    """Whether AWS carried that call out."""
    rest_s: float = 0.0


@dataclass
class KillableAws(FakeAws):
    """One run's way to AWS; the simulator and the clock are the world's, and stay."""

    death: Death | None = None
    repeats: list[tuple[str, str, str]] = field(default_factory=list)
    """(operation, secret, Region) of each request that asked for what had been asked for already."""
    forced: int = 0
    _dead: threading.Event = field(default_factory=threading.Event)
    _made: int = 0

    def _ask(
        self, operation: str, region: Region, subject: str, service: str = "secretsmanager", **params: Any
    ) -> dict[str, Any]:
        with self.lock:
            number, self._made = self._made, self._made + 1
        dies = self.death is not None and number == self.death.call
        if dies:
            self._dead.set()
        if self._dead.is_set() and not (dies and self.death and self.death.answered):
            raise Killed
        self._judge(operation, region, params)
        answer = super()._ask(operation, region, subject, service, **params)
        if dies:
            raise Killed
        return answer

    def _judge(self, operation: str, region: str, params: dict[str, Any]) -> None:
        """Hold a write against what AWS knows at this moment, whatever it shows."""
        self.forced += bool(params.get("ForceOverwriteReplicaSecret"))
        added = [each["Region"] for each in params.get("AddReplicaRegions", ())]
        removed = params.get("RemoveReplicaRegions", ())
        if not (added or removed):
            return
        catch_up(self.simulator._state, self.simulator.now())
        primary = self.simulator._state.find(region, params["SecretId"])
        known = {each.region for each in primary.entries.values() if each.status != "Failed"}
        twice = [*(each for each in added if each in known), *(each for each in removed if each not in primary.entries)]
        self.repeats += [(operation, primary.name, each) for each in twice]


def apply(killable: KillableAws, rules: Sequence[Rule], timeout_s: float = 300.0) -> Application:
    """Apply from scratch, in a fixed order, up to the end or to the run's death."""
    clock = killable.clock
    estate = Inventory(killable, RegionLister(killable, clock), KmsKeys(killable), FleetScope(HOME, tuple(rules)))
    draft = FleetPlan([AccountPlanner(estate, clock, trusting=True)], rules)
    draft.look(quiet(clock))
    crew, terms = (
        Scheduler(clock, 1),
        AccountRun(killable, RateLimiter(clock, 20.0), timeout_s, jitter=random.Random(7)),
    )
    run = Application([ApplyTask(terms, crew, plan) for _, plan in draft.plans], crew)
    run.carry_out(quiet(clock))
    return run


@dataclass(frozen=True, slots=True)
class Scene:
    """An estate before the first run, what is wanted of it, and how AWS behaves meanwhile."""

    secrets: tuple[tuple[str, str], ...]
    """(name, state)."""
    rules: tuple[Rule, ...]
    faults: dict[str, Any]

    def set_up(self) -> FakeAws:
        """Return a world with this estate, the same one each time."""
        aws = FakeAws()
        new_key(aws, ALIAS)
        aws.faults(failures={WEST: "KMS key is disabled"})
        for name, state in self.secrets:
            aws.create(name)
            if state == "failed":
                replicate(aws, name, WEST)
            if state == "namesake":
                aws.create(name, WEST)
        aws.clock.time += 10
        aws.faults()
        for name, state in self.secrets:
            if state == "healthy":
                replicate(aws, name, WEST)
            elif state == "extra":
                replicate(aws, name, WEST, SYDNEY)
        aws.clock.time += 10
        aws.faults(**{**self.faults, "list_lag_s": 0.0})  # what is under way is seen to be
        for name, state in self.secrets:
            if state == "under way":
                replicate(aws, name, IRELAND)
        aws.faults(**self.faults)
        return aws


def replicate(aws: FakeAws, name: str, *regions: str) -> None:
    aws.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": each} for each in regions])


def live(aws: FakeAws, rules: Sequence[Rule], deaths: Sequence[Death] = ()) -> list[KillableAws]:
    """Apply until a run comes to its end; each of the first ones dies its death. Return them all."""
    runs = []
    for death in (*deaths, None):
        killable = KillableAws(aws.clock, aws.simulator, death=death)
        runs.append(killable)
        try:
            apply(killable, rules)
        except Killed:
            assert death is not None
            aws.clock.time += death.rest_s
        else:
            break
    return runs


def state(aws: FakeAws) -> dict[tuple[str, str], Any]:
    """Return what every Region holds once nothing is under way any more: replicas, statuses, keys, versions."""
    aws.clock.time += 400
    return {(region, name): shown for region in REGIONS for name, shown in _held(aws, region)}


def _held(aws: FakeAws, region: str) -> Iterator[tuple[str, Any]]:
    for listed in aws.call("ListSecrets", region, MaxResults=100)["SecretList"]:
        try:
            shown = aws.call("DescribeSecret", region, SecretId=listed["Name"])
        except ApiError as error:
            yield listed["Name"], error.code
            continue
        entries = sorted(
            (each["Region"], each["Status"], each.get("StatusMessage"), each["KmsKeyId"])
            for each in shown.get("ReplicationStatus", ())
        )
        about = [shown.get(each) for each in ("ARN", "KmsKeyId", "PrimaryRegion", "VersionIdsToStages")]
        yield listed["Name"], (*about, entries)
