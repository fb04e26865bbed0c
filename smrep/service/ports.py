"""What the use cases need of the world, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from smrep.model import Replica, Secret, Target
from smrep.regions import Region


class SecretsManager(Protocol):
    """AWS Secrets Manager, in any Region; safe to call from several threads.

    Every method raises AwsError or ConfigurationError and nothing else.
    """

    def describe(self, secret_id: str, region: Region) -> Secret:
        """Return the secret as that Region shows it. Source: API_DescribeSecret."""
        ...

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        """Ask once, never again, for replicas of the primary in `region`; return the list as the answer shows it.

        A 200 means no more than that AWS took the request. Source: API_ReplicateSecretToRegions.
        """
        ...


class Keys(Protocol):
    """AWS KMS, in any Region."""

    def key_arn(self, key: str, region: Region) -> str:
        """Return the ARN of the key that an alias, an id or an ARN stands for there. Source: API_DescribeKey."""
        ...


class Clock(Protocol):
    """Time, and the passing of it."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""
        ...
