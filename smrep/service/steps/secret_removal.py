"""Clearing one secret's replicas away: each removal is sent once, isolated where refused, and looked for until gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import (
    AwsError,
    ChangedMeanwhile,
    CredentialsError,
    Denied,
    NotSent,
    Refused,
    Throttled,
    Unanswered,
)
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import SecretReport, Trouble
from smrep.rules.hints import spell_on
from smrep.rules.replication.name_owner import Absent, Look, Unseen, is_sure, portrait
from smrep.rules.replication.replica_deletion import Departure, departure, observed, row
from smrep.rules.replication.replica_state import LIST_LAG_S, told
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import asked, look, no_answer, troubles_elsewhere
from smrep.service.steps.parallel import abreast, patience
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Gate, compare, is_moot


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

    def change(self, regions: Sequence[Region], **changes: object) -> None:
        """Replace fields of these Regions' departures."""
        for region in regions:
            self.departures[region] = replace(self.departures[region], **changes)  # type: ignore[arg-type]

    @property
    def unsent(self) -> list[Region]:
        """The Regions for which a request is to go out and has not."""
        return [
            each for each in self.to_send if self.departures[each].sent_at is None and not self.departures[each].gone
        ]

    def spare(self, why: Trouble | None) -> None:
        """Leave alone what was not asked for yet, for that reason; for none, nothing."""
        if why is not None:
            self.change(self.unsent, error=why)

    def show(self, shown: Mapping[Region, Secret | None]) -> None:
        """Let no replica go but those that were shown in an earlier look."""
        for region in self.departures.keys() & shown.keys():
            self.change([region], shown=shown[region])

    @property
    def shown(self) -> dict[Region, Secret | None]:
        """What was shown of each Region, None where nothing is there."""
        return {region: each.shown for region, each in self.departures.items()}

    def keep_only(self, regions: frozenset[Region]) -> None:
        """Leave the other Regions alone."""
        self.departures = {region: each for region, each in self.departures.items() if region in regions}

    def observe(self, region: Region, seen: Look, now: float) -> None:
        """Take in what a look into the Region shows."""
        self.departures[region] = observed(self.departures[region], self.primary, seen, now)

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands."""
        every = self.departures.values()
        rows = [row(each, self.primary, waiting=waiting, dry_run=dry_run) for each in every]
        return told(self.primary, rows, notes=self.notes)

    def _portrait(self, region: Region) -> str:
        """Return what a person needs to see of a replica before it is removed."""
        victim = self.departures[region].victim
        return portrait(victim) if victim else f"the entry of {self.primary.name}, with nothing there"


def begin(aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float) -> Clearing:
    """Look into each Region, side by side, and return what is to be done there; the deadline in the clock's seconds.

    Raises:
        CredentialsError: no further call can succeed.

    """
    looks = _looks(aws, primary, regions, clock, deadline)
    departures = {region: departure(primary, region, seen) for region, seen in zip(regions, looks, strict=True)}
    return Clearing(primary, departures, [*troubles_elsewhere(primary, regions)])


def _looks(
    aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float
) -> list[Look]:
    """Look into each Region, side by side."""
    return abreast(
        partial(look, aws, primary),
        regions,
        late=lambda region: Unseen(no_answer(f"{primary.name} in {region}")),
        patience_s=patience(clock, deadline),
    )


def _command(primary: Secret, regions: Sequence[Region]) -> str:
    """Return the command that removes the replicas in these Regions."""
    return spell_on(primary, "remove", [Target(each) for each in regions])


@dataclass(frozen=True, slots=True)
class Clearer:
    """Asks AWS to remove replicas, and looks whether they are gone."""

    aws: SecretsManager
    gate: Gate

    def send(self, case: Clearing, regions: Sequence[Region], *, again: bool = False) -> None:
        """Ask AWS to remove these Regions; a refusal of several is isolated, a lost answer is looked for.

        Each Region is looked into right before, and left out if it is not as it was shown.

        Raises:
            CredentialsError: no further call can succeed.

        """
        primary, before, due = case.primary, dict(case.departures), list(regions)
        why = self.gate.closed
        if why:
            message = f"{primary.name} from {', '.join(regions)}: not removed, since {why}"
            case.change(regions, error=Trouble.of(NotSent(message, _command(primary, regions))))
            return

        def check() -> None:
            self._check_shown(case, due)

        def request() -> None:
            case.change(due, sent_at=self.gate.clock.monotonic())
            self.aws.remove(primary.arn, primary.region, due)

        try:
            self.gate.send(request, check)
        except ChangedMeanwhile:
            return  # each Region has its error
        except NotSent as error:
            case.departures.update({region: replace(before[region], error=Trouble.of(error)) for region in due})
        except Unanswered as error:
            self._look_for(case, due, error, may_repeat=not again)
        except AwsError as error:
            if is_moot(error, again=again):
                case.notes.append(f"the removal from {', '.join(due)} was refused the second time: {error.words}")
                return
            case.departures.update({region: before[region] for region in due})
            if isinstance(error, CredentialsError):
                raise
            if len(due) > 1 and isinstance(error, Denied | Refused):
                for region in due:
                    self.send(case, [region], again=again)
                return
            error.about(f"{primary.name} from {', '.join(due)}")
            if isinstance(error, Denied):
                error.hint = error.allowing(f"secretsmanager:RemoveRegionsFromReplication on {primary.arn}")
            case.change(due, error=Trouble.of(error))
        else:
            case.change(due, accepted=True)

    def _check_shown(self, case: Clearing, due: list[Region]) -> None:
        """Look into these Regions, side by side, and take those off the list that are not as they were shown.

        Raises:
            ChangedMeanwhile: none is left.
            CredentialsError: no further call can succeed.
            Throttled: AWS was asked too often.

        """
        looks = _looks(self.aws, case.primary, due, self.gate.clock, self.gate.deadline)
        for region, seen in zip(tuple(due), looks, strict=True):
            again = _command(case.primary, [region])
            try:
                compare(case.departures[region].shown, seen, case.primary.name, region, again)
            except ChangedMeanwhile as error:
                case.change([region], error=Trouble.of(error))
                due.remove(region)
                if not due:
                    raise

    def look(self, case: Clearing, region: Region) -> None:
        """Take in one new look into the Region; one that no answer came to is a tick without news.

        Raises:
            CredentialsError: no further call can succeed.

        """
        known = case.departures[region]
        seen = look(self.aws, case.primary, region)
        if isinstance(seen, Absent) and known.victim:
            seen = look(self.aws, case.primary, region)  # a replica that was seen is not gone for one stray answer
        unsure = known.wanted and not known.accepted
        if isinstance(seen, Absent) and unsure and self._still_listed(case, [region]) == []:
            case.change([region], accepted=True)
        if isinstance(seen, Unseen) and seen.error and not isinstance(seen.error, Unanswered | Throttled):
            case.change([region], error=Trouble.of(seen.error))
            return
        case.observe(region, seen, self.gate.clock.monotonic())

    def _look_for(self, case: Clearing, regions: Sequence[Region], error: Unanswered, *, may_repeat: bool) -> None:
        """Find out from the primary's list whether AWS acted on a request whose answer was lost."""
        listed: list[Region] = list(regions)
        for left in poll(
            lambda: self._still_listed(case, regions),
            lambda left: left == [],
            clock=self.gate.clock,
            deadline=min(self.gate.deadline, self.gate.clock.monotonic() + LIST_LAG_S),
        ):
            listed = listed if left is None else left
        case.change([each for each in regions if each not in listed], accepted=True)
        may_repeat = may_repeat and left is not None and self.gate.may_repeat
        again = [region for region in listed if may_repeat and self.may_still_go(case, region)]
        if again:
            self.send(case, again, again=True)
        rest = [region for region in listed if region not in again and case.departures[region].is_open]
        if rest:
            shown = "AWS's list could not be read" if left is None else "AWS's list does not show that it was taken"
            case.notes.append(f"no answer came to the removal from {', '.join(rest)} ({error.words}), and {shown}")

    def may_still_go(self, case: Clearing, region: Region) -> bool:
        """Look into the Region once more, and tell whether what is there may be removed by a request now."""
        seen = look(self.aws, case.primary, region)
        case.observe(region, seen, self.gate.clock.monotonic())
        return case.departures[region].is_open and is_sure(seen)

    def _still_listed(self, case: Clearing, regions: Sequence[Region]) -> list[Region] | None:
        """Return which Regions the primary lists still, None where it does not answer."""
        primary = asked(lambda: self.aws.describe(case.primary.arn, case.primary.region))
        if isinstance(primary, AwsError):
            return None
        return [region for region in regions if primary.replica(region)]
