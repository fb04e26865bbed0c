"""`export`: the replication that there is now, as the manifest or the Terraform blocks that want exactly that."""

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
from smrep.rules.manifest.writer import adopted, left_out, not_there, unlooked_at
from smrep.rules.primary_region import check_account
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NotChecked, our_replica
from smrep.rules.replication.replica_state import secret_report
from smrep.service.fleet.multi_account import DenialBreaker
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.ports import Aws, Clock
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name
from smrep.service.steps.parallel import parallel


@dataclass(slots=True)
class Export:
    """One run of `export`; changes nothing in AWS."""

    aws: Aws
    clock: Clock
    home: Region
    selector: Selector
    expect_account: str | None = None
    primaries: list[Secret] = field(default_factory=list)
    """Those with replicas, each with the entries whose replicas are there, as far as can be seen."""
    unseen: list[SecretReport] = field(default_factory=list)
    """Secrets that could not be looked at, without which the manifest is not whole."""
    notes: list[str] = field(default_factory=list)
    """What the manifest does not have, or has on somebody's word alone."""
    doubts: list[str] = field(default_factory=list)
    """Those of the notes that are about what could not be looked at."""
    _own_keys: dict[str, str] = field(default_factory=dict)
    """Replica's ARN -> the key that its own Region shows."""
    _described: list[Secret] = field(default_factory=list)
    """The primaries with every entry that they list."""
    _gone: set[str] = field(default_factory=set)
    """ARNs of replicas that are listed and not there."""
    _unlisted: dict[Region, AwsError] = field(default_factory=dict)
    _denials: DenialBreaker = field(default_factory=DenialBreaker)
    _looked: int = 0
    _to_look: int = 0
    _sweeper: RegionLister = field(init=False)

    def __post_init__(self) -> None:
        """Count what is listed."""
        self._sweeper = RegionLister(self.aws, self.clock)

    def look(self, run: RunState) -> None:
        """List the Region, look at each primary that has replicas, list where those are, look for what is not listed.

        Raises:
            AwsError: the Region could not be listed, or no further call can succeed.
            UsageError: the secrets are of another account than the one expected.

        """
        listed: list[Listed] = []
        for page in self._sweeper.pages(self.home, filters([self.selector])):
            for each in page:
                check_account(each.account, self.expect_account, each.arn)
            listed += [replace(e, tags=()) for e in page if e.role is Role.PRIMARY and self.selector.matches(e)]
            run.update()
        self._to_look = len(listed)
        for seen in parallel(self._describe, listed, pulse=run.heartbeat):
            if isinstance(seen, Secret):
                self.primaries.append(seen)
            elif seen is not None:
                self.unseen.append(seen)
        self._described = list(self.primaries)
        run.update()
        regions = sorted({entry.region for primary in self.primaries for entry in primary.replicas})
        parallel(self._list_replicas, regions, pulse=run.heartbeat)
        run.update()
        self.doubts += [
            f"the keys in {region} are as the primaries show them: {self._unlisted[region].message}"
            for region in regions
            if region in self._unlisted
        ]
        self.notes += self.doubts
        self._look_for_unlisted(run)
        self.notes += [note for primary in self.primaries for note in left_out(primary)]
        run.update()

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        if self._to_look:
            return Progress("examining", self._looked, self._to_look)
        return Progress("listing", self._sweeper.seen)

    @property
    def was_sent(self) -> bool:
        """Nothing is sent."""
        return False

    def reports(self, *, dry_run: bool = False) -> Sequence[SecretReport]:  # noqa: ARG002 - it changes nothing
        """Return every secret with replicas."""
        found: list[SecretReport | Secret] = [*self.unseen, *self.primaries]
        return LazyReports(found, lambda each: each if isinstance(each, SecretReport) else self._report(each))

    @property
    def summary(self) -> dict[str, int]:
        """How many secrets there are, how many replicas the manifest has, and how many could not be looked at."""
        replicas = sum(entry.status != FAILED for primary in self.primaries for entry in primary.replicas)
        return {"secrets": len(self.reports()), "replicas": replicas, "unseen": len(self.unseen)}

    @property
    def manifest(self) -> Manifest:
        """What there is, as what is wanted."""
        return adopted(self.primaries, self.home, self._own_keys)

    @property
    def estate(self) -> TerraformExport:
        """What there is, as Terraform will see it: by the primaries' word, with what their Regions say to it."""
        return TerraformExport(self.home, self._described, self._own_keys, self._gone)

    def _describe(self, listed: Listed) -> Secret | SecretReport | None:
        """Return the primary, None where it is not there any more, or why it can't be looked at."""
        try:
            self._denials.check(f"{listed.name} in {listed.region}")
            found = self.aws.describe(listed.arn, listed.region)
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
        return found

    def _list_replicas(self, region: Region) -> None:
        """Take each replica's key from its own Region, whose word counts more than the primary's."""
        names = {in_region(primary.arn, region) for primary in self.primaries}
        own: dict[str, str] = {}
        try:
            for page in self._sweeper.pages(region, [Filter("primary-region", (self.home,))]):
                replicas = (e for e in page if e.arn in names and e.primary_region == self.home)
                own |= {each.arn: each.kms_key_id or DEFAULT for each in replicas}
        except AwsError as error:
            if error.ends_the_run:
                raise
            self._unlisted[region] = error
        self._own_keys |= own

    def _look_for_unlisted(self, run: RunState) -> None:
        """Look where the primary says InSync and its Region lists no replica; leave out what is not there."""
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
                self.notes.append(not_there(primary, entry))
                self._gone.add(in_region(primary.arn, entry.region))
                rest = tuple(each for each in primary.replicas if each.region != entry.region)
                self.primaries[place] = replace(primary, replicas=rest)

        unseen = [unlooked_at(region, names) for region, names in unlooked.items()]
        self.doubts += unseen
        self.notes += unseen

    def _is_there(self, doubt: tuple[int, Replica]) -> bool | None:
        """Look into the Region; return None where that can't be done."""
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
