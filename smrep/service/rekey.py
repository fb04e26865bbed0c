"""`rekey`: change the KMS keys of replicas in place, or by recreating them one Region after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, CredentialsError, NotSent, Outcome, Throttled, Unanswered
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, SecretReport, Trouble
from smrep.rules.hints import spell, spell_on
from smrep.rules.primary_region import Address
from smrep.rules.replication.key_change import Turn, held_back, recreated, rekeyed, stopped, turn, unkeyed
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.replica_state import LIST_LAG_S, worst
from smrep.service.ports import Account, Clock, Keys, SecretsManager
from smrep.service.remove import Removal
from smrep.service.replicate import Replication, Request
from smrep.service.steps.kms_keys import KeyCheck
from smrep.service.steps.lookup import Patient, asked, find, refusal, unfit
from smrep.service.steps.parallel import abreast, nothing, patience
from smrep.service.steps.polling import poll
from smrep.service.steps.preflight import LATE, Health
from smrep.service.steps.prove import Checking, Prover, Seen, settle
from smrep.service.steps.write_once import Gate, is_moot


@dataclass(slots=True)
class Rekeying:
    """One run of `rekey`: `plan` looks and decides, `act` sends and reads back, `secrets` tells how it stands."""

    aws: SecretsManager
    keys: Keys
    account: Account
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    address: Address
    targets: tuple[Target, ...]
    """Each with its key."""
    recreate: bool = False
    preflight: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""
    refused: SecretReport | None = None
    checking: Checking | None = None
    turns: dict[Region, Turn] = field(default_factory=dict)
    proved: set[Region] = field(default_factory=set)
    """The Regions that were looked at since the request."""
    recreation: Recreation | None = None
    notes: list[str] = field(default_factory=list)
    key_check: KeyCheck = field(init=False)

    def __post_init__(self) -> None:
        """Share one memory of keys."""
        self.key_check = KeyCheck(self.keys)

    def plan(self) -> None:
        """Look at both sides and at the new keys, and decide; changes nothing in AWS.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: the secret is of another account than the one expected.

        """
        (found,) = find(
            Patient(self.aws, self.clock, self.deadline),
            [self.address],
            follow=False,
            expect_account=self.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        primary = found.what
        error = primary if isinstance(primary, Trouble) else unfit(primary, "rekey", self.targets, self._flags)
        if isinstance(primary, Trouble) or error:
            assert error is not None  # noqa: S101 - either way there is one
            self.refused = refusal(found, error)
            return
        seen = self._prover().round(primary, self.targets)
        health = Health(self.aws, self.account, self.key_check, "rekey")
        (needed,) = abreast(
            lambda _: health.of_primary(primary) if self.recreate else (),
            [None],
            late=lambda _: (LATE,),
            patience_s=patience(self.clock, self.deadline),
        )
        turns = abreast(
            lambda target: self._turn(primary, target, seen[target.region], health, needed),
            self.targets,
            late=lambda target: stopped(target, LATE, Outcome.PENDING),
            patience_s=patience(self.clock, self.deadline),
        )
        self.turns = {each.target.region: each for each in turns}
        self.checking = Checking(primary, self.targets, dict(seen))  # last: each row needs its turn

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and where it will be missing for a while."""
        if not self.recreate or self.checking is None:
            return ()
        name = self.checking.primary.name
        return tuple(
            (
                name,
                (
                    f"{name} will be missing in {region} from its removal until it is replicated anew, a minute or "
                    "more; who reads it there will fail"
                ),
            )
            for region, each in self.turns.items()
            if each.wanted
        )

    def act(self) -> Iterator[None]:
        """Send what the plan says, and read back that replica and versions are under the new key.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was done up to then.

        """
        if self.checking is None:
            return
        wanted = [each for each in self.turns.values() if each.wanted]
        if self.recreate and wanted:
            known = self.checking.seen
            self.recreation = Recreation(
                self.aws,
                self.keys,
                self.account,
                self.clock,
                self.deadline,
                self.address,
                self.checking.primary,
                [each.target for each in wanted],
                {region: each.look if isinstance(each.look, Secret) else None for region, each in known.items()},
                self.pulse,
            )
            yield from self.recreation.act()
            return
        with Gate.until(self.clock, self.deadline) as gate:
            abreast(partial(self._send, gate, self.checking.primary), wanted, pulse=self.pulse)
            yield
        sent = tuple(each.target for each in self.turns.values() if each.sent_at is not None and each.error is None)
        again = Checking(self.checking.primary, sent)
        for _ in settle(self._prover(LIST_LAG_S), [again], self.pulse):
            self.checking.seen.update(again.seen)
            self.checking.error, self.checking.primary = again.error, again.primary
            self.proved.update(again.seen)
            yield
        for region in self.proved:
            proof = self.checking.seen[region].proof
            if proof.verified is not None and all(each.kind is not Kind.WRONG_KEY for each in proof.findings):
                self._change(region, accepted=True)

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return the secret as it stands."""
        if self.refused:
            return (self.refused,)
        if self.checking is None:
            return ()
        proved = self.checking.report()
        anew = self.recreation.rows() if self.recreation else {}
        error = proved.error or (self.recreation.error() if self.recreation else None)
        notes = [*proved.notes, *self.notes, *(self.recreation.notes() if self.recreation else ())]
        rows = tuple(anew.get(row.region) or self._row(row, dry_run=dry_run) for row in proved.replicas)
        outcomes = [row.outcome for row in rows]
        outcome = worst([*outcomes, error.outcome] if error else outcomes)
        return (replace(proved, replicas=rows, outcome=outcome, error=error, notes=tuple(dict.fromkeys(notes))),)

    def _row(self, row: RegionReport, *, dry_run: bool) -> RegionReport:
        known = self.turns[row.region]
        if self.recreation and row.region in self.recreation.left_out:
            known = replace(known, error=self.recreation.left_out[row.region])
        return rekeyed(
            known,
            row,
            self.clock.monotonic(),
            proved=known.sent_at is None or row.region in self.proved,
            dry_run=dry_run,
        )

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        anew = self.recreation is not None and self.recreation.was_sent
        return anew or any(each.sent_at is not None for each in self.turns.values())

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        return self.recreation.doing if self.recreation else "changing the key"

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        return spell(
            "rekey",
            [self.address.secret_id],
            primary_region=self.address.region,
            targets=self.targets,
            flags=(*self._flags, *more),
        )

    @property
    def _flags(self) -> tuple[str, ...]:
        return (*self.flags, "--recreate") if self.recreate else self.flags

    def _prover(self, key_patience_s: float = 0.0) -> Prover:
        return Prover(self.aws, self.key_check, self.clock, self.deadline, key_patience_s, acts=True)

    def _turn(self, primary: Secret, target: Target, seen: Seen, health: Health, needed: tuple[Finding, ...]) -> Turn:
        """Return what to do in one Region, with the new key looked at, and what the primary needs to make it anew."""
        shown = seen.look.kms_key_id if isinstance(seen.look, Secret) else None
        wanted, here = target.kms_key or DEFAULT, shown or DEFAULT
        same = self.key_check.same(wanted, here, target.region, primary.account, by_arn=primary.by_arn)
        decided = turn(primary, target, (seen.look, seen.proof), same, recreate=self.recreate)
        if not decided.wanted or not (self.preflight or self.recreate):
            return decided
        return held_back(decided, (*health.of_key(primary, target), *needed), sure=self.recreate)

    def _send(self, gate: Gate, primary: Secret, known: Turn, *, again: bool = False) -> None:
        """Ask AWS once; a lost answer is looked for, and only what then is under another key is asked for again."""
        target, region = known.target, known.target.region
        arn, key = in_region(primary.arn, region), target.kms_key or DEFAULT
        if gate.closed:
            hint = spell_on(primary, "rekey", [target])
            why = NotSent(f"{primary.name} in {region}: not sent, since {gate.closed}", hint)
            self._change(region, error=Trouble.of(why))
            return

        def request() -> None:
            self._change(region, sent_at=self.clock.monotonic())
            self.aws.rekey(arn, region, key)

        try:
            gate.send(request)
            self._change(region, accepted=True)
        except Unanswered as error:
            taken = self._look_for(primary, target)
            self._change(region, accepted=taken is True)
            if taken is False and not again and gate.may_repeat:
                self._send(gate, primary, self.turns[region], again=True)
            elif not taken:
                self.notes.append(
                    f"no answer came to the request for {region} ({error.words}), and it is not seen to be taken"
                )
        except AwsError as error:
            if is_moot(error, again=again):
                self.notes.append(f"the request for {region} was refused the second time: {error.words}")
                return
            self._change(region, sent_at=known.sent_at)
            if isinstance(error, CredentialsError):
                raise
            self._change(region, error=Trouble.of(unkeyed(error, primary, target, arn)))

    def _look_for(self, primary: Secret, target: Target) -> bool | None:
        """Tell from the replica whether AWS acted on a request whose answer was lost; None where it can't be told."""

        def look() -> bool | None:
            proof = self._prover().round(primary, [target])[target.region].proof
            kinds = {each.kind for each in proof.findings}
            return False if Kind.WRONG_KEY in kinds else True if kinds <= {Kind.STALE} else None

        until = min(self.deadline, self.clock.monotonic() + LIST_LAG_S)
        *_, taken = poll(look, lambda found: found is True, clock=self.clock, deadline=until)
        return taken

    def _change(self, region: Region, **changes: object) -> None:
        self.turns[region] = replace(self.turns[region], **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class Recreation:
    """Leaves no more than one Region at a time without the secret; stops at the first that does not come back."""

    aws: SecretsManager
    keys: Keys
    account: Account
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    address: Address
    primary: Secret
    targets: Sequence[Target]
    """Each with its new key."""
    shown: Mapping[Region, Secret | None]
    """The replicas as they were shown, which alone may be removed; None where nothing is there."""
    pulse: Callable[[], None]
    removals: dict[Region, Removal] = field(default_factory=dict)
    replications: dict[Region, Replication] = field(default_factory=dict)
    left_out: dict[Region, Trouble] = field(default_factory=dict)
    """The Regions that were not begun, with the reason."""

    def act(self) -> Iterator[None]:
        """Remove, wait until it is gone, replicate under the new key, prove it; then the next Region.

        Raises:
            CredentialsError: no further call can succeed.

        """
        for number, target in enumerate(self.targets):
            yield from self._one(target)
            row = self.rows().get(target.region)
            if row is None or row.outcome is not Outcome.OK:
                self._leave_out(self.targets[number + 1 :], target.region)
                return

    def rows(self) -> dict[Region, RegionReport]:
        """Return the Regions that were begun as they stand."""
        targets = {target.region: target for target in self.targets}
        return {
            row.region: recreated(row, self.primary, targets[row.region], made=made)
            for made, report in self._reports()
            for row in report.replicas
        }

    def notes(self) -> list[str]:
        """Return what the removals and the replications have to say besides."""
        return [note for _, report in self._reports() for note in report.notes]

    def error(self) -> Trouble | None:
        """Return the first trouble of the whole secret."""
        return next((report.error for _, report in self._reports() if report.error), None)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(removal.was_sent for removal in self.removals.values())

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        last = [*self.removals][-1:]
        coming = last and last[0] in self.replications and self.replications[last[0]].was_sent
        return "replicating" if coming else "removing, and nothing makes the replica anew"

    def _reports(self) -> Iterator[tuple[bool, SecretReport]]:
        """Yield the reports of the removals, then those of the replications, which count where both have a row."""
        yield from ((False, report) for run in [*self.removals.values()] for report in run.secrets())
        yield from ((True, report) for run in [*self.replications.values()] for report in run.secrets())

    def _one(self, target: Target) -> Iterator[None]:
        region = target.region
        removal = Removal(self.aws, self.clock, self.deadline, (self.address,), (region,), pulse=self.pulse)
        self.removals[region] = removal
        removal.plan()
        removal.show(self.shown)
        yield from removal.act()
        if any(report.outcome is not Outcome.OK for report in removal.secrets()):
            return
        self._until_unlisted(region)  # there is no replica now: an outage of the primary is waited out
        request = Request((self.address,), (target,), verify=True)
        run = Replication(self.aws, self.keys, self.account, self.clock, self.deadline, request, self.pulse)
        self.replications[region] = run
        run.plan()
        yield from run.act()

    def _until_unlisted(self, region: Region) -> None:
        """Wait until the primary answers, and until its list, which may lag, does not show any more what is gone."""
        lag_ends = self.clock.monotonic() + LIST_LAG_S

        def ready() -> bool:
            primary = asked(lambda: self.aws.describe(self.primary.arn, self.primary.region))
            if isinstance(primary, AwsError):
                return not isinstance(primary, Unanswered | Throttled)
            return primary.replica(region) is None or self.clock.monotonic() >= lag_ends

        for _ in poll(ready, bool, clock=self.clock, deadline=self.deadline):
            self.pulse()

    def _leave_out(self, targets: Sequence[Target], because: Region) -> None:
        for target in targets:
            again = spell_on(self.primary, "rekey", [target], ["--recreate"])
            place = f"{self.primary.name} in {target.region}"
            why = NotSent(f"{place}: not begun, since {because} is not in order yet", again)
            self.left_out[target.region] = Trouble.of(why)
