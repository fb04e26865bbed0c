"""Plans and applies on the simulator, and reads the results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import HOME, WEST, FakeAws
from use_case_run import quiet

from smrep.model import Replica, Target
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.rules.fleet.saved_plan import Saved, SavedSecret, saved_steps
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Rule
from smrep.service.apply import Application
from smrep.service.fleet.apply_task import ApplyTask
from smrep.service.fleet.fleet_run import AccountRun
from smrep.service.fleet.inventory import FleetScope, Inventory, Share
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.fleet.secret_plan import AccountPlanner
from smrep.service.plan import FleetPlan, RevalidatedPlan
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.rate_limiter import RateLimiter

WRITES = {"ReplicateSecretToRegions", "RemoveRegionsFromReplication", "UpdateSecret", "StopReplicationToReplica"}
PROD = {"name": "prod", "prefix": "prod/", "regions": [WEST]}


@dataclass
class AwsWithOutcomes(FakeAws):
    """A world in which what becomes of a write can depend on the secret."""

    moods: dict[str, Callable[[], object]] = field(default_factory=dict)
    """Name -> what happens before each write for it; it may raise."""

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        self.moods.get(name_of(secret_id), int)()
        return super().replicate(secret_id, region, targets, force=force)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        self.moods.get(name_of(secret_id), int)()
        return super().remove(secret_id, region, replicas)


def name_of(arn: str) -> str:
    return arn.split(":", 6)[6][:-7]


def raising(error: Exception) -> Callable[[], object]:
    def mood() -> object:
        raise error

    return mood


def rules_of(*rules: dict[str, Any]) -> tuple[Rule, ...]:
    return parse(json.dumps({"schema": 1, "replicate": rules or [PROD]}), "dr.toml").rules


def planner(aws: FakeAws, rules: tuple[Rule, ...], *, trusting: bool = False, **scope: Any) -> AccountPlanner:
    inventory = Inventory(aws, RegionLister(aws, aws.clock), KmsKeys(aws), FleetScope(Region(HOME), rules, **scope))
    return AccountPlanner(inventory, aws.clock, trusting=trusting)


def drafted(aws: FakeAws, *rules: dict[str, Any], trusting: bool = False, share: Share | None = None) -> FleetPlan:
    """Return the plan of the rules; to make it changes nothing."""
    aws.calls.clear()
    aws.simulator.log.clear()
    found = rules_of(*rules)
    draft = FleetPlan([planner(aws, found, trusting=trusting, share=share)], found)
    draft.look(quiet(aws.clock))
    assert writes(aws) == []
    return draft


def saved(draft: FleetPlan) -> Saved:
    """Return the plan as it is saved."""
    secrets = []
    for _, secret_plan in draft.plans:
        deletions = secret_plan.removal.deletions.values() if secret_plan.removal else ()
        steps = saved_steps(secret_plan.replication.steps if secret_plan.replication else (), deletions)
        if steps:
            secrets.append(SavedSecret(secret_plan.arn, 0, secret_plan.wanted.rules, steps))
    return Saved("2026-11-23T10:00:00Z", (None,), tuple(secrets))


def redrafted(aws: FakeAws, plan: Saved) -> RevalidatedPlan:
    """Return what a saved plan comes to now; to find out changes nothing."""
    aws.calls.clear()
    aws.simulator.log.clear()
    redraft = RevalidatedPlan(plan, {0: planner(aws, ())})
    redraft.look(quiet(aws.clock))
    assert writes(aws) == []
    return redraft


def prepared(  # noqa: PLR0913 - a run has as many terms
    aws: FakeAws,
    draft: FleetPlan | RevalidatedPlan,
    *,
    rate: float = 20.0,
    timeout_s: float = 300.0,
    wait: bool = True,
    width: int = 1,
) -> Application:
    """Return a run of what was drafted, nothing begun."""
    crew = Scheduler(aws.clock, width)
    terms: dict[int, AccountRun] = {}
    assignments = []
    for planner, secret_plan in draft.plans:
        own = AccountRun(aws, RateLimiter(aws.clock, rate), timeout_s, wait, inventory=planner.inventory)
        assignments.append(ApplyTask(terms.setdefault(id(planner), own), crew, secret_plan))
    return Application(assignments, crew)


def applied(aws: FakeAws, *rules: dict[str, Any], trusting: bool = True, **how: Any) -> Application:
    """Plan and apply the rules."""
    run = prepared(aws, drafted(aws, *rules, trusting=trusting), **how)
    run.carry_out(quiet(aws.clock))
    assert "GetSecretValue" not in {call.operation for call in aws.simulator.log}
    return run


def writes(aws: FakeAws) -> list[tuple[str, str, list[str]]]:
    """Return (operation, name, Regions) of each write that arrived, in their order."""
    return [
        (call.operation, name_of(str(call.secret_id)), regions_in(call.params))
        for call in aws.simulator.log
        if call.operation in WRITES
    ]


def regions_in(params: dict[str, Any]) -> list[str]:
    added = [each["Region"] for each in params.get("AddReplicaRegions", ())]
    return added + list(params.get("RemoveReplicaRegions", ()))


def by_name(reports: Sequence[SecretReport]) -> dict[str, SecretReport]:
    found = {each.name: each for each in reports}
    assert len(found) == len(reports)
    return found


def rows(reports: Sequence[SecretReport]) -> dict[tuple[str, str], RegionReport]:
    """Return (secret, Region) -> its row."""
    return {(each.name, row.region): row for each in reports for row in each.replicas}


def counts(summary: dict[str, int]) -> dict[str, int]:
    """Return those that are not nought."""
    return {word: count for word, count in summary.items() if count}
