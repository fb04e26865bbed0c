"""`init`: choose secrets that lack a replica, and write a manifest for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smrep.model import Filter, Listed, Target
from smrep.regions import Region
from smrep.report import LazyReports, Progress, SecretReport
from smrep.rules.fleet.coverage import listed_report
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.selector import Selector, filters
from smrep.rules.manifest.writer import first_manifest
from smrep.rules.primary_region import check_account
from smrep.rules.replication.blockers import managing_service
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState, Tracked


@dataclass(slots=True)
class Init(Tracked):
    """One run of `init`; changes nothing in AWS."""

    aws: SecretsManager
    clock: Clock
    home: Region
    targets: tuple[Target, ...]
    selector: Selector
    expect_account: str | None = None
    unprotected: list[Listed] = field(default_factory=list)
    """Secrets that lack a replica in one of the Regions."""
    protected: int = 0
    """Number of selected secrets with replicas in all of them."""
    managed: list[str] = field(default_factory=list)
    """Secrets that an AWS service manages; the manifest leaves them out."""
    _lister: RegionLister = field(init=False)

    def __post_init__(self) -> None:
        """Count the listed secrets."""
        self._lister = RegionLister(self.aws, self.clock)

    def look(self, run: RunState) -> None:
        """List the primaries' Region, and the replicas in each target Region.

        Raises:
            AwsError: a Region could not be listed.
            UsageError: the secrets belong to another account than expected.

        """
        selected: list[Listed] = []
        for page in self._lister.pages(self.home, filters([self.selector])):
            for secret in page:
                check_account(secret.account, self.expect_account, secret.arn)
            selected += [secret for secret in page if not secret.is_replica and self.selector.matches(secret)]
            run.update()
        ours = [Filter("primary-region", (self.home,)), *filters([self.selector], names_only=True)]
        covered = []
        for target in self.targets:
            pages = self._lister.pages(target.region, ours)
            covered.append({secret.name for page in pages for secret in page if secret.primary_region == self.home})
            run.update()
        for secret in sorted(selected, key=lambda secret: secret.name):
            if managing_service(secret):
                self.managed.append(secret.name)
            elif all(secret.name in names for names in covered):
                self.protected += 1
            else:
                self.unprotected.append(secret)

    @property
    def count(self) -> int:
        """Number of selected secrets."""
        return len(self.unprotected) + self.protected + len(self.managed)

    @property
    def progress(self) -> Progress:
        """Number of secrets listed."""
        return Progress("listing", self._lister.seen)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret of the manifest."""
        return LazyReports(self.unprotected, listed_report)

    @property
    def manifest(self) -> Manifest:
        """One rule with the names of the secrets."""
        names = [secret.name for secret in self.unprotected]
        return first_manifest(names, self.targets, self.unprotected[0].account, self.home)
