"""`replicate` and `retry`: look, plan, send with the fewest calls, wait for every Region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from smrep.errors import AwsError, ChangedMeanwhile, Outcome
from smrep.model import IN_SYNC, Secret, Target
from smrep.report import Action, Finding, Kind, SecretReport, Trouble
from smrep.rules.hints import spell
from smrep.rules.primary_region import Address, common_region
from smrep.rules.replication.name_owner import portrait
from smrep.rules.replication.region_step import NO_CONSENT, Consent, Overwrite, Step, Stop
from smrep.rules.replication.replica_state import Course
from smrep.service.ports import Account, Clock, Keys, SecretsManager
from smrep.service.steps.closing_look import ClosingLook, is_ours
from smrep.service.steps.kms_keys import KeyCheck, unchecked_key
from smrep.service.steps.lookup import Found, Patient, asked, find, refreshed, refusal, troubles_elsewhere, unfit
from smrep.service.steps.parallel import abreast, nothing, patience
from smrep.service.steps.preflight import Health, Survey
from smrep.service.steps.prove import Checking, Prover, settle
from smrep.service.steps.secret_replication import (
    Case,
    Member,
    Sender,
    Waiter,
    cases,
    course_of,
    open_regions,
    plain,
    reports,
)
from smrep.service.steps.write_once import Gate, check_shown, in_turn


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as typed."""

    addresses: tuple[Address, ...]
    targets: tuple[Target, ...]
    """For a retry may be none: then every Region that is not in sync."""
    consent: Consent = NO_CONSENT
    preflight: bool = True
    wait: bool = True
    verify: bool = False
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""
    retry: bool = False
    """Whether only what the primary lists already is meant."""

    @property
    def command(self) -> str:
        """The command's name."""
        return "retry" if self.retry else "replicate"

    def targets_of(self, primary: Secret) -> tuple[Target, ...]:
        """Return the Regions that the request means for this secret."""
        if self.targets or not self.retry:
            return self.targets
        listed = [entry for entry in primary.replicas if entry.status != IN_SYNC] or primary.replicas
        return tuple(Target(entry.region) for entry in listed)

    @property
    def forcing(self) -> tuple[str, ...]:
        """The flags that allow what this run may overwrite."""
        arns = (word for arn in sorted(self.consent.arns) for word in ("--overwrite-arn", arn))
        return ("--force-overwrite", *arns) if self.consent.force else ()


@dataclass(slots=True)
class Replication:
    """One run of `replicate`: `plan` looks and decides, `act` sends and waits, `secrets` tells how it stands."""

    aws: SecretsManager
    keys: Keys
    account: Account
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    request: Request
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""
    members: list[Member] = field(default_factory=list)
    key_check: KeyCheck = field(init=False)
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        """Share one memory of keys and Regions."""
        self.key_check = KeyCheck(self.keys)
        self.health = Health(self.aws, self.account, self.key_check, self.request.command)

    def plan(self) -> None:
        """Look at each secret and into each target Region, and decide per Region; changes nothing in AWS.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: a secret is of another account than the one expected.

        """
        found = find(
            Patient(self.aws, self.clock, self.deadline),
            self.request.addresses,
            follow=False,
            expect_account=self.request.expect_account,
            patience_s=patience(self.clock, self.deadline),
        )
        self.members = abreast(self._member, found)

    @property
    def victims(self) -> tuple[Overwrite, ...]:
        """The steps that destroy something and need a confirmation."""
        return tuple(step for case in cases(self.members) for step in _forced(case))

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and what is destroyed."""
        return tuple(
            (step.victim.name, f"to be destroyed for good in {step.target.region}: {portrait(step.victim)}")
            for step in self.victims
        )

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        return "replicating"

    def act(self) -> Iterator[None]:
        """Send what the plan says, a few secrets at a time; with `wait`, go on until all has settled.

        No request is begun once the deadline has passed, but for those that a slow look has held up.

        Raises:
            CredentialsError: no further call can succeed; `secrets` holds what was done up to then.

        """
        request = self.request
        with Gate.until(self.clock, self.deadline) as gate:
            sender = Sender(self.aws, gate, request.command, request.flags, request.forcing)
            to_send = [case for case in cases(self.members) if plain(case) or _forced(case)]
            yield from in_turn(partial(_send, sender), to_send, self.pulse)
            waits = request.wait and any(open_regions(self.members))
            if waits:
                waiter = Waiter(self.aws, self.clock, self.deadline, sender, self.pulse)
                yield from waiter.settle(cases(self.members))
            for case, course in tuple(open_regions(self.members)):
                if course.held_until_gone and not request.wait:
                    sender.leave_out(case, [course.region], "the old replica is still being removed")
            self._confirm(at_once=not waits)
            if request.verify:
                yield from self._prove()
            else:
                self._check_new_keys()

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        return reports(self.members, waiting=self.request.wait, dry_run=dry_run)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(case.was_sent for case in cases(self.members))

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        request = self.request
        return spell(
            request.command,
            [address.secret_id for address in request.addresses],
            primary_region=common_region(request.addresses),
            targets=request.targets,
            flags=(*request.flags, *request.forcing, *more),
        )

    def _member(self, found: Found) -> Member:
        """Return a secret with what is to be done, or why nothing can be."""
        primary = found.what
        if isinstance(primary, Trouble):
            return refusal(found, primary)
        error = unfit(primary, self.request.command, self.request.targets, self.request.flags)
        if error is not None:
            return refusal(found, error)
        targets, steps = self._decided(primary)
        if any(_is_absent(primary, step) for step in steps):  # a list that lags may still have shown what was removed
            listed = asked(partial(refreshed, self.aws, primary))
            if not isinstance(listed, AwsError) and _states(listed) != _states(primary):
                primary = listed
                targets, steps = self._decided(primary)
        courses = {step.target.region: course_of(step, self.request.consent) for step in steps}
        notes = [*troubles_elsewhere(primary, courses)]
        if not targets:
            notes.append(f"{primary.name} has no replicas: there is nothing to try again")
        return Case(primary, courses, notes, steps, without_value=Outcome.OK)

    def _decided(self, primary: Secret) -> tuple[tuple[Target, ...], tuple[Step, ...]]:
        """Return the Regions that are meant, and what to do in each."""
        request = self.request
        targets, health = request.targets_of(primary), self.health if request.preflight else None
        steps = Survey(self.aws, self.key_check, self.clock, self.deadline, health).steps(
            primary,
            targets,
            request.consent,
            looking=request.preflight or request.consent.force,
            only_listed=request.retry,
        )
        return targets, steps

    def _prove(self) -> Iterator[None]:
        """Hold every replica that is in sync against its primary, yielding after each round of looks."""
        pairs = [(case, _in_sync(case)) for case in cases(self.members)]
        checkings = [Checking(case.primary, targets) for case, targets in pairs if targets]
        for _ in settle(Prover(self.aws, self.key_check, self.clock, self.deadline), checkings, self.pulse):
            yield
        for case in cases(self.members):
            for checking in checkings:
                if checking.primary.arn == case.primary.arn:
                    _take_in(case, checking)

    def _confirm(self, *, at_once: bool) -> None:
        """Look into the Regions in sync; `at_once`: what was seen before is no older than the run."""
        request = self.request
        was_seen = at_once and (request.preflight or request.consent.force)
        ClosingLook(self.aws, self.clock, self.deadline, self.pulse).confirm(
            cases(self.members),
            needless=lambda course: request.verify or (was_seen and course.action is Action.KEEP),
        )

    def _check_new_keys(self) -> None:
        """Hold the keys of the replicas that this run made against those that were asked for."""
        made = [
            (case, course)
            for case in cases(self.members)
            for course in case.courses.values()
            if course.action is not Action.KEEP and course.fresh_status == IN_SYNC and course.seen_there is not False
        ]
        found = abreast(
            lambda each: self._key_findings(*each),
            made,
            late=lambda each: unchecked_key(Target(each[1].region, each[1].wanted_key)),
            patience_s=patience(self.clock, self.deadline),
            pulse=self.pulse,
        )
        for (case, course), findings in zip(made, found, strict=True):
            case.change(course.region, findings=(*course.findings, *findings))

    def _key_findings(self, case: Case, course: Course) -> tuple[Finding, ...]:
        target = Target(course.region, course.wanted_key)
        return self.key_check.findings(case.primary, target, course.seen) if course.seen else ()


def _send(sender: Sender, case: Case) -> None:
    """Send what is to be sent for one secret: all plain Regions at once, each forced one by itself, after a look."""
    if plain(case):
        sender.send(case, plain(case))
    for step in _forced(case):
        regions, home = [step.target.region], case.primary.region
        again = sender.command_for(case, regions, force=True)
        try:
            check = partial(check_shown, sender.aws, step.victim, again, may_list=[home])
            sender.send(case, regions, overwrites=check)
        except ChangedMeanwhile as error:
            case.fail(regions, error)


def _is_absent(primary: Secret, step: Step) -> bool:
    """Tell whether a Region was stopped since it is listed and holds nothing."""
    missing = isinstance(step, Stop) and step.error.code == Kind.MISSING
    return missing and primary.replica(step.target.region) is not None


def _states(primary: Secret) -> list[tuple[str | None, ...]]:
    return [entry.state for entry in primary.replicas]


def _in_sync(case: Case) -> tuple[Target, ...]:
    """Return the Regions that have something to prove."""
    courses = case.courses.values() if case.error is None else ()
    return tuple(
        Target(each.region, each.wanted_key) for each in courses if each.error is None and each.fresh_status == IN_SYNC
    )


def _take_in(case: Case, checking: Checking) -> None:
    """Put what was proved into the courses, in place of what was found of keys before."""
    case.error = checking.error
    for report in checking.report().replicas:
        known = (each for each in case.courses[report.region].findings if each.kind is not Kind.WRONG_KEY)
        case.change(
            report.region,
            verified=report.verified,
            own_key=report.kms_key_id,
            proved=report.outcome,
            seen_there=is_ours(checking.primary, checking.seen[report.region].look)
            if report.region in checking.seen
            else None,
            findings=tuple(dict.fromkeys((*known, *report.findings))),
        )


def _forced(case: Case) -> list[Overwrite]:
    """Return the steps that overwrite something."""
    return [step for step in case.steps if isinstance(step, Overwrite)]
