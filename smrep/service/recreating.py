"""`rekey --recreate`: take replicas away and make them anew under another key, one Region after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smrep.errors import AwsError, NotSent, Outcome, Throttled, Unanswered
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport, Trouble
from smrep.rules.asked import Address
from smrep.rules.commands import spell_on
from smrep.rules.rekeying import recreated
from smrep.rules.settle import LIST_LAG_S
from smrep.service.looking import asked
from smrep.service.polling import poll
from smrep.service.ports import Account, Clock, Keys, SecretsManager
from smrep.service.removing import Removal
from smrep.service.replication import Replication
from smrep.service.request import Request


@dataclass(slots=True)
class Recreation:
    """Leaves no more than one Region at a time without the secret; stops at the first that does not come back."""

    aws: SecretsManager
    keys: Keys
    account: Account
    clock: Clock
    deadline: float
    """In the clock's seconds."""
    address: Address
    primary: Secret
    targets: Sequence[Target]
    """Each with its new key."""
    shown: Mapping[Region, Secret | None]
    """The replicas as they were shown, which alone may be removed; None where nothing is there."""
    pulse: Callable[[], None]
    removals: dict[Region, Removal] = field(default_factory=dict)
    replications: dict[Region, Replication] = field(default_factory=dict)
    left_out: dict[Region, Trouble] = field(default_factory=dict)
    """The Regions that were not begun, with the reason."""

    def act(self) -> Iterator[None]:
        """Remove, wait until it is gone, replicate under the new key, prove it; then the next Region.

        Raises:
            CredentialsError: no further call can succeed.

        """
        for number, target in enumerate(self.targets):
            yield from self._one(target)
            row = self.rows().get(target.region)
            if row is None or row.outcome is not Outcome.OK:
                self._leave_out(self.targets[number + 1 :], target.region)
                return

    def rows(self) -> dict[Region, RegionReport]:
        """Return the Regions that were begun as they stand."""
        targets = {target.region: target for target in self.targets}
        return {
            row.region: recreated(row, self.primary, targets[row.region], made=made)
            for made, report in self._reports()
            for row in report.replicas
        }

    def notes(self) -> list[str]:
        """Return what the removals and the replications have to say besides."""
        return [note for _, report in self._reports() for note in report.notes]

    def error(self) -> Trouble | None:
        """Return the first trouble of the whole secret."""
        return next((report.error for _, report in self._reports() if report.error), None)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return any(removal.was_sent for removal in self.removals.values())

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        last = [*self.removals][-1:]
        coming = last and last[0] in self.replications and self.replications[last[0]].was_sent
        return "replicating" if coming else "removing, and nothing makes the replica anew"

    def _reports(self) -> Iterator[tuple[bool, SecretReport]]:
        """Yield the reports of the removals, then those of the replications, which count where both have a row."""
        yield from ((False, report) for run in [*self.removals.values()] for report in run.secrets())
        yield from ((True, report) for run in [*self.replications.values()] for report in run.secrets())

    def _one(self, target: Target) -> Iterator[None]:
        region = target.region
        removal = Removal(self.aws, self.clock, self.deadline, (self.address,), (region,), pulse=self.pulse)
        self.removals[region] = removal
        removal.plan()
        removal.show(self.shown)
        yield from removal.act()
        if any(report.outcome is not Outcome.OK for report in removal.secrets()):
            return
        self._until_unlisted(region)  # there is no replica now: an outage of the primary is waited out
        request = Request((self.address,), (target,), verify=True)
        run = Replication(self.aws, self.keys, self.account, self.clock, self.deadline, request, self.pulse)
        self.replications[region] = run
        run.plan()
        yield from run.act()

    def _until_unlisted(self, region: Region) -> None:
        """Wait until the primary answers, and until its list, which may lag, does not show any more what is gone."""
        lag_ends = self.clock.monotonic() + LIST_LAG_S

        def ready() -> bool:
            primary = asked(lambda: self.aws.describe(self.primary.arn, self.primary.region))
            if isinstance(primary, AwsError):
                return not isinstance(primary, Unanswered | Throttled)
            return primary.replica(region) is None or self.clock.monotonic() >= lag_ends

        for _ in poll(ready, bool, clock=self.clock, deadline=self.deadline):
            self.pulse()

    def _leave_out(self, targets: Sequence[Target], because: Region) -> None:
        for target in targets:
            again = spell_on(self.primary, "rekey", [target], ["--recreate"])
            place = f"{self.primary.name} in {target.region}"
            why = NotSent(f"{place}: not begun, since {because} is not in order yet", again)
            self.left_out[target.region] = Trouble.of(why)
