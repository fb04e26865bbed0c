"""Look at secrets that listing leaves in doubt: at the primary, and into a Region if needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from smrep.errors import AwsError, CredentialsError, Denied, NotFound
from smrep.model import IN_SYNC, Listed, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Problem, Progress, RegionReport, SecretReport
from smrep.rules.fleet.coverage import examined_row, extra_row, orphan
from smrep.rules.fleet.desired_state import DesiredState
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.rules.replication.replica_state import secret_report
from smrep.service.fleet.inventory import Inventory
from smrep.service.fleet.multi_account import DenialBreaker
from smrep.service.steps.lookup import look_up_name, not_a_primary, pending_deletion, troubles_elsewhere
from smrep.service.steps.parallel import parallel


@dataclass(slots=True)
class Inspector:
    """Describes the secrets that look wrong."""

    inventory: Inventory
    looked: int = 0
    to_look: int = 0
    _denials: DenialBreaker = field(default_factory=DenialBreaker)
    _denials_there: dict[Region, DenialBreaker] = field(default_factory=dict)
    """Denials of looks into Regions that could not be listed."""

    def doubtful(self, *, deep: bool = False, blindly: bool = False, trusting: bool = False) -> list[int]:
        """Return the places of secrets for which listing is not enough.

        If a Region cannot be listed, a look at the primary shows half of its state; `blindly` wants that. `deep` wants
        every status. `trusting` accepts from the list that a secret was never replicated and that no other Region has
        its name.
        """
        inventory = self.inventory

        def is_doubtful(place: int) -> bool:
            wanted, primary = inventory.wants[place], inventory.primaries[place]
            if trusting and primary.primary_region is None and not inventory.is_known_elsewhere(place):
                return False
            regions = [target.region for target in wanted.targets if blindly or target.region not in inventory.unlisted]
            unlike = any(not inventory.is_listed_well(place, region) for region in regions)
            return deep or unlike or wanted.remove_extra or place in inventory.seen_elsewhere

        return [place for place in range(len(inventory.primaries)) if is_doubtful(place)]

    def orphans(self) -> list[SecretReport]:
        """Return replicas without a primary; add primaries that are only not listed yet.

        Raises:
            CredentialsError: no further call can succeed.

        """
        inventory = self.inventory
        groups = [list(group) for _, group in groupby(sorted(inventory.stray_replicas, key=_by_origin), key=_by_origin)]
        reports: list[SecretReport] = []
        for listed, primary in zip(groups, parallel(self._origin, groups, pulse=self.inventory.pulse), strict=True):
            if isinstance(primary, Secret):
                if primary.deleted is None:
                    inventory.add(Listed.of(primary))
            elif isinstance(primary, NotFound):
                reports.append(replace(orphan(listed, inventory.scope.home), account=inventory.account))
            else:
                report = replace(secret_report(listed[0].as_seen(), (), Problem.of(primary)), checked_by="describe")
                reports.append(replace(report, account=inventory.account))
        return reports

    def primary(self, place: int) -> Secret | SecretReport | None:
        """Describe the primary, or return the report that ends its part in the run.

        Returns None for a secret gone since it was listed, unless a rule names it.

        Raises:
            CredentialsError: no further call can succeed.

        """
        listed, rules = self.inventory.primaries[place], self.inventory.wants[place].rules
        named = self.inventory.is_named(place)
        try:
            self._denials.check(f"{listed.name} in {listed.region}")
            primary = self.inventory.aws.describe(listed.arn, listed.region)
        except CredentialsError:
            raise
        except AwsError as error:
            self._denials.note(denied=isinstance(error, Denied))
            if isinstance(error, NotFound) and not named:
                return None
            trouble = Problem.of(error)
            report = SecretReport(listed.name, trouble.outcome, listed.arn, listed.region, error=trouble)
            return replace(report, checked_by="describe", rules=rules, account=self.inventory.account)
        finally:
            self.looked += 1
        self._denials.note(denied=False)
        if primary.deleted is not None and not named:
            return None
        unusable = pending_deletion(primary) or not_a_primary(primary, "status", ())
        if unusable is None:
            return primary
        report = secret_report(primary, (), unusable)
        return replace(report, checked_by="describe", rules=rules, account=self.inventory.account)

    def examine(self, place: int, primary: Secret, wanted: DesiredState, *, extras: bool) -> SecretReport:
        """Return how a described primary differs from its wanted state; `extras` reports unwanted replicas."""

        def row(target: Target) -> RegionReport:
            def same(wanted: str, shown: str) -> bool | AwsError:
                return self.inventory.key_check.claimed(wanted, shown, target.region, primary.account)

            return examined_row(primary, target, self.look(place, primary, target), same)

        rows = [row(target) for target in wanted.targets]
        regions = {target.region for target in wanted.targets}
        rows += [
            extra_row(primary, entry, unwanted=wanted.remove_extra)
            for entry in primary.replicas
            if extras and entry.region not in regions
        ]
        notes = troubles_elsewhere(primary, {row.region for row in rows})
        report = replace(secret_report(primary, rows, notes=notes), checked_by="describe", rules=wanted.rules)
        return replace(report, account=self.inventory.account)

    def look(self, place: int, primary: Secret, target: Target) -> NameLookup:
        """Return the listed entry if it is beyond doubt, else look into the Region.

        An entry that the primary does not know comes from an outdated list.
        """
        inventory, entry = self.inventory, primary.replica(target.region)
        if inventory.is_listed_well(place, target.region):
            if entry is None or inventory.primaries[place].current != primary.version("AWSCURRENT"):
                return look_up_name(inventory.aws, primary, target.region)
            shown = inventory.shown_key(place, target.region) or target.kms_key or entry.kms_key_id
            arn = in_region(primary.arn, target.region)
            return replace(primary, region=target.region, arn=arn, kms_key_id=shown, replicas=())
        listed = inventory.look(place, target.region)
        if isinstance(listed, NotChecked):
            return self._look_blindly(listed, primary, target.region)
        if isinstance(listed, NoSecret) and not (entry and entry.status == IN_SYNC):
            return listed
        return look_up_name(inventory.aws, primary, target.region)

    def _look_blindly(self, unlisted: NotChecked, primary: Secret, region: Region) -> NameLookup:
        """Look into a Region that was not listed, or whose list was denied; single looks may be allowed."""
        denials = self._denials_there.setdefault(region, DenialBreaker())
        if not isinstance(unlisted.error, Denied | None) or denials.are_enough:
            return unlisted
        seen = look_up_name(self.inventory.aws, primary, region)
        denials.note(denied=isinstance(seen, NotChecked) and isinstance(seen.error, Denied))
        return seen

    def _origin(self, replicas: Sequence[Listed]) -> Secret | AwsError:
        home = self.inventory.scope.home
        try:
            return self.inventory.aws.describe(in_region(replicas[0].arn, home), home)
        except CredentialsError:
            raise
        except AwsError as error:
            return error


def progress_of(inspectors: Iterable[Inspector]) -> Progress:
    """Return the progress of all accounts: how many secrets are listed, and then how many are examined."""
    looked, to_look, listed = 0, 0, 0
    for inspector in inspectors:
        looked += inspector.looked
        to_look += inspector.to_look
        listed += inspector.inventory.lister.seen
    return Progress("examining", looked, to_look) if to_look else Progress("listing", listed)


def _by_origin(replica: Listed) -> str:
    """Return the ARN without its Region, shared by one primary's replicas."""
    return replica.arn.split(":", 4)[4]
