"""Audits and lists on the simulator, and reads the results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import HOME, WEST, FakeAws
from use_case_run import quiet

from smrep.model import Filter, Listed, Page, Target
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Rule
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.service.audit import Audit, Audits
from smrep.service.fleet.inventory import FleetScope, Inventory
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.steps.kms_keys import KmsKeys

READS = {"ListSecrets", "DescribeSecret", "DescribeKey"}
PROD = {"name": "prod", "prefix": "prod/", "regions": [WEST]}


@dataclass
class ScriptedAws(FakeAws):
    """A world in which the lists of some Regions are made up."""

    script: dict[str, list[Page | Exception]] = field(default_factory=dict)
    """Region -> its answers, in their order; what is true comes after them."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """(Region, token) of each call."""

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool) -> Page:
        self.asked.append((region, token))
        if not self.script.get(region):
            return super().list_page(region, filters, token, with_deleted=with_deleted)
        answer = self.script[region].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def rules_of(*rules: dict[str, Any]) -> tuple[Rule, ...]:
    return parse(json.dumps({"schema": 1, "replicate": rules or [PROD]}), "dr.toml").rules


def asking(*regions: str, key: str | None = None, selector: Selector = EVERY) -> tuple[Rule, ...]:
    """Return what `-r` asks for; us-west-2 by default."""
    return (Rule("", "-r", selector, tuple(Target(Region(each), key) for each in regions or (WEST,))),)


def estate(aws: FakeAws, rules: Sequence[Rule] = (), home: str = HOME, **scope: Any) -> Inventory:
    found = FleetScope(Region(home), tuple(rules) or asking(), **scope)
    return Inventory(aws, RegionLister(aws, aws.clock), KmsKeys(aws, aws.clock), found)


def an_audit(
    aws: FakeAws, rules: Sequence[Rule] = (), *, deep: bool = False, extras: bool = False, **scope: Any
) -> Audits:
    """Return an audit, nothing looked at yet; only what it asks is remembered from here on."""
    aws.calls.clear()
    aws.simulator.log.clear()
    return Audits([Audit(estate(aws, rules, **scope), deep, extras)])


def audited(aws: FakeAws, rules: Sequence[Rule] = (), **how: Any) -> Audits:
    """Audit to the end; whatever is found, nothing is changed and no value is read."""
    run = an_audit(aws, rules, **how)
    run.look(quiet(aws.clock))
    assert {call.operation for call in aws.simulator.log} <= READS
    return run


def by_name(run: Audits) -> dict[str, SecretReport]:
    found = {each.name: each for each in run.reports()}
    assert len(found) == len(run.reports())
    return found


def row_of(run: Audits, name: str = "prod/db", region: str = WEST) -> RegionReport:
    (row,) = [each for each in by_name(run)[name].replicas if each.region == region]
    return row


def counts(run: Audits) -> dict[str, int]:
    """Return the counts of the summary that are not nought."""
    return {word: count for word, count in run.summary.items() if count}


def healthy(aws: FakeAws, count: int, *regions: str) -> None:
    """Make so many secrets with replicas in sync."""
    wanted = [{"Region": each} for each in regions or (WEST,)]
    for number in range(count):
        aws.create(f"prod/{number:03}", AddReplicaRegions=wanted)
    aws.clock.time += 10


def orphaned(aws: FakeAws, name: str = "prod/db", *regions: str) -> dict[str, str]:
    """Make replicas whose primary is gone; return their ARNs by Region, by default that of us-west-2."""
    found = regions or (WEST,)
    aws.create(name, AddReplicaRegions=[{"Region": each} for each in found])
    aws.clock.time += 10
    aws.call("RemoveRegionsFromReplication", SecretId=name, RemoveReplicaRegions=list(found))
    aws.call("DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
    aws.clock.time += 100
    return {each: str(aws.call("DescribeSecret", each, SecretId=name)["ARN"]) for each in found}


def listed(name: str, region: str = HOME, **fields: Any) -> Listed:
    """Return an entry of a list."""
    arn = f"arn:aws:secretsmanager:{region}:123456789012:secret:{name}-a1b2c3"
    return Listed(arn, name, Region(region), **fields)
