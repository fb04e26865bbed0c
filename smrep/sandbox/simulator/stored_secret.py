"""A secret in one Region, with its versions and the entries of its replicas."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter
from smrep.sandbox.simulator.arns import secret_arn

DEFAULT_KEY = "alias/aws/secretsmanager"
CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
_MAX_BYTES = 65_536
_MAX_VERSIONS = 100


@dataclass(frozen=True, slots=True)
class Value:
    """A secret value, as text or base64; hidden in `repr`."""

    text: str | None = field(default=None, repr=False)
    binary: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a secret, the same in every Region."""

    version_id: str
    value: Value
    created: float
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The replicated part of a secret. A higher `revision` is a later state."""

    versions: tuple[StoredVersion, ...]
    description: str | None
    tags: tuple[tuple[str, str], ...]
    changed: float
    revision: int
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotation settings; `function` is the ARN of a Lambda function."""

    enabled: bool = False
    function: str | None = None
    rules: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CrossAccount:
    """A secret's role in cross-account replication, as DescribeSecret shows it."""

    primary: Mapping[str, str] | None = None
    replicas: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaEntry:
    """One Region in a primary's ReplicationStatus.

    `attempt` is the number of the replication in progress. Until `visible_at` DescribeSecret shows `before`
    instead, which is `None` if the Region was not listed.
    """

    region: str
    kms_key: str
    status: str
    message: str | None
    attempt: int
    visible_at: float = 0.0
    before: ReplicaEntry | None = None

    def get_visible(self, at: float) -> ReplicaEntry | None:
        """Return the entry that DescribeSecret shows at the time `at`."""
        return self if at >= self.visible_at else self.before


@dataclass(slots=True)
class StoredSecret:
    """A secret in one Region: a primary, a replica or a standalone secret.

    `number` differs from that of a later secret in its place, even if they share an ARN, as an old primary and
    its overwriter do. `kms_key` is as the caller wrote it; `None` is the default key, but for replicas.
    `version_keys` and `read_on` (the day of the last read in this Region) are by version id; versions may have
    older keys. `removal` and `deletion` are the numbers of those in progress, if any.
    """

    name: str
    number: int
    suffix: str
    region: str
    account_id: str
    created: float
    content: Content
    kms_key: str | None
    version_keys: dict[str, str | None]
    read_on: dict[str, float] = field(default_factory=dict)
    primary_region: str | None = None
    entries: dict[str, ReplicaEntry] = field(default_factory=dict)
    accessed: float | None = None
    deleted: float | None = None
    recoverable: bool = True
    deletion: int | None = None
    removal: int | None = None
    rotation: Rotation | None = None
    cross_account: CrossAccount = CrossAccount()

    @property
    def arn(self) -> str:
        """Return the ARN; across Regions it differs only in the Region."""
        return secret_arn(self.region, self.account_id, self.name, self.suffix)

    @property
    def is_replica(self) -> bool:
        """Return whether this secret has a primary in another Region. Source: aws-behavior.md 1.4."""
        return self.primary_region is not None and self.primary_region != self.region

    def is_replica_of(self, primary: StoredSecret) -> bool:
        """Return whether this is a replica of that primary and not being removed."""
        return (
            self.primary_region == primary.region
            and self.region != primary.region
            and self.suffix == primary.suffix
            and self.removal is None
        )


def age(secret: StoredSecret) -> tuple[float, str]:
    """Return the sort key of secrets by creation, which never changes."""
    return secret.created, secret.name


def read_value(params: Mapping[str, Any]) -> Value | None:
    """Return the secret value in a request, if any.

    Raises: ApiError for two values, invalid base64 or a value that is too long.
    """
    text, binary = params.get("SecretString"), params.get("SecretBinary")
    if text is not None and binary is not None:
        raise invalid_parameter("You can't specify both a binary secret value and a string secret value.")
    if binary is not None:
        try:
            size = len(base64.b64decode(binary, validate=True))
        except (binascii.Error, ValueError):
            raise ApiError("SerializationException", "SecretBinary is not valid base64.") from None
        if size > _MAX_BYTES:
            raise invalid_parameter(f"A secret value has at most {_MAX_BYTES} bytes.")
    return None if text is None and binary is None else Value(text, binary)


def find_version(versions: Iterable[StoredVersion], version_id: str) -> StoredVersion | None:
    """Return the version with that id, if any."""
    return next((version for version in versions if version.version_id == version_id), None)


def find_labeled(versions: Iterable[StoredVersion], stage: str) -> StoredVersion | None:
    """Return the version with the label `stage`, if any."""
    return next((version for version in versions if stage in version.stages), None)


def add_version(versions: tuple[StoredVersion, ...], new: StoredVersion) -> tuple[StoredVersion, ...]:
    """Return the versions plus a new one, whose labels the others lose.

    AWSPREVIOUS moves to the version that AWSCURRENT leaves; the first version always gets AWSCURRENT.
    Old versions without a label are dropped beyond a hundred versions.
    Source: API_PutSecretValue, VersionStages.
    """
    wanted = tuple(dict.fromkeys(new.stages if versions else (*new.stages, CURRENT)))
    previous = find_labeled(versions, CURRENT) if CURRENT in wanted else None
    moved = {*wanted, PREVIOUS} if previous is not None else set(wanted)
    kept = []
    for version in versions:
        remaining = tuple(stage for stage in version.stages if stage not in moved)
        if version is previous and PREVIOUS not in wanted:
            remaining = (*remaining, PREVIOUS)
        kept.append(replace(version, stages=remaining))
    kept.append(replace(new, stages=wanted))
    recent = {version.version_id for version in kept[-_MAX_VERSIONS:]}
    return tuple(version for version in kept if version.stages or version.version_id in recent)


def move_label(
    versions: tuple[StoredVersion, ...], stage: str, source: str | None, target: str | None
) -> tuple[StoredVersion, ...]:
    """Return the versions with a label moved from the version `source` to `target`, either of which may be `None`.

    AWSPREVIOUS moves to the version that AWSCURRENT leaves. Source: API_UpdateSecretVersionStage; messages from
    moto's tests, verified on AWS; aws-behavior.md 10.3 for AWSCURRENT. Choice: the other messages.

    Raises: ApiError.
    """
    bearer = find_labeled(versions, stage)
    for version_id in (source, target):
        if version_id is not None and find_version(versions, version_id) is None:
            raise ApiError("ResourceNotFoundException", f"Secrets Manager can't find the version {version_id}.")
    if bearer is None:
        if source is not None:
            raise invalid_parameter(f"Staging label {stage} isn't attached to version {source}.")
    elif bearer.version_id not in (target, source):
        mistake = "can't be empty" if source is None else "names another version"
        raise invalid_parameter(
            f"The parameter RemoveFromVersionId {mistake}. Staging label {stage} is currently attached to version "
            f"{bearer.version_id}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if target is None and stage == CURRENT:
        raise invalid_parameter(
            f"You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        )
    moved = {stage, PREVIOUS} if stage == CURRENT and bearer is not None and target != bearer.version_id else {stage}
    changed = []
    for version in versions:
        stages = [label for label in version.stages if label not in moved]
        if version.version_id == target:
            stages.append(stage)
        elif version is bearer and stage == CURRENT and PREVIOUS in moved:
            stages.append(PREVIOUS)
        changed.append(replace(version, stages=tuple(stages)))
    return tuple(changed)
