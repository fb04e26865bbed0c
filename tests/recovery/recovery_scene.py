"""Fails a fleet over and back by runs that may be killed at any call or record line; every tick is checked."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import HOME, IRELAND, SYDNEY, WEST, Clock, FakeAws, new_key
from fleet.killed_runs import Death, KillableAws, Killed, state
from use_case_run import quiet

from smrep.report import SecretReport
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.rules.recovery.failback_decision import FailbackGoal
from smrep.rules.recovery.failover_record import Record, RegionPair, header, read
from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.account_calls import catch_up
from smrep.service.failover import FailoverSelection
from smrep.service.fleet.fleet_run import AccountRun, FleetRun
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.recovery.failback_task import FailbackTask
from smrep.service.recovery.failover_task import FailoverTask
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.preflight import PreflightChecks
from smrep.service.steps.rate_limiter import RateLimiter

PAIR = RegionPair(HOME, WEST)
TICK_S = 0.5
ALIAS = "alias/dr"


@dataclass
class WatchedClock(Clock):
    """Time that passes in small ticks, each of which is looked at."""

    on_tick: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        while self.time < until:
            super().sleep(min(TICK_S, until - self.time))
            self.on_tick()


@dataclass
class Watch:
    """What must be readable somewhere at every tick: of each secret, the versions that somebody relies on."""

    aws: FakeAws
    wanted: dict[str, set[str]] = field(default_factory=dict)
    ticks: int = 0

    def look(self) -> None:
        """Fail where a version that is relied on is current in no Region that answers."""
        inner, faults = self.aws.simulator._state, self.aws.simulator.faults
        catch_up(inner, self.aws.simulator.now())
        self.ticks += 1
        for name, versions in self.wanted.items():
            held = {
                version.version_id
                for region in (HOME, WEST, IRELAND, SYDNEY)
                if region not in faults.outages and (secret := inner.get_secret(region, name)) is not None
                if secret.deleted is None
                for version in secret.content.versions
                if "AWSCURRENT" in version.stages
            }
            assert versions <= held, f"{name}: {versions - held} is current nowhere at {self.aws.clock.time}"


@dataclass
class RecoveryScene:
    """One world with its record, which outlives the runs."""

    aws: FakeAws
    watch: Watch
    record: str = ""
    puts: int = 0

    @classmethod
    def set_up(cls, **faults: Any) -> RecoveryScene:
        """Return a world without secrets, the same one each time."""
        clock = WatchedClock()
        aws = FakeAws(clock=clock)
        new_key(aws, ALIAS, HOME)
        new_key(aws, ALIAS, WEST)
        aws.faults(**faults)
        scene = cls(aws, Watch(aws))
        clock.on_tick = scene.watch.look
        return scene

    @property
    def known(self) -> Record:
        return read(self.record.split("\n"), "record")

    def secret(self, name: str, *thirds: str, key: str | None = None, at: Sequence[str] = (WEST,)) -> None:
        """Make a secret with its replicas, all in sync."""
        with self.aws.simulator.undisturbed():
            self.aws.create(name, KmsKeyId=key)
            wanted = [{"Region": each, "KmsKeyId": key if each == WEST else None} for each in (*at, *thirds)]
            self.aws.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=wanted)
            self.aws.call("DescribeSecret", SecretId=name)
        shown = self.aws.call("DescribeSecret", SecretId=name)
        assert {each["Status"] for each in shown["ReplicationStatus"]} == {"InSync"}
        self.watch.wanted[name] = {self.current(name, HOME)}

    def current(self, name: str, region: str) -> str:
        """Return the id of the current version there."""
        shown = self.aws.call("DescribeSecret", region, SecretId=name)["VersionIdsToStages"]
        return next(str(version) for version, stages in shown.items() if "AWSCURRENT" in stages)

    def put(self, name: str, region: str, *, instead: bool = True) -> None:
        """Write a new value there; with `instead` it is what is relied on from now on."""
        self.puts += 1
        version = f"{name}-{region}-{self.puts}-{'x' * 32}"
        self.aws.call("PutSecretValue", region, SecretId=name, SecretString="new", ClientRequestToken=version)
        self.watch.wanted[name] = {version} if instead else self.watch.wanted[name] | {version}

    def outage(self, *regions: str) -> None:
        """Take Regions down; none: all are back."""
        faults = self.aws.simulator.faults
        changes = {each: getattr(faults, each) for each in Faults.__dataclass_fields__}
        self.aws.faults(**{**changes, "outages": frozenset(regions)})

    def lose(self, operation: str, *fates: str) -> None:
        """Lose the next such calls or their answers, in whichever run."""
        self.lost.setdefault(operation, []).extend(fates)

    on_call: Callable[[str, str], None] = lambda _operation, _region: None
    """Is told of each call of a run before it is made."""
    lost: dict[str, list[str]] = field(default_factory=dict)

    def mustered(self, chosen: Selector = EVERY) -> FailoverSelection:
        """Return who is to be promoted, nothing sent."""
        selection = FailoverSelection(self.aws, RegionLister(self.aws, self.aws.clock), PAIR, [chosen], self.known)
        selection.look(quiet(self.aws.clock))
        return selection

    # runs

    def failover(self, *deaths: Death, chosen: Selector = EVERY) -> list[KillableAws]:
        """Fail over until a run comes to its end; each of the first ones dies its death."""
        return self._live(lambda killable, write: self._failover(killable, write, chosen), deaths)

    def failback(self, goal: FailbackGoal, *deaths: Death, handled: bool = False) -> list[KillableAws]:
        """Lead home until a run comes to its end; each of the first ones dies its death."""
        return self._live(lambda killable, write: self._failback(killable, write, goal, handled=handled), deaths)

    reports: list[SecretReport] = field(default_factory=list)
    """Of the last run that came to its end."""
    refused: list[SecretReport] = field(default_factory=list)
    """What it was to promote by name and could not find."""

    def by_name(self, name: str) -> SecretReport:
        (found,) = [each for each in self.reports if each.name == name]
        return found

    def _live(
        self, run: Callable[[KillableAws, Callable[[Mapping[str, Any]], None]], None], deaths: Sequence[Death]
    ) -> list[KillableAws]:
        runs: list[KillableAws] = []
        for death in (*deaths, None):
            killable = WatchedAws(self.aws.clock, self.aws.simulator, death=death, watch=self.watch, lose=self.lost)
            killable.on_call = self.on_call
            runs.append(killable)
            try:
                run(killable, lambda line, killable=killable: self._write(killable, line))  # type: ignore[misc]
            except Killed:
                assert death is not None
                self.aws.clock.sleep(death.rest_s)
            else:
                break
        return runs

    def _write(self, killable: WatchedAws, line: Mapping[str, Any]) -> None:
        """Append a line to the record, or half of it where the run dies at this moment."""
        if self.record and not self.record.endswith("\n"):
            self.record += "\n"
        text = json.dumps(line)
        if killable.dies_now():
            self.record += text[: len(text) // 2]
            raise Killed
        self.record += text + "\n"

    def _failover(self, killable: KillableAws, write: Callable[[Mapping[str, Any]], None], chosen: Selector) -> None:
        if not self.record:
            self.record = json.dumps(header(PAIR)) + "\n"
        known, clock = self.known, self.aws.clock
        selection = FailoverSelection(killable, RegionLister(killable, clock), PAIR, [chosen], known)
        selection.look(quiet(self.aws.clock))
        self.refused = selection.refused
        crew, terms = Scheduler(clock, 1), _terms(killable)
        tasks = [
            FailoverTask(
                terms,
                crew,
                each,
                PAIR,
                write,
                known.entries.get(arn),
                selectors=selection.selectors,
                is_due=arn in selection.to_promote,
            )
            for arn, each in selection.secrets.items()
        ]
        self._act(FleetRun(tasks, crew, "promoting"))

    def _failback(
        self, killable: KillableAws, write: Callable[[Mapping[str, Any]], None], goal: FailbackGoal, *, handled: bool
    ) -> None:
        crew, terms = Scheduler(self.aws.clock, 1), _terms(killable)
        entries = self.known.newest
        health = PreflightChecks(killable, killable, KmsKeys(killable, self.aws.clock), "failback", versions=False)
        journeys = [FailbackTask(terms, crew, each, PAIR, goal, handled, health, write) for each in entries]
        for each in journeys:
            each.plan()
        self._act(FleetRun(journeys, crew, "failing back"))

    def _act(self, run: FleetRun) -> None:
        run.carry_out(quiet(self.aws.clock))
        run.check()
        self.reports = run.reports()


@dataclass
class WatchedAws(KillableAws):
    """A run each of whose calls is followed by a look at what is readable."""

    watch: Watch = None  # type: ignore[assignment]

    def _ask(self, *args: Any, **params: Any) -> dict[str, Any]:
        try:
            return super()._ask(*args, **params)
        finally:
            self.watch.look()

    def dies_now(self) -> bool:
        """Count a line that is written like a call, and tell whether the run dies at it."""
        number, self._made = self._made, self._made + 1
        if self.death is not None and number == self.death.call:
            self._dead.set()
            return True
        return False


def _terms(killable: KillableAws) -> AccountRun:
    return AccountRun(killable, RateLimiter(killable.clock, 40.0), 300.0, jitter=random.Random(7))


def end_state(scene: RecoveryScene) -> dict[tuple[str, str], Any]:
    """Return what every Region holds once nothing is under way any more."""
    return state(scene.aws)
