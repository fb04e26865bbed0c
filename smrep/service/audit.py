"""`audit`: find missing, failed or outdated replicas, by listing and by a look at the doubtful ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from smrep.errors import NotWhole, Outcome
from smrep.model import Secret
from smrep.report import Finding, Kind, LazyReports, Progress, RegionReport, SecretReport, Severity, is_remarkable
from smrep.rules.fleet.coverage import covered_row, summary, unlisted_row
from smrep.rules.manifest.schema import Rule
from smrep.rules.manifest.selector import EVERY
from smrep.rules.replication.findings import failed_check_outcome, unchecked
from smrep.rules.replication.replica_state import worst, worst_first
from smrep.service.fleet.inspector import Inspector, progress_of
from smrep.service.fleet.inventory import Inventory, check_conflicts, refuse_absent, unmatched_rules
from smrep.service.fleet.multi_account import Accounts
from smrep.service.run_state import RunState, Tracked
from smrep.service.steps.parallel import parallel


@dataclass(slots=True)
class Audit:
    """Audit of one account."""

    inventory: Inventory
    deep: bool = False
    """Whether to look at every primary, to report a status."""
    extras: bool = False
    """Whether to report replicas in Regions that no rule wants."""
    inspector: Inspector = field(init=False)
    listed: list[int] = field(default_factory=list)
    """Places of the secrets that listing alone covers."""
    _doubtful: list[int] = field(default_factory=list)
    _orphans: list[SecretReport] = field(default_factory=list)
    _looked_at: dict[int, SecretReport | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the inspector of this inventory."""
        self.inspector = Inspector(self.inventory)

    def look(self) -> None:
        """List the Regions, then look at the doubtful secrets.

        Raises:
            CredentialsError: no further call can succeed.

        """
        inventory, inspector = self.inventory, self.inspector
        inventory.list_replicas()
        self._orphans = inspector.orphans()
        self._doubtful = inspector.doubtful(deep=self.deep)
        chosen = set(self._doubtful)
        self.listed = [place for place in range(len(inventory.primaries)) if place not in chosen]
        inspector.to_look = len(self._doubtful)
        inventory.pulse()
        parallel(self._examine, self._doubtful, pulse=inventory.pulse)
        inventory.close()

    @property
    def reports(self) -> list[SecretReport]:
        """Reports of the secrets examined, not yet examined, and refused."""
        examined = (self._looked_at.get(place, self._unexamined(place)) for place in self._doubtful)
        return [*self.inventory.refused, *self._orphans, *(report for report in examined if report)]

    def by_listing(self, place: int) -> SecretReport:
        """Return a secret's report from listing alone."""
        inventory, primary = self.inventory, self.inventory.primaries[place]
        rows = [
            covered_row(primary, target)
            if inventory.is_listed_well(place, target.region) or target.region not in inventory.unlisted
            else unlisted_row(target, inventory.unlisted[target.region])
            for target in inventory.wants[place].targets
        ]
        return self._listed_report(place, rows)

    def check(self) -> None:
        """Raise if incomplete lists leave something open in any case.

        Raises:
            NotWhole: a replica without a primary could be missed.

        """
        unlisted = self.inventory.unlisted if self.inventory.scope.seeks_orphans else {}
        for region, error in unlisted.items():
            finding = unchecked(region, error, f"secretsmanager:ListSecrets in {region}")
            message = (
                f"{region} could not be listed, so smrep cannot find replicas there whose primary is gone: "
                + error.words
            )
            raise NotWhole(message, finding.hint, failed_check_outcome(error))

    def _listed_report(self, place: int, rows: Sequence[RegionReport]) -> SecretReport:
        """Return the report of a secret from the lists alone."""
        primary = self.inventory.primaries[place]
        return SecretReport(
            primary.name,
            worst(row.outcome for row in rows),
            primary.arn,
            primary.region,
            tuple(rows),
            checked_by="list",
            rules=self.inventory.wants[place].rules,
            account=self.inventory.account,
        )

    def _unexamined(self, place: int) -> SecretReport:
        """Return the report of a doubtful secret that the run did not reach."""
        message = "not checked: its list entry does not show its state, and the run ended first"
        doubt = Finding(Kind.UNCHECKED, Severity.WARNING, message, outcome=Outcome.PENDING)
        targets = self.inventory.wants[place].targets
        rows = [
            RegionReport(target.region, Outcome.PENDING, wanted_key=target.kms_key, findings=(doubt,))
            for target in targets
        ]
        return self._listed_report(place, rows)

    def _examine(self, place: int) -> None:
        self._looked_at[place] = self._examined(place)

    def _examined(self, place: int) -> SecretReport | None:
        """Look at a secret and return its report, None if it is gone."""
        primary, wanted = self.inspector.primary(place), self.inventory.wants[place]
        if not isinstance(primary, Secret):
            return primary
        return self.inspector.examine(place, primary, wanted, extras=self.extras)


def _is_addable(row: RegionReport) -> bool:
    return {finding.kind for finding in row.findings} - {Kind.NO_VALUE} == {Kind.MISSING}


@dataclass(slots=True)
class Audits(Tracked):
    """Audit of every account."""

    audits: Sequence[Audit]
    whole: bool = True
    """Whether no other shard's accounts may contain a name."""
    accounts: Accounts = field(default_factory=Accounts)

    def look(self, run: RunState) -> None:
        """Audit each account; a failed list does not stop the others.

        Raises:
            SmrepError: the only account could not be listed, or no further call can succeed.
            UsageError: rules conflict, or the secrets belong to another account than expected.

        """
        self.accounts.each(self._look_into, self.audits, run)
        if len(self.audits) > 1:
            self._refuse_absent()
        check_conflicts([audit.inventory for audit in self._living])

    def check(self) -> None:
        """Raise if a part of the answer is missing.

        Raises:
            SomeAccountsLost: whole accounts are missing.
            NotWhole: Regions could not be listed.

        """
        self.accounts.check(len(self.audits))
        for audit in self._living:
            audit.check()

    @property
    def progress(self) -> Progress:
        """Progress of the run."""
        return progress_of(audit.inspector for audit in self.audits)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret, findings first; reports of healthy secrets are created on access."""
        reports = sorted(self._reports(), key=lambda report: (not is_remarkable(report), report.name))
        covered = [(audit, place) for audit in self.audits for place in audit.listed if audit.inventory.covers(place)]
        items: list[SecretReport | tuple[Audit, int]] = [*worst_first(reports), *covered]
        regions = Counter(audit.inventory.wants[place].regions for audit, place in covered)
        return LazyReports(
            items, lambda item: item if isinstance(item, SecretReport) else item[0].by_listing(item[1]), regions
        )

    @property
    def summary(self) -> dict[str, int]:
        """Secrets counted by result; those of an unlisted Region one by one."""
        covered = sum(audit.inventory.covers(place) for audit in self.audits for place in audit.listed)
        return summary(self._reports(), covered)

    @property
    def addable(self) -> list[str]:
        """Secrets with a missing replica that nothing blocks."""
        return [report.name for report in self._reports() if any(map(_is_addable, report.replicas))]

    def warnings(self, rules: Sequence[Rule]) -> Iterator[str]:
        """Yield warnings about the selection; a shard of it may be empty."""
        inventories = [audit.inventory for audit in self._living]
        homes = ", ".join(dict.fromkeys(inventory.scope.home for inventory in inventories))
        complete = bool(inventories) and self.whole and not self.accounts.lost
        for rule in unmatched_rules(inventories, rules) if complete else ():
            if rule.selector == EVERY:
                yield f"{homes} has no secrets"
            else:
                who = f"{rule.place} matches" if rule.name else "the selectors match"
                yield f"{who} no secret in {homes}: {rule.selector.conditions}"

    def _look_into(self, audit: Audit) -> None:
        audit.inventory.list_primaries()
        if len(self.audits) == 1:
            self._refuse_absent()  # of several accounts, any may have the name
        if not audit.inventory.conflicts:
            audit.look()

    def _refuse_absent(self) -> None:
        refuse_absent([audit.inventory for audit in self._living], whole=self.whole and not self.accounts.lost)

    @property
    def _living(self) -> list[Audit]:
        return self.accounts.living(self.audits)

    def _reports(self) -> list[SecretReport]:
        """Return every secret that listing alone does not cover."""
        return [
            report
            for audit in self.audits
            for report in (
                *audit.reports,
                *(audit.by_listing(place) for place in audit.listed if not audit.inventory.covers(place)),
            )
        ]
