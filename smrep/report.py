"""Values that describe a run: findings, problems, a row per Region, the whole report."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, overload

from smrep.errors import Outcome, SmrepError
from smrep.model import FAILED, CrossAccount
from smrep.regions import Region

T = TypeVar("T")
NONE: Mapping[tuple[Region, ...], int] = MappingProxyType({})
"""No healthy secrets."""


class Action(StrEnum):
    """What a writing command does in one Region."""

    ADD = "add"
    RETRY = "retry"
    OVERWRITE = "overwrite"
    KEEP = "keep"
    REKEY = "rekey"
    REMOVE = "remove"
    PROMOTE = "promote"


class Kind(StrEnum):
    """Kind of a finding."""

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
    NAME_CONFLICT = "name_conflict"
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
    """Weight of a finding: an error stops something, a warning does not, info only informs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that smrep found in a Region and the user should know."""

    kind: Kind
    severity: Severity
    message: str
    hint: str | None = None
    outcome: Outcome | None = None
    """Its effect on the run, if the kind does not decide it; not part of the result."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong in one Region, with one secret or with the run."""

    code: str
    """AWS's code, if it sent one."""
    message: str
    hint: str | None
    request_id: str | None
    outcome: Outcome
    details: tuple[str, ...] = ()
    """The single mistakes, if there are several: one line each, for a person."""

    @property
    def in_full(self) -> str:
        """The message with the single mistakes."""
        return ": ".join(filter(None, (self.message, "; ".join(self.details))))

    @classmethod
    def of(cls, error: SmrepError) -> Problem:
        """Return the problem that an error describes."""
        return cls(error.code, error.message, error.hint, error.request_id, error.outcome, error.details)

    @classmethod
    def about(cls, finding: Finding, outcome: Outcome = Outcome.FAILED) -> Problem:
        """Return the problem that a finding describes; its kind is the code."""
        return cls(finding.kind.value, finding.message, finding.hint, None, outcome)


@dataclass(frozen=True, slots=True)
class RegionReport:
    """One row: a secret in one replica Region."""

    region: Region
    outcome: Outcome
    arn: str | None = None
    """Set only if InSync, or a check in that Region, proves it."""
    status: str | None = None
    status_message: str | None = None
    kms_key_id: str | None = None
    wanted_key: str | None = None
    """The requested key, for a command that repeats the request; not part of the result."""
    overwrites: str | None = None
    """The ARN of a promoted replica that may be destroyed; for such a command too."""
    last_accessed: datetime | None = None
    action: Action | None = None
    changed: bool = False
    verified: bool | None = None
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None
    note: str | None = None
    """Its state in words for a person, if AWS has none; never part of the result."""

    @property
    def has_failed_there(self) -> bool:
        """Whether AWS's replication Failed, rather than that smrep's request was refused or not sent."""
        return self.status == FAILED and (self.error is None or self.error.code == "ReplicationFailed")


@dataclass(frozen=True, slots=True)
class SecretReport:
    """One secret with its rows, in the order of the requested or listed Regions."""

    name: str
    """The secret's name; as typed, if AWS did not give it."""
    outcome: Outcome
    arn: str | None = None
    primary_region: Region | None = None
    replicas: tuple[RegionReport, ...] = ()
    error: Problem | None = None
    cross_account: CrossAccount | None = None
    """Replication between accounts, which smrep shows and never changes."""
    by_arn: bool = False
    """Whether hints name it by its ARN, as the user did."""
    findings: tuple[Finding, ...] = ()
    """Findings in no Region of it: other ends of replication between accounts; no value, without replicas."""
    notes: tuple[str, ...] = ()
    """Notes for a person that fit in no row; never part of the result."""
    checked_by: str | None = None
    """How `audit` checked it: `list`, which shows no status, or `describe`."""
    role: str | None = None
    """Its role in `list`: primary, replica or standalone."""
    rules: tuple[str, ...] = ()
    """The names of the manifest's rules that select it."""
    account: str | None = None
    """Its account, in a run over several."""

    @property
    def label(self) -> str:
        """Its name, with its account in a run over several."""
        return f"{self.name} (account {self.account})" if self.account else self.name


def is_remarkable(secret: SecretReport) -> bool:
    """Return whether the secret has a finding or an error."""
    return (
        secret.error is not None or bool(secret.findings) or any(row.findings or row.error for row in secret.replicas)
    )


def is_notable(row: RegionReport) -> bool:
    """Return whether a row shows more than a replica that is, and was, in sync."""
    acted = row.action not in (None, Action.KEEP)
    return acted or bool(row.findings) or row.error is not None or row.outcome is not Outcome.OK


def worth_telling(report: RunReport) -> Iterator[SecretReport]:
    """Yield the secrets to show; in a run over many, only those with a notable row, a finding or an error."""
    for secret in report.secrets if report.summary is None else without_healthy(report.secrets):
        if report.summary is None or secret.error or secret.findings or any(map(is_notable, secret.replicas)):
            yield secret


@dataclass(frozen=True, slots=True)
class AccountReport:
    """An account that a manifest covers or skips."""

    account: str
    name: str | None = None
    """None, like `state`, if AWS Organizations did not show the account."""
    state: str | None = None
    """AWS's word."""
    region: Region | None = None
    """The Region of its primaries; None if it is skipped."""
    role_arn: str | None = None
    """The role to assume; None for the current credentials."""
    external_id: str | None = None
    skipped: str | None = None
    """Why it is skipped."""

    @property
    def is_covered(self) -> bool:
        """Whether the manifest covers it."""
        return self.skipped is None


@dataclass(frozen=True, slots=True)
class SecretsReport:
    """The result of a use case."""

    secrets: Sequence[SecretReport] = ()
    summary: Mapping[str, int] | None = None
    """Counts, from a command for many secrets."""
    accounts: Sequence[AccountReport] = ()
    """From `accounts`."""


@dataclass(frozen=True, slots=True)
class EventReport:
    """The event that started a run."""

    name: str
    """The API call, or EventBridge's name for the event."""
    secret_id: str | None = None
    """The secret's ARN or name, as the event has it."""
    ignored: str | None = None
    """Why the event needs nothing done; None if smrep looked at the secret."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """The result of a run, the source of every format."""

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
    """Counts, from a command for many secrets."""
    caller: str | None = None
    """The ARN behind the credentials, if STS gave it."""
    endpoint_urls: Mapping[Region, str] = field(default_factory=dict)
    """Endpoints for Secrets Manager in single Regions, if not AWS's own."""
    accounts: Sequence[AccountReport] = ()
    """From `accounts`."""
    shard: str | None = None
    """The part of the work that it did, such as 2/4."""
    absent: tuple[SecretReport, ...] | None = None
    """Named secrets that no account of this shard has, where another shard's may; None if the shard has no account."""
    unmatched: tuple[str, ...] = ()
    """Rules that match no secret of this shard's accounts, where they may match another shard's."""
    event: EventReport | None = None
    """The event, in a run for one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run over many secrets."""

    doing: str
    """A participle: `listing`, `looking`, `replicating`."""
    done: int
    total: int | None = None
    """None while unknown."""
    troubled: int = 0
    unit: str = "secrets"


class LazyReports(Sequence[SecretReport]):
    """Reports made on each access, so that ten thousand take the memory of one."""

    def __init__(
        self, items: Sequence[T], make: Callable[[T], SecretReport], healthy: Mapping[tuple[Region, ...], int] = NONE
    ) -> None:
        """Make report number N from item number N; the last ones are `healthy`, counted by their Regions."""
        self._items: Sequence[Any] = items
        self._make: Callable[[Any], SecretReport] = make
        self.healthy = healthy

    def __len__(self) -> int:
        """Return the number of reports."""
        return len(self._items)

    def __iter__(self) -> Iterator[SecretReport]:
        """Make each report in turn."""
        return map(self._make, self._items)

    @overload
    def __getitem__(self, place: int) -> SecretReport: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SecretReport]: ...
    def __getitem__(self, place: int | slice) -> SecretReport | Sequence[SecretReport]:
        """Return one report, or a slice."""
        return (
            LazyReports(self._items[place], self._make) if isinstance(place, slice) else self._make(self._items[place])
        )


def healthy(secrets: Sequence[SecretReport]) -> Mapping[tuple[Region, ...], int]:
    """Return how many secrets are known to be healthy, by the Regions of their rows; the others come before them."""
    return secrets.healthy if isinstance(secrets, LazyReports) else NONE


def without_healthy(secrets: Sequence[SecretReport]) -> Sequence[SecretReport]:
    """Return the secrets that may have trouble, findings or notes, so that thousands without need not be made."""
    return secrets[: len(secrets) - sum(healthy(secrets).values())]


def bug(error: BaseException) -> Problem:
    """Return the problem for a bug in smrep: the error's class and its place in the code.

    The error's text may hold a credential, as any text that is not AWS's own.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return Problem(
        "Bug",
        f"bug in smrep: {type(error).__name__} at {place}",
        "please report it with this line and your command",
        None,
        Outcome.BUG,
    )
