"""Replicate one secret: its Regions, their requests, and the wait until they settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from smrep.errors import (
    AwsError,
    CredentialsError,
    Outcome,
    Refused,
    Throttled,
    Unanswered,
)
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Action, Problem, SecretReport
from smrep.rules.hints import format_command_on, policy_command, remove_then_replicate, step
from smrep.rules.replication.findings import no_value
from smrep.rules.replication.key_failures import failure, not_replaced, same_by_spelling
from smrep.rules.replication.name_owner import NameOwner, name_owner, our_replica
from smrep.rules.replication.region_step import Add, Consent, Keep, Overwrite, RegionStep, Retry, Skip
from smrep.rules.replication.replica_state import (
    LIST_LAG_S,
    ReplicaState,
    after_check,
    after_request,
    has_moved,
    region_report,
    secret_report,
    worst,
)
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import answer_or_error, look_up_name
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll, watch
from smrep.service.steps.write_once import Write, WriteGate, write_once


@dataclass(slots=True)
class SecretReplication:
    """One secret in a run: its primary as last seen, and each Region's state, updated with each answer."""

    primary: Secret
    states: dict[Region, ReplicaState]
    notes: list[str] = field(default_factory=list)
    steps: tuple[RegionStep, ...] = ()
    """Planned steps, if any."""
    error: Problem | None = None
    without_value: Outcome | None = None
    """Outcome of a Region in sync if the secret has no value; None ignores that."""
    command: str = "replicate"
    """Command that retries unsent requests."""
    flags: tuple[str, ...] = ()
    """Its flags."""
    forcing: tuple[str, ...] = ()
    """Further flags, for overwriting."""

    @property
    def is_open(self) -> bool:
        """Whether any Region is still worth waiting for."""
        return self.error is None and any(state.is_open for state in self.states.values())

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS in this run."""
        return any(state.sent_at is not None for state in self.states.values())

    @property
    def plain(self) -> list[Region]:
        """Regions that share one request."""
        return [
            step.target.region
            for step in self.steps
            if isinstance(step, Retry) or (isinstance(step, Add) and not step.removing)
        ]

    @property
    def overwrites(self) -> list[Overwrite]:
        """Steps that overwrite a secret."""
        return [step for step in self.steps if isinstance(step, Overwrite)]

    def observe(self, secret: Secret, now: float) -> None:
        """Record a complete DescribeSecret answer, including Regions that it does not list."""
        self.primary = replace(secret, by_arn=self.primary.by_arn)
        self.observe_entries(secret.replicas, self.states, now)

    def observe_entries(self, entries: Iterable[Replica], regions: Iterable[Region], now: float) -> None:
        """Record an answer's entries for these Regions."""
        listed = {entry.region: entry for entry in entries}
        for region in tuple(regions):
            self.states[region] = after_check(self.states[region], listed.get(region), now)

    def command_for(self, regions: Sequence[Region], *, force: bool = False) -> str:
        """Return the command that retries these Regions."""
        targets = [Target(region, self.states[region].wanted_key) for region in regions]
        return format_command_on(
            self.primary, self.command, targets, (*self.flags, *self.forcing) if force else self.flags
        )

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        empty = no_value(self.primary) if self.without_value else ()
        rows = []
        for state in self.states.values():
            row = state
            if row.error is None and row.fresh_status == FAILED and row.seen and not dry_run:
                row = replace(row, error=failure(self.primary, row.seen))
            if empty and self.without_value:
                findings = tuple(dict.fromkeys((*row.findings, *empty)))
                row = replace(row, findings=findings, proved=worst([row.proved, self.without_value]))
            rows.append(region_report(row, self.primary, waiting=waiting, dry_run=dry_run))
        return secret_report(self.primary, rows, self.error, self.notes, () if rows else empty)


Member = SecretReplication | SecretReport
"""A secret of a run: in progress, or ended before it began."""


def open_regions(replications: Iterable[SecretReplication]) -> Iterator[tuple[SecretReplication, ReplicaState]]:
    """Yield each Region still worth waiting for, with its replication."""
    for replication in replications:
        if replication.error is None:
            yield from ((replication, state) for state in replication.states.values() if state.is_open)


def initial_state(step: RegionStep, consent: Consent) -> ReplicaState:
    """Return a Region's initial state."""
    state = ReplicaState(step.target.region, step.target.kms_key, findings=step.findings)
    match step:
        case Add():
            return replace(state, action=Action.ADD, held_until_gone=step.removing, vacant=step.vacant)
        case Retry() | Overwrite():
            action = Action.RETRY if isinstance(step, Retry) else Action.OVERWRITE
            promoted = isinstance(step, Overwrite) and step.victim.arn in consent.arns
            overwrites = step.victim.arn if isinstance(step, Overwrite) and promoted else None
            return replace(state, action=action, seen=step.before, leftover=step.before, overwrites=overwrites)
        case Keep():
            own_key = step.before.kms_key_id if step.replica_seen else None
            replica_seen = step.replica_seen or None
            return replace(state, action=Action.KEEP, seen=step.before, replica_seen=replica_seen, own_key=own_key)
        case Skip():
            return replace(state, error=step.error)
        case _ as never:
            assert_never(never)


class ReplicateWrite(Write):
    """ReplicateSecretToRegions for one secret.

    `check_victim` checks right before each request whether the secret may be overwritten, and raises ChangedMeanwhile
    if it may not; None if nothing is overwritten. An overwrite is never repeated.
    """

    preposition = "to"

    def __init__(
        self,
        aws: SecretsManager,
        gate: WriteGate,
        replication: SecretReplication,
        check_victim: Callable[[], None] | None = None,
    ) -> None:
        """Write to the secret's primary."""
        super().__init__(gate, replication.primary.name, replication.notes, replication.states)
        self.aws, self.replication, self.check_victim = aws, replication, check_victim
        self.repeatable = check_victim is None
        self.request_to = f"request for {self.name} in"

    def check(self, regions: list[Region]) -> None:  # noqa: ARG002 - it is one Region
        """Check the secret that would be overwritten."""
        if self.check_victim:
            self.check_victim()

    def request(self, regions: Sequence[Region]) -> tuple[Replica, ...]:
        """Request the replicas and return the entries that AWS lists."""
        replication, now = self.replication, self.gate.clock.monotonic()
        for region in regions:
            replication.states[region] = after_request(self.before[region], now, accepted=False)
        targets = [Target(region, self.before[region].wanted_key) for region in regions]
        return self.aws.replicate(
            replication.primary.arn, replication.primary.region, targets, force=not self.repeatable
        )

    def accept(self, regions: Sequence[Region], answer: Iterable[Replica] = ()) -> None:
        """Record the answer's entries."""
        super().accept(regions)
        self.replication.observe_entries(answer, regions, self.gate.clock.monotonic())

    def find(self, regions: Sequence[Region]) -> bool:
        """Look at the list until each Region has moved, for as long as it may lag."""
        replication, gate = self.replication, self.gate
        looked = poll(
            self._look,
            lambda _: replication.error is not None or all(has_moved(replication.states[region]) for region in regions),
            clock=gate.clock,
            deadline=min(gate.deadline, gate.clock.monotonic() + LIST_LAG_S),
        )
        super().accept([region for region in regions if has_moved(replication.states[region])])
        return looked

    def still_due(self, region: Region) -> bool:
        """Return whether our replica is missing; the list may lag, so look into the Region."""
        replication = self.replication
        if (
            not replication.states[region].vacant
            or our_replica(replication.primary, look_up_name(self.aws, replication.primary, region)) is None
        ):
            return True
        super().accept([region])
        return False

    def still_refused(self, regions: Sequence[Region], error: AwsError) -> list[Region]:
        """Return the refused Regions, except those that another run has requested meanwhile."""
        if not isinstance(error, Refused) or not self.repeatable:
            return list(regions)
        primary = answer_or_error(
            lambda: self.aws.describe(self.replication.primary.arn, self.replication.primary.region)
        )
        return [region for region in regions if isinstance(primary, AwsError) or not self._is_coming(primary, region)]

    def _is_coming(self, primary: Secret, region: Region) -> bool:
        """Return whether someone else requested this same replica, and record it."""
        replication = self.replication
        entry, key = primary.replica(region), replication.states[region].wanted_key
        if entry is None or entry.status not in (IN_PROGRESS, IN_SYNC):
            return False
        if key and not same_by_spelling(key, entry.kms_key_id, region, replication.primary.account):
            return False
        replication.states[region] = replace(replication.states[region], action=Action.KEEP, seen=entry, leftover=None)
        replication.notes.append(f"someone else requested {replication.primary.name} in {region} meanwhile")
        return True

    def _describe(self, primary: Secret) -> Secret | None:
        return self.aws.describe(primary.arn, primary.region)

    def _look(self) -> bool:
        """Record one new answer; return whether there was one."""
        replication, gate = self.replication, self.gate
        try:
            (secret,) = parallel(
                self._describe,
                [replication.primary],
                late=lambda _: None,
                patience_s=time_left(gate.clock, gate.deadline),
            )
        except CredentialsError:
            raise
        except AwsError as error:
            if not isinstance(error, Unanswered | Throttled):
                replication.error = Problem.of(error)
            return False
        if secret is None:
            return False
        replication.observe(secret, gate.clock.monotonic())
        return True

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that retries these Regions."""
        return self.replication.command_for(regions, force=not self.repeatable)

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Add the secret, the Regions and a hint to the error."""
        primary, states = self.replication.primary, self.replication.states
        targets = [Target(region, states[region].wanted_key) for region in regions]
        self.permission = (
            f"secretsmanager:ReplicateSecretToRegions on {primary.arn} with {', '.join(regions)}, and for "
            "customer-managed keys kms:Decrypt on the primary's, kms:GenerateDataKey and kms:Encrypt on the replica's\n"
            + step("print the whole policy", policy_command(primary, targets))
        )
        if (
            isinstance(error, Refused)
            and error.code != "LimitExceededException"
            and all(states[region].action is Action.RETRY for region in regions)
        ):
            error.hint = step("replicate again", *remove_then_replicate(primary, targets))
        return super().explain(regions, error)


STALE_S = 60.0
"""Seconds that a listed Region may show its old state while it is being replaced."""


def wait_until_settled(
    aws: SecretsManager,
    replications: Sequence[SecretReplication],
    run: RunState,
    gate: WriteGate | None = None,
    *,
    after: Callable[[], object] | None = None,
) -> None:
    """Look at all open secrets until none is open, or the deadline; call `after` after each tick.

    The gate sends requests for Regions whose old replica must be gone first.

    Raises:
        CredentialsError: no further call can succeed; the replications keep their results so far.

    """
    watch(
        lambda replication: look_again(aws, replication, run.clock, gate),
        lambda: [replication for replication in replications if replication.is_open],
        run,
        after=after,
    )


def look_again(aws: SecretsManager, replication: SecretReplication, clock: Clock, gate: WriteGate | None) -> None:
    """Record one new answer about a secret; a look without an answer yields no news.

    The gate sends requests for Regions whose old replica is gone.

    Raises:
        CredentialsError: no further call can succeed.

    """
    try:
        replication.observe(aws.describe(replication.primary.arn, replication.primary.region), clock.monotonic())
        gone = [
            state.region
            for state in replication.states.values()
            if gate and state.held_until_gone and state.seen is None
            if _owner(aws, replication, state.region) is NameOwner.NOBODY
        ]
        if gate and gone:
            write_once(ReplicateWrite(aws, gate, replication), gone, gate)
        _confirm_overwritten(aws, replication, clock)
    except (Unanswered, Throttled):
        return
    except CredentialsError:
        raise
    except AwsError as error:
        replication.error = Problem.of(error)


def _confirm_overwritten(aws: SecretsManager, replication: SecretReplication, clock: Clock) -> None:
    """Trust an overwritten entry that was InSync before only after our replica is seen.

    After STALE_S, the old secret is not being replaced, and waiting longer would not help.
    """
    for state in tuple(replication.states.values()):
        stale = state.leftover is not None and state.leftover.status != FAILED and state.is_open
        if not (stale and state.action is Action.OVERWRITE and state.accepted):
            continue
        owner = _owner(aws, replication, state.region)
        waited_s = clock.monotonic() - (state.sent_at or 0.0)
        if owner is NameOwner.OURS:
            replication.states[state.region] = replace(state, leftover=None, replica_seen=True)
        elif owner is NameOwner.PROMOTED and waited_s >= STALE_S:
            why = f"{replication.primary.region} still lists its earlier state"
            replication.states[state.region] = replace(
                state, error=not_replaced(replication.primary, state.region, why)
            )


def _owner(aws: SecretsManager, replication: SecretReplication, region: Region) -> NameOwner:
    """Return the owner of the secret's name in the Region; only 'not found' is nobody."""
    return name_owner(replication.primary, look_up_name(aws, replication.primary, region))
