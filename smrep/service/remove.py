"""`remove`: delete replicas, and wait until they are really gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import SecretReport, Trouble
from smrep.rules.hints import spell
from smrep.rules.primary_region import Address, common_region
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import Found, Patient, find, refusal, unfit
from smrep.service.steps.parallel import abreast, nothing, patience
from smrep.service.steps.polling import ticks
from smrep.service.steps.secret_removal import Clearer, Clearing, begin
from smrep.service.steps.secret_replication import reports
from smrep.service.steps.write_once import Gate, in_turn


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
            Patient(self.aws, self.clock, self.deadline),
            self.addresses,
            follow=False,
            expect_account=self.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        self.members = abreast(self._member, found)

    def show(self, shown: Mapping[Region, Secret | None]) -> None:
        """Let no replica go but those that were shown in an earlier look."""
        for case in self._clearings:
            case.show(shown)

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and what is removed."""
        return tuple(stake for case in self._clearings for stake in case.stakes)

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
            clearer = Clearer(self.aws, gate)
            to_send = [case for case in self._clearings if case.to_send]
            yield from in_turn(lambda case: clearer.send(case, case.to_send), to_send, self.pulse)
            if self.wait:
                yield from ticks(
                    lambda each: clearer.look(*each),
                    lambda: [(case, region) for case in self._clearings for region in case.open_regions],
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
        return any(case.was_sent for case in self._clearings)

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        return spell(
            "remove",
            [address.secret_id for address in self.addresses],
            primary_region=common_region(self.addresses),
            targets=self._targets,
            flags=(*self.flags, *more),
        )

    @property
    def _clearings(self) -> list[Clearing]:
        return [each for each in self.members if isinstance(each, Clearing)]

    @property
    def _targets(self) -> list[Target]:
        return [Target(region) for region in self.regions]

    def _member(self, found: Found) -> Clearing | SecretReport:
        primary = found.what
        if isinstance(primary, Trouble):
            return refusal(found, primary)
        error = unfit(primary, "remove", self._targets, self.flags)
        if error is not None:
            return refusal(found, error)
        return begin(self.aws, primary, self.regions, self.clock, self.deadline)
