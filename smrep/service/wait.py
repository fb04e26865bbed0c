"""`wait`: wait for replica Regions without starting anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from smrep.errors import Outcome
from smrep.model import Target
from smrep.regions import Region
from smrep.report import Problem, SecretReport, SecretsReport
from smrep.rules.hints import format_command
from smrep.rules.primary_region import SecretAddress, common_region
from smrep.rules.replication.findings import not_listed
from smrep.rules.replication.replica_state import LIST_LAG_S, ReplicaState
from smrep.rules.run_outcome import interrupted_wait
from smrep.service.ports import SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.closing_look import look_at_end
from smrep.service.steps.lookup import (
    FoundSecret,
    find_secrets,
    followed_replica_note,
    primary_to_watch,
    skip_without_replicas,
    troubles_elsewhere,
)
from smrep.service.steps.secret_replication import (
    Member,
    SecretReplication,
    open_regions,
    wait_until_settled,
)


@dataclass(frozen=True, slots=True)
class WaitRequest:
    """Request of `wait`; no Regions means all listed ones."""

    addresses: tuple[SecretAddress, ...]
    regions: tuple[Region, ...] = ()
    expect_account: str | None = None
    selected: bool = False
    """Whether selectors chose the secrets: without requested Regions, those without replicas are skipped."""

    @property
    def command(self) -> str:
        """Command as typed."""
        names = list(dict.fromkeys(address.secret_id for address in self.addresses))
        targets = [Target(region) for region in self.regions]
        return format_command("wait", names, primary_region=common_region(self.addresses), targets=targets)


def wait(aws: SecretsManager, request: WaitRequest, run: RunState) -> SecretsReport:
    """Wait for the requested Regions.

    A Region that is not listed becomes `missing` once AWS's answers can no longer lag.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: as for `status`.

    """
    run.looks_last = True
    run.track((), partial(_interrupted, request))
    lookups = find_secrets(aws, request.addresses, follow=True, expect_account=request.expect_account, run=run)
    if request.selected and not request.regions:
        lookups = skip_without_replicas(lookups, run)
    members = [_member(request.regions, lookup) for lookup in lookups]
    run.track(members)
    run.update()
    secrets = [member for member in members if isinstance(member, SecretReplication)]
    lag_ends = run.clock.monotonic() + LIST_LAG_S
    if run.clock.monotonic() >= run.deadline:
        _give_up_on_absent(secrets)
    elif any(replication.is_open for replication in secrets):
        wait_until_settled(aws, secrets, run, after=partial(_give_up_after_lag, secrets, lag_ends, run))
    look_at_end(aws, secrets, run)
    return run.report()


def _interrupted(request: WaitRequest, run: RunState) -> Problem:
    return interrupted_wait(run.tracked.reports(), request.command)


def _member(wanted: tuple[Region, ...], lookup: FoundSecret) -> Member:
    """Return a secret to wait for, or why there is nothing to wait for."""
    found = primary_to_watch(lookup, wanted, "wait for")
    if isinstance(found, SecretReport):
        return found
    primary, regions = found
    states = {region: ReplicaState(region, seen=primary.replica(region)) for region in regions}
    notes = [*followed_replica_note(lookup), *troubles_elsewhere(primary, regions)]
    return SecretReplication(primary, states, notes, without_value=Outcome.DRIFT)


def _give_up_after_lag(secrets: list[SecretReplication], lag_ends: float, run: RunState) -> None:
    if run.clock.monotonic() >= lag_ends:
        _give_up_on_absent(secrets)


def _give_up_on_absent(secrets: list[SecretReplication]) -> None:
    """Report Regions that no list has shown as missing."""
    for replication, state in tuple(open_regions(secrets)):
        if state.seen is None:
            finding = not_listed(replication.primary, state.region)
            error = Problem("missing", finding.message, finding.hint, None, Outcome.FAILED)
            replication.states[state.region] = replace(state, findings=(finding,), error=error)
