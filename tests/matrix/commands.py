"""What is tried under every fault: one entry a command, with its scene and the state that it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator import ApiError, Simulator

HOME, WEST, IRELAND, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
REGIONS = (HOME, WEST, IRELAND, SYDNEY)
NAME, OTHER = "prod/db", "prod/other"
VALUE = "a-value-that-nobody-may-see"
ROLE = "arn:aws:iam::123456789012:role/reader"
TIMING = Faults(replication_delay_s=3.0, removal_delay_s=10.0)
BEFORE = Faults(replication_delay_s=0.0, removal_delay_s=0.0)


@dataclass(frozen=True, slots=True)
class Stage:
    """The simulated AWS, as one who sees everything sets and sees it."""

    simulator: Simulator

    def call(
        self, operation: str, region: str = HOME, service: str = "secretsmanager", **params: Any
    ) -> dict[str, Any]:
        return self.simulator.call(service, operation, region, params)

    def create(self, name: str = NAME, region: str = HOME) -> None:
        self.call("CreateSecret", region, Name=name, SecretString=VALUE)

    def replicate(self, *regions: str, name: str = NAME) -> None:
        self.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": each} for each in regions])

    def look(self, region: str, name: str = NAME) -> dict[str, Any] | None:
        """Return the secret as that Region has it, None where there is none."""
        try:
            return self.call("DescribeSecret", region, SecretId=name)
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None

    def key(self, region: str = WEST) -> str:
        return str(self.call("DescribeKey", region, "kms", KeyId="alias/dr")["KeyMetadata"]["Arn"])

    def in_sync(self, *regions: str) -> bool:
        """Tell whether the primary lists each InSync and our replica is there, with the primary's versions."""
        home = self.look(HOME) or {}
        listed = {each["Region"]: each["Status"] for each in home.get("ReplicationStatus", ())}
        for region in regions:
            there = self.look(region) or {}
            if listed.get(region) != "InSync" or there.get("PrimaryRegion") != HOME:
                return False
            if there["VersionIdsToStages"] != home["VersionIdsToStages"]:
                return False
        return True

    def under(self, region: str, key: str) -> bool:
        return (self.look(region) or {}).get("KmsKeyId") in (key, "alias/dr")


@dataclass(frozen=True, slots=True)
class Play:
    """A row of the matrix: the words typed, in a scene."""

    name: str
    words: tuple[str, ...]
    scene: Callable[[Stage], None]
    reached: Callable[[Stage], bool] = lambda _: True
    """Whether AWS is as the command promises with exit code 0."""
    may_change: tuple[str, ...] = ()
    """Regions in which the secret may be taken away or made another."""
    denied: frozenset[tuple[str, str]] = frozenset()
    """(operation, Region) that the caller has no permission for in any case."""
    tries: tuple[str, ...] = ()
    """The operations that go wrong, the others being tried in another scene of the same command; empty: all."""


def _bystanders(stage: Stage) -> None:
    """Put on stage what no run may touch: another secret with a replica, and a namesake in a Region not named."""
    stage.create(OTHER)
    stage.replicate(WEST, name=OTHER)
    stage.create(NAME, SYDNEY)
    key = stage.call("CreateKey", WEST, "kms")["KeyMetadata"]["KeyId"]
    stage.call("CreateAlias", WEST, "kms", AliasName="alias/dr", TargetKeyId=key)


def _with_ireland(stage: Stage) -> None:
    stage.create()
    stage.replicate(IRELAND)


def _with_both(stage: Stage) -> None:
    stage.create()
    stage.replicate(WEST, IRELAND)


def _with_namesake(stage: Stage) -> None:
    _with_ireland(stage)
    stage.create(NAME, WEST)


def _with_failed(stage: Stage) -> None:
    _with_ireland(stage)
    stage.simulator.faults = Faults(replication_delay_s=0.0, failures={WEST: "Replication failed: no"})
    stage.replicate(WEST)
    stage.look(HOME)
    stage.simulator.faults = BEFORE


def _under_way(stage: Stage) -> None:
    _with_ireland(stage)
    stage.simulator.faults = TIMING
    stage.replicate(WEST)


def _with_reader(stage: Stage) -> None:
    _with_both(stage)
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    stage.simulator.put_role(ROLE, {"Version": "2012-10-17", "Statement": [statement]})


LIMIT = ("--timeout", "60")

PLAYS = (
    Play(
        "replicate",
        ("replicate", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}", *LIMIT),
        _with_ireland,
        lambda stage: stage.in_sync(WEST, IRELAND) and stage.under(WEST, stage.key()),
    ),
    Play(
        "replicate --verify",
        ("replicate", NAME, "-r", WEST, "--verify", *LIMIT),
        _with_ireland,
        lambda stage: stage.in_sync(WEST),
    ),
    Play(
        "replicate --force-overwrite",
        ("replicate", NAME, "-r", f"{WEST},{IRELAND}", "--force-overwrite", "--yes", *LIMIT),
        _with_namesake,
        lambda stage: stage.in_sync(WEST, IRELAND),
        (WEST,),
    ),
    Play(
        "retry",
        ("retry", NAME, "-r", f"{WEST},{IRELAND}", *LIMIT),
        _with_failed,
        lambda stage: stage.in_sync(WEST, IRELAND),
    ),
    Play("status", ("status", NAME), _with_both, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play("status -r", ("status", NAME, "-r", WEST), _with_both, lambda stage: stage.in_sync(WEST)),
    Play("status of a replica", ("status", NAME, "--primary-region", WEST), _with_both),
    Play("status --role-arn", ("status", NAME, "--role-arn", ROLE), _with_both, tries=("AssumeRole",)),
    Play("wait", ("wait", NAME, *LIMIT), _under_way, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play("verify", ("verify", NAME, *LIMIT), _with_both, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play(
        "rekey",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", *LIMIT),
        _with_both,
        lambda stage: stage.in_sync(WEST) and stage.under(WEST, stage.key()),
    ),
    Play(
        "rekey --recreate",
        ("rekey", NAME, "-r", f"{WEST}=alias/dr", "--recreate", "--yes", *LIMIT),
        _with_both,
        lambda stage: stage.in_sync(WEST) and stage.under(WEST, stage.key()),
        (WEST,),
    ),
    Play(
        "remove",
        ("remove", NAME, "-r", WEST, "--yes", *LIMIT),
        _with_both,
        lambda stage: stage.look(WEST) is None,
        (WEST,),
    ),
    Play(
        "promote",
        ("promote", NAME, "-r", WEST, "--yes", *LIMIT),
        _with_both,
        lambda stage: "PrimaryRegion" not in (stage.look(WEST) or {"PrimaryRegion": ""}),
        (WEST,),
    ),
    Play("doctor", ("doctor", NAME, "-r", f"{WEST}=alias/dr,{IRELAND}"), _with_ireland),
    Play(
        "doctor, Regions from EC2",
        ("doctor", NAME, "-r", IRELAND),
        _with_ireland,
        denied=frozenset({("ListRegions", HOME)}),
        tries=("DescribeRegions",),
    ),
    Play(
        "doctor --reader",
        ("doctor", NAME, "-r", WEST, "--reader", ROLE),
        _with_reader,
        tries=("GetResourcePolicy", "SimulatePrincipalPolicy"),
    ),
)
"""Every command that can call AWS, each in the scene where it has most to do."""

OFFLINE = frozenset({"iam-policy", "sandbox", "completion", "help"})
"""The commands that never call AWS."""


def set_the_stage(play: Play, simulator: Simulator, timing: Faults = TIMING) -> Stage:
    """Return the stage as it is when the words are typed."""
    stage = Stage(simulator)
    simulator.faults = BEFORE
    _bystanders(stage)
    play.scene(stage)
    stage.look(HOME)
    simulator.faults = replace(timing, denied=play.denied)
    return stage
