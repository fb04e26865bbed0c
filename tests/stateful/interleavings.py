"""Runs of the commands that destroy, with deeds of others between any two calls; each write is held against a look."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fakes import HOME, IRELAND, WEST, addresses_of, new_key, replicated
from hypothesis import strategies as st
from service.apply_scene import planner, prepared, rules_of
from stateful.smrep_runs import one_after_the_other
from stateful.watched_aws import WatchedAws, name_of
from use_case_run import UseCaseRun, quiet

from smrep.errors import SmrepError
from smrep.model import SecretId, Target, in_region
from smrep.rules.manifest.selector import Selector
from smrep.rules.recovery.failback_decision import FailbackGoal
from smrep.rules.recovery.failover_record import Record, RegionPair, header, read
from smrep.rules.replication.region_step import Consent
from smrep.sandbox.simulator.simulated_aws import ApiError
from smrep.service import promote as promoting
from smrep.service import rekey as rekeying
from smrep.service import remove as removing
from smrep.service import replicate as replicating
from smrep.service.failover import FailoverSelection
from smrep.service.fleet.fleet_run import AccountRun, FleetRun
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.plan import FleetPlan
from smrep.service.recovery.failback_task import FailbackTask
from smrep.service.recovery.failover_task import FailoverTask
from smrep.service.run_state import RunState
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.preflight import PreflightChecks
from smrep.service.steps.rate_limiter import RateLimiter

NAME, ALIAS = "prod/a", "alias/new"
PAIR = RegionPair(HOME, WEST)
TAG = {"Key": "dr", "Value": "true"}
TIMEOUT_S = 300.0

Deed = tuple[str, str]
"""A verb, and a Region."""
DEEDS: tuple[Deed, ...] = (
    *((verb, region) for verb in ("put", "delete", "recreate") for region in (HOME, WEST, IRELAND)),
    *((verb, region) for verb in ("promote", "remove", "replicate", "create") for region in (WEST, IRELAND)),
    *((verb, HOME) for verb in ("tag", "untag")),
)
State = tuple[object, ...] | None
"""ARN, whose replica it is, and the versions of what is none; None where nothing is there."""
Place = tuple[str, str]


@dataclass
class Witness(WatchedAws):
    """A world that lets others act between two calls, and holds each write that destroys against what was shown."""

    deeds: Mapping[int, Iterable[Deed]] = field(default_factory=dict)
    """Number of a call -> what others do right before it."""
    led_home: bool = False
    """Whether a failback runs: what it has replaced on the way is no longer as it was shown, and held elsewhere."""
    shown: dict[Place, State] = field(default_factory=dict)
    judged: int = 0
    newest_judged: int = 0
    """The number of the newest call that destroys."""
    raced: int = 0
    """How many of those writes others got in front of after the look: the one round trip that AWS leaves."""
    _seen: dict[Place, tuple[int, State]] = field(default_factory=dict)
    """What the newest look into a Region showed, and which call it was."""
    _acted: int = 0
    """The newest call that was no look."""

    def start(self) -> None:
        """Forget what the scene itself has called; from now on others act, and writes are judged."""
        self.start_run()
        self.meddle, self.guard = self._meddle, self._judge

    def show(self) -> None:
        """Take what the looks of the plan saw as what was shown and confirmed."""
        self.shown = {place: state for place, (_, state) in self._seen.items()}

    def state(self, name: str, region: str) -> State:
        held = self.truth.held(region, name)
        if held is None:
            return None
        if held.is_replica:
            return held.arn, held.primary_region
        return held.arn, None, frozenset(self.truth.labels(region, name).items())

    def _meddle(self, number: int) -> None:
        for deed in self.deeds.get(number, ()):
            self.settle_accounts()
            with contextlib.suppress(ApiError):
                do(self, *deed)
            self.ledger.rebase()

    def _ask(self, operation: str, region: Any, *args: Any, **params: Any) -> dict[str, Any]:
        try:
            return super()._ask(operation, region, *args, **params)
        finally:
            if operation != "DescribeSecret":
                self._acted = self.asked

    def _look_around(self, name: str, where: str) -> None:
        super()._look_around(name, where)
        self._seen[where, name] = self.asked, self.state(name, where)

    def _judge(self, operation: str, region: str, params: dict[str, Any]) -> None:
        """Fail where a write destroys what was not shown, or what was not looked at right before."""
        name, force = name_of(params["SecretId"]), params.get("ForceOverwriteReplicaSecret", False)
        destroyed = [each["Region"] for each in params.get("AddReplicaRegions", ()) if force]
        for each in (*destroyed, *params.get("RemoveReplicaRegions", ())):
            number, seen = self._seen[each, name]
            assert number > self._acted, f"{each} was not looked into right before {operation}"
            shown = self.shown.get((each, name), ())
            self.judged, self.newest_judged = self.judged + 1, self.asked
            self.raced += self.state(name, each) != seen
            gone = seen is None and not force
            assert gone or seen == shown or self._is_held_elsewhere(seen, shown, region, name), (operation, seen, shown)

    def _is_held_elsewhere(self, seen: State, shown: State, region: str, name: str) -> bool:
        """Tell whether a failback takes away no more than what the write's Region, which it has filled, holds too."""
        if not (self.led_home and seen and shown and seen[0] == shown[0]):
            return False
        if seen[1] is not None:
            return seen[1] == region
        there, here = dict(seen[2]), self.truth.labels(region, name)  # type: ignore[call-overload]
        return there.get("AWSCURRENT") == here.get("AWSCURRENT")


def do(aws: Witness, verb: str, region: str) -> None:
    """Do a deed; AWS may refuse it."""
    match verb:
        case "put":
            aws.call("PutSecretValue", region, SecretId=NAME, SecretString="new")
        case "create":
            aws.create(NAME, region)
        case "promote":
            aws.call("StopReplicationToReplica", region, SecretId=NAME)
        case "replicate":
            aws.call("ReplicateSecretToRegions", SecretId=NAME, AddReplicaRegions=[{"Region": region}])
            aws.clock.time += 10
        case "remove":
            aws.call("RemoveRegionsFromReplication", SecretId=NAME, RemoveReplicaRegions=[region])
            aws.clock.time += 30
        case "tag":
            aws.call("TagResource", region, SecretId=NAME, Tags=[{"Key": "who", "Value": "me"}])
        case "untag":
            aws.call("UntagResource", region, SecretId=NAME, TagKeys=[TAG["Key"]])
            aws.clock.time += 10
        case "delete" | "recreate":
            with contextlib.suppress(ApiError):
                aws.call("StopReplicationToReplica", region, SecretId=NAME)
            aws.call("DeleteSecret", region, SecretId=NAME, ForceDeleteWithoutRecovery=True)
            aws.clock.time += 60
            if verb == "recreate":
                aws.create(NAME, region)


Play = Iterator[None]
"""A command's run: it yields once, when its plan has been shown, and goes on as if that was confirmed."""


def _plain(use_case: Callable[[RunState], object], aws: Witness) -> Play:
    run = UseCaseRun(use_case, aws.clock, aws.clock.time + TIMEOUT_S)
    run.plan()
    _ = run.stakes
    yield
    for _ in run.act():
        run.secrets()


def _replicate(aws: Witness, command: str = "replicate") -> Play:
    consent = Consent(True, frozenset({in_region(str(aws.call("DescribeSecret", SecretId=NAME)["ARN"]), IRELAND)}))
    request = replicating.ReplicateRequest(
        addresses_of(NAME), (Target(WEST), Target(IRELAND)), consent, command=command
    )
    aws.start()
    yield from _plain(partial(replicating.replicate, aws, request), aws)


def force(aws: Witness) -> Play:
    """`replicate --force-overwrite` over a namesake, and over a promoted replica that is named."""
    replicated(aws, IRELAND, name=NAME)
    aws.call("StopReplicationToReplica", IRELAND, SecretId=NAME)
    aws.create(NAME, WEST)
    yield from _replicate(aws)


def retry(aws: Witness) -> Play:
    """`retry --force-overwrite` where a namesake made the replication fail."""
    aws.create(NAME)
    for region in (WEST, IRELAND):
        aws.create(NAME, region)
    aws.replicate_by_hand(WEST, IRELAND, name=NAME)
    yield from _replicate(aws, "retry")


def remove(aws: Witness) -> Play:
    replicated(aws, WEST, IRELAND, name=NAME)
    aws.start()
    request = removing.RemoveRequest(addresses_of(NAME), (WEST, IRELAND))
    yield from _plain(partial(removing.remove, aws, request), aws)


def recreate(aws: Witness) -> Play:
    """`rekey --recreate`, one Region after the other."""
    for region in (WEST, IRELAND):
        new_key(aws, ALIAS, region)
    replicated(aws, WEST, IRELAND, name=NAME)
    aws.start()
    targets = (Target(WEST, ALIAS), Target(IRELAND, ALIAS))
    request = rekeying.RekeyRequest(addresses_of(NAME), targets, recreate=True)
    yield from _plain(partial(rekeying.rekey, aws, request), aws)


def promote(aws: Witness) -> Play:
    replicated(aws, WEST, IRELAND, name=NAME)
    aws.start()
    request = promoting.PromoteRequest((SecretId(NAME),), WEST)
    yield from _plain(partial(promoting.promote, aws, request), aws)


def apply(aws: Witness) -> Play:
    """`apply` that adds one Region and removes two."""
    replicated(aws, IRELAND, WEST, name=NAME)
    aws.start()
    rules = rules_of({"name": "dr", "prefix": "prod/", "regions": ["ap-southeast-2"], "remove_extra": True})
    draft = FleetPlan([planner(aws, rules, trusting=True)], rules)
    draft.look(quiet(aws.clock))
    yield
    _act(prepared(aws, draft), aws)


@dataclass
class Book:
    """A failover's record."""

    text: str = json.dumps(header(PAIR)) + "\n"

    @property
    def known(self) -> Record:
        return read(self.text.split("\n"), "record")

    def write(self, line: Mapping[str, Any]) -> None:
        self.text += json.dumps(line) + "\n"


def _terms(aws: Witness) -> AccountRun:
    return AccountRun(aws, RateLimiter(aws.clock, 40.0), TIMEOUT_S, jitter=random.Random(7))


def _act(run: FleetRun, aws: Witness) -> None:
    run.carry_out(quiet(aws.clock))
    run.reports()


def _cross(aws: Witness, book: Book) -> Play:
    selection = FailoverSelection(
        aws, RegionLister(aws, aws.clock), PAIR, [Selector(tags=(("dr", "true"),))], book.known
    )
    selection.look(quiet(aws.clock))
    yield
    crew, terms = Scheduler(aws.clock, 1), _terms(aws)
    _act(
        FleetRun(
            [
                FailoverTask(
                    terms,
                    crew,
                    each,
                    PAIR,
                    book.write,
                    selectors=selection.selectors,
                    is_due=arn in selection.to_promote,
                )
                for arn, each in selection.secrets.items()
            ],
            crew,
            "promoting",
        ),
        aws,
    )


def failover(aws: Witness) -> Play:
    replicated(aws, WEST, IRELAND, name=NAME, Tags=[TAG])
    aws.start()
    yield from _cross(aws, Book())


def _failback(aws: Witness, goal: FailbackGoal) -> Play:
    replicated(aws, WEST, IRELAND, name=NAME, Tags=[TAG])
    book = Book()
    for _ in _cross(aws, book):
        pass
    aws.start()
    aws.led_home = True
    crew, terms = Scheduler(aws.clock, 1), _terms(aws)
    health = PreflightChecks(aws, aws, KmsKeys(aws, aws.clock), "failback", versions=False)
    journeys = [FailbackTask(terms, crew, each, PAIR, goal, False, health, book.write) for each in book.known.newest]
    for each in journeys:
        each.plan()
        _ = each.stakes
    yield
    _act(FleetRun(journeys, crew, "failing back"), aws)


def protect(aws: Witness) -> Play:
    """`failback` that leaves the role with the promoted secret."""
    yield from _failback(aws, FailbackGoal.PROTECT)


def return_primary(aws: Witness) -> Play:
    """`failback --return-primary`."""
    yield from _failback(aws, FailbackGoal.RETURN)


COMMANDS: tuple[Callable[[Witness], Play], ...] = (
    *(force, retry, remove, recreate, promote, apply, failover, protect, return_primary),
)


def played(command: Callable[[Witness], Play], deeds: Mapping[int, Iterable[Deed]] | None = None) -> Witness:
    """Run a command with deeds of others before its calls, by number; an assertion fails where it destroys unasked."""
    aws = Witness(deeds=deeds or {})
    aws.ledger.rebase()
    with one_after_the_other(), contextlib.suppress(SmrepError):
        for _ in command(aws):
            aws.show()
    aws.meddle = lambda _number: None
    return aws


interleavings = st.lists(st.tuples(st.integers(1, 60), st.sampled_from(DEEDS)), min_size=1, max_size=4)
