"""What the use cases need of the world, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from smrep.model import Filter, Key, Page, Replica, Secret, Target, Version
from smrep.regions import Region


class SecretsManager(Protocol):
    """AWS Secrets Manager, in any Region; safe to call from several threads.

    Every method raises AwsError or ConfigurationError and nothing else.
    """

    def describe(self, secret_id: str, region: Region) -> Secret:
        """Return the secret as that Region shows it. Source: API_DescribeSecret."""
        ...

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, doomed: bool) -> Page:
        """Return one page of the Region's secrets, the first one without a token.

        `doomed`: also those scheduled for deletion. Up to five minutes old. Source: API_ListSecrets.
        """
        ...

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        """Ask once, never again, for replicas of the primary in `region`; return the list as the answer shows it.

        A 200 means no more than that AWS took the request. Source: API_ReplicateSecretToRegions.
        """
        ...

    def versions(self, secret_id: str, region: Region) -> tuple[Version, ...]:
        """Return the versions that hold a value and bear a label. Source: API_ListSecretVersionIds."""
        ...

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        """Ask once for the removal of replicas; return the list as the answer shows it.

        The replicas live on for a while. Source: API_RemoveRegionsFromReplication, aws-behavior.md 0.3.
        """
        ...

    def rekey(self, secret_id: str, region: Region, key: str) -> None:
        """Ask once to put the replica in `region` under another key. Source: aws-behavior.md 1.8."""
        ...

    def promote(self, secret_id: str, region: Region) -> None:
        """Ask once to make the replica in `region` stand alone. Source: API_StopReplicationToReplica."""
        ...

    def policy(self, secret_id: str, region: Region) -> str | None:
        """Return the secret's resource policy, None where it has none. Source: API_GetResourcePolicy."""
        ...

    def caller(self, home: Region) -> str:
        """Return the ARN behind the credentials, to whom a name means a secret of their own account."""
        ...


class Keys(Protocol):
    """AWS KMS, in any Region."""

    def key(self, key: str, region: Region) -> Key:
        """Return the key that an alias, an id or an ARN stands for there. Source: API_DescribeKey."""
        ...


class Account(Protocol):
    """What AWS says of the account and of those who use it; `home` is any Region of the partition."""

    def caller(self, home: Region) -> str:
        """Return the ARN behind the credentials. Source: API_GetCallerIdentity."""
        ...

    def region_states(self, home: Region) -> Mapping[str, bool]:
        """Return for each Region that AWS lists whether the account has it enabled.

        Source: API_ListRegions of Account Management, API_DescribeRegions of EC2.
        """
        ...

    def simulate(self, home: Region, role: str, action: str, resource: str, context: Mapping[str, str]) -> str:
        """Return IAM's word on a role and an action: allowed, implicitDeny or explicitDeny; it is advice.

        Source: API_SimulatePrincipalPolicy, aws-behavior.md 4.
        """
        ...


class Aws(SecretsManager, Keys, Account, Protocol):
    """All of it."""


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
