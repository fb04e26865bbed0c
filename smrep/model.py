"""Values for what AWS has: secrets, replicas, keys, ARNs, endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType

from smrep.errors import UsageError
from smrep.regions import Region, parse_region, partition_of

SecretId = NewType("SecretId", str)
"""A secret's name or ARN as typed."""
MAX_SECRET_ID = 2048
"""The most characters of one. Source: API_DescribeSecret."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where credentials come from."""

    method: str
    """botocore's word for it: env, sso, login, custom-process, assume-role, ...; empty without credentials."""
    profile: str | None = None
    """The profile that selects it; None for the default one, which no command has to name."""
    place: str | None = None
    """The file of a web identity token."""
    profiles: tuple[str, ...] = ()
    """All profiles."""

    @property
    def title(self) -> str:
        """The source's name in a message."""
        of = f" of the profile {self.profile or 'default'}"
        return {
            "": f"the profile {self.profile or 'default'}",
            "env": "the environment",
            "custom-process": f"the credential_process{of}",
            "sso": f"IAM Identity Center (the profile {self.profile or 'default'})",
            "login": f"aws login (the profile {self.profile or 'default'})",
            "assume-role": f"the role{of}",
            "assume-role-with-web-identity": "the web identity",
            "container-role": "the container's credentials endpoint",
            "iam-role": "the machine's metadata service",
        }.get(self.method, f"the profile {self.profile or 'default'}")


IN_SYNC, IN_PROGRESS, FAILED = "InSync", "InProgress", "Failed"
"""AWS's words for a replica's state; any other word means 'not in sync'. Source: API_ReplicationStatusType."""


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of a secret's or a key's ARN."""

    partition: str
    service: str
    region: Region
    account: str
    resource: str
    """The part after the account: `secret:NAME-SUFFIX`, `key/ID` or `alias/NAME`."""


_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([^:\s]*):(\d{12}):(\S+)", re.ASCII)


def parse_arn(text: str, service: str) -> Arn:
    """Return the parts of an ARN of that service.

    Raises:
        UsageError: it is no ARN, belongs to another service, or its Region is invalid or of another partition.

    """
    match = _ARN.fullmatch(text)
    if match is None or match[2] != service:
        example = "secret:NAME-SUFFIX" if service == "secretsmanager" else "key/ID"
        raise UsageError(
            f"{text!r} is not the ARN of a {'secret' if service == 'secretsmanager' else 'KMS key'}",
            f"an ARN looks like arn:aws:{service}:us-east-1:123456789012:{example}",
        )
    region = parse_region(match[3])
    if partition_of(region) != match[1]:
        raise UsageError(f"{text!r} has the partition {match[1]}, but {region} is in {partition_of(region)}")
    return Arn(match[1], match[2], region, match[4], match[5])


def arn_account(arn: str | None) -> str | None:
    """Return the account in an ARN, None without one."""
    return next(iter((arn or "").split(":")[4:5]), None)


def in_region(arn: str, region: Region) -> str:
    """Return the ARN in another Region: a replica's ARN differs from its primary's only in that.

    Source: aws-behavior.md 3 'ARN'.
    """
    scheme, partition, service, _, rest = arn.split(":", 4)
    return f"{scheme}:{partition}:{service}:{region}:{rest}"


_REQUEST_ID = re.compile(r"Request ?ID: ?[^;,)\s]*", re.IGNORECASE)


def without_request_id(message: str | None) -> str | None:
    """Return AWS's message without request ids, which differ between two messages about one problem."""
    return None if message is None else _REQUEST_ID.sub("Request ID", message)


@dataclass(frozen=True, slots=True)
class Replica:
    """One entry of a primary's ReplicationStatus.

    Source: API_ReplicationStatusType; every field but the Region may be absent (aws-behavior.md 1.4).
    """

    region: Region
    status: str | None
    """AWS's own word, known to this version or not."""
    message: str | None = None
    kms_key_id: str | None = None
    last_accessed: datetime | None = None

    @property
    def state(self) -> tuple[str | None, ...]:
        """The fields whose change is a new state."""
        return self.region, self.status, without_request_id(self.message), self.kms_key_id


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret that has a value: its id, its staging labels, the keys that encrypt it.

    Source: API_SecretVersionsListEntry.
    """

    version_id: str
    stages: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """As AWS writes them; `DefaultEncryptionKey` is AWS's own. Empty if AWS names none."""


@dataclass(frozen=True, slots=True)
class Key:
    """One answer to kms:DescribeKey. Source: API_KeyMetadata."""

    arn: str
    state: str | None = None
    """`Enabled`, or AWS's word for why the key is unusable."""
    usage: str | None = None
    spec: str | None = None


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The other end of a replication between accounts of one Region. Source: aws-behavior.md 0.5."""

    arn: str | None
    status: str | None
    message: str | None = None
    role: str | None = None
    """The role with which Secrets Manager replicates; None if it uses the permissions of the primary's writer."""


@dataclass(frozen=True, slots=True)
class CrossAccount:
    """Replication with other accounts: the secret is a replica of one, or has replicas there."""

    primary: FarEnd | None = None
    replicas: tuple[FarEnd, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """One answer to DescribeSecret: a primary, a replica or a standalone secret, never its value.

    Source: API_DescribeSecret, aws-behavior.md 1.4.
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
    """When deletion was scheduled; None if it was not."""
    last_changed: datetime | None = None
    last_accessed: datetime | None = None
    rotation_enabled: bool = False
    owning_service: str | None = None
    """The AWS service that manages the secret; None if its owner does."""
    stages: tuple[tuple[str, str], ...] = ()
    """(staging label, version id) pairs."""
    cross_account: CrossAccount | None = None
    tags: tuple[tuple[str, str], ...] = ()
    description: str | None = None
    by_arn: bool = field(default=False, compare=False)
    """Whether requests name it by its ARN, which a caller of another account must."""

    @property
    def is_replica(self) -> bool:
        """Whether this is a replica of a primary in another Region."""
        return self.primary_region is not None and self.primary_region != self.region

    @property
    def account(self) -> str:
        """The account's twelve digits."""
        return self.arn.split(":")[4]

    def id_in(self, region: Region) -> str:
        """Return the SecretId for a request in a Region: the ARN with that Region in it, or the name.

        A name means a secret of the caller's own account. Source: aws-behavior.md 10.
        """
        return in_region(self.arn, region) if self.by_arn else self.name

    def version(self, stage: str) -> str | None:
        """Return the id of the version with the staging label, None if there is none."""
        return dict(self.stages).get(stage)

    def replica(self, region: Region) -> Replica | None:
        """Return the replica in that Region, None if the list has none."""
        return next((replica for replica in self.replicas if replica.region == region), None)


@dataclass(frozen=True, slots=True)
class Target:
    """A requested replica Region with its requested key."""

    region: Region
    kms_key: str | None = None
    """None: any key for a replica that exists, AWS's default key for a new one."""


class Role(StrEnum):
    """A secret's role in the Region that shows it."""

    PRIMARY = "primary"
    REPLICA = "replica"
    STANDALONE = "standalone"


class Listed(NamedTuple):
    """One entry of ListSecrets, which may be five minutes old and never shows the replication's state.

    Source: API_SecretListEntry, aws-behavior.md 1.5. Small and quick to make, since there are thousands.
    """

    arn: str
    name: str
    region: Region
    """The Region that answered."""
    primary_region: Region | None = None
    """None on a secret that has never been replicated."""
    kms_key_id: str | None = None
    current: str | None = None
    """The id of the version with the label AWSCURRENT."""
    deleted: datetime | None = None
    owning_service: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    rotation_enabled: bool = False

    @property
    def role(self) -> Role:
        """Its role: a primary Region other than its own makes it a replica. Source: aws-behavior.md 1.4."""
        if self.primary_region is None:
            return Role.STANDALONE
        return Role.PRIMARY if self.primary_region == self.region else Role.REPLICA

    @property
    def is_replica(self) -> bool:
        """Whether this is a replica of a primary in another Region."""
        return self.role is Role.REPLICA

    @property
    def account(self) -> str:
        """The account's twelve digits."""
        return self.arn.split(":")[4]

    def as_seen(self) -> Secret:
        """Return the secret as the entry shows it, without replicas."""
        return Secret(
            self.arn,
            self.name,
            self.region,
            self.primary_region,
            self.kms_key_id,
            deleted=self.deleted,
            owning_service=self.owning_service,
            stages=(("AWSCURRENT", self.current),) if self.current else (),
            tags=self.tags,
            rotation_enabled=self.rotation_enabled,
        )

    @classmethod
    def of(cls, secret: Secret) -> Listed:
        """Return what ListSecrets would show of a described secret."""
        return cls(
            secret.arn,
            secret.name,
            secret.region,
            secret.primary_region,
            secret.kms_key_id,
            secret.version("AWSCURRENT"),
            secret.deleted,
            secret.owning_service,
            secret.tags,
            secret.rotation_enabled,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ListSecrets; an empty one need not be the last."""

    entries: tuple[Listed, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of ListSecrets: passes what begins with one of the values. Source: API_Filter."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint in place of AWS's own: for Secrets Manager in one Region, or for every service without one."""

    url: str
    region: Region | None = None


def endpoint_for(service: str, region: Region | None, endpoints: Iterable[Endpoint]) -> str | None:
    """Return the URL for a service in a Region, None for AWS's own; an endpoint for the Region wins."""
    urls = {endpoint.region: endpoint.url for endpoint in endpoints}
    regional = urls.get(region) if service == "secretsmanager" else None
    return regional or urls.get(None)


def split_endpoint(text: str) -> tuple[str, str]:
    """Return the Region and the URL of `REGION=URL`; the Region may be absent, and is then empty."""
    match = re.fullmatch(r"([^=/:]+)=(.*)", text, re.DOTALL)
    return (match[1], match[2]) if match else ("", text)


@dataclass(frozen=True, slots=True)
class OrganizationAccount:
    """An account, as AWS Organizations shows it."""

    account: str
    name: str
    state: str | None
    """AWS's word: only ACTIVE means that its roles can be used."""
    partition: str
    management: str
    """The organization's management account."""


IDLE_PAGES = 1000
"""A list has no end after this many pages in a row that are empty or repeat the one before."""


@dataclass(slots=True)
class Paging:
    """Recognizes a list without an end: one that repeats a token, or shows nothing new for long."""

    _tokens: set[str] = field(default_factory=set)
    _last: object = None
    _idle: int = 0

    def why_endless(self, shown: object, token: str) -> str | None:
        """Return why smrep must not request the next page, None if it may; `shown` are the entries of this one."""
        self._idle = self._idle + 1 if not shown or shown == self._last else 0
        self._last = shown
        if self._idle >= IDLE_PAGES:
            return f"{IDLE_PAGES} pages in a row showed nothing new"
        if token in self._tokens:
            return "AWS returned the same page token again"
        self._tokens.add(token)
        return None


HIDDEN = "***"
"""Stands for a part of a URL that is not shown."""

_URL = re.compile(
    r"(https?)://(?:[^/?#]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[^?#]*)?([?#].*)?", re.DOTALL
)


def shown_url(url: str) -> str:
    """Return the URL's scheme, host, port and path; only the scheme if the rest may hold part of a password.

    An unescaped `/`, `?` or `#` in a password moves its rest into the host or the path. An `@` after them, or an
    invalid host, shows that.
    """
    match = _URL.fullmatch(url)
    if match and "@" not in (match[4] or "") + (match[5] or ""):
        return f"{match[1]}://{match[2]}{match[3] or ''}{match[4] or ''}"
    scheme = re.match(r"https?(?=://)", url)
    return f"{scheme[0]}://{HIDDEN}" if scheme else HIDDEN
