"""A rehearsal on a simulated account with a clock of its own; the commands are the calls that they come to."""

from __future__ import annotations

import random

import pytest

from smrep.regions import Region
from smrep.rules.recovery.failover_record import RegionPair
from smrep.sandbox.drill.drill_fleet import make_fleet, staged
from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import Simulator
from smrep.service.drill import CALM_S, Drill

EAST, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
PAIR = RegionPair(Region(EAST), Region(WEST))
PROMOTED_S = 2.0
"""How long the stand-in for failover takes, and that for each failback."""


class Scene:
    """A stage, and stand-ins for the commands that do what is right unless they are told otherwise."""

    def __init__(self, count=3, **faults):
        self.time = 1_800_000_000.0
        faults = {"replication_delay_s": 1.0, "removal_delay_s": 1.0, **faults}
        self.simulator = Simulator(now=lambda: self.time, rng=random.Random(1), faults=Faults(**faults))
        self.count = count
        self.codes = {}
        """Command, with its flags -> the exit code that it ends with, having done nothing."""
        self.ran = []

    def sleep(self, seconds):
        self.time += seconds

    def call(self, operation, region, **params):
        return self.simulator.call("secretsmanager", operation, region, params)

    def run(self, words):
        self.ran.append(" ".join(words))
        self.sleep(PROMOTED_S)
        what = "return" if "--return-primary" in words else words[0]
        if what in self.codes:
            return self.codes[what]
        for name in self.names:
            {"failover": self.promote, "failback": self.protect, "return": self.return_}[what](name)
        self.sleep(5)
        return 0

    def promote(self, name):
        self.call("StopReplicationToReplica", WEST, SecretId=name)

    def protect(self, name):
        third = [each for each in self.regions(name, EAST) if each != WEST]
        self.lead(name, WEST, EAST, third)

    def return_(self, name):
        third = [each for each in self.regions(name, WEST) if each != EAST]
        self.call("StopReplicationToReplica", EAST, SecretId=name)
        self.lead(name, EAST, WEST, third)

    def lead(self, name, primary, replica, third):
        """Make one Region's secret the primary of the other's, and of those in third Regions."""
        if third:
            self.call("RemoveRegionsFromReplication", replica, SecretId=name, RemoveReplicaRegions=third)
            self.sleep(1)
        wanted = [{"Region": each, "KmsKeyId": self.key(name)} for each in (replica, *third)]
        more = {"AddReplicaRegions": wanted, "ForceOverwriteReplicaSecret": True}
        self.call("ReplicateSecretToRegions", primary, SecretId=name, **more)

    def regions(self, name, primary):
        return [each["Region"] for each in self.call("DescribeSecret", primary, SecretId=name)["ReplicationStatus"]]

    def key(self, name):
        return "alias/dr" if "orders" in name else None

    def case(self, stop_at=None):
        """Play it to its end, or until a step comes that is named; return the report."""
        with staged(self.simulator, self.count, (EAST, WEST, IRELAND), self.sleep) as stage:
            self.names = stage.names
            drill = Drill(stage, PAIR, "dr.jsonl", self.run)
            for step in drill.act():
                if step.name == stop_at:
                    break
            return drill.report()


def test_a_rehearsal_that_goes_well():
    scene = Scene()
    report = scene.case()
    assert report.problems == ()
    assert not report.interrupted
    assert [each.step.name for each in report.taken] == [
        *("outage", "failover", "write", "recovery", "failback", "return")
    ]
    assert [each.exit_code for each in report.taken] == [None, 0, None, None, 0, 0]
    assert report.unreadable_s == 0
    # down at 1 s, promoted when the command had come to it
    assert [(gap.from_s, gap.to_s) for gap in report.courses[0].unwritable] == [(CALM_S, CALM_S + PROMOTED_S)]
    assert report.unwritable_s == report.none_writable_s == PROMOTED_S


def test_the_copies_are_told_apart_in_each_region():
    report = Scene(count=1).case()
    (course,) = report.courses
    tracks = {each.region: [(span.readable, span.writable) for span in each.spans] for each in course.tracks}
    assert tracks[EAST] == [
        *(("current", True), ("down", False), ("stale", True), ("current", False), ("current", True)),
    ]
    assert tracks[IRELAND] == [
        ("current", False),
        ("stale", False),
        ("none", False),
        ("current", False),
        ("none", False),
        ("current", False),
    ]
    assert tracks[WEST] == [("current", False), ("current", True), ("current", False)]


def test_each_command_is_run_with_the_record_and_the_regions():
    scene = Scene()
    scene.case()
    assert scene.ran == [
        "failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --yes",
        "failback --record dr.jsonl --yes",
        "failback --record dr.jsonl --return-primary --yes",
    ]


@pytest.mark.parametrize(
    ("command", "left"),
    [("failover", ["write", "recovery", "failback", "return"]), ("failback", ["return"]), ("return", [])],
)
def test_a_command_that_fails_ends_it_and_is_told(command, left):
    scene = Scene()
    scene.codes[command] = 3
    report = scene.case()
    assert report.taken[-1].exit_code == 3
    assert "ended with exit code 3" in report.problems[0]
    assert [each.name for each in report.steps[len(report.taken) :]] == left
    assert any(each.startswith("at the end, ") for each in report.problems)


def test_a_command_that_says_it_did_and_did_not_is_found_out():
    scene = Scene()
    scene.return_ = lambda _name: None
    report = scene.case()
    assert report.taken[-1].exit_code == 0
    assert len(report.problems) == 2  # two ways to stand: with a third Region and without
    assert all("us-east-1 shows a replica of us-west-2" in each for each in report.problems)


def test_a_secret_that_nobody_can_read_for_a_while_is_found_out():
    scene = Scene(count=2)

    def careless(name):
        scene.call("StopReplicationToReplica", WEST, SecretId=name)
        scene.call("PutSecretValue", WEST, SecretId=name, SecretString="lost")
        scene.call("DeleteSecret", WEST, SecretId=name)
        scene.sleep(0.5)
        scene.call("RestoreSecret", WEST, SecretId=name)

    scene.promote = careless
    report = scene.case()
    assert report.unreadable_s == 0.5
    first, second = scene.names
    assert report.problems == (
        f"{first}: every Region had only an old value for 0.5 s, from 3.0 s on",
        f"{second}: no Region had the current value for 0.5 s, from 3.5 s on",  # it has no third Region
    )


def test_a_key_that_got_lost_on_the_way_is_found_out():
    scene = Scene(count=2)
    scene.key = lambda _name: None
    (problem,) = scene.case().problems
    assert problem.endswith(": prod/orders/db")
    assert "us-west-2 InSync under alias/aws/secretsmanager instead of a primary" in problem


def test_what_is_cut_short_is_not_judged():
    report = Scene().case(stop_at="recovery")
    assert (report.interrupted, report.problems) == (True, ())
    assert [each.step.name for each in report.taken] == ["outage", "failover", "write"]
    assert report.courses[0].unwritable


def test_a_command_that_is_cut_short_was_begun():
    scene = Scene()

    def interrupted(_words):
        scene.sleep(0.5)
        raise KeyboardInterrupt

    with staged(scene.simulator, 1, (EAST, WEST, None), scene.sleep) as stage:
        drill = Drill(stage, PAIR, "dr.jsonl", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(drill.act())
        report = drill.report()
    assert report.interrupted
    assert [(each.step.name, each.took_s, each.exit_code) for each in report.taken][1:] == [("failover", 0.5, None)]


@pytest.mark.parametrize("count", [1, 12, 40])
def test_a_fleet_has_names_of_its_own_and_every_other_one_goes_far(count):
    estate = make_fleet(count, EAST, WEST, IRELAND)
    assert len({each["name"] for each in estate}) == count
    far = [each for each in estate if IRELAND in [replica["region"] for replica in each["replicas"]]]
    assert len(far) == (count + 1) // 2
    assert all(each["replicas"][0]["region"] == WEST for each in estate)


def test_without_a_third_region_there_is_one_replica_each():
    assert {len(each["replicas"]) for each in make_fleet(12, "cn-north-1", "cn-northwest-1", None)} == {1}
