"""What a simulated account holds: secrets by Region, their versions, their replicas."""

from __future__ import annotations

import base64
import binascii
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from smrep.sandbox.simulator.api_errors import (
    ApiError,
    invalid_parameter,
    marked_for_deletion,
    replica_is_read_only,
    secret_not_found,
)
from smrep.sandbox.simulator.arns import new_suffix, partition, secret_arn
from smrep.sandbox.simulator.event_queue import Agenda
from smrep.sandbox.simulator.eventual_consistency import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smrep.sandbox.drill.availability_probe import Watch
    from smrep.sandbox.faults import Faults
    from smrep.sandbox.simulator.callers import Caller, Callers
    from smrep.sandbox.simulator.iam_policies import Policy
    from smrep.sandbox.simulator.key_store import KeyStore


DEFAULT_KEY = "alias/aws/secretsmanager"
_SUFFIX = r"-[A-Za-z0-9]{6}$"


@dataclass(frozen=True, slots=True)
class Request:
    """One call as an operation sees it: its Region, its parameters, the time, and who makes it."""

    region: str
    params: dict[str, Any]
    at: float
    caller: Caller


@dataclass(frozen=True, slots=True)
class Value:
    """A secret value, text or base64 of bytes; never shown by `repr`."""

    text: str | None = field(default=None, repr=False)
    binary: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret, the same in every Region that has it."""

    version_id: str
    value: Value
    created: float
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """All of a secret that replicates. A higher `revision` is a later state of the same secret."""

    versions: tuple[Version, ...]
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
class Entry:
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
    before: Entry | None = None

    def shown(self, at: float) -> Entry | None:
        """Return the entry that DescribeSecret shows at the time `at`."""
        return self if at >= self.visible_at else self.before


@dataclass(slots=True)
class Secret:
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
    entries: dict[str, Entry] = field(default_factory=dict)
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

    def is_replica_of(self, primary: Secret) -> bool:
        """Whether this is the living replica of exactly that primary."""
        return (
            self.primary_region == primary.region
            and self.region != primary.region
            and self.suffix == primary.suffix
            and self.removal is None
        )


def age(secret: Secret) -> tuple[float, str]:
    """Return the order of secrets by their creation, which never changes."""
    return secret.created, secret.name


@dataclass(slots=True)
class World:
    """One simulated account as a whole: every Region's secrets and keys, and what is still to happen."""

    account_id: str
    rng: random.Random
    faults: Faults
    keys: KeyStore
    callers: Callers
    """Those of all accounts."""
    beside: dict[str, World] = field(default_factory=dict, repr=False)
    """Every account by its id."""
    policies: dict[str, Policy] = field(default_factory=dict)
    """An identity's ARN -> its policy, for the simulation of IAM alone."""
    agenda: Agenda = field(default_factory=Agenda)
    secrets: dict[str, dict[str, Secret]] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    """What ListSecrets has not heard of yet, while `Faults.listing_lag_s` lets it lag."""
    numbers: int = 0
    """How many have been given out."""
    watch: Watch | None = None
    """Who looks at each change, where anybody does."""
    _by_age: dict[str, tuple[Secret, ...]] = field(default_factory=dict, repr=False)

    def next_number(self) -> int:
        """Return a number greater than all before it: for attempts, removals and revisions."""
        self.numbers += 1
        return self.numbers

    def looked_at(self, at: float, secret_id: str | None) -> None:
        """Let whoever watches look at what happened at the time `at`, to one secret or, for None, to any."""
        if self.watch is not None:
            self.watch.look(self, at, secret_id)

    def held(self, region: str, name: str) -> Secret | None:
        """Return the secret that bears `name` in `region`, whatever its state."""
        return self.secrets.get(region, {}).get(name)

    def in_region(self, region: str) -> Sequence[Secret]:
        """Return every secret of one Region in the order of `age`, those scheduled for deletion too."""
        if region not in self._by_age:
            self._by_age[region] = tuple(sorted(self.secrets.get(region, {}).values(), key=age))
        return self._by_age[region]

    def put(self, secret: Secret) -> None:
        """Keep `secret` under its name, in the place of any other."""
        self.secrets.setdefault(secret.region, {})[secret.name] = secret
        self._by_age.pop(secret.region, None)

    def discard(self, secret: Secret) -> None:
        """Forget `secret` for good."""
        del self.secrets[secret.region][secret.name]
        self._by_age.pop(secret.region, None)

    def find(self, region: str, secret_id: str) -> Secret:
        """Return the secret that a SecretId means in `region`: a name, an ARN, or an ARN without its suffix.

        An ARN whose name ends in a hyphen and six characters is taken for a whole one.
        Source: API_DescribeSecret, SecretId.

        Raises: ApiError (ResourceNotFoundException), also for an ARN of another Region or account.
        """
        name = secret_id
        if secret_id.startswith("arn:"):
            head = f"arn:{partition(region)}:secretsmanager:{region}:{self.account_id}:secret:"
            if not secret_id.startswith(head):
                raise secret_not_found()
            name = secret_id.removeprefix(head)
            if re.search(_SUFFIX, name):
                complete = self.held(region, re.sub(_SUFFIX, "", name))
                if complete is None or complete.arn != secret_id:
                    raise secret_not_found()
                return complete
        secret = self.held(region, name)
        if secret is None:
            raise secret_not_found()
        return secret

    def find_living(self, request: Request) -> Secret:
        """Return the secret a request is about; one that is scheduled for deletion is refused."""
        secret = self.find(request.region, request.params["SecretId"])
        if secret.deleted is not None:
            raise marked_for_deletion()
        return secret

    def find_writable(self, request: Request) -> Secret:
        """Return the secret a request is about, refused where it is a replica or scheduled for deletion.

        Choice: a cross-account replica is refused as any other.
        """
        secret = self.find_living(request)
        if secret.is_replica or secret.cross_account.primary is not None:
            raise replica_is_read_only()
        return secret

    def fresh_suffix(self) -> str:
        """Six random letters and digits, as AWS appends them to a new secret's ARN."""
        return new_suffix(self.rng)

    def revised(self, content: Content, at: float, **changes: Any) -> Content:
        """Return a later revision of `content`, changed at the time `at`."""
        return replace(content, changed=at, revision=self.next_number(), **changes)


CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
_MAX_BYTES = 65_536
_MAX_VERSIONS = 100


def value_of(params: Mapping[str, Any]) -> Value | None:
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


def find_version(versions: Iterable[Version], version_id: str) -> Version | None:
    """Return the version with that id."""
    return next((version for version in versions if version.version_id == version_id), None)


def labelled(versions: Iterable[Version], stage: str) -> Version | None:
    """Return the version that bears the label `stage`."""
    return next((version for version in versions if stage in version.stages), None)


def with_version(versions: tuple[Version, ...], new: Version) -> tuple[Version, ...]:
    """All versions after one more, its labels taken from whichever bore them.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves; the first version of all gets AWSCURRENT.
    Of the versions without a label the newest are kept, a hundred versions in all.
    Source: API_PutSecretValue, VersionStages.
    """
    wanted = tuple(dict.fromkeys(new.stages if versions else (*new.stages, CURRENT)))
    left = labelled(versions, CURRENT) if CURRENT in wanted else None
    moved = {*wanted, PREVIOUS} if left is not None else set(wanted)
    kept = []
    for version in versions:
        remaining = tuple(stage for stage in version.stages if stage not in moved)
        if version is left and PREVIOUS not in wanted:
            remaining = (*remaining, PREVIOUS)
        kept.append(replace(version, stages=remaining))
    kept.append(replace(new, stages=wanted))
    recent = {version.version_id for version in kept[-_MAX_VERSIONS:]}
    return tuple(version for version in kept if version.stages or version.version_id in recent)


def with_label_moved(
    versions: tuple[Version, ...], stage: str, left: str | None, to: str | None
) -> tuple[Version, ...]:
    """Return the versions with the label taken from the version `left`, if any, and given to the version `to`.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves. Source: API_UpdateSecretVersionStage; its words as moto's
    tests have them, verified on AWS; aws-behavior.md 10.3 for AWSCURRENT. Choice: the other words.

    Raises: ApiError.
    """
    bearer = labelled(versions, stage)
    for version_id in (left, to):
        if version_id is not None and find_version(versions, version_id) is None:
            raise ApiError("ResourceNotFoundException", f"Secrets Manager can't find the version {version_id}.")
    if bearer is None:
        if left is not None:
            raise invalid_parameter(f"Staging label {stage} isn't attached to version {left}.")
    elif bearer.version_id not in (to, left):
        what = "can't be empty" if left is None else "names another version"
        raise invalid_parameter(
            f"The parameter RemoveFromVersionId {what}. Staging label {stage} is currently attached to version "
            f"{bearer.version_id}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if to is None and stage == CURRENT:
        raise invalid_parameter(
            f"You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        )
    moved = {stage, PREVIOUS} if stage == CURRENT and bearer is not None and to != bearer.version_id else {stage}
    changed = []
    for version in versions:
        stages = [each for each in version.stages if each not in moved]
        if version.version_id == to:
            stages.append(stage)
        elif version is bearer and stage == CURRENT and PREVIOUS in moved:
            stages.append(PREVIOUS)
        changed.append(replace(version, stages=tuple(stages)))
    return tuple(changed)
