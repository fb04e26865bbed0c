"""One secret being replicated: its Regions, the requests for them, and the wait until they settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from smrep.errors import (
    AwsError,
    ChangedMeanwhile,
    CredentialsError,
    Denied,
    NotSent,
    Outcome,
    Refused,
    SmrepError,
    Throttled,
    Unanswered,
)
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Action, Finding, RegionReport, SecretReport, Trouble
from smrep.rules.hints import anew, policy_for, spell_on
from smrep.rules.replication.findings import no_value
from smrep.rules.replication.key_failures import failure, not_replaced, same_by_spelling
from smrep.rules.replication.name_owner import Bearer, bearer, ours
from smrep.rules.replication.region_step import Add, Consent, Keep, Overwrite, Retry, Step, Stop
from smrep.rules.replication.replica_state import LIST_LAG_S, Course, has_moved, observed, row, sent, told, worst
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import look
from smrep.service.steps.parallel import abreast, nothing, patience
from smrep.service.steps.polling import poll, ticks
from smrep.service.steps.write_once import Gate, is_moot


@dataclass(slots=True)
class Case:
    """One secret on its way: its primary as last seen, and the course of each Region, replaced as news come in."""

    primary: Secret
    courses: dict[Region, Course]
    notes: list[str] = field(default_factory=list)
    steps: tuple[Step, ...] = ()
    """What is to be done, where something is."""
    error: Trouble | None = None
    without_value: Outcome | None = None
    """How a Region in sync ends where the secret holds no value; None where nothing is said of that."""

    @property
    def is_open(self) -> bool:
        """Whether any Region is still worth waiting for."""
        return self.error is None and any(course.is_open for course in self.courses.values())

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS in this run."""
        return any(course.sent_at is not None for course in self.courses.values())

    def change(self, region: Region, **changes: object) -> None:
        """Replace fields of that Region's course."""
        self.courses[region] = replace(self.courses[region], **changes)  # type: ignore[arg-type]

    def observe(self, secret: Secret, now: float) -> None:
        """Take in a whole new answer to DescribeSecret; a Region that it does not list is news too."""
        self.primary = replace(secret, by_arn=self.primary.by_arn)
        self.observe_entries(secret.replicas, self.courses, now)

    def observe_entries(self, entries: Iterable[Replica], regions: Iterable[Region], now: float) -> None:
        """Take in what an answer lists for these Regions."""
        listed = {entry.region: entry for entry in entries}
        for region in tuple(regions):
            self.courses[region] = observed(self.courses[region], listed.get(region), now)

    def fail(self, regions: Iterable[Region], error: SmrepError) -> None:
        """Give these Regions the error as their end."""
        for region in regions:
            self.change(region, error=Trouble.of(error))

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the case as it stands."""
        rows = tuple(self._row(course, waiting=waiting, dry_run=dry_run) for course in self.courses.values())
        return told(self.primary, rows, self.error, self.notes, () if rows else self._empty)

    @property
    def _empty(self) -> tuple[Finding, ...]:
        """What is to be said where the secret holds no value."""
        return no_value(self.primary) if self.without_value else ()

    def _row(self, course: Course, *, waiting: bool, dry_run: bool) -> RegionReport:
        if course.error is None and course.fresh_status == FAILED and course.seen and not dry_run:
            course = replace(course, error=failure(self.primary, course.seen))
        if self._empty and self.without_value:
            found = tuple(dict.fromkeys((*course.findings, *self._empty)))
            course = replace(course, findings=found, proved=worst([course.proved, self.without_value]))
        return row(course, self.primary, waiting=waiting, dry_run=dry_run)


Member = Case | SecretReport
"""A secret of a run: on its way, or ended before it began."""


def cases(members: Iterable[Member]) -> list[Case]:
    """Return the secrets that are on their way."""
    return [each for each in members if isinstance(each, Case)]


class Reporting(Protocol):
    """A secret on its way, of whatever command."""

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands."""
        ...


def reports(
    members: Iterable[Reporting | SecretReport], *, waiting: bool = True, dry_run: bool = False
) -> tuple[SecretReport, ...]:
    """Return all secrets as they stand, in their order."""
    return tuple(
        each if isinstance(each, SecretReport) else each.report(waiting=waiting, dry_run=dry_run) for each in members
    )


def open_regions(members: Iterable[Member]) -> Iterator[tuple[Case, Course]]:
    """Yield each Region that is still worth waiting for, with its case."""
    for case in cases(members):
        if case.error is None:
            yield from ((case, course) for course in case.courses.values() if course.is_open)


def plain(case: Case) -> list[Region]:
    """Return the Regions of one common request."""
    return [
        step.target.region
        for step in case.steps
        if isinstance(step, Retry) or (isinstance(step, Add) and not step.removing)
    ]


def course_of(step: Step, consent: Consent) -> Course:
    """Return the course of a Region at its beginning."""
    course = Course(step.target.region, step.target.kms_key, findings=step.findings)
    match step:
        case Add():
            return replace(course, action=Action.ADD, held_until_gone=step.removing, vacant=step.vacant)
        case Retry() | Overwrite():
            action = Action.RETRY if isinstance(step, Retry) else Action.OVERWRITE
            promoted = isinstance(step, Overwrite) and step.victim.arn in consent.arns
            overwrites = step.victim.arn if isinstance(step, Overwrite) and promoted else None
            return replace(course, action=action, seen=step.before, leftover=step.before, overwrites=overwrites)
        case Keep():
            own_key = step.before.kms_key_id if step.seen_there else None
            there = step.seen_there or None
            return replace(course, action=Action.KEEP, seen=step.before, seen_there=there, own_key=own_key)
        case Stop():
            return replace(course, error=step.error)
        case _ as never:
            assert_never(never)


@dataclass(frozen=True, slots=True)
class Sender:
    """Asks AWS for replicas."""

    aws: SecretsManager
    gate: Gate
    command: str = "replicate"
    flags: tuple[str, ...] = ()
    """What to type besides, to ask again for what was not sent."""
    forcing: tuple[str, ...] = ()
    """The same, for what is overwritten."""

    def send(
        self,
        case: Case,
        regions: Sequence[Region],
        *,
        again: bool = False,
        overwrites: Callable[[], None] | None = None,
    ) -> None:
        """Ask AWS for replicas in these Regions and take in what it answers.

        What is there is overwritten only where `overwrites`, the look right before each request, lets it be.

        A refusal of several Regions may be due to one of them, so each is then asked for by itself. An answer that
        did not come is looked for in the list; only what a look shows to be missing there, and is not forced, is sent
        a second time.

        Raises:
            CredentialsError: no further call can succeed.
            ChangedMeanwhile: `overwrites` forbids it.

        """
        force = overwrites is not None
        if self.gate.closed:
            self.leave_out(case, regions, self.gate.closed, force=force)
            return
        before = dict(case.courses)
        targets = [Target(region, before[region].wanted_key) for region in regions]

        def request() -> tuple[Replica, ...]:
            for region in regions:
                case.courses[region] = sent(before[region], self.gate.clock.monotonic(), accepted=False)
            return self.aws.replicate(case.primary.arn, case.primary.region, targets, force=force)

        try:
            entries = self.gate.send(request, overwrites or nothing)
        except ChangedMeanwhile:
            case.courses.update({region: before[region] for region in regions})
            raise
        except NotSent:
            case.courses.update({region: before[region] for region in regions})
            self.leave_out(case, regions, "the run was stopped", force=force)
        except Unanswered as error:
            self._look_for(case, regions, error, may_repeat=not force and not again)
        except AwsError as error:
            if is_moot(error, again=again):
                case.notes.append(f"the request for {', '.join(regions)} was refused the second time: {error.words}")
                return
            case.courses.update({region: before[region] for region in regions})
            if isinstance(error, CredentialsError):
                raise
            coming = self._coming(case, regions) if isinstance(error, Refused) and not force else []
            refused = [region for region in regions if region not in coming]
            if len(regions) > 1 and isinstance(error, Denied | Refused):
                for region in refused:
                    self.send(case, [region], again=again, overwrites=overwrites)
            elif refused:
                case.fail(refused, _explained(error, case, refused))
        else:
            for region in regions:
                case.change(region, accepted=True)
            case.observe_entries(entries, regions, self.gate.clock.monotonic())

    def _coming(self, case: Case, regions: Sequence[Region]) -> list[Region]:
        """Return the Regions that another run has asked for meanwhile, by one look: they are waited for."""
        try:
            primary = self.aws.describe(case.primary.arn, case.primary.region)
        except CredentialsError:
            raise
        except AwsError:
            return []
        coming = []
        for region in regions:
            entry, key = primary.replica(region), case.courses[region].wanted_key
            if entry is None or entry.status not in (IN_PROGRESS, IN_SYNC):
                continue
            if key and not same_by_spelling(key, entry.kms_key_id, region, case.primary.account):
                continue
            case.change(region, action=Action.KEEP, seen=entry, leftover=None)
            case.notes.append(f"{case.primary.name} in {region} was asked for by somebody else meanwhile")
            coming.append(region)
        return coming

    def _look_for(self, case: Case, regions: Sequence[Region], error: Unanswered, *, may_repeat: bool) -> None:
        """Find out from the list whether AWS acted on a request whose answer was lost."""
        until = min(self.gate.deadline, self.gate.clock.monotonic() + LIST_LAG_S)
        *_, looked = poll(
            lambda: self._look(case),
            lambda _: case.error is not None or all(has_moved(case.courses[region]) for region in regions),
            clock=self.gate.clock,
            deadline=until,
        )
        for region in regions:
            case.change(region, accepted=has_moved(case.courses[region]))
        may_repeat = looked and may_repeat and self.gate.may_repeat
        for region in regions if may_repeat else ():
            if self._has_come(case, region):
                case.change(region, accepted=True)
        lost = [region for region in regions if not case.courses[region].accepted]
        if lost and may_repeat:
            self.send(case, lost, again=True)
        elif lost:
            shown = "does not show that it was taken" if looked else "could not be read"
            case.notes.append(
                f"no answer came to the request for {case.primary.name} in {', '.join(lost)} ({error.words}), "
                f"and AWS's list {shown}"
            )

    def _has_come(self, case: Case, region: Region) -> bool:
        """Tell whether our replica is in a Region where none was, though the list, which may lag, does not say so."""
        course = case.courses[region]
        if course.accepted or not course.vacant:
            return False
        return ours(case.primary, look(self.aws, case.primary, region)) is not None

    def _look(self, case: Case) -> bool:
        """Take in one new answer; return whether there was one."""
        primary = case.primary
        try:
            (secret,) = abreast(
                lambda _: self._described(primary),
                [None],
                late=lambda _: None,
                patience_s=patience(self.gate.clock, self.gate.deadline),
            )
        except CredentialsError:
            raise
        except AwsError as error:
            if not isinstance(error, Unanswered | Throttled):
                case.error = Trouble.of(error)
            return False
        if secret is None:
            return False
        case.observe(secret, self.gate.clock.monotonic())
        return True

    def _described(self, primary: Secret) -> Secret | None:
        return self.aws.describe(primary.arn, primary.region)

    def leave_out(self, case: Case, regions: Sequence[Region], why: str, *, force: bool = False) -> None:
        """Send nothing for these Regions, and say why and how to ask again."""
        message = f"{case.primary.name} to {', '.join(regions)}: not sent, since {why}"
        case.fail(regions, NotSent(message, self.command_for(case, regions, force=force)))

    def command_for(self, case: Case, regions: Sequence[Region], *, force: bool = False) -> str:
        """Return the command that asks for these Regions again."""
        targets = [Target(region, case.courses[region].wanted_key) for region in regions]
        flags = (*self.flags, *self.forcing) if force else self.flags
        return spell_on(case.primary, self.command, targets, flags)


def _explained(error: AwsError, case: Case, regions: Sequence[Region]) -> AwsError:
    """Return the error with the secret and the Regions named."""
    error.about(f"{case.primary.name} to {', '.join(regions)}")
    targets = [Target(region, case.courses[region].wanted_key) for region in regions]
    if isinstance(error, Denied):
        error.hint = error.allowing(
            f"secretsmanager:ReplicateSecretToRegions on {case.primary.arn} with {', '.join(regions)}, and for a "
            "customer's key kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica; all of it: "
            + policy_for(case.primary, targets)
        )
    elif (
        isinstance(error, Refused)
        and error.code != "LimitExceededException"
        and all(case.courses[region].action is Action.RETRY for region in regions)
    ):
        error.hint = f"begin anew: {anew(case.primary, targets)}"
    return error


STALE_S = 60.0
"""For so long a Region that was listed before may go on being shown as it was, while it should be replaced."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """Waits for cases before one deadline, in the clock's seconds."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    sender: Sender | None = None
    """Sends for Regions whose old replica must be gone first; `wait` has none."""
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""

    def settle(self, cases: Sequence[Case]) -> Iterator[None]:
        """Look at all open secrets, tick by tick, and yield after each; ends when none is open or at the deadline.

        Raises:
            CredentialsError: no further call can succeed; the cases hold what was seen up to then.

        """
        yield from ticks(
            self.look,
            lambda: [case for case in cases if case.is_open],
            clock=self.clock,
            deadline=self.deadline,
            pulse=self.pulse,
        )

    def look(self, case: Case) -> None:
        """Take in one new answer; a look that no answer came to is a tick without news."""
        try:
            case.observe(self.aws.describe(case.primary.arn, case.primary.region), self.clock.monotonic())
            self._release(case)
            self._confirm_overwritten(case)
        except (Unanswered, Throttled):
            return
        except CredentialsError:
            raise
        except AwsError as error:
            case.error = Trouble.of(error)

    def _release(self, case: Case) -> None:
        """Send the request for Regions whose old replica is gone by now."""
        held = [course.region for course in case.courses.values() if course.held_until_gone]
        gone = [
            region
            for region in held
            if case.courses[region].seen is None and self._bearer(case, region) is Bearer.NOBODY
        ]
        if gone and self.sender:
            self.sender.send(case, gone)

    def _confirm_overwritten(self, case: Case) -> None:
        """Believe an entry that was InSync before it was overwritten once our replica is seen there.

        What stands there still after STALE_S is not being replaced: waiting longer would not help.
        """
        for course in tuple(case.courses.values()):
            stale = course.leftover is not None and course.leftover.status != FAILED and course.is_open
            if not (stale and course.action is Action.OVERWRITE and course.accepted):
                continue
            who = self._bearer(case, course.region)
            waited_s = self.clock.monotonic() - (course.sent_at or 0.0)
            if who is Bearer.OURS:
                case.change(course.region, leftover=None, seen_there=True)
            elif who is Bearer.PROMOTED and waited_s >= STALE_S:
                why = f"{case.primary.region} lists it as it did before"
                case.change(course.region, error=not_replaced(case.primary, course.region, why))

    def _bearer(self, case: Case, region: Region) -> Bearer:
        """Return who bears the secret's name there now; only 'not found' is nobody."""
        return bearer(case.primary, look(self.aws, case.primary, region))
