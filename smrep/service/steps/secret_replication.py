"""One secret being replicated: its Regions, the requests for them, and the wait until they settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from smrep.errors import (
    AwsError,
    CredentialsError,
    Denied,
    Outcome,
    Refused,
    SmrepError,
    Throttled,
    Unanswered,
)
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Action, Finding, Problem, RegionReport, SecretReport
from smrep.rules.hints import format_command_on, policy_for, remove_then_replicate
from smrep.rules.replication.findings import no_value
from smrep.rules.replication.key_failures import failure, not_replaced, same_by_spelling
from smrep.rules.replication.name_owner import NameOwner, name_owner, our_replica
from smrep.rules.replication.region_step import Add, Consent, Keep, Overwrite, RegionStep, Retry, Skip
from smrep.rules.replication.replica_state import (
    LIST_LAG_S,
    ReplicaState,
    after_look,
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
    """One secret on its way: its primary as last seen, and the course of each Region, replaced as news come in."""

    primary: Secret
    courses: dict[Region, ReplicaState]
    notes: list[str] = field(default_factory=list)
    steps: tuple[RegionStep, ...] = ()
    """What is to be done, where something is."""
    error: Problem | None = None
    without_value: Outcome | None = None
    """How a Region in sync ends where the secret holds no value; None where nothing is said of that."""
    command: str = "replicate"
    """The command that asks again for what was not sent."""
    flags: tuple[str, ...] = ()
    """Its flags."""
    forcing: tuple[str, ...] = ()
    """Its flags besides, for what is overwritten."""

    @property
    def is_open(self) -> bool:
        """Whether any Region is still worth waiting for."""
        return self.error is None and any(course.is_open for course in self.courses.values())

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS in this run."""
        return any(course.sent_at is not None for course in self.courses.values())

    @property
    def plain(self) -> list[Region]:
        """The Regions of one common request."""
        return [
            step.target.region
            for step in self.steps
            if isinstance(step, Retry) or (isinstance(step, Add) and not step.removing)
        ]

    @property
    def overwrites(self) -> list[Overwrite]:
        """The steps that overwrite something."""
        return [step for step in self.steps if isinstance(step, Overwrite)]

    def observe(self, secret: Secret, now: float) -> None:
        """Take in a whole new answer to DescribeSecret; a Region that it does not list is news too."""
        self.primary = replace(secret, by_arn=self.primary.by_arn)
        self.observe_entries(secret.replicas, self.courses, now)

    def observe_entries(self, entries: Iterable[Replica], regions: Iterable[Region], now: float) -> None:
        """Take in what an answer lists for these Regions."""
        listed = {entry.region: entry for entry in entries}
        for region in tuple(regions):
            self.courses[region] = after_look(self.courses[region], listed.get(region), now)

    def fail(self, regions: Iterable[Region], error: SmrepError) -> None:
        """Give these Regions the error as their end."""
        for region in regions:
            self.courses[region] = replace(self.courses[region], error=Problem.of(error))

    def command_for(self, regions: Sequence[Region], *, force: bool = False) -> str:
        """Return the command that asks for these Regions again."""
        targets = [Target(region, self.courses[region].wanted_key) for region in regions]
        return format_command_on(
            self.primary, self.command, targets, (*self.flags, *self.forcing) if force else self.flags
        )

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the case as it stands."""
        rows = tuple(self._row(course, waiting=waiting, dry_run=dry_run) for course in self.courses.values())
        return secret_report(self.primary, rows, self.error, self.notes, () if rows else self._empty)

    @property
    def _empty(self) -> tuple[Finding, ...]:
        """What is to be said where the secret holds no value."""
        return no_value(self.primary) if self.without_value else ()

    def _row(self, course: ReplicaState, *, waiting: bool, dry_run: bool) -> RegionReport:
        if course.error is None and course.fresh_status == FAILED and course.seen and not dry_run:
            course = replace(course, error=failure(self.primary, course.seen))
        if self._empty and self.without_value:
            found = tuple(dict.fromkeys((*course.findings, *self._empty)))
            course = replace(course, findings=found, proved=worst([course.proved, self.without_value]))
        return region_report(course, self.primary, waiting=waiting, dry_run=dry_run)


Member = SecretReplication | SecretReport
"""A secret of a run: on its way, or ended before it began."""


def replications(members: Iterable[object]) -> list[SecretReplication]:
    """Return the secrets that are on their way."""
    return [member for member in members if isinstance(member, SecretReplication)]


def open_regions(members: Iterable[object]) -> Iterator[tuple[SecretReplication, ReplicaState]]:
    """Yield each Region that is still worth waiting for, with its case."""
    for case in replications(members):
        if case.error is None:
            yield from ((case, course) for course in case.courses.values() if course.is_open)


def initial_state(step: RegionStep, consent: Consent) -> ReplicaState:
    """Return the course of a Region at its beginning."""
    course = ReplicaState(step.target.region, step.target.kms_key, findings=step.findings)
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
        case Skip():
            return replace(course, error=step.error)
        case _ as never:
            assert_never(never)


@dataclass(slots=True)
class ReplicateWrite(Write):
    """ReplicateSecretToRegions for one secret."""

    aws: SecretsManager
    gate: WriteGate
    case: SecretReplication
    check_victim: Callable[[], None] | None = None
    """Looks right before each request whether what is there may be overwritten; None: nothing is overwritten.

    Raises ChangedMeanwhile where it may not.
    """
    before: dict[Region, ReplicaState] = field(default_factory=dict)
    preposition = "to"

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.case.primary.name

    @property
    def request_to(self) -> str:
        """The words for its request, before the Regions."""
        return f"request for {self.name} in"

    @property
    def notes(self) -> list[str]:
        """The case's notes."""
        return self.case.notes

    @property
    def repeatable(self) -> bool:
        """Whether nothing is overwritten: what was is not overwritten a second time."""
        return self.check_victim is None

    def remember(self, regions: Sequence[Region]) -> None:
        """Keep the courses as they are before the request."""
        self.before = {region: self.case.courses[region] for region in regions}

    def check(self, due: list[Region]) -> None:  # noqa: ARG002 - it is one Region
        """Look at what would be overwritten."""
        if self.check_victim:
            self.check_victim()

    def request(self, regions: Sequence[Region]) -> tuple[Replica, ...]:
        """Ask for the replicas and return what AWS lists."""
        case, now = self.case, self.gate.clock.monotonic()
        for region in regions:
            case.courses[region] = after_request(self.before[region], now, accepted=False)
        targets = [Target(region, self.before[region].wanted_key) for region in regions]
        return self.aws.replicate(case.primary.arn, case.primary.region, targets, force=not self.repeatable)

    def accept(self, regions: Sequence[Region], answer: Iterable[Replica]) -> None:
        """Take in the entries of the answer."""
        self._accept(regions)
        self.case.observe_entries(answer, regions, self.gate.clock.monotonic())

    def _accept(self, regions: Iterable[Region]) -> None:
        for region in regions:
            self.case.courses[region] = replace(self.case.courses[region], accepted=True)

    def undo(self, regions: Sequence[Region]) -> None:
        """Put the courses back."""
        self.case.courses.update({region: self.before[region] for region in regions})

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:
        """Give the Regions the error as their end."""
        self.case.fail(regions, error)

    def find(self, regions: Sequence[Region]) -> bool:
        """Look at the list until each Region has moved, for as long as it may lag."""
        case, gate = self.case, self.gate
        looked = poll(
            self._look,
            lambda _: case.error is not None or all(has_moved(case.courses[region]) for region in regions),
            clock=gate.clock,
            deadline=min(gate.deadline, gate.clock.monotonic() + LIST_LAG_S),
        )
        self._accept(region for region in regions if has_moved(case.courses[region]))
        return looked

    def is_lost(self, region: Region) -> bool:
        """Return whether the list does not show that the request was taken."""
        return not self.case.courses[region].accepted

    def still_due(self, region: Region) -> bool:
        """Return whether our replica is not there; the list, which may lag, does not show it in any case."""
        case = self.case
        if (
            not case.courses[region].vacant
            or our_replica(case.primary, look_up_name(self.aws, case.primary, region)) is None
        ):
            return True
        self._accept([region])
        return False

    def left(self, regions: Sequence[Region], error: AwsError) -> list[Region]:
        """Return the refused Regions without those that another run has asked for meanwhile: they are waited for."""
        if not isinstance(error, Refused) or not self.repeatable:
            return list(regions)
        primary = answer_or_error(lambda: self.aws.describe(self.case.primary.arn, self.case.primary.region))
        return [each for each in regions if isinstance(primary, AwsError) or not self._is_coming(primary, each)]

    def _is_coming(self, primary: Secret, region: Region) -> bool:
        """Return whether somebody else has asked for just this replica, and take that in."""
        case = self.case
        entry, key = primary.replica(region), case.courses[region].wanted_key
        if entry is None or entry.status not in (IN_PROGRESS, IN_SYNC):
            return False
        if key and not same_by_spelling(key, entry.kms_key_id, region, case.primary.account):
            return False
        case.courses[region] = replace(case.courses[region], action=Action.KEEP, seen=entry, leftover=None)
        case.notes.append(f"{case.primary.name} in {region} was asked for by somebody else meanwhile")
        return True

    def _describe(self, primary: Secret) -> Secret | None:
        return self.aws.describe(primary.arn, primary.region)

    def _look(self) -> bool:
        """Take in one new answer; return whether there was one."""
        case, gate = self.case, self.gate
        try:
            (secret,) = parallel(
                self._describe,
                [case.primary],
                late=lambda _: None,
                patience_s=time_left(gate.clock, gate.deadline),
            )
        except CredentialsError:
            raise
        except AwsError as error:
            if not isinstance(error, Unanswered | Throttled):
                case.error = Problem.of(error)
            return False
        if secret is None:
            return False
        case.observe(secret, gate.clock.monotonic())
        return True

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that asks for these Regions again."""
        return self.case.command_for(regions, force=not self.repeatable)

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Return the error with the secret and the Regions named."""
        case = self.case
        error.about(f"{case.primary.name} to {', '.join(regions)}")
        targets = [Target(region, case.courses[region].wanted_key) for region in regions]
        if isinstance(error, Denied):
            error.hint = error.allowing(
                f"secretsmanager:ReplicateSecretToRegions on {case.primary.arn} with {', '.join(regions)}, and for a "
                "customer's key kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica; all of "
                "it: " + policy_for(case.primary, targets)
            )
        elif (
            isinstance(error, Refused)
            and error.code != "LimitExceededException"
            and all(case.courses[region].action is Action.RETRY for region in regions)
        ):
            error.hint = f"begin anew: {remove_then_replicate(case.primary, targets)}"
        return error


STALE_S = 60.0
"""For so long a Region that was listed before may go on being shown as it was, while it should be replaced."""


def wait_until_settled(
    aws: SecretsManager,
    cases: Sequence[SecretReplication],
    run: RunState,
    gate: WriteGate | None = None,
    *,
    after: Callable[[], object] | None = None,
) -> None:
    """Look at all open secrets until none is open, or at the deadline; `after` is called after each such tick.

    The gate lets out requests for Regions whose old replica must be gone first.

    Raises:
        CredentialsError: no further call can succeed; the cases hold what was seen up to then.

    """
    watch(
        lambda case: look_again(aws, case, run.clock, gate),
        lambda: [case for case in cases if case.is_open],
        run,
        after=after,
    )


def look_again(aws: SecretsManager, case: SecretReplication, clock: Clock, gate: WriteGate | None) -> None:
    """Take in one new answer about a secret; a look that no answer came to is without news.

    Raises:
        CredentialsError: no further call can succeed.

    """
    try:
        case.observe(aws.describe(case.primary.arn, case.primary.region), clock.monotonic())
        if gate:
            _send_where_gone(aws, case, gate)
        _confirm_overwritten(aws, case, clock)
    except (Unanswered, Throttled):
        return
    except CredentialsError:
        raise
    except AwsError as error:
        case.error = Problem.of(error)


def _send_where_gone(aws: SecretsManager, case: SecretReplication, gate: WriteGate) -> None:
    """Send the request for Regions whose old replica is gone by now."""
    gone = [
        course.region
        for course in case.courses.values()
        if course.held_until_gone and course.seen is None and _bearer(aws, case, course.region) is NameOwner.NOBODY
    ]
    if gone:
        write_once(ReplicateWrite(aws, gate, case), gone, gate)


def _confirm_overwritten(aws: SecretsManager, case: SecretReplication, clock: Clock) -> None:
    """Believe an entry that was InSync before it was overwritten once our replica is seen there.

    What stands there still after STALE_S is not being replaced: waiting longer would not help.
    """
    for course in tuple(case.courses.values()):
        stale = course.leftover is not None and course.leftover.status != FAILED and course.is_open
        if not (stale and course.action is Action.OVERWRITE and course.accepted):
            continue
        who = _bearer(aws, case, course.region)
        waited_s = clock.monotonic() - (course.sent_at or 0.0)
        if who is NameOwner.OURS:
            case.courses[course.region] = replace(course, leftover=None, seen_there=True)
        elif who is NameOwner.PROMOTED and waited_s >= STALE_S:
            why = f"{case.primary.region} lists it as it did before"
            case.courses[course.region] = replace(course, error=not_replaced(case.primary, course.region, why))


def _bearer(aws: SecretsManager, case: SecretReplication, region: Region) -> NameOwner:
    """Return who bears the secret's name there now; only 'not found' is nobody."""
    return name_owner(case.primary, look_up_name(aws, case.primary, region))
