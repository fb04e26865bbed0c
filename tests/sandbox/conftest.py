"""A simulated account with a clock that the test winds on."""

from __future__ import annotations

import random
from typing import Any

import pytest
from raw_requests import make_target, target

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

__all__ = ["make_target", "target"]

HOME = "us-east-1"
START = 1_758_990_822.0


class Account:
    """One simulated account; `tick` is the only thing that makes time pass."""

    def __init__(self, **faults: Any) -> None:
        self.time = START
        self.simulator = Simulator(now=lambda: self.time, rng=random.Random(7), faults=Faults(**faults))

    def tick(self, seconds: float) -> None:
        self.time += seconds

    def sm(self, operation: str, region: str = HOME, **params: Any) -> dict[str, Any]:
        return self.simulator.call("secretsmanager", operation, region, params)

    def kms(self, operation: str, region: str = HOME, **params: Any) -> dict[str, Any]:
        return self.simulator.call("kms", operation, region, params)

    def refusal(self, operation: str, region: str = HOME, **params: Any) -> tuple[str, str]:
        """The code and message a call is refused with."""
        with pytest.raises(ApiError) as caught:
            self.sm(operation, region, **params)
        return caught.value.code, caught.value.message

    def secret(self, name: str = "db", region: str = HOME, **params: Any) -> dict[str, Any]:
        return self.sm("CreateSecret", region, **{"Name": name, "SecretString": "one", **params})

    def replicate(self, *regions: str, name: str = "db", force: bool = False) -> dict[str, Any]:
        return self.sm(
            "ReplicateSecretToRegions",
            SecretId=name,
            AddReplicaRegions=[{"Region": region} for region in regions],
            ForceOverwriteReplicaSecret=force,
        )

    def replicated(self, *regions: str, name: str = "db") -> None:
        """A secret whose replicas in `regions` are settled."""
        self.secret(name)
        self.replicate(*regions, name=name)
        self.tick(2)

    def remove(self, *regions: str, name: str = "db") -> dict[str, Any]:
        return self.sm("RemoveRegionsFromReplication", SecretId=name, RemoveReplicaRegions=list(regions))

    def describe(self, name: str = "db", region: str = HOME) -> dict[str, Any]:
        return self.sm("DescribeSecret", region, SecretId=name)

    def status(self, name: str = "db", region: str = HOME) -> dict[str, tuple[str, str | None]]:
        """Region -> (Status, StatusMessage) as the primary shows it."""
        rows = self.describe(name, region).get("ReplicationStatus", [])
        return {row["Region"]: (row["Status"], row.get("StatusMessage")) for row in rows}

    def exists(self, name: str, region: str) -> bool:
        try:
            self.describe(name, region)
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return False
        return True

    def value(self, name: str = "db", region: str = HOME) -> str:
        return self.sm("GetSecretValue", region, SecretId=name)["SecretString"]

    def key(self, region: str = HOME, alias: str | None = None, **params: Any) -> str:
        """The ARN of a new key, named by `alias` too."""
        metadata = self.kms("CreateKey", region, **params)["KeyMetadata"]
        if alias is not None:
            self.kms("CreateAlias", region, AliasName=alias, TargetKeyId=metadata["KeyId"])
        return metadata["Arn"]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture(scope="session")
def account_with():
    """Makes an account whose AWS has the given faults."""
    return Account
