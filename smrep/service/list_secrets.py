"""`list`: list a Region's secrets and their roles, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.model import Listed, Role, SecretId, in_region
from smrep.regions import Region
from smrep.report import LazyReports, Progress, RegionReport, SecretReport
from smrep.rules.manifest.selector import Selector, filters
from smrep.rules.primary_region import SecretAddress, check_account
from smrep.rules.replication.key_failures import DEFAULT
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState, Tracked


@dataclass(slots=True)
class Listing(Tracked):
    """Selected secrets of a Region."""

    aws: SecretsManager
    clock: Clock
    home: Region
    selector: Selector
    expect_account: str | None = None
    seen: int = 0
    secrets: list[Listed] = field(default_factory=list)

    def look(self, run: RunState, show_page: Callable[[Sequence[SecretReport]], None] | None = None) -> None:
        """List page by page; `show_page` receives each page's secrets, in AWS's order.

        Raises:
            AwsError: the list failed or is incomplete.
            UsageError: the secrets belong to another account than expected.

        """
        for page in RegionLister(self.aws, self.clock).pages(self.home, filters([self.selector])):
            secrets = [secret._replace(tags=()) for secret in page if self.selector.matches(secret)]
            for secret in secrets:
                check_account(secret.account, self.expect_account, secret.arn)
            self.seen += len(secrets)
            self.secrets += secrets
            if show_page:
                show_page(LazyReports(secrets, _report))
            run.update()

    @property
    def progress(self) -> Progress:
        """Number of secrets listed."""
        return Progress("listing", self.seen)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret listed so far, sorted by name."""
        return LazyReports(sorted(self.secrets, key=lambda secret: secret.name), _report)


def select_secrets(
    aws: SecretsManager, home: Region, selector: Selector, expect_account: str | None, run: RunState
) -> tuple[SecretAddress, ...]:
    """Return the selected primaries and standalone secrets of a Region by name, sorted.

    Raises:
        AwsError, UsageError: as for `Listing.look`.

    """
    listing = Listing(aws, run.clock, home, selector, expect_account)
    run.track(listing)
    listing.look(run)
    run.track(())
    names = sorted({secret.name for secret in listing.secrets if secret.role is not Role.REPLICA})
    return tuple(SecretAddress(SecretId(name), home) for name in names)


def _report(secret: Listed) -> SecretReport:
    """Return one secret; a replica becomes a row of its primary, in the listed Region."""
    primary = secret.primary_region or secret.region
    rows: tuple[RegionReport, ...] = ()
    if secret.role is Role.REPLICA:
        key = secret.kms_key_id or DEFAULT
        rows = (RegionReport(secret.region, Outcome.OK, secret.arn, kms_key_id=key, note=f"replica of {primary}"),)
    arn = in_region(secret.arn, primary)
    return SecretReport(secret.name, Outcome.OK, arn, primary, rows, checked_by="list", role=secret.role)
