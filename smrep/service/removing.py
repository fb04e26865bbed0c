"""`remove`: delete replicas, and wait until they are really gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, CredentialsError, Denied, NotSent, Refused, Throttled, Unanswered
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import SecretReport, Trouble
from smrep.rules.asked import Address, common_region
from smrep.rules.commands import spell
from smrep.rules.preflight import Absent, Look, Unseen, portrait
from smrep.rules.removal import Departure, departure, observed, row
from smrep.rules.settle import LIST_LAG_S, told
from smrep.service.abreast import abreast, nothing, patience
from smrep.service.cases import reports
from smrep.service.gate import Gate, in_turn, is_moot
from smrep.service.looking import Found, asked, find, look, no_answer, refusal, troubles_elsewhere, unfit
from smrep.service.polling import poll, ticks
from smrep.service.ports import Clock, SecretsManager


@dataclass(slots=True)
class Clearing:
    """One secret some of whose replicas are to go, replaced as news come in."""

    primary: Secret
    departures: dict[Region, Departure]
    notes: list[str] = field(default_factory=list)

    @property
    def to_send(self) -> list[Region]:
        """The Regions for which a request is to go out."""
        return [each.region for each in self.departures.values() if each.wanted and each.error is None]

    def change(self, regions: Sequence[Region], **changes: object) -> None:
        """Replace fields of these Regions' departures."""
        for region in regions:
            self.departures[region] = replace(self.departures[region], **changes)  # type: ignore[arg-type]

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands."""
        every = self.departures.values()
        rows = [row(each, self.primary, waiting=waiting, dry_run=dry_run) for each in every]
        return told(self.primary, rows, notes=self.notes)


@dataclass(slots=True)
class Removal:
    """One run of `remove`: `plan` looks and decides, `act` sends and waits, `secrets` tells how it stands."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    addresses: tuple[Address, ...]
    regions: tuple[Region, ...]
    wait: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""
    members: list[Clearing | SecretReport] = field(default_factory=list)

    def plan(self) -> None:
        """Look at each primary and into each Region, and decide; changes nothing in AWS.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: a secret is of another account than the one expected.

        """
        found = find(
            self.aws,
            self.addresses,
            follow=False,
            expect_account=self.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        self.members = abreast(self._member, found)

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and what is removed."""
        return tuple(
            (each.primary.name, f"to be removed for good from {region}: {_portrait(each, region)}")
            for each in self._clearings
            for region in each.to_send
        )

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        return "removing"

    def act(self) -> Iterator[None]:
        """Send what the plan says; with `wait`, go on until each target Region answers 'not found'.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was done up to then.

        """
        with Gate.until(self.clock, self.deadline) as gate:
            to_send = [each for each in self._clearings if each.to_send]
            yield from in_turn(lambda each: self._send(gate, each, each.to_send), to_send, self.pulse)
            if self.wait:
                yield from ticks(
                    lambda each: self._look(*each),
                    self._open,
                    clock=self.clock,
                    deadline=self.deadline,
                    pulse=self.pulse,
                )

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        return reports(self.members, waiting=self.wait, dry_run=dry_run)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(each.sent_at is not None for case in self._clearings for each in case.departures.values())

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        return spell(
            "remove",
            [address.secret_id for address in self.addresses],
            primary_region=common_region(self.addresses),
            targets=[Target(region) for region in self.regions],
            flags=(*self.flags, *more),
        )

    @property
    def _clearings(self) -> list[Clearing]:
        return [each for each in self.members if isinstance(each, Clearing)]

    def _member(self, found: Found) -> Clearing | SecretReport:
        primary = found.what
        if isinstance(primary, Trouble):
            return refusal(found, primary)
        targets = [Target(region) for region in self.regions]
        error = unfit(primary, "remove", targets, self.flags)
        if error is not None:
            return refusal(found, error)
        looks: list[Look] = abreast(
            partial(look, self.aws, primary),
            self.regions,
            late=lambda region: Unseen(no_answer(f"{primary.name} in {region}")),
            patience_s=patience(self.clock, self.deadline),
        )
        pairs = zip(self.regions, looks, strict=True)
        departures = {region: departure(primary, region, seen) for region, seen in pairs}
        return Clearing(primary, departures, [*troubles_elsewhere(primary, self.regions)])

    def _send(self, gate: Gate, case: Clearing, regions: Sequence[Region], *, again: bool = False) -> None:
        """Ask AWS to remove these Regions; a refusal of several is isolated, a lost answer is looked for."""
        primary, before = case.primary, dict(case.departures)
        what = f"{primary.name} from {', '.join(regions)}"
        if gate.closed:
            hint = spell(
                "remove", [primary.name], primary_region=primary.region, targets=[Target(each) for each in regions]
            )
            case.change(regions, error=Trouble.of(NotSent(f"{what}: not removed, since {gate.closed}", hint)))
            return

        def request() -> None:
            case.change(regions, sent_at=self.clock.monotonic())
            self.aws.remove(primary.arn, primary.region, regions)

        try:
            gate.send(request)
        except Unanswered as error:
            self._look_for(gate, case, regions, error, may_repeat=not again)
        except AwsError as error:
            if is_moot(error, again=again):
                case.notes.append(f"the removal from {', '.join(regions)} was refused the second time: {error.words}")
                return
            case.departures.update({region: before[region] for region in regions})
            if isinstance(error, CredentialsError):
                raise
            if len(regions) > 1 and isinstance(error, Denied | Refused):
                for region in regions:
                    self._send(gate, case, [region], again=again)
                return
            error.about(what)
            if isinstance(error, Denied):
                error.hint = f"allow secretsmanager:RemoveRegionsFromReplication on {primary.arn}"
            case.change(regions, error=Trouble.of(error))
        else:
            case.change(regions, accepted=True)

    def _look_for(
        self, gate: Gate, case: Clearing, regions: Sequence[Region], error: Unanswered, *, may_repeat: bool
    ) -> None:
        """Find out from the primary's list whether AWS acted on a request whose answer was lost."""
        listed: list[Region] = list(regions)
        for left in poll(
            lambda: self._still_listed(case, regions),
            lambda left: left == [],
            clock=self.clock,
            deadline=min(self.deadline, self.clock.monotonic() + LIST_LAG_S),
        ):
            listed = listed if left is None else left
        case.change([each for each in regions if each not in listed], accepted=True)
        may_repeat = may_repeat and left is not None and gate.may_repeat
        again = [region for region in listed if may_repeat and self._may_still_go(case, region)]
        if again:
            self._send(gate, case, again, again=True)
        rest = [region for region in listed if region not in again and case.departures[region].is_open]
        if rest:
            shown = "AWS's list could not be read" if left is None else "AWS's list does not show that it was taken"
            case.notes.append(f"no answer came to the removal from {', '.join(rest)} ({error.words}), and {shown}")

    def _may_still_go(self, case: Clearing, region: Region) -> bool:
        """Look into the Region once more, and tell whether what is there may be removed by a second request."""
        seen = look(self.aws, case.primary, region)
        case.departures[region] = observed(case.departures[region], case.primary, seen, self.clock.monotonic())
        return case.departures[region].is_open and not isinstance(seen, Unseen)

    def _still_listed(self, case: Clearing, regions: Sequence[Region]) -> list[Region] | None:
        """Return which Regions the primary lists still, None where it does not answer."""
        primary = asked(lambda: self.aws.describe(case.primary.arn, case.primary.region))
        if isinstance(primary, AwsError):
            return None
        return [region for region in regions if primary.replica(region)]

    def _open(self) -> list[tuple[Clearing, Region]]:
        return [
            (case, each.region)
            for case in self._clearings
            for each in case.departures.values()
            if each.is_open and (each.sent_at is not None or not each.wanted)
        ]

    def _look(self, case: Clearing, region: Region) -> None:
        """Take in one new look; one that no answer came to is a tick without news."""
        known = case.departures[region]
        if known.wanted and known.victim is None and not known.accepted and self._still_listed(case, [region]) == []:
            case.change([region], accepted=True)
        seen = look(self.aws, case.primary, region)
        if isinstance(seen, Absent) and case.departures[region].victim:
            seen = look(self.aws, case.primary, region)  # a replica that was seen is not gone for one stray answer
        if isinstance(seen, Unseen) and seen.error and not isinstance(seen.error, Unanswered | Throttled):
            case.change([region], error=Trouble.of(seen.error))
            return
        case.departures[region] = observed(case.departures[region], case.primary, seen, self.clock.monotonic())


def _portrait(case: Clearing, region: Region) -> str:
    """Return what a person needs to see of a replica before it is removed."""
    victim = case.departures[region].victim
    return portrait(victim) if victim else f"the entry of {case.primary.name}, with nothing there"
