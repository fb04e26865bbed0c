"""Ports: everything the use cases need from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from smrep.model import Filter, Key, OrganizationAccount, Page, Replica, Secret, Target, Version
from smrep.regions import Region


class SecretsManager(Protocol):
    """AWS Secrets Manager, in any Region; safe to call from several threads.

    Every method raises AwsError or ConfigurationError and nothing else.
    """

    def describe(self, secret_id: str, region: Region) -> Secret:
        """Return the secret as the Region shows it. Source: API_DescribeSecret."""
        ...

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool) -> Page:
        """Return one page of the Region's secrets; the first without a token.

        `with_deleted` includes those scheduled for deletion. Up to five minutes old. Source: API_ListSecrets.
        """
        ...

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        """Request replicas of the primary in `region` once, without retries; return the answer's list.

        A 200 only means that AWS accepted the request. Source: API_ReplicateSecretToRegions.
        """
        ...

    def versions(self, secret_id: str, region: Region) -> tuple[Version, ...]:
        """Return the versions that have a value and a label. Source: API_ListSecretVersionIds."""
        ...

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        """Request the removal of replicas once; return the answer's list.

        The replicas remain for a while. Source: API_RemoveRegionsFromReplication, aws-behavior.md 0.3.
        """
        ...

    def rekey(self, secret_id: str, region: Region, key: str) -> None:
        """Request another key for the replica in `region` once. Source: aws-behavior.md 1.8."""
        ...

    def promote(self, secret_id: str, region: Region) -> None:
        """Request once to make the replica in `region` standalone. Source: API_StopReplicationToReplica."""
        ...

    def policy(self, secret_id: str, region: Region) -> str | None:
        """Return the secret's resource policy, None if it has none. Source: API_GetResourcePolicy."""
        ...

    def caller(self, home: Region) -> str:
        """Return the ARN behind the credentials; a name means a secret of that account."""
        ...


class Keys(Protocol):
    """AWS KMS, in any Region."""

    def key(self, key: str, region: Region) -> Key:
        """Return the key behind an alias, an id or an ARN in the Region. Source: API_DescribeKey."""
        ...


class Account(Protocol):
    """The account and its users; `home` is any Region of the partition."""

    def caller(self, home: Region) -> str:
        """Return the ARN behind the credentials. Source: API_GetCallerIdentity."""
        ...

    def region_states(self, home: Region) -> Mapping[str, bool]:
        """Return for each Region that AWS lists whether the account has enabled it.

        Source: API_ListRegions of Account Management, API_DescribeRegions of EC2.
        """
        ...

    def simulate(self, home: Region, role: str, action: str, resource: str, context: Mapping[str, str]) -> str:
        """Return IAM's advice on a role and an action: allowed, implicitDeny or explicitDeny.

        Source: API_SimulatePrincipalPolicy, aws-behavior.md 4.
        """
        ...


class Organizations(Protocol):
    """AWS Organizations; `home` is any Region of the partition."""

    def accounts(self, home: Region, parent: str | None) -> tuple[OrganizationAccount, ...]:
        """Return the organization's accounts, or those right below an OU or a root.

        Source: API_ListAccounts, API_ListAccountsForParent.
        """
        ...

    def organizational_units(self, home: Region, parent: str) -> tuple[str, ...]:
        """Return the IDs of the OUs right below an OU or a root. Source: API_ListOrganizationalUnitsForParent."""
        ...


class Aws(SecretsManager, Keys, Account, Organizations, Protocol):
    """All of AWS."""


class Clock(Protocol):
    """Time and sleep."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment; never goes back."""
        ...

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep for that many seconds."""
        ...
