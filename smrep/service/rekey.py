"""`rekey`: change replicas' KMS keys in place, or recreate replicas one Region at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, NotSent, Outcome, Throttled, Unanswered
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, SecretsReport
from smrep.rules.hints import format_command, format_command_on, step
from smrep.rules.primary_region import SecretAddress, common_region
from smrep.rules.replication.key_change import (
    KeyChange,
    blocked_change,
    decide_key_change,
    key_change_refusal,
    key_change_row,
    recreated_row,
    with_blockers,
)
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.replica_state import LIST_LAG_S, worst
from smrep.service.ports import Aws, Clock
from smrep.service.remove import RemoveRequest, remove
from smrep.service.replicate import ReplicateRequest, replicate
from smrep.service.run_state import Plan, RunState, interrupted_change
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import (
    FoundSecret,
    answer_or_error,
    find_secrets,
    look_up_name,
    primary_to_change,
    skip_without_replicas,
)
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll
from smrep.service.steps.preflight import LATE, PreflightChecks
from smrep.service.steps.prove import ReplicaCheck, ReplicaLook, ReplicaProver, prove_until_settled
from smrep.service.steps.rate_limiter import WRITES_A_SECOND
from smrep.service.steps.write_once import Write, WriteGate, compare, send_in_batches, try_again, write_once

FRESH_S = 2.0
"""Seconds for which a look is recent enough to change a key without another one."""


@dataclass(frozen=True, slots=True)
class RekeyRequest:
    """Request of `rekey`."""

    addresses: tuple[SecretAddress, ...]
    """Only one to recreate replicas."""
    targets: tuple[Target, ...]
    """Each with its key."""
    recreate: bool = False
    preflight: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """Flags to repeat in a hint's command, as typed."""
    selected: tuple[str, ...] = ()
    """Selectors that chose the secrets, to repeat in their place; none if you named them."""
    rate: float = WRITES_A_SECOND
    """Maximum requests per second."""

    @property
    def repeated(self) -> tuple[str, ...]:
        """Flags of the same command."""
        return (*self.flags, "--recreate") if self.recreate else self.flags

    def again(self, *extra: str) -> str:
        """Return this request's command, with more flags."""
        return format_command(
            "rekey",
            [] if self.selected else [address.secret_id for address in self.addresses],
            primary_region=common_region(self.addresses),
            targets=self.targets,
            flags=(*self.selected, *self.repeated, *extra),
        )


def rekey(aws: Aws, request: RekeyRequest, run: RunState) -> SecretsReport:
    """Change replicas' keys, and read back that replicas and versions are under them.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: a secret belongs to another account than expected, or the plan was not confirmed.

    """
    keys = KmsKeys(aws)
    lookups = find_secrets(aws, request.addresses, follow=False, expect_account=request.expect_account, run=run)
    if request.selected:
        lookups = skip_without_replicas(lookups, run, request.targets)
    members = parallel(partial(_member, aws, keys, request, run), lookups)
    secrets = [member for member in members if isinstance(member, RekeyedSecret)]
    run.track(members, partial(_interrupted, secrets))
    dangers = [danger for secret in secrets for danger in (secret.dangers if request.recreate else ())]
    wanted = [(secret, change) for secret in secrets for change in secret.changes.values() if change.wanted]
    names = list(dict.fromkeys(secret.check.primary.name for secret, _ in wanted)) if request.selected else None
    activity = "recreating a replica" if request.recreate else "rekey"
    if not run.approve(Plan(activity, dangers, request.again, names, destroys=request.recreate, rate=request.rate)):
        return run.report()
    if request.recreate:
        for secret in secrets:
            secret.recreate(aws, request.addresses[0], run)
    else:
        with WriteGate.for_run(run, request.rate) as gate:
            send_in_batches(partial(_send, aws, keys, gate), wanted, run)
        _read_back(aws, keys, secrets, run)
    return run.report()


def _member(
    aws: Aws, keys: KmsKeys, request: RekeyRequest, run: RunState, lookup: FoundSecret
) -> RekeyedSecret | SecretReport:
    """Return a secret with its key changes, or why nothing can be changed."""
    primary = primary_to_change(lookup, "rekey", request.targets, request.repeated)
    return primary if isinstance(primary, SecretReport) else _decide(aws, keys, primary, request, run)


@dataclass(slots=True)
class RekeyedSecret:
    """One secret and the replicas that change keys."""

    check: ReplicaCheck
    """Comparison of its replicas."""
    changes: dict[Region, KeyChange]
    clock: Clock
    looked_at: float
    """Time of the look that decided them, in the clock's seconds."""
    proved: set[Region] = field(default_factory=set)
    """Regions looked at since the request."""
    recreation: Recreation | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        anew = self.recreation is not None and self.recreation.was_sent
        return anew or any(change.sent_at is not None for change in self.changes.values())

    @property
    def sent(self) -> tuple[Target, ...]:
        """Regions whose request may have been taken."""
        return tuple(
            change.target for change in self.changes.values() if change.sent_at is not None and change.error is None
        )

    @property
    def dangers(self) -> list[tuple[str, str]]:
        """Changes to confirm: the secret's name, and the Regions where it will be missing for a while."""
        name = self.check.primary.name
        return [
            (
                name,
                (
                    f"{name} will be missing in {region} from its removal until it is replicated again, a minute or "
                    "more; reads there will fail meanwhile"
                ),
            )
            for region, change in self.changes.items()
            if change.wanted
        ]

    def recreate(self, aws: Aws, address: SecretAddress, run: RunState) -> None:
        """Recreate the replicas that need another key, one Region at a time."""
        targets = [change.target for change in self.changes.values() if change.wanted]
        if targets:
            self.recreation = Recreation(aws, address, self.check.primary, run)
            self.recreation.recreate(targets, {region: seen.look for region, seen in self.check.seen.items()})

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:  # noqa: ARG002 - it always waits
        """Return the secret's current report."""
        proved = self.check.report()
        anew = self.recreation.rows() if self.recreation else {}
        error = proved.error or (self.recreation.error() if self.recreation else None)
        notes = [*proved.notes, *self.notes, *(self.recreation.notes() if self.recreation else ())]
        rows = tuple(anew.get(row.region) or self._row(row, dry_run=dry_run) for row in proved.replicas)
        outcomes = [row.outcome for row in rows]
        outcome = worst([*outcomes, error.outcome] if error else outcomes)
        return replace(proved, replicas=rows, outcome=outcome, error=error, notes=tuple(dict.fromkeys(notes)))

    def _row(self, row: RegionReport, *, dry_run: bool) -> RegionReport:
        change = self.changes[row.region]
        if self.recreation and row.region in self.recreation.left_out:
            change = replace(change, error=self.recreation.left_out[row.region])
        proved = change.sent_at is None or row.region in self.proved
        return key_change_row(change, row, self.clock.monotonic(), proved=proved, dry_run=dry_run)


def _decide(aws: Aws, keys: KmsKeys, primary: Secret, request: RekeyRequest, run: RunState) -> RekeyedSecret:
    """Look at both sides and at the new keys, and decide; changes nothing in AWS."""
    seen = _prover(aws, keys, run).round(primary, request.targets)
    health, patience_s = PreflightChecks(aws, aws, keys, "rekey"), time_left(run.clock, run.deadline)
    (needed,) = parallel(
        lambda _: health.of_primary(primary) if request.recreate else (),
        [None],
        late=lambda _: (LATE,),
        patience_s=patience_s,
    )
    changes = parallel(
        lambda target: _turn(keys, primary, target, seen[target.region], health, needed, request),
        request.targets,
        late=lambda target: blocked_change(target, LATE, Outcome.PENDING),
        patience_s=time_left(run.clock, run.deadline),
    )
    check = ReplicaCheck(primary, request.targets, dict(seen))
    by_region = {change.target.region: change for change in changes}
    return RekeyedSecret(check, by_region, run.clock, run.clock.monotonic())


def _turn(  # noqa: PLR0913, PLR0917 - all that decides it
    keys: KmsKeys,
    primary: Secret,
    target: Target,
    seen: ReplicaLook,
    health: PreflightChecks,
    needed: tuple[Finding, ...],
    request: RekeyRequest,
) -> KeyChange:
    """Decide one Region's key change, after a look at the new key and at what a recreation needs."""
    shown = seen.look.kms_key_id if isinstance(seen.look, Secret) else None
    wanted, current = target.kms_key or DEFAULT, shown or DEFAULT
    same = keys.same(wanted, current, target.region, primary.account, by_arn=primary.by_arn)
    decided = decide_key_change(primary, target, (seen.look, seen.proof), same, recreate=request.recreate)
    if not decided.wanted or not (request.preflight or request.recreate):
        return decided
    return with_blockers(decided, (*health.of_key(primary, target), *needed), sure=request.recreate)


def _prover(aws: Aws, keys: KmsKeys, run: RunState, key_patience_s: float = 0.0) -> ReplicaProver:
    return ReplicaProver(aws, keys, run.clock, run.deadline, key_patience_s, acts=True)


def _send(aws: Aws, keys: KmsKeys, gate: WriteGate, decided: tuple[RekeyedSecret, KeyChange]) -> None:
    secret, change = decided
    write_once(RekeyWrite(aws, keys, gate, secret), [change.target.region], gate)


def _read_back(aws: Aws, keys: KmsKeys, secrets: Sequence[RekeyedSecret], run: RunState) -> None:
    """Look until each changed replica is seen under its new key, old versions included."""
    checks = [(secret, ReplicaCheck(secret.check.primary, secret.sent)) for secret in secrets]

    def take_in() -> None:
        for secret, check in checks:
            secret.check.seen.update(check.seen)
            secret.check.error, secret.check.primary = check.error, check.primary
            secret.proved.update(check.seen)

    prove_until_settled(_prover(aws, keys, run, LIST_LAG_S), [check for _, check in checks], run, after=take_in)
    for secret in secrets:
        for region in secret.proved:
            proof = secret.check.seen[region].proof
            if proof.verified is not None and all(finding.kind is not Kind.WRONG_KEY for finding in proof.findings):
                secret.changes[region] = replace(secret.changes[region], accepted=True)


class RekeyWrite(Write):
    """UpdateSecret with another key, for one replica."""

    not_shown = not_read = "nothing shows that AWS accepted it"

    def __init__(self, aws: Aws, keys: KmsKeys, gate: WriteGate, secret: RekeyedSecret) -> None:
        """Write to one replica of the secret."""
        super().__init__(gate, secret.check.primary.name, secret.notes, secret.changes)
        self.aws, self.keys, self.primary, self.changes = aws, keys, secret.check.primary, secret.changes
        self.secret = secret

    def check(self, regions: list[Region]) -> None:
        """Look into the Region again if a question or the pace took time: it may have been promoted meanwhile."""
        if self.gate.clock.monotonic() - self.secret.looked_at < FRESH_S:
            return
        (region,) = regions
        shown, seen = self.secret.check.seen[region].look, look_up_name(self.aws, self.primary, region)
        compare(shown if isinstance(shown, Secret) else None, seen, self.name, region, try_again(self.command(regions)))

    def request(self, regions: Sequence[Region]) -> None:
        """Request the new key."""
        (region,) = regions
        self.changes[region] = replace(self.changes[region], sent_at=self.gate.clock.monotonic())
        key = self.changes[region].target.kms_key or DEFAULT
        self.aws.rekey(in_region(self.primary.arn, region), region, key)

    def find(self, regions: Sequence[Region]) -> bool:
        """Look until the replica is under its new key, for as long as answers may lag."""
        gate = self.gate
        prover = ReplicaProver(self.aws, self.keys, gate.clock, gate.deadline, acts=True)
        target = self.changes[regions[0]].target
        taken = poll(
            lambda: _is_taken(prover.round(self.primary, [target])[target.region]),
            lambda taken: taken is True,
            clock=gate.clock,
            deadline=min(gate.deadline, gate.clock.monotonic() + LIST_LAG_S),
        )
        self.changes[target.region] = replace(self.changes[target.region], accepted=taken is True)
        return taken is not None

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that retries these Regions."""
        return format_command_on(self.primary, "rekey", [self.changes[region].target for region in regions])

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Add the secret, the Region and a hint to the error."""
        (region,) = regions
        return key_change_refusal(error, self.primary, self.changes[region].target, in_region(self.primary.arn, region))


def _is_taken(seen: ReplicaLook) -> bool | None:
    """Return whether a replica is under its new key; None if unknown."""
    kinds = {finding.kind for finding in seen.proof.findings}
    return False if Kind.WRONG_KEY in kinds else True if kinds <= {Kind.STALE} else None


@dataclass(frozen=True, slots=True)
class _Part:
    """Observer of a run within another, whose confirmation covers it."""

    whole: RunState

    def note(self, text: str) -> None:
        """Show the sentence in the outer run."""
        self.whole.note(text)

    def update(self, _state: RunState, _changed: Sequence[SecretReport] | None) -> None:
        """Update the outer run's observer."""
        self.whole.update()

    def approve(self, _state: RunState, _plan: Plan) -> bool:
        """Return True: the outer run was approved."""
        return True


def _interrupted(secrets: Sequence[RekeyedSecret], run: RunState) -> Problem:
    recreations = [secret.recreation.activity for secret in secrets if secret.recreation]
    return interrupted_change(recreations[-1] if recreations else "changing the key", run)


@dataclass(slots=True)
class Recreation:
    """Recreates replicas one Region at a time; stops at the first that does not come back."""

    aws: Aws
    address: SecretAddress
    primary: Secret
    run: RunState
    removals: dict[Region, RunState] = field(default_factory=dict)
    replications: dict[Region, RunState] = field(default_factory=dict)
    targets: dict[Region, Target] = field(default_factory=dict)
    left_out: dict[Region, Problem] = field(default_factory=dict)
    """Regions not begun, with the reason."""

    def recreate(self, targets: Sequence[Target], shown: Mapping[Region, object]) -> None:
        """Remove a replica, wait until it is gone, replicate under the new key and prove it; then the next Region.

        `targets` have their new keys; only the replicas in `shown` may be removed.

        Raises:
            CredentialsError: no further call can succeed.

        """
        self.targets = {target.region: target for target in targets}
        for number, target in enumerate(targets):
            victim = shown.get(target.region)
            self._recreate_one(target, victim if isinstance(victim, Secret) else None)
            row = self.rows().get(target.region)
            if row is None or row.outcome is not Outcome.OK:
                self._leave_out(targets[number + 1 :], target.region)
                return

    def rows(self) -> dict[Region, RegionReport]:
        """Return the rows of the Regions begun."""
        return {
            row.region: recreated_row(row, self.primary, self.targets[row.region], made=made)
            for made, report in self._reports()
            for row in report.replicas
        }

    def notes(self) -> list[str]:
        """Return the notes of the removals and the replications."""
        return [note for _, report in self._reports() for note in report.notes]

    def error(self) -> Problem | None:
        """Return the first error of the whole secret."""
        return next((report.error for _, report in self._reports() if report.error), None)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(removal.tracked.was_sent for removal in self.removals.values())

    @property
    def activity(self) -> str:
        """Activity that AWS continues after an interruption."""
        last = [*self.removals][-1:]
        coming = last and last[0] in self.replications and self.replications[last[0]].tracked.was_sent
        return "replicating" if coming else "removing the replica, and nothing recreates it until you resume"

    def _reports(self) -> Iterator[tuple[bool, SecretReport]]:
        """Yield the removals' reports, then the replications', whose rows win."""
        for made, runs in ((False, self.removals), (True, self.replications)):
            yield from ((made, report) for run in [*runs.values()] for report in run.report().secrets)

    def _recreate_one(self, target: Target, victim: Secret | None) -> None:
        region = target.region
        self.removals[region] = removal = self._part()
        removed = remove(self.aws, RemoveRequest((self.address,), (region,), shown={region: victim}), removal)
        if any(report.outcome is not Outcome.OK for report in removed.secrets):
            return
        self._wait_until_unlisted(region)  # the replica is gone now: wait out an outage of the primary
        self.replications[region] = replication = self._part()
        replicate(self.aws, ReplicateRequest((self.address,), (target,), verify=True), replication)

    def _part(self) -> RunState:
        return RunState(self.run.clock, self.run.deadline, _Part(self.run))

    def _wait_until_unlisted(self, region: Region) -> None:
        """Wait until the primary answers and its lagging list no longer shows the removed replica."""
        clock = self.run.clock
        lag_ends = clock.monotonic() + LIST_LAG_S

        def ready() -> bool:
            self.run.heartbeat()
            primary = answer_or_error(lambda: self.aws.describe(self.primary.arn, self.primary.region))
            if isinstance(primary, AwsError):
                return not isinstance(primary, Unanswered | Throttled)
            return primary.replica(region) is None or clock.monotonic() >= lag_ends

        poll(ready, bool, clock=clock, deadline=self.run.deadline)

    def _leave_out(self, targets: Sequence[Target], because: Region) -> None:
        for target in targets:
            again = format_command_on(self.primary, "rekey", [target], ["--recreate"])
            place = f"{self.primary.name} in {target.region}"
            why = NotSent(f"{place}: not started, because {because} has not succeeded", step("try again", again))
            self.left_out[target.region] = Problem.of(why)
