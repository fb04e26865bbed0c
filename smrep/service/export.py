"""`export`: write the current replication as a manifest or as Terraform blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import AwsError, Denied, NotFound, Outcome
from smrep.model import FAILED, IN_SYNC, Filter, Listed, Replica, Role, Secret, in_region
from smrep.regions import Region
from smrep.report import LazyReports, Problem, Progress, RegionReport, SecretReport
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.selector import Selector, filters
from smrep.rules.manifest.terraform import TerraformExport
from smrep.rules.manifest.writer import manifest_of, missing_note, not_checked_note, skipped_notes
from smrep.rules.primary_region import check_account
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NotChecked, our_replica
from smrep.rules.replication.replica_state import secret_report
from smrep.service.fleet.multi_account import DenialBreaker
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.ports import Aws, Clock
from smrep.service.run_state import RunState, Tracked
from smrep.service.steps.lookup import look_up_name
from smrep.service.steps.parallel import parallel


@dataclass(slots=True)
class Export(Tracked):
    """One run of `export`; changes nothing in AWS."""

    aws: Aws
    clock: Clock
    home: Region
    selector: Selector
    expect_account: str | None = None
    primaries: list[Secret] = field(default_factory=list)
    """Primaries with the entries whose replicas exist, as far as smrep can see."""
    unchecked: list[SecretReport] = field(default_factory=list)
    """Secrets that could not be checked and are missing from the manifest."""
    notes: list[str] = field(default_factory=list)
    """Notes on what the manifest lacks or could not confirm."""
    doubts: list[str] = field(default_factory=list)
    """Notes about secrets that could not be checked."""
    _own_keys: dict[str, str] = field(default_factory=dict)
    """Replica's ARN -> key shown by its own Region."""
    _described: list[Secret] = field(default_factory=list)
    """Primaries with every entry that they list."""
    _gone: set[str] = field(default_factory=set)
    """ARNs of listed replicas that do not exist."""
    _unlisted: dict[Region, AwsError] = field(default_factory=dict)
    _denials: DenialBreaker = field(default_factory=DenialBreaker)
    _looked: int = 0
    _to_look: int = 0
    _lister: RegionLister = field(init=False)

    def __post_init__(self) -> None:
        """Count the listed secrets."""
        self._lister = RegionLister(self.aws, self.clock)

    def look(self, run: RunState) -> None:
        """List the Region, describe each primary with replicas, list their Regions, and look for unlisted ones.

        Raises:
            AwsError: the Region could not be listed, or no further call can succeed.
            UsageError: the secrets belong to another account than expected.

        """
        listed: list[Listed] = []
        for page in self._lister.pages(self.home, filters([self.selector])):
            for secret in page:
                check_account(secret.account, self.expect_account, secret.arn)
            listed += [e._replace(tags=()) for e in page if e.role is Role.PRIMARY and self.selector.matches(e)]
            run.update()
        self._to_look = len(listed)
        for seen in parallel(self._describe, listed, pulse=run.heartbeat):
            if isinstance(seen, Secret):
                self.primaries.append(seen)
            elif seen is not None:
                self.unchecked.append(seen)
        self._described = list(self.primaries)
        run.update()
        regions = sorted({entry.region for primary in self.primaries for entry in primary.replicas})
        parallel(self._list_replicas, regions, pulse=run.heartbeat)
        run.update()
        self.doubts += [
            f"{region} could not be listed, so its keys are those that the primaries show: "
            f"{self._unlisted[region].message}"
            for region in regions
            if region in self._unlisted
        ]
        self.notes += self.doubts
        self._look_for_unlisted(run)
        self.notes += [note for primary in self.primaries for note in skipped_notes(primary)]
        run.update()

    @property
    def progress(self) -> Progress:
        """Progress of the run."""
        if self._to_look:
            return Progress("examining", self._looked, self._to_look)
        return Progress("listing", self._lister.seen)

    def reports(self) -> Sequence[SecretReport]:
        """Return every secret with replicas."""
        items: list[SecretReport | Secret] = [*self.unchecked, *self.primaries]
        return LazyReports(items, lambda item: item if isinstance(item, SecretReport) else self._report(item))

    @property
    def summary(self) -> dict[str, int]:
        """Number of secrets, of replicas in the manifest, and of secrets that could not be checked."""
        replicas = sum(entry.status != FAILED for primary in self.primaries for entry in primary.replicas)
        return {"secrets": len(self.reports()), "replicas": replicas, "unseen": len(self.unchecked)}

    @property
    def manifest(self) -> Manifest:
        """Current replication as a manifest."""
        return manifest_of(self.primaries, self.home, self._own_keys)

    @property
    def terraform(self) -> TerraformExport:
        """Current replication for Terraform: the primaries' entries, corrected by their Regions."""
        return TerraformExport(self.home, self._described, self._own_keys, self._gone)

    def _describe(self, listed: Listed) -> Secret | SecretReport | None:
        """Return the primary, None if it is gone, or the report of why it could not be checked."""
        try:
            self._denials.check(f"{listed.name} in {listed.region}")
            primary = self.aws.describe(listed.arn, listed.region)
        except NotFound:
            self._denials.note(denied=False)
            return None
        except AwsError as error:
            if error.ends_the_run:
                raise
            self._denials.note(denied=isinstance(error, Denied))
            trouble = Problem.of(error)
            return SecretReport(listed.name, trouble.outcome, listed.arn, listed.region, error=trouble)
        finally:
            self._looked += 1
        self._denials.note(denied=False)
        return primary

    def _list_replicas(self, region: Region) -> None:
        """Read each replica's key from its own Region, which is more reliable than the primary."""
        names = {in_region(primary.arn, region) for primary in self.primaries}
        keys: dict[str, str] = {}
        try:
            for page in self._lister.pages(region, [Filter("primary-region", (self.home,))]):
                replicas = (e for e in page if e.arn in names and e.primary_region == self.home)
                keys |= {replica.arn: replica.kms_key_id or DEFAULT for replica in replicas}
        except AwsError as error:
            if error.ends_the_run:
                raise
            self._unlisted[region] = error
        self._own_keys |= keys

    def _look_for_unlisted(self, run: RunState) -> None:
        """Look for replicas that are InSync but not listed in their Region; drop those that do not exist."""
        doubts = [
            (place, entry)
            for place, primary in enumerate(self.primaries)
            for entry in primary.replicas
            if entry.status == IN_SYNC
            and entry.region not in self._unlisted
            and in_region(primary.arn, entry.region) not in self._own_keys
        ]
        self._to_look += len(doubts)
        unlooked: dict[Region, list[str]] = {}
        looks = parallel(self._is_there, doubts, pulse=run.heartbeat)
        for (place, entry), is_there in zip(doubts, looks, strict=True):
            if is_there is None:
                unlooked.setdefault(entry.region, []).append(self.primaries[place].name)
            elif not is_there:
                primary = self.primaries[place]
                self.notes.append(missing_note(primary, entry))
                self._gone.add(in_region(primary.arn, entry.region))
                rest = tuple(replica for replica in primary.replicas if replica.region != entry.region)
                self.primaries[place] = replace(primary, replicas=rest)

        unlooked_notes = [not_checked_note(region, names) for region, names in unlooked.items()]
        self.doubts += unlooked_notes
        self.notes += unlooked_notes

    def _is_there(self, doubt: tuple[int, Replica]) -> bool | None:
        """Look into the Region; return None if that fails."""
        place, entry = doubt
        primary = self.primaries[place]
        seen = look_up_name(self.aws, primary, entry.region)
        self._looked += 1
        if isinstance(seen, NotChecked):
            return None
        replica = our_replica(primary, seen)
        if replica is not None:
            self._own_keys[replica.arn] = replica.kms_key_id or DEFAULT
        return replica is not None

    def _report(self, primary: Secret) -> SecretReport:
        return secret_report(primary, [self._row(primary, entry) for entry in primary.replicas])

    def _row(self, primary: Secret, entry: Replica) -> RegionReport:
        arn = in_region(primary.arn, entry.region)
        return RegionReport(
            entry.region,
            Outcome.OK,
            arn=arn if entry.status == IN_SYNC else None,
            status=entry.status,
            status_message=entry.message,
            kms_key_id=self._own_keys.get(arn) or entry.kms_key_id,
            last_accessed=entry.last_accessed,
        )
