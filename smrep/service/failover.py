"""Select the replicas to promote: those the surviving Region lists, those named, and those in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.errors import AwsError, CredentialsError, UsageError
from smrep.model import Filter, Listed, Role, SecretId, Target, in_region
from smrep.report import Finding, Problem, Progress, SecretReport, SecretsReport, Severity
from smrep.rules.hints import format_command, step
from smrep.rules.manifest.selector import Selector, filters
from smrep.rules.primary_region import SecretAddress, check_account
from smrep.rules.recovery.failover_record import Record, RecordEntry, RegionPair
from smrep.rules.recovery.recovery_summary import SheetLine, failover_counts, failover_sheet, promotion_row, rotating
from smrep.rules.replication.blockers import key_health
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.replica_state import worst_first
from smrep.rules.replication.standalone_secret import promotion_blocker
from smrep.service.fleet.fleet_run import WIDTH, FleetRequest, FleetRun
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.fleet.scheduler import Scheduler
from smrep.service.ports import Aws
from smrep.service.recovery.failover_task import FailoverTask
from smrep.service.run_state import Plan, RunState, Tracked
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import FoundSecret, explain_lookup_error, of_another_account, refusal_report
from smrep.service.steps.parallel import parallel


@dataclass(frozen=True, slots=True)
class FailoverRequest(FleetRequest):
    """Request of `failover`."""

    pair: RegionPair
    selectors: Sequence[Selector]
    credentials: SheetLine
    """Whether the credentials depend on the lost Region."""
    record: Record
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record."""
    entry: Callable[[str], RecordEntry | None]
    """Returns an ARN's latest record entry."""
    expect_account: str | None
    by_tags: bool
    """Whether tags select."""


def failover(aws: Aws, request: FailoverRequest, run: RunState) -> SecretsReport:
    """Select the replicas, and promote them once the go/no-go sheet is approved.

    Raises:
        SmrepError: nothing was selected or confirmed, or no further call can succeed.
        StillOpen: secrets are open at the end.

    """
    lister = RegionLister(aws, run.clock)
    selection = FailoverSelection(aws, lister, request.pair, request.selectors, request.record, request.expect_account)
    run.track(selection)
    selection.look(run)
    _check_selection(selection, by_tags=request.by_tags)
    scheduler, account_run = Scheduler(run.clock, WIDTH), request.account_run(aws, run.clock)
    to_promote = set(selection.to_promote)
    tasks = [
        FailoverTask(
            account_run,
            scheduler,
            secret,
            request.pair,
            request.write,
            request.record.entries.get(arn),
            request.entry,
            selection.findings.get(arn, ()),
            selection.selectors,
            is_due=arn in to_promote,
        )
        for arn, secret in selection.secrets.items()
    ]
    fleet = Failover(tasks, scheduler, refused=selection.refused, rate=request.rate, dry_run=run.dry_run)
    run.track(fleet)
    rows = [
        promotion_row(task.listed, request.pair, task.findings, is_due=True, dry_run=True)
        for task in tasks
        if task.is_due
    ]
    sheet = failover_sheet(rows, request.pair, request.rate, request.credentials) if rows else []
    if run.approve(Plan("failover", (), request.again, [row.name for row in rows], sheet)):
        fleet.carry_out_all(run, request.again(), request.timeout_s)
    else:
        for task in [task for task in tasks if task.is_due][:1]:
            task.rehearse()
    return run.report()


def _check_selection(selection: FailoverSelection, *, by_tags: bool) -> None:
    """Refuse a selection without secrets.

    Raises:
        UsageError: it is empty, and the record does not show that everything is done.

    """
    if selection.secrets or selection.refused:
        return
    pair = selection.pair
    raise UsageError(
        f"the selectors match no replica of {pair.source} in {pair.target}; nothing was sent",
        "a replica may not show its primary's tags: select by --prefix or by names"
        if by_tags
        else step(f"list the secrets in {pair.target}", format_command("list", [], primary_region=pair.target)),
    )


@dataclass(slots=True)
class FailoverSelection(Tracked):
    """Selects replicas by asking only the surviving Region; changes nothing."""

    aws: Aws
    lister: RegionLister
    pair: RegionPair
    selectors: Sequence[Selector]
    """At least one must match."""
    record: Record
    expect_account: str | None = None
    secrets: dict[str, Listed] = field(default_factory=dict)
    """By ARN; includes secrets of the record that are no longer replicas."""
    refused: list[SecretReport] = field(default_factory=list)
    """Named secrets that cannot be promoted."""
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    """Findings by ARN."""

    def __post_init__(self) -> None:
        """Move ARNs of the lost Region to the surviving one."""
        self.selectors = [
            replace(
                selector,
                names=frozenset(
                    in_region(name, self.pair.target) if _is_arn(name) else name for name in selector.names
                ),
            )
            for selector in self.selectors
        ]

    def look(self, run: RunState) -> None:
        """List, look up named secrets that are not listed, then check keys.

        Raises:
            AwsError: listing failed, or no further call can succeed.
            UsageError: the secrets belong to another account than expected, or than the record's.

        """
        region = self.pair.target
        wanted = [Filter("primary-region", (self.pair.source,)), *filters(self.selectors, names_only=True)]
        for page in self.lister.pages(region, wanted):
            for secret in page:
                if (
                    secret.primary_region == self.pair.source and secret.role is Role.REPLICA
                ):  # the filter matches prefixes
                    self._take(secret)
            run.update()
        for entry in self.record.entries.values():
            self._take(_as_listed(entry, self.pair))
        names = {name for selector in self.selectors for name in selector.names}
        known_names = {name for secret in self.secrets.values() for name in (secret.name, secret.arn)}
        missing = [name for name in sorted(names) if name not in known_names]
        for listed in parallel(self._described, missing, pulse=run.heartbeat):
            if isinstance(listed, Listed):
                self._take(listed)
            else:
                self.refused.append(listed)
        run.update()
        # the record's order is the order of its run, which means nothing to a reader
        self.secrets = dict(sorted(self.secrets.items(), key=lambda item: (item[1].name, item[0])))
        keys = KmsKeys(self.aws, self.lister.clock)
        for arn, secret in self.secrets.items():
            self.findings[arn] = self._findings(keys, secret)
        run.update()

    @property
    def progress(self) -> Progress:
        """Number of secrets listed."""
        return Progress("listing", self.lister.seen)

    @property
    def to_promote(self) -> list[str]:
        """ARNs to promote: replicas, and secrets without an end in the record."""
        begun = {secret.arn for secret in self.record.unfinished}
        return [arn for arn, secret in self.secrets.items() if secret.is_replica or arn in begun]

    def _take(self, secret: Listed) -> None:
        if any(selector.matches(secret) for selector in self.selectors):
            check_account(secret.account, self.expect_account or self.record.account, secret.arn)
            self.secrets.setdefault(secret.arn, secret)

    def _described(self, name: str) -> Listed | SecretReport:
        """Look up a named secret that is not listed, and may be new; or return why it cannot be promoted."""
        address = SecretAddress(SecretId(name), self.pair.target)
        try:
            secret = self.aws.describe(name, self.pair.target)
            why = of_another_account(self.aws, name, secret)
            why = why or (promotion_blocker(secret, self.pair.source) if secret.is_replica else None)
            return refusal_report(FoundSecret(address, secret), why) if why else Listed.of(secret)
        except CredentialsError:
            raise
        except AwsError as error:
            return refusal_report(FoundSecret(address, explain_lookup_error(error, address)), Problem.of(error))

    def _findings(self, keys: KmsKeys, secret: Listed) -> tuple[Finding, ...]:
        findings = [rotating(secret.name, secret.region)] if secret.rotation_enabled else []
        key = secret.kms_key_id
        if key and key != DEFAULT:
            rekey = format_command("rekey", [secret.name], targets=[Target(secret.region, "alias/NAME")])
            instead = step("use another key", rekey)
            findings += key_health(key, "the key", secret.region, keys.key(key, secret.region), instead)
        return tuple(replace(finding, severity=Severity.WARNING) for finding in findings)


@dataclass(slots=True)
class Failover(FleetRun):
    """Run of the replicas to promote."""

    tasks: Sequence[FailoverTask]
    doing: str = "promoting"
    refused: Sequence[SecretReport] = ()
    """Named secrets that cannot be promoted."""
    rate: float = 0.0
    """Requests per second."""
    dry_run: bool = False

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret's current report, worst first."""
        return [*self.refused, *worst_first(task.report(dry_run=self.dry_run) for task in self.tasks)]

    @property
    def summary(self) -> Mapping[str, int]:
        """Secrets counted by result."""
        return failover_counts(self.reports(), self.rate)


def _is_arn(name: str) -> bool:
    return name.startswith("arn:")


def _as_listed(entry: RecordEntry, pair: RegionPair) -> Listed:
    """Return a secret of the record as its Region would list it, whatever its state now."""
    return Listed(entry.arn, entry.name, pair.target, kms_key_id=entry.kms_key_id, tags=entry.tags)
