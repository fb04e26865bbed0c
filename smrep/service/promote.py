"""`promote`: make a replica stand alone, with no call to its primary's Region that could fail it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from smrep.errors import SmrepError
from smrep.model import Secret, SecretId, Target, in_region
from smrep.regions import Region
from smrep.report import SecretReport, Trouble
from smrep.rules.hints import spell
from smrep.rules.primary_region import Address
from smrep.rules.replication.standalone_secret import check_named, left_behind, silence, unfit
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import Found, Patient, doomed, find, refusal
from smrep.service.steps.parallel import LOOK_S, abreast, nothing, patience
from smrep.service.steps.polling import ticks
from smrep.service.steps.secret_promotion import Candidate, Promoter
from smrep.service.steps.secret_replication import reports
from smrep.service.steps.write_once import Gate, in_turn


@dataclass(slots=True)
class Promotion:
    """One run of `promote`: `plan` looks and decides, `act` sends and reads back, `secrets` tells how it stands."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    secret_ids: tuple[SecretId, ...]
    region: Region
    home: Region | None = None
    """The primary's Region, where it was typed; a replica of another one is refused."""
    wait: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""
    members: list[Candidate | SecretReport] = field(default_factory=list)

    def plan(self) -> None:
        """Look at each secret in the Region asked for and nowhere else; changes nothing in AWS.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: a secret is of another account than the one expected, is the primary itself, or was named by an
                ARN of a third Region.

        """
        addresses = [
            Address(SecretId(in_region(each, self.region)) if each.startswith("arn:") else each, self.region)
            for each in self.secret_ids
        ]
        found = find(
            Patient(self.aws, self.clock, self.deadline),
            addresses,
            follow=False,
            expect_account=self.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        check_named(self.secret_ids, [each.what for each in found if isinstance(each.what, Secret)])
        self.members = [self._member(each) for each in found]

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and what it is cut off from."""
        return tuple(
            (
                first.name,
                (
                    f"to be cut off from its primary in {first.primary_region} for good, so that no later change "
                    f"reaches it: {first.arn}"
                ),
            )
            for first in (each.first for each in self._candidates if each.is_open)
        )

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        return "promoting"

    def act(self) -> Iterator[None]:
        """Send what the plan says, read back that each secret stands alone, then ask the old primaries once.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was done up to then.

        """
        to_send = [each for each in self._candidates if each.is_open]
        with Gate.until(self.clock, self.deadline) as gate:
            promoter = Promoter(self.aws, gate)
            yield from in_turn(promoter.send, to_send, self.pulse)
            if self.wait:
                yield from ticks(promoter.look, self._open, clock=self.clock, deadline=self.deadline, pulse=self.pulse)
        self._ask_old_primaries([each for each in to_send if each.accepted])

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        return reports(self.members, waiting=self.wait, dry_run=dry_run)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(each.sent_at is not None for each in self._candidates)

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        return spell(
            "promote",
            self.secret_ids,
            primary_region=self.home,
            targets=[Target(self.region)],
            flags=(*self.flags, *more),
        )

    @property
    def _candidates(self) -> list[Candidate]:
        return [each for each in self.members if isinstance(each, Candidate)]

    def _member(self, found: Found) -> Candidate | SecretReport:
        secret = found.what
        if isinstance(secret, Trouble):
            return refusal(found, secret)
        error = doomed(secret) or unfit(secret, self.home)
        if error is not None:
            return refusal(found, error)
        candidate = Candidate(secret, secret)
        if not secret.is_replica:
            candidate.notes.append(f"{secret.name} in {secret.region} stands alone already; nothing was sent")
        return candidate

    def _open(self) -> list[Candidate]:
        return [each for each in self._candidates if each.is_open and each.sent_at is not None]

    def _ask_old_primaries(self, promoted: list[Candidate]) -> None:
        """Note what the old primaries still list, or that they are silent, which fails nothing."""
        notes = abreast(
            self._left_behind,
            promoted,
            late=lambda case: (silence(case.first, "no answer came in time"),),
            patience_s=LOOK_S,
        )
        for case, each in zip(promoted, notes, strict=True):
            case.notes += each

    def _left_behind(self, case: Candidate) -> tuple[str, ...]:
        home = case.first.primary_region or self.region
        try:
            return left_behind(self.aws.describe(in_region(case.first.arn, home), home), self.region)
        except SmrepError as error:
            return (silence(case.first, error.message),)
