"""What a run found and did, as values: findings, troubles, a row per Region, the report of it all."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, overload

from smrep.errors import Outcome, SmrepError
from smrep.model import FAILED, CrossAccount
from smrep.regions import Region

T = TypeVar("T")


class Action(StrEnum):
    """What a writing command does to one Region."""

    ADD = "add"
    RETRY = "retry"
    OVERWRITE = "overwrite"
    KEEP = "keep"
    REKEY = "rekey"
    REMOVE = "remove"
    PROMOTE = "promote"


class Kind(StrEnum):
    """What a finding is about."""

    MISSING = "missing"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    STALE = "stale"
    WRONG_KEY = "wrong_key"
    EXTRA = "extra"
    ORPHAN = "orphan"
    PROMOTED = "promoted"
    DETACHED = "detached"
    REMOVING = "removing"
    ROTATING = "rotating"
    NAME_CLASH = "name_clash"
    NO_VALUE = "no_value"
    STUCK = "stuck"
    KEY_MISSING = "key_missing"
    KEY_DISABLED = "key_disabled"
    KEY_UNUSABLE = "key_unusable"
    REGION_DISABLED = "region_disabled"
    REGION_UNKNOWN = "region_unknown"
    PENDING_DELETION = "pending_deletion"
    IS_REPLICA = "is_replica"
    MANAGED = "managed"
    READER = "reader"
    UNCHECKED = "unchecked"


class Severity(StrEnum):
    """How much a finding matters: an error stops something, a warning does not, info only tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth knowing that was found in a Region."""

    kind: Kind
    severity: Severity
    message: str
    hint: str | None = None
    outcome: Outcome | None = None
    """What it makes of the run, where its kind does not tell; not part of the result."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one Region, one secret or the run, as the report carries it."""

    code: str
    """AWS's code where there is one."""
    message: str
    hint: str | None
    request_id: str | None
    outcome: Outcome
    details: tuple[str, ...] = ()
    """What it consists of, where it is several mistakes at once: a line each for a person."""

    @classmethod
    def of(cls, error: SmrepError) -> Problem:
        """Return the error as a value."""
        return cls(error.code, error.message, error.hint, error.request_id, error.outcome, error.details)

    @classmethod
    def about(cls, finding: Finding, outcome: Outcome = Outcome.FAILED) -> Problem:
        """Return the trouble that a finding is: its kind is the code."""
        return cls(finding.kind.value, finding.message, finding.hint, None, outcome)


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
    overwrites: str | None = None
    """The ARN of a promoted replica that was allowed to be destroyed; not part of the result, as above."""
    last_accessed: datetime | None = None
    action: Action | None = None
    changed: bool = False
    verified: bool | None = None
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None
    note: str | None = None
    """How it stands, in words for a person, where AWS has none; never part of the result."""

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
    error: Problem | None = None
    cross_account: CrossAccount | None = None
    """Replication between accounts, which smrep shows and does not touch."""
    by_arn: bool = False
    """Whether commands to type call it by its ARN, as it was asked for."""
    findings: tuple[Finding, ...] = ()
    """What was found of none of its Regions: other ends of replication between accounts; no value, without replicas."""
    notes: tuple[str, ...] = ()
    """What a person should know and no row has a place for; never part of the result."""
    checked_by: str | None = None
    """How `audit` knows: `list`, which shows no status, or `describe`."""
    role: str | None = None
    """What `list` shows of it: primary, replica or standalone."""
    rules: tuple[str, ...] = ()
    """The names of the manifest's rules that want it; not part of the result."""
    account: str | None = None
    """Its account, where the run is about several."""

    @property
    def label(self) -> str:
        """Its name, with its account where the run is about several."""
        return f"{self.name} (account {self.account})" if self.account else self.name


def is_remarkable(secret: SecretReport) -> bool:
    """Tell whether anything was found of the secret."""
    return (
        secret.error is not None or bool(secret.findings) or any(row.findings or row.error for row in secret.replicas)
    )


def is_notable(row: RegionReport) -> bool:
    """Tell whether there is more to say of a row than that it is well, and was before."""
    acted = row.action not in (None, Action.KEEP)
    return acted or bool(row.findings) or row.error is not None or row.outcome is not Outcome.OK


def worth_telling(report: RunReport) -> Iterator[SecretReport]:
    """Yield the secrets: of a run over many, those of which there is more to say than that they are well."""
    for secret in report.secrets:
        if report.summary is None or secret.error or secret.findings or any(map(is_notable, secret.replicas)):
            yield secret


@dataclass(frozen=True, slots=True)
class SecretsReport:
    """What a use case returns: what it found and did."""

    secrets: Sequence[SecretReport] = ()
    summary: Mapping[str, int] | None = None
    """Counts, of a command that is about many secrets."""


@dataclass(frozen=True, slots=True)
class RunReport:
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
    secrets: Sequence[SecretReport] = ()
    error: Problem | None = None
    summary: Mapping[str, int] | None = None
    """Counts, for a command that is about many secrets."""
    caller: str | None = None
    """The ARN of who was behind the credentials, where STS told."""
    endpoint_urls: Mapping[Region, str] = field(default_factory=dict)
    """Overrides for Secrets Manager in single Regions."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run over many secrets has come."""

    doing: str
    """A participle: `listing`, `looking`, `replicating`."""
    done: int
    total: int | None = None
    """None as long as nobody knows."""
    troubled: int = 0
    unit: str = "secrets"


class LazyReports(Sequence[SecretReport]):
    """Reports that are made whenever they are read, so that ten thousand of them take the room of one."""

    def __init__(self, items: Sequence[T], make: Callable[[T], SecretReport]) -> None:
        """Keep what they are made of."""
        self._items: Sequence[Any] = items
        self._make: Callable[[Any], SecretReport] = make

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> SecretReport: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SecretReport]: ...
    def __getitem__(self, place: int | slice) -> SecretReport | Sequence[SecretReport]:
        """Return one of them, or some."""
        return (
            LazyReports(self._items[place], self._make) if isinstance(place, slice) else self._make(self._items[place])
        )


def bug(error: BaseException) -> Problem:
    """Return a fault of ours, with the place in the code instead of a traceback, and without the error's text.

    That may hold a credential, as the text of any error that is not AWS's own.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return Problem(
        "Bug",
        f"this is a fault of smrep: {type(error).__name__} at {place}",
        "please report it with this line and the command that you typed",
        None,
        Outcome.BUG,
    )
