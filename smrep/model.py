"""What things are: secrets and replicas as AWS shows them, what was wanted, what was found and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from smrep.errors import Outcome, SmrepError, UsageError
from smrep.regions import Region, parse_region, partition_of

SecretId = NewType("SecretId", str)
"""A secret's name or ARN as it was typed, 1 to 2,048 characters."""

IN_SYNC, IN_PROGRESS, FAILED = "InSync", "InProgress", "Failed"
"""AWS's words for a replica's state. Source: API_ReplicationStatusType; any other word means 'not done'."""


class Action(StrEnum):
    """What a writing command does to one Region."""

    ADD = "add"
    RETRY = "retry"
    OVERWRITE = "overwrite"
    KEEP = "keep"


class Kind(StrEnum):
    """What a finding is about."""

    MISSING = "missing"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    WRONG_KEY = "wrong_key"
    ORPHAN = "orphan"
    PROMOTED = "promoted"
    REMOVING = "removing"
    NAME_CLASH = "name_clash"
    PENDING_DELETION = "pending_deletion"
    IS_REPLICA = "is_replica"
    UNCHECKED = "unchecked"


class Severity(StrEnum):
    """How much a finding matters: an error stops something, a warning does not, info only tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of a secret's or a key's ARN."""

    partition: str
    service: str
    region: Region
    account: str
    resource: str
    """What follows the account: `secret:NAME-SUFFIX`, `key/ID` or `alias/NAME`."""


_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([^:\s]*):(\d{12}):(\S+)", re.ASCII)


def parse_arn(text: str, service: str) -> Arn:
    """Return the parts of an ARN of that service.

    Raises:
        UsageError: it is no ARN, one of another service, or its Region is none or lies in another partition.

    """
    found = _ARN.fullmatch(text)
    if found is None or found[2] != service:
        example = "secret:NAME-SUFFIX" if service == "secretsmanager" else "key/ID"
        raise UsageError(
            f"{text!r} is not the ARN of a {'secret' if service == 'secretsmanager' else 'KMS key'}",
            f"it looks like arn:aws:{service}:us-east-1:123456789012:{example}",
        )
    region = parse_region(found[3])
    if partition_of(region) != found[1]:
        raise UsageError(f"{text!r} names the partition {found[1]}, and {region} is in {partition_of(region)}")
    return Arn(found[1], found[2], region, found[4], found[5])


def in_region(arn: str, region: Region) -> str:
    """Return the same ARN in another Region: a replica's ARN differs from its primary's in nothing else.

    Source: aws-behaviour.md 3, 'ARN'.
    """
    parts = arn.split(":", 4)
    return ":".join((*parts[:3], region, parts[4]))


@dataclass(frozen=True, slots=True)
class Replica:
    """One entry of a primary's ReplicationStatus.

    Source: API_ReplicationStatusType; every field but the Region may be absent (aws-behaviour.md 1.4).
    """

    region: Region
    status: str | None
    """AWS's own word, also one that this version does not know."""
    message: str | None = None
    kms_key_id: str | None = None
    last_accessed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """One answer to DescribeSecret: a primary, a replica or a standalone secret, never its value.

    Source: API_DescribeSecret, aws-behaviour.md 1.4.
    """

    arn: str
    name: str
    region: Region
    """The Region that answered."""
    primary_region: Region | None = None
    """None on a secret that has never been replicated."""
    kms_key_id: str | None = None
    replicas: tuple[Replica, ...] = ()
    deleted: datetime | None = None
    """When deletion was scheduled; None where it was not."""
    last_changed: datetime | None = None
    last_accessed: datetime | None = None
    rotation_enabled: bool = False

    @property
    def is_replica(self) -> bool:
        """Whether this is a replica of a primary in another Region."""
        return self.primary_region is not None and self.primary_region != self.region

    @property
    def account(self) -> str:
        """The account's twelve digits."""
        return self.arn.split(":")[4]

    def replica(self, region: Region) -> Replica | None:
        """Return the entry of that Region, None where the list has none."""
        return next((each for each in self.replicas if each.region == region), None)


@dataclass(frozen=True, slots=True)
class Target:
    """A replica Region that was asked for, with the key that was asked for."""

    region: Region
    kms_key: str | None = None
    """None: any key will do for a replica that exists, AWS's default key for a new one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth knowing that was found in a Region."""

    kind: Kind
    severity: Severity
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with one Region, one secret or the run, as the report carries it."""

    code: str
    """AWS's code where there is one."""
    message: str
    hint: str | None
    request_id: str | None
    outcome: Outcome

    @classmethod
    def of(cls, error: SmrepError) -> Trouble:
        """Return the error as a value."""
        return cls(error.code, error.message, error.hint, error.request_id, error.outcome)


@dataclass(frozen=True, slots=True)
class RegionReport:
    """One row: a secret in one replica Region."""

    region: Region
    outcome: Outcome
    arn: str | None = None
    """Given only where InSync, or a look into that Region, backs it."""
    status: str | None = None
    status_message: str | None = None
    kms_key_id: str | None = None
    wanted_key: str | None = None
    """The key that was asked for; not part of the result, but of a command that asks again."""
    last_accessed: datetime | None = None
    action: Action | None = None
    changed: bool = False
    verified: bool | None = None
    findings: tuple[Finding, ...] = ()
    error: Trouble | None = None

    @property
    def has_failed_there(self) -> bool:
        """Whether it is AWS's replication that Failed, and not our request that was refused or never sent."""
        return self.status == FAILED and (self.error is None or self.error.code == "ReplicationFailed")


@dataclass(frozen=True, slots=True)
class SecretReport:
    """One secret with its rows, in the order in which the Regions were asked for or listed."""

    name: str
    """The secret's name; what was typed, where AWS could not be asked for it."""
    outcome: Outcome
    arn: str | None = None
    primary_region: Region | None = None
    replicas: tuple[RegionReport, ...] = ()
    error: Trouble | None = None
    notes: tuple[str, ...] = ()
    """What a person should know and no row has a place for; never part of the result."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run, from which every format is made."""

    command: str | None
    outcome: Outcome
    exit_code: int
    started_at: datetime
    elapsed_s: float
    dry_run: bool = False
    account_id: str | None = None
    primary_region: Region | None = None
    primary_region_source: str | None = None
    endpoint_url: str | None = None
    secrets: tuple[SecretReport, ...] = ()
    error: Trouble | None = None
