"""Remove one secret's replicas: send each removal once, isolate refusals, and look until they are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, ChangedMeanwhile, Throttled, Unanswered
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import Problem, SecretReport
from smrep.rules.hints import format_command_on
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked, is_sure, secret_summary
from smrep.rules.replication.replica_deletion import ReplicaDeletion, after_check, deletion_report, plan_deletion
from smrep.rules.replication.replica_state import LIST_LAG_S, secret_report
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.lookup import answer_or_error, look_up_name, no_answer, troubles_elsewhere
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Write, WriteGate, compare, try_again


@dataclass(slots=True)
class SecretRemoval:
    """One secret and its replicas to remove, updated with each look."""

    primary: Secret
    deletions: dict[Region, ReplicaDeletion]
    notes: list[str] = field(default_factory=list)

    @property
    def to_send(self) -> list[Region]:
        """Regions to send a request for."""
        return [deletion.region for deletion in self.deletions.values() if deletion.wanted and deletion.error is None]

    @property
    def open_regions(self) -> list[Region]:
        """Regions still worth a look: a request was sent, or none is needed."""
        every = self.deletions.values()
        return [
            deletion.region
            for deletion in every
            if deletion.is_open and (deletion.sent_at is not None or not deletion.wanted)
        ]

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(deletion.sent_at is not None for deletion in self.deletions.values())

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """Pairs to confirm: the secret's name, and the replica to remove, for each Region."""
        return [(self.primary.name, self._danger(region)) for region in self.to_send]

    @property
    def unsent(self) -> list[Region]:
        """Regions whose request is not sent yet."""
        return [
            region
            for region in self.to_send
            if self.deletions[region].sent_at is None and not self.deletions[region].gone
        ]

    def skip_unsent(self, why: Problem | None) -> None:
        """Skip the unsent Regions for this reason; None skips nothing."""
        for region in self.unsent if why else ():
            self.deletions[region] = replace(self.deletions[region], error=why)

    def show(self, shown: Mapping[Region, Secret | None]) -> None:
        """Remove only the replicas shown in an earlier look."""
        for region in self.deletions.keys() & shown.keys():
            self.deletions[region] = replace(self.deletions[region], shown=shown[region])

    @property
    def shown(self) -> dict[Region, Secret | None]:
        """Secret shown for each Region, None if there was none."""
        return {region: deletion.shown for region, deletion in self.deletions.items()}

    def keep_only(self, regions: frozenset[Region]) -> None:
        """Drop all other Regions."""
        self.deletions = {region: deletion for region, deletion in self.deletions.items() if region in regions}

    def observe(self, region: Region, seen: NameLookup, now: float) -> None:
        """Record a look into the Region."""
        self.deletions[region] = after_check(self.deletions[region], self.primary, seen, now)

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret's current report."""
        every = self.deletions.values()
        rows = [deletion_report(deletion, self.primary, waiting=waiting, dry_run=dry_run) for deletion in every]
        return secret_report(self.primary, rows, notes=self.notes)

    def _danger(self, region: Region) -> str:
        """Return what removing the Region destroys."""
        victim, name = self.deletions[region].victim, self.primary.name
        if victim is None:
            return f"{name} will be removed from {region}, where the primary lists it but no secret of that name exists"
        return f"{name} in {region} will be deleted for good: {secret_summary(victim)}"


def plan_removal(
    aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float
) -> SecretRemoval:
    """Look into each Region in parallel, and plan its deletion; the deadline is in the clock's seconds.

    Raises:
        CredentialsError: no further call can succeed.

    """
    looks = _looks(aws, primary, regions, clock, deadline)
    deletions = {region: plan_deletion(primary, region, seen) for region, seen in zip(regions, looks, strict=True)}
    return SecretRemoval(primary, deletions, [*troubles_elsewhere(primary, regions)])


def _looks(
    aws: SecretsManager, primary: Secret, regions: Sequence[Region], clock: Clock, deadline: float
) -> list[NameLookup]:
    """Look into each Region in parallel."""
    return parallel(
        partial(look_up_name, aws, primary),
        regions,
        late=lambda region: NotChecked(no_answer(f"{primary.name} in {region}")),
        patience_s=time_left(clock, deadline),
    )


class RemoveWrite(Write):
    """RemoveRegionsFromReplication for one secret; looks into each Region right before.

    Skips Regions that differ from what was shown.
    """

    verb, preposition, request_to = "removed", "from", "request for removal from"

    def __init__(self, aws: SecretsManager, gate: WriteGate, removal: SecretRemoval) -> None:
        """Write to the secret's primary."""
        super().__init__(gate, removal.primary.name, removal.notes, removal.deletions)
        self.aws, self.removal = aws, removal
        self.permission = f"secretsmanager:RemoveRegionsFromReplication on {removal.primary.arn}"

    def check(self, regions: list[Region]) -> None:
        """Look into these Regions in parallel, and drop those that differ from what was shown."""
        removal, gate = self.removal, self.gate
        looks = _looks(self.aws, removal.primary, regions, gate.clock, gate.deadline)
        for region, seen in zip(tuple(regions), looks, strict=True):
            try:
                compare(removal.deletions[region].shown, seen, self.name, region, try_again(self.command([region])))
            except ChangedMeanwhile as error:
                self.fail([region], error)
                regions.remove(region)
                if not regions:
                    raise

    def request(self, regions: Sequence[Region]) -> None:
        """Request the removal."""
        now = self.gate.clock.monotonic()
        self.states.update({region: replace(self.states[region], sent_at=now) for region in regions})
        self.aws.remove(self.removal.primary.arn, self.removal.primary.region, regions)

    def find(self, regions: Sequence[Region]) -> bool:
        """Look at the primary's list until the Regions are gone, for as long as it may lag."""
        clock, listed = self.gate.clock, list(regions)

        def look_at_list() -> list[Region] | None:
            nonlocal listed
            remaining = still_listed(self.aws, self.removal.primary, regions)
            listed = listed if remaining is None else remaining
            return remaining

        until = min(self.gate.deadline, clock.monotonic() + LIST_LAG_S)
        remaining = poll(look_at_list, lambda remaining: remaining == [], clock=clock, deadline=until)
        self.accept([region for region in regions if region not in listed])
        return remaining is not None

    def is_lost(self, region: Region) -> bool:
        """Return whether the Region is still listed, and no look shows otherwise."""
        deletion = self.removal.deletions[region]
        return deletion.is_open and not deletion.accepted

    def still_due(self, region: Region) -> bool:
        """Look into the Region; return whether a request may remove its replica now."""
        removal = self.removal
        seen = look_up_name(self.aws, removal.primary, region)
        removal.observe(region, seen, self.gate.clock.monotonic())
        return removal.deletions[region].is_open and is_sure(seen)

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that removes the replicas in these Regions."""
        return format_command_on(self.removal.primary, "remove", [Target(region) for region in regions])


def check_gone(aws: SecretsManager, removal: SecretRemoval, region: Region, clock: Clock) -> None:
    """Record one new look into the Region; a look without an answer yields no news.

    Raises:
        CredentialsError: no further call can succeed.

    """
    deletion = removal.deletions[region]
    seen = look_up_name(aws, removal.primary, region)
    if isinstance(seen, NoSecret) and deletion.victim:
        seen = look_up_name(
            aws, removal.primary, region
        )  # one stray answer does not prove that a known replica is gone
    unsure = deletion.wanted and not deletion.accepted
    if isinstance(seen, NoSecret) and unsure and still_listed(aws, removal.primary, [region]) == []:
        removal.deletions[region] = replace(deletion, accepted=True)
    if isinstance(seen, NotChecked) and seen.error and not isinstance(seen.error, Unanswered | Throttled):
        removal.deletions[region] = replace(deletion, error=Problem.of(seen.error))
        return
    removal.observe(region, seen, clock.monotonic())


def still_listed(aws: SecretsManager, primary: Secret, regions: Sequence[Region]) -> list[Region] | None:
    """Return the Regions that the primary still lists, None if it does not answer."""
    seen = answer_or_error(lambda: aws.describe(primary.arn, primary.region))
    return None if isinstance(seen, AwsError) else [region for region in regions if seen.replica(region)]
