"""Clearing one secret's replicas away: each removal is sent once, isolated where refused, and looked for until gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, ChangedMeanwhile, Denied, SmrepError, Throttled, Unanswered
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import Problem, SecretReport
from smrep.rules.hints import format_command_on
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked, is_sure, secret_summary
from smrep.rules.replication.replica_deletion import ReplicaDeletion, after_look, deletion_report, plan_deletion
from smrep.rules.replication.replica_state import LIST_LAG_S, secret_report
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import answer_or_error, look_up_name, no_answer, troubles_elsewhere
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Write, WriteGate, compare


@dataclass(slots=True)
class SecretRemoval:
    """One secret some of whose replicas are to go, replaced as news come in."""

    primary: Secret
    departures: dict[Region, ReplicaDeletion]
    notes: list[str] = field(default_factory=list)

    @property
    def to_send(self) -> list[Region]:
        """The Regions for which a request is to go out."""
        return [each.region for each in self.departures.values() if each.wanted and each.error is None]

    @property
    def open_regions(self) -> list[Region]:
        """The Regions still worth looking into: a request went out for them, or none is needed."""
        every = self.departures.values()
        return [each.region for each in every if each.is_open and (each.sent_at is not None or not each.wanted)]

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(each.sent_at is not None for each in self.departures.values())

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """What must be confirmed: the secret's name, and what is removed, for each Region."""
        name = self.primary.name
        return [(name, f"to be removed for good from {region}: {self._portrait(region)}") for region in self.to_send]

    def fail(self, regions: Sequence[Region], error: Problem) -> None:
        """Give these Regions the error as their end."""
        for region in regions:
            self.departures[region] = replace(self.departures[region], error=error)

    def accept(self, regions: Sequence[Region]) -> None:
        """Remember that AWS has taken the request for these Regions."""
        for region in regions:
            self.departures[region] = replace(self.departures[region], accepted=True)

    @property
    def unsent(self) -> list[Region]:
        """The Regions for which a request is to go out and has not."""
        return [
            each for each in self.to_send if self.departures[each].sent_at is None and not self.departures[each].gone
        ]

    def spare(self, why: Problem | None) -> None:
        """Leave alone what was not asked for yet, for that reason; for none, nothing."""
        if why is not None:
            self.fail(self.unsent, why)

    def show(self, shown: Mapping[Region, Secret | None]) -> None:
        """Let no replica go but those that were shown in an earlier look."""
        for region in self.departures.keys() & shown.keys():
            self.departures[region] = replace(self.departures[region], shown=shown[region])

    @property
    def shown(self) -> dict[Region, Secret | None]:
        """What was shown of each Region, None where nothing is there."""
        return {region: each.shown for region, each in self.departures.items()}

    def keep_only(self, regions: frozenset[Region]) -> None:
        """Leave the other Regions alone."""
        self.departures = {region: each for region, each in self.departures.items() if region in regions}

    def observe(self, region: Region, seen: NameLookup, now: float) -> None:
        """Take in what a look into the Region shows."""
        self.departures[region] = after_look(self.departures[region], self.primary, seen, now)

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands."""
        every = self.departures.values()
        rows = [deletion_report(each, self.primary, waiting=waiting, dry_run=dry_run) for each in every]
        return secret_report(self.primary, rows, notes=self.notes)

    def _portrait(self, region: Region) -> str:
        """Return what a person needs to see of a replica before it is removed."""
        victim = self.departures[region].victim
        return secret_summary(victim) if victim else f"the entry of {self.primary.name}, with nothing there"


def plan_removal(
    aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float
) -> SecretRemoval:
    """Look into each Region, side by side, and return what is to be done there; the deadline in the clock's seconds.

    Raises:
        CredentialsError: no further call can succeed.

    """
    looks = _looks(aws, primary, regions, clock, deadline)
    departures = {region: plan_deletion(primary, region, seen) for region, seen in zip(regions, looks, strict=True)}
    return SecretRemoval(primary, departures, [*troubles_elsewhere(primary, regions)])


def _looks(
    aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float
) -> list[NameLookup]:
    """Look into each Region, side by side."""
    return parallel(
        partial(look_up_name, aws, primary),
        regions,
        late=lambda region: NotChecked(no_answer(f"{primary.name} in {region}")),
        patience_s=time_left(clock, deadline),
    )


@dataclass(slots=True)
class RemoveWrite(Write):
    """RemoveRegionsFromReplication for one secret; each Region is looked into right before.

    A Region that is not as it was shown is left out.
    """

    aws: SecretsManager
    gate: WriteGate
    case: SecretRemoval
    before: dict[Region, ReplicaDeletion] = field(default_factory=dict)
    verb, preposition = "removed", "from"

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.case.primary.name

    @property
    def request_to(self) -> str:
        """The words for its request, before the Regions."""
        return "removal from"

    @property
    def notes(self) -> list[str]:
        """The case's notes."""
        return self.case.notes

    def remember(self, regions: Sequence[Region]) -> None:
        """Keep the departures as they are before the request."""
        self.before = {region: self.case.departures[region] for region in regions}

    def check(self, due: list[Region]) -> None:
        """Look into these Regions, side by side, and take those off the list that are not as they were shown."""
        case, gate = self.case, self.gate
        looks = _looks(self.aws, case.primary, due, gate.clock, gate.deadline)
        for region, seen in zip(tuple(due), looks, strict=True):
            try:
                compare(case.departures[region].shown, seen, self.name, region, self.command([region]))
            except ChangedMeanwhile as error:
                self.fail([region], error)
                due.remove(region)
                if not due:
                    raise

    def request(self, regions: Sequence[Region]) -> None:
        """Ask for the removal."""
        case, now = self.case, self.gate.clock.monotonic()
        for region in regions:
            case.departures[region] = replace(case.departures[region], sent_at=now)
        self.aws.remove(case.primary.arn, case.primary.region, regions)

    def accept(self, regions: Sequence[Region], answer: object) -> None:  # noqa: ARG002 - the list may lag
        """Remember that AWS has taken it."""
        self.case.accept(regions)

    def undo(self, regions: Sequence[Region]) -> None:
        """Put the departures back."""
        self.case.departures.update({region: self.before[region] for region in regions})

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:
        """Give the Regions the error as their end."""
        self.case.fail(regions, Problem.of(error))

    def find(self, regions: Sequence[Region]) -> bool:
        """Look at the primary's list until it has none of the Regions, for as long as it may lag."""
        clock, listed = self.gate.clock, list(regions)

        def look_at_list() -> list[Region] | None:
            nonlocal listed
            left = still_listed(self.aws, self.case.primary, regions)
            listed = listed if left is None else left
            return left

        until = min(self.gate.deadline, clock.monotonic() + LIST_LAG_S)
        left = poll(look_at_list, lambda left: left == [], clock=clock, deadline=until)
        self.case.accept([region for region in regions if region not in listed])
        return left is not None

    def is_lost(self, region: Region) -> bool:
        """Return whether the list has the Region still, and nothing else is known of it."""
        departure = self.case.departures[region]
        return departure.is_open and not departure.accepted

    def still_due(self, region: Region) -> bool:
        """Look into the Region, and return whether what is there may be removed by a request now."""
        case = self.case
        seen = look_up_name(self.aws, case.primary, region)
        case.observe(region, seen, self.gate.clock.monotonic())
        return case.departures[region].is_open and is_sure(seen)

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that removes the replicas in these Regions."""
        return format_command_on(self.case.primary, "remove", [Target(region) for region in regions])

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Return the error with the secret and the Regions named."""
        error.about(f"{self.name} from {', '.join(regions)}")
        if isinstance(error, Denied):
            error.hint = error.allowing(f"secretsmanager:RemoveRegionsFromReplication on {self.case.primary.arn}")
        return error


def check_gone(aws: SecretsManager, case: SecretRemoval, region: Region, clock: Clock) -> None:
    """Take in one new look into the Region; one that no answer came to is without news.

    Raises:
        CredentialsError: no further call can succeed.

    """
    known = case.departures[region]
    seen = look_up_name(aws, case.primary, region)
    if isinstance(seen, Absent) and known.victim:
        seen = look_up_name(aws, case.primary, region)  # a replica that was seen is not gone for one stray answer
    unsure = known.wanted and not known.accepted
    if isinstance(seen, Absent) and unsure and still_listed(aws, case.primary, [region]) == []:
        case.accept([region])
    if isinstance(seen, NotChecked) and seen.error and not isinstance(seen.error, Unanswered | Throttled):
        case.fail([region], Problem.of(seen.error))
        return
    case.observe(region, seen, clock.monotonic())


def still_listed(aws: SecretsManager, primary: Secret, regions: Sequence[Region]) -> list[Region] | None:
    """Return which Regions the primary lists still, None where it does not answer."""
    seen = answer_or_error(lambda: aws.describe(primary.arn, primary.region))
    return None if isinstance(seen, AwsError) else [region for region in regions if seen.replica(region)]
