"""Scenes of the fault matrix: the simulated AWS and the working folder at the moment a command is typed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

HOME, WEST, IRELAND, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
REGIONS = (HOME, WEST, IRELAND, SYDNEY)
NAME, OTHER = "prod/db", "prod/other"
VALUE = "a-value-that-nobody-may-see"
TIMING = Faults(replication_delay_s=3.0, removal_delay_s=10.0)
LIMIT = ("--timeout", "60")
BEFORE = Faults(replication_delay_s=0.0, removal_delay_s=0.0)


@dataclass(frozen=True, slots=True)
class Scene:
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

    def in_sync(self, *regions: str, primary: str = HOME) -> bool:
        """Tell whether the primary lists each InSync and our replica is there, with the primary's versions."""
        home = self.look(primary) or {}
        listed = {each["Region"]: each["Status"] for each in home.get("ReplicationStatus", ())}
        for region in regions:
            there = self.look(region) or {}
            if listed.get(region) != "InSync" or there.get("PrimaryRegion") != primary:
                return False
            if there["VersionIdsToStages"] != home["VersionIdsToStages"]:
                return False
        return True

    def under(self, region: str, key: str) -> bool:
        return (self.look(region) or {}).get("KmsKeyId") in (key, "alias/dr")


@dataclass(frozen=True, slots=True)
class CommandCase:
    """A row of the matrix: the words typed, in a scene."""

    name: str
    words: tuple[str, ...]
    set_up: Callable[[Scene], None]
    reached: Callable[[Scene], bool] = lambda _: True
    """Whether AWS is as the command promises with exit code 0."""
    may_change: tuple[str, ...] = ()
    """Regions in which the secret may be taken away or made another."""
    denied: frozenset[tuple[str, str]] = frozenset()
    """(operation, Region) that the caller has no permission for in any case."""
    tries: tuple[str, ...] = ()
    """The operations that go wrong, the others being tried in another scene of the same command; empty: all."""
    files: Callable[[Scene], Mapping[str, str]] = lambda _: {}
    """Name -> text of what lies in the folder in which the words are typed."""
    output: Literal["json", "ndjson"] = "json"
    """The format that holds the document."""


def _bystanders(scene: Scene) -> None:
    """Put on stage what no run may touch: another secret with a replica, and a namesake in a Region not named."""
    scene.create(OTHER)
    scene.replicate(WEST, name=OTHER)
    scene.create(NAME, SYDNEY)
    key = scene.call("CreateKey", WEST, "kms")["KeyMetadata"]["KeyId"]
    scene.call("CreateAlias", WEST, "kms", AliasName="alias/dr", TargetKeyId=key)


def with_ireland(scene: Scene) -> None:
    scene.create()
    scene.replicate(IRELAND)


def with_both(scene: Scene) -> None:
    scene.create()
    scene.replicate(WEST, IRELAND)


def with_failed(scene: Scene) -> None:
    with_ireland(scene)
    scene.simulator.faults = Faults(replication_delay_s=0.0, failures={WEST: "Replication failed: no"})
    scene.replicate(WEST)
    scene.look(HOME)
    scene.simulator.faults = BEFORE


def under_way(scene: Scene) -> None:
    with_ireland(scene)
    scene.simulator.faults = TIMING
    scene.replicate(WEST)


def set_the_scene(case: CommandCase, simulator: Simulator, timing: Faults = TIMING) -> Scene:
    """Return the stage as it is when the words are typed."""
    scene = Scene(simulator)
    simulator.faults = BEFORE
    _bystanders(scene)
    case.set_up(scene)
    scene.look(HOME)
    simulator.faults = replace(timing, denied=case.denied)
    return scene


@contextlib.contextmanager
def folder(case: CommandCase, scene: Scene) -> Iterator[Path]:
    """Yield the folder in which the words are typed, with the play's files in it."""
    with TemporaryDirectory() as path, contextlib.chdir(path):
        for name, text in case.files(scene).items():
            Path(name).write_text(text)
        yield Path(path)


def left(folder: Path) -> dict[str, str]:
    """Return name -> text of what lies there."""
    return {each.name: each.read_text() for each in folder.iterdir()}
