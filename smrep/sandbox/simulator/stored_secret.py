"""A secret as one Region holds it, with its versions and its replicas' entries."""

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
    """A secret value, text or base64 of bytes; never shown by `repr`."""

    text: str | None = field(default=None, repr=False)
    binary: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a secret, the same in every Region that has it."""

    version_id: str
    value: Value
    created: float
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """All of a secret that replicates. A higher `revision` is a later state of the same secret."""

    versions: tuple[StoredVersion, ...]
    description: str | None
    tags: tuple[tuple[str, str], ...]
    changed: float
    revision: int
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was said last of a secret's rotation: `function` is the ARN of its Lambda function."""

    enabled: bool = False
    function: str | None = None
    rules: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CrossAccount:
    """A secret's part in cross-account replication, in DescribeSecret's words: that of a replica, of a primary."""

    primary: Mapping[str, str] | None = None
    replicas: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaEntry:
    """One Region in a primary's ReplicationStatus.

    `attempt` names the try that is under way. Until `visible_at` DescribeSecret shows `before`
    instead, which is `None` for a Region that was not listed.
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
    """A secret as one Region holds it: a primary, a replica or a standalone one.

    `number` tells it from a later one in its place, which may have its ARN: an old primary's from its overwriter's.
    `kms_key` is the caller's word for it; `None` is the default key of a secret that is no replica.
    `version_keys` and `read_on` are per version id: a version may be under an older key, and was
    read in this Region on the day `read_on`. `removal` and `deletion` name what is under way, if any.
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
        """The ARN, which differs between a secret's Regions in the Region alone."""
        return secret_arn(self.region, self.account_id, self.name, self.suffix)

    @property
    def is_replica(self) -> bool:
        """Whether a primary elsewhere rules this secret. Source: aws-behavior.md 1.4."""
        return self.primary_region is not None and self.primary_region != self.region

    def is_replica_of(self, primary: StoredSecret) -> bool:
        """Whether this is the living replica of exactly that primary."""
        return (
            self.primary_region == primary.region
            and self.region != primary.region
            and self.suffix == primary.suffix
            and self.removal is None
        )


def age(secret: StoredSecret) -> tuple[float, str]:
    """Return the order of secrets by their creation, which never changes."""
    return secret.created, secret.name


def read_value(params: Mapping[str, Any]) -> Value | None:
    """Return the secret value in a request, or `None` if there is none.

    Raises: ApiError where there are two, or one that is no base64 or too long.
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
    """Return the version with that id."""
    return next((version for version in versions if version.version_id == version_id), None)


def find_labeled(versions: Iterable[StoredVersion], stage: str) -> StoredVersion | None:
    """Return the version that bears the label `stage`."""
    return next((version for version in versions if stage in version.stages), None)


def add_version(versions: tuple[StoredVersion, ...], new: StoredVersion) -> tuple[StoredVersion, ...]:
    """All versions after one more, its labels taken from whichever bore them.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves; the first version of all gets AWSCURRENT.
    Of the versions without a label the newest are kept, a hundred versions in all.
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
    """Return the versions with the label taken from the version `source`, if any, and given to `target`.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves. Source: API_UpdateSecretVersionStage; its words as moto's
    tests have them, verified on AWS; aws-behavior.md 10.3 for AWSCURRENT. Choice: the other words.

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
