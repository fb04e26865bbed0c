"""`export`: the replication that there is now, as the manifest that wants exactly that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import AwsError, CredentialsError, Outcome
from smrep.model import Filter, Listed, Role, Secret, in_region
from smrep.regions import Region
from smrep.report import Made, Progress, RegionReport, SecretReport, Trouble
from smrep.rules.asked import check_account
from smrep.rules.export import adopted, left_out
from smrep.rules.manifest import Manifest
from smrep.rules.selection import Selector, filters
from smrep.rules.settle import told
from smrep.service.abreast import abreast, nothing
from smrep.service.looking import asked
from smrep.service.ports import Aws, Clock
from smrep.service.sweeping import Sweeper


@dataclass(slots=True)
class Export:
    """One run of `export`; changes nothing in AWS."""

    aws: Aws
    clock: Clock
    home: Region
    selector: Selector
    expect_account: str | None = None
    pulse: Callable[[], None] = nothing
    primaries: list[Secret] = field(default_factory=list)
    unseen: list[SecretReport] = field(default_factory=list)
    """Secrets that could not be looked at, without which the manifest is not whole."""
    notes: list[str] = field(default_factory=list)
    _own_keys: dict[str, str] = field(default_factory=dict)
    """Replica's ARN -> the key that its own Region shows."""
    _looked: int = 0
    _to_look: int = 0
    _sweeper: Sweeper = field(init=False)

    def __post_init__(self) -> None:
        """Count what is listed."""
        self._sweeper = Sweeper(self.aws, self.clock)

    def act(self) -> Iterator[None]:
        """List the Region, look at each primary that has replicas, and list where those are.

        Raises:
            AwsError: the Region could not be listed, or no further call can succeed.
            UsageError: the secrets are of another account than the one expected.

        """
        listed: list[Listed] = []
        for page in self._sweeper.pages(self.home, filters([self.selector])):
            found = [each for each in page if each.role is Role.PRIMARY and self.selector.matches(each)]
            for each in found:
                check_account(each.account, self.expect_account, each.arn)
            listed += [replace(each, tags=()) for each in found]
            yield
        self._to_look = len(listed)
        for seen in abreast(self._described, listed, pulse=self.pulse):
            if isinstance(seen, Secret):
                self.primaries.append(seen)
            else:
                self.unseen.append(seen)
        yield
        regions = sorted({entry.region for primary in self.primaries for entry in primary.replicas})
        abreast(self._read_keys, regions, pulse=self.pulse)
        self.notes += [note for primary in self.primaries for note in left_out(primary)]
        yield

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        if self._to_look:
            return Progress("examining", self._looked, self._to_look)
        return Progress("listing", self._sweeper.seen)

    @property
    def secrets(self) -> Sequence[SecretReport]:
        """Every secret with replicas."""
        found: list[SecretReport | Secret] = [*self.unseen, *self.primaries]
        return Made(found, lambda each: each if isinstance(each, SecretReport) else _row(each))

    @property
    def manifest(self) -> Manifest:
        """What there is, as what is wanted."""
        return adopted(self.primaries, self.home, self._own_keys)

    def _described(self, listed: Listed) -> Secret | SecretReport:
        try:
            found = asked(lambda: self.aws.describe(listed.arn, listed.region))
        finally:
            self._looked += 1
        if isinstance(found, Secret):
            return found
        trouble = Trouble.of(found)
        return SecretReport(listed.name, trouble.outcome, listed.arn, listed.region, error=trouble)

    def _read_keys(self, region: Region) -> None:
        """Take each replica's key from its own Region, whose word counts more than the primary's."""
        names = {in_region(primary.arn, region) for primary in self.primaries}
        try:
            for page in self._sweeper.pages(region, [Filter("primary-region", (self.home,))]):
                self._own_keys |= {each.arn: each.kms_key_id for each in page if each.kms_key_id and each.arn in names}
        except CredentialsError as error:
            if error.ends_the_run:
                raise
            self.notes.append(f"the keys in {region} are as the primaries show them: {error.message}")
        except AwsError as error:
            self.notes.append(f"the keys in {region} are as the primaries show them: {error.message}")


def _row(primary: Secret) -> SecretReport:
    return told(
        primary,
        [
            RegionReport(
                entry.region,
                Outcome.OK,
                status=entry.status,
                status_message=entry.message,
                kms_key_id=entry.kms_key_id,
                last_accessed=entry.last_accessed,
            )
            for entry in primary.replicas
        ],
    )
