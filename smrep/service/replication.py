"""`replicate`: look, plan, send with the fewest calls, wait for every Region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import IN_SYNC, Action, Secret, SecretReport, Target, Trouble
from smrep.regions import Region
from smrep.rules.asked import Address
from smrep.rules.commands import spell
from smrep.rules.plan import NO_CONSENT, Add, Consent, Keep, Overwrite, Retry, Step, Stop, step_for
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.rules.settle import Course
from smrep.service.abreast import abreast
from smrep.service.cases import Case, Member, cases, open_regions, reports
from smrep.service.keys import KeyCheck
from smrep.service.looking import Found, doomed, find, refusal, troubles_elsewhere
from smrep.service.ports import Clock, Keys, SecretsManager
from smrep.service.sending import Sender
from smrep.service.waiting import Waiter


@dataclass(frozen=True, slots=True)
class Request:
    """What `replicate` was asked for."""

    addresses: tuple[Address, ...]
    targets: tuple[Target, ...]
    consent: Consent = NO_CONSENT
    preflight: bool = True
    wait: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""


@dataclass(slots=True)
class Replication:
    """One run of `replicate`: `plan` looks and decides, `act` sends and waits, `secrets` tells how it stands."""

    aws: SecretsManager
    keys: Keys
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    request: Request
    members: list[Member] = field(default_factory=list)

    def plan(self) -> None:
        """Look at each secret and into each target Region, and decide per Region; changes nothing in AWS.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: a secret is of another account than the one expected.

        """
        found = find(self.aws, self.request.addresses, follow=False, expect_account=self.request.expect_account)
        self.members = abreast(self._member, found)

    @property
    def victims(self) -> tuple[Overwrite, ...]:
        """The steps that destroy something and need a confirmation."""
        return tuple(step for case in cases(self.members) for step in case.steps if isinstance(step, Overwrite))

    def act(self) -> Iterator[None]:
        """Send what the plan says, yielding after each secret; with `wait`, go on until all has settled.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was done up to then.

        """
        sender = Sender(self.aws, self.clock, self.deadline)
        for case in cases(self.members):
            plain = [
                step.target.region
                for step in case.steps
                if (isinstance(step, Add) and not step.removing) or isinstance(step, Retry)
            ]
            if plain:
                sender.send(case, plain)
                yield
            for step in case.steps:
                if isinstance(step, Overwrite):
                    sender.send(case, [step.target.region], force=True)
                    yield
        if self.request.wait and any(open_regions(self.members)):
            yield from Waiter(self.aws, self.clock, self.deadline).settle(cases(self.members))
        self._check_new_keys()

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        return reports(self.members, waiting=self.request.wait, dry_run=dry_run)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(case.was_sent for case in cases(self.members))

    def _member(self, found: Found) -> Member:
        """Return a secret with what is to be done, or why nothing can be."""
        primary = found.what
        if isinstance(primary, Trouble):
            return refusal(found, primary)
        error = self._unfit(primary)
        if error is not None:
            return refusal(found, error)
        steps = self._steps(primary)
        courses = {step.target.region: _course(step) for step in steps}
        return Case(primary, courses, [*troubles_elsewhere(primary, courses)], steps)

    def _unfit(self, secret: Secret) -> Trouble | None:
        """Return why this secret can't be replicated from here, None where it can."""
        if not secret.is_replica:
            return doomed(secret)
        home = secret.primary_region
        targets = [target for target in self.request.targets if target.region != home]
        command = "replicate" if targets else "status"
        flags = self.request.flags if targets else ()
        instead = spell(command, [secret.name], primary_region=home, targets=targets, flags=flags)
        return Trouble(
            "is_replica",
            f"{secret.name} in {secret.region} is a replica; its primary is in {home}",
            instead,
            None,
            Outcome.FAILED,
        )

    def _steps(self, primary: Secret) -> tuple[Step, ...]:
        """Look into all target Regions side by side, then decide."""
        targets = self.request.targets
        looks = abreast(lambda target: self._look(primary, target.region), targets)
        check = KeyCheck(self.keys)
        return tuple(
            step_for(
                primary,
                target,
                look,
                self.request.consent,
                lambda entry, target=target: check.findings(primary, target, entry),  # type: ignore[misc]
            )
            for target, look in zip(targets, looks, strict=True)
        )

    def _look(self, primary: Secret, region: Region) -> Look:
        """Return what bears the name in the Region; an error there is no absence, except 'not found'."""
        if not self.request.preflight and not self.request.consent.force:
            return Unseen()
        try:
            return self.aws.describe(primary.name, region)
        except NotFound:
            return Absent()
        except AwsError as error:
            return Unseen(error)

    def _check_new_keys(self) -> None:
        """Hold the keys of the replicas that this run made against those that were asked for."""
        check = KeyCheck(self.keys)
        for case in cases(self.members):
            for course in list(case.courses.values()):
                made = course.action is not Action.KEEP and course.fresh_status == IN_SYNC
                if made and course.seen:
                    target = Target(course.region, course.wanted_key)
                    found = check.findings(case.primary, target, course.seen)
                    case.change(course.region, findings=(*course.findings, *found))


def _course(step: Step) -> Course:
    """Return the course of a Region at its beginning."""
    course = Course(step.target.region, step.target.kms_key, findings=step.findings)
    match step:
        case Add():
            return replace(course, action=Action.ADD, held_until_gone=step.removing)
        case Retry() | Overwrite():
            action = Action.RETRY if isinstance(step, Retry) else Action.OVERWRITE
            return replace(course, action=action, seen=step.before, leftover=step.before)
        case Keep():
            return replace(course, action=Action.KEEP, seen=step.before, seen_there=step.seen_there)
        case Stop():
            return replace(course, error=step.error)
        case _ as never:
            assert_never(never)
