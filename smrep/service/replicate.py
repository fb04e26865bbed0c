"""`replicate` and `retry`: look, plan, send with the fewest calls, wait for every Region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from smrep.errors import AwsError, Outcome
from smrep.model import IN_SYNC, Secret, Target
from smrep.report import Action, Kind, SecretReport, SecretsReport
from smrep.rules.hints import format_command
from smrep.rules.primary_region import SecretAddress, common_region
from smrep.rules.replication.name_owner import secret_summary
from smrep.rules.replication.region_step import NO_CONSENT, Consent, Keep, RegionStep, Skip
from smrep.service.ports import Aws
from smrep.service.run_state import Plan, RunState, interrupted_change
from smrep.service.steps.closing_look import is_ours, look_at_end
from smrep.service.steps.kms_keys import KmsKeys, unchecked_key
from smrep.service.steps.lookup import (
    FoundSecret,
    answer_or_error,
    find_secrets,
    primary_to_change,
    refreshed,
    skip_without_replicas,
    troubles_elsewhere,
)
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.preflight import Preflight, PreflightChecks
from smrep.service.steps.prove import ReplicaCheck, ReplicaProver, prove_until_settled
from smrep.service.steps.rate_limiter import WRITES_A_SECOND
from smrep.service.steps.secret_replication import (
    Member,
    ReplicateWrite,
    SecretReplication,
    initial_state,
    open_regions,
    wait_until_settled,
)
from smrep.service.steps.write_once import WriteGate, check_shown, send_in_batches, try_again, write_once


@dataclass(frozen=True, slots=True)
class ReplicateRequest:
    """One request, as typed."""

    addresses: tuple[SecretAddress, ...]
    targets: tuple[Target, ...]
    """A retry may have none: then every Region that is not in sync."""
    consent: Consent = NO_CONSENT
    preflight: bool = True
    wait: bool = True
    verify: bool = False
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """Flags to repeat in a hint's command, as typed."""
    selected: tuple[str, ...] = ()
    """Selectors that chose the secrets, to repeat in their place; none if you named them."""
    rate: float = WRITES_A_SECOND
    """Maximum requests per second."""
    command: str = "replicate"
    """`retry` limits the request to Regions that the primary already lists."""

    @property
    def forcing(self) -> tuple[str, ...]:
        """Flags that allow this run's overwrites."""
        arns = (word for arn in sorted(self.consent.arns) for word in ("--overwrite-arn", arn))
        return ("--force-overwrite", *arns) if self.consent.force else ()

    def again(self, *extra: str) -> str:
        """Return this request's command, with more flags."""
        return format_command(
            self.command,
            [] if self.selected else [address.secret_id for address in self.addresses],
            primary_region=common_region(self.addresses),
            targets=self.targets,
            flags=(*self.selected, *self.flags, *self.forcing, *extra),
        )


def replicate(aws: Aws, request: ReplicateRequest, run: RunState) -> SecretsReport:
    """Add replicas, or retry failed ones; wait for them and prove them if requested.

    No request begins after the deadline, except those held up by a slow look.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: a secret belongs to another account than expected, or the plan was not confirmed.

    """
    run.looks_last = True
    keys = KmsKeys(aws)
    checks = PreflightChecks(aws, aws, keys, request.command) if request.preflight else None
    preflight = Preflight(aws, keys, run.clock, run.deadline, checks)
    lookups = find_secrets(aws, request.addresses, follow=False, expect_account=request.expect_account, run=run)
    if request.selected and request.command == "retry":
        lookups = skip_without_replicas(lookups, run, request.targets)
    members = parallel(partial(_plan, preflight, request), lookups)
    run.track(members, partial(interrupted_change, "replicating"), waiting=request.wait)
    secrets = [member for member in members if isinstance(member, SecretReplication)]
    dangers = _dangers(secrets)
    activity, names = "overwriting" if dangers else request.command, None
    if request.selected:
        names = [
            replication.primary.name
            for replication in secrets
            if any(not isinstance(step, Keep | Skip) for step in replication.steps)  # now, or once a replica is gone
        ]
    if not run.approve(Plan(activity, dangers, request.again, names, destroys=bool(dangers), rate=request.rate)):
        return run.report()
    with WriteGate.for_run(run, request.rate) as gate:
        send_in_batches(
            partial(_send, aws, gate),
            [replication for replication in secrets if replication.plain or replication.overwrites],
            run,
        )
        waits = request.wait and any(replication.is_open for replication in secrets)
        if waits:
            wait_until_settled(aws, secrets, run, gate)
        if not request.wait:
            _leave_out_held(aws, secrets, gate)
        was_seen = not waits and (request.preflight or request.consent.force)
        look_at_end(aws, secrets, run, lambda state: request.verify or (was_seen and state.action is Action.KEEP))
        if request.verify:
            _prove(aws, keys, secrets, run)
        else:
            _check_new_keys(keys, secrets, run)
    return run.report()


def _plan(preflight: Preflight, request: ReplicateRequest, lookup: FoundSecret) -> Member:
    """Return a secret with the step for each Region, or why nothing can be done; changes nothing in AWS.

    Raises:
        CredentialsError: no further call can succeed.

    """
    primary = primary_to_change(lookup, request.command, request.targets, request.flags)
    if isinstance(primary, SecretReport):
        return primary
    steps = _decide(preflight, request, primary)
    missing = [step.target.region for step in steps if isinstance(step, Skip) and step.error.code == Kind.MISSING]
    if any(primary.replica(region) for region in missing):  # a lagging list may still show what was removed
        listed = answer_or_error(partial(refreshed, preflight.aws, primary))
        if not isinstance(listed, AwsError) and _states(listed) != _states(primary):
            primary = listed
            steps = _decide(preflight, request, primary)
    states = {step.target.region: initial_state(step, request.consent) for step in steps}
    notes = [*troubles_elsewhere(primary, states)]
    if not steps:
        notes.append(f"{primary.name} has no replicas to retry")
    return SecretReplication(
        primary,
        states,
        notes,
        steps,
        without_value=Outcome.OK,
        command=request.command,
        flags=request.flags,
        forcing=request.forcing,
    )


def _decide(preflight: Preflight, request: ReplicateRequest, primary: Secret) -> tuple[RegionStep, ...]:
    """Return the step for each target Region."""
    looking, targets = request.preflight or request.consent.force, request.targets
    if not targets:
        listed = [entry for entry in primary.replicas if entry.status != IN_SYNC] or primary.replicas
        targets = tuple(Target(entry.region) for entry in listed)
    only_listed = request.command == "retry"
    return preflight.steps(primary, targets, request.consent, looking=looking, only_listed=only_listed)


def _dangers(secrets: Sequence[SecretReplication]) -> list[tuple[str, str]]:
    """Return what to confirm: the secret's name, and what is destroyed."""
    return [
        (name, f"{name} in {step.target.region} will be replaced for good by a replica of {home}: {what}")
        for replication in secrets
        for home in [replication.primary.region]
        for step in replication.overwrites
        for name, what in [(step.victim.name, secret_summary(step.victim))]
    ]


def _send(aws: Aws, gate: WriteGate, replication: SecretReplication) -> None:
    """Send one secret's requests: all plain Regions at once, then each overwrite after a look."""
    if replication.plain:
        write_once(ReplicateWrite(aws, gate, replication), replication.plain, gate)
    for step in replication.overwrites:
        regions = [step.target.region]
        again = try_again(replication.command_for(regions, force=True))
        check = partial(check_shown, aws, step.victim, again, may_list=[replication.primary.region])
        write_once(ReplicateWrite(aws, gate, replication, check), regions, gate)


def _leave_out_held(aws: Aws, secrets: Sequence[SecretReplication], gate: WriteGate) -> None:
    """Skip Regions whose old replica is still being removed, because nobody waits for it."""
    for replication, state in tuple(open_regions(secrets)):
        if state.held_until_gone:
            ReplicateWrite(aws, gate, replication).leave_out([state.region], "the old replica is still being removed")


def _prove(aws: Aws, keys: KmsKeys, secrets: Sequence[SecretReplication], run: RunState) -> None:
    """Compare every replica in sync with its primary."""
    pairs = [
        (replication, ReplicaCheck(replication.primary, targets))
        for replication in secrets
        if (targets := _in_sync(replication))
    ]
    prove_until_settled(ReplicaProver(aws, keys, run.clock, run.deadline), [check for _, check in pairs], run)
    for replication, check in pairs:
        _take_in(replication, check)


def _check_new_keys(keys: KmsKeys, secrets: Sequence[SecretReplication], run: RunState) -> None:
    """Compare the keys of this run's new replicas with the requested ones, if any."""
    made = [
        (replication, Target(state.region, state.wanted_key), state.seen)
        for replication in secrets
        for state in replication.states.values()
        if state.wanted_key and state.seen and state.fresh_status == IN_SYNC
        if state.action is not Action.KEEP and state.replica_seen is not False
    ]
    checked = parallel(
        lambda replica: keys.findings(replica[0].primary, *replica[1:]),
        made,
        late=lambda replica: unchecked_key(replica[1]),
        patience_s=time_left(run.clock, run.deadline),
        pulse=run.heartbeat,
    )
    for (replication, target, _), findings in zip(made, checked, strict=True):
        state = replication.states[target.region]
        replication.states[target.region] = replace(state, findings=(*state.findings, *findings))


def _states(primary: Secret) -> list[tuple[str | None, ...]]:
    return [entry.state for entry in primary.replicas]


def _in_sync(replication: SecretReplication) -> tuple[Target, ...]:
    """Return the Regions to prove."""
    states = replication.states.values() if replication.error is None else ()
    return tuple(
        Target(state.region, state.wanted_key)
        for state in states
        if state.error is None and state.fresh_status == IN_SYNC
    )


def _take_in(replication: SecretReplication, check: ReplicaCheck) -> None:
    """Copy the proof to the states, replacing earlier findings about keys."""
    replication.error = check.error
    for report in check.report().replicas:
        state, seen = replication.states[report.region], check.seen.get(report.region)
        findings = (finding for finding in state.findings if finding.kind is not Kind.WRONG_KEY)
        replication.states[report.region] = replace(
            state,
            verified=report.verified,
            own_key=report.kms_key_id,
            proved=report.outcome,
            replica_seen=is_ours(check.primary, seen.look) if seen else None,
            findings=tuple(dict.fromkeys((*findings, *report.findings))),
        )
