"""Inventory of one account: the selected primaries and their replicas, as listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Protocol

from smrep.errors import AwsError, CredentialsError, NotFound, UsageError
from smrep.model import Listed, Secret, SecretId, Target, in_region
from smrep.regions import Region
from smrep.report import Problem, Progress, SecretReport
from smrep.rules.fleet.coverage import is_covered
from smrep.rules.fleet.desired_state import DesiredState, RuleConflict, matching, union
from smrep.rules.manifest.schema import AccountRole, Rule
from smrep.rules.manifest.selector import filters
from smrep.rules.primary_region import SecretAddress, check_account
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked
from smrep.service.fleet.region_lister import RegionLister
from smrep.service.ports import Aws
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import (
    FoundSecret,
    explain_lookup_error,
    not_a_primary,
    of_another_account,
    pending_deletion,
    refusal_report,
)
from smrep.service.steps.parallel import do_nothing, parallel


class Share(Protocol):
    """A part of the work, by the primary's ARN."""

    def takes(self, arn: str) -> bool:
        """Tell whether the secret is of this part."""
        ...


@dataclass(frozen=True, slots=True)
class FleetScope:
    """What a run is about in one account."""

    home: Region
    rules: tuple[Rule, ...]
    share: Share | None = None
    """None: all of it."""
    expect_account: str | None = None
    role: AccountRole | None = None
    """The role that leads to the account; None for the credentials at hand."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """Every Region that some rule wants."""
        return tuple(dict.fromkeys(target.region for rule in self.rules for target in rule.targets))

    @property
    def names(self) -> dict[str, list[int]]:
        """The names and ARNs that the rules name, each with the rules' places; no ARN of another account or Region."""
        found: dict[str, list[int]] = {}
        for place, rule in enumerate(self.rules):
            for name in rule.selector.names:
                parts = name.split(":")
                foreign = name.startswith("arn:") and (
                    parts[3] != self.home or parts[4] != (self.expect_account or parts[4])
                )
                if not foreign:
                    found.setdefault(name, []).append(place)
        return found

    @property
    def seeks_orphans(self) -> bool:
        """Whether a replica's name alone tells that its primary would be meant, as it must where none is left."""
        return bool(self.rules) and not any(rule.selector.needs_more_than_a_name for rule in self.rules)


@dataclass(slots=True)
class Inventory:
    """What is meant and what was listed; a healthy secret takes no more room than its entry in the list."""

    aws: Aws
    sweeper: RegionLister
    key_check: KmsKeys
    scope: FleetScope
    pulse: Callable[[], None] = do_nothing
    primaries: list[Listed] = field(default_factory=list)
    """Those that are meant, without their tags."""
    wants: list[DesiredState] = field(default_factory=list)
    """Where each is wanted, in the same order; many share one value."""
    refused: list[SecretReport] = field(default_factory=list)
    """Secrets that were named and can't be a primary here."""
    absent: dict[str, SecretReport] = field(default_factory=dict)
    """Names that nothing bears here."""
    present: set[str] = field(default_factory=set)
    """Names that something bears here."""
    clashes: list[str] = field(default_factory=list)
    """Mistakes that show only once it is known which secrets the rules mean."""
    matched: list[int] = field(default_factory=list)
    """How many secrets each rule means, those of other shards included."""
    strangers: list[Listed] = field(default_factory=list)
    """Replicas of this Region's primaries that no primary answers to any more."""
    seen_elsewhere: set[int] = field(default_factory=set)
    """Places of primaries that a list shows to have a replica where none is wanted."""
    unlisted: dict[Region, AwsError] = field(default_factory=dict)
    """Regions whose list could not be had to its end, and why."""
    doing: str = "listing"
    _taken: set[str] = field(default_factory=set)
    """ARNs of all that was met and is meant, since an entry may come on two pages."""
    _covered: dict[Region, bytearray] = field(default_factory=dict)
    _keys: dict[Region, dict[int, str]] = field(default_factory=dict)
    """Region -> place -> the key that its list shows, where one is wanted by another spelling."""
    _listed: dict[Region, dict[str, Listed]] = field(default_factory=dict)
    _unions: dict[tuple[int, ...], DesiredState | RuleConflict] = field(default_factory=dict)

    @property
    def account(self) -> str | None:
        """The account's twelve digits where the run is about several."""
        return self.scope.role.account if self.scope.role else None

    @property
    def progress(self) -> Progress:
        """How much was listed up to now."""
        return Progress(self.doing, self.sweeper.seen)

    def take_stock(self) -> None:
        """List the primaries' Region and keep what is meant; what was named and is not listed is looked at.

        Raises:
            AwsError: the list could not be had.
            UsageError: the secrets are of another account than the one expected.

        """
        rules = self.scope.rules
        self.matched = [0] * len(rules)
        names = self.scope.names
        for page in self.sweeper.pages(self.scope.home, filters([rule.selector for rule in rules])):
            for each in page[:1]:
                check_account(each.account, self.scope.expect_account, each.arn)
            for each in page:
                known = [name for name in (each.name, each.arn) if name in names]
                self.present.update(known)
                self._take(each, named=known[0] if known else None)
            self.pulse()
        missing = [name for name in names if name not in self.present]
        found = parallel(self._described, missing, pulse=self.pulse)
        for name, secret in zip(missing, found, strict=True):
            if isinstance(secret, Listed):
                self.present.add(name)
                self._take(secret, named=name)
                continue
            for place in names[name]:
                self.matched[place] += not isinstance(secret, Absent)
            if isinstance(secret, SecretReport):
                self._refuse(name, secret)

    def sweep(self) -> None:
        """List every Region that is wanted, side by side, and hold it against the primaries.

        Raises:
            CredentialsError: no further call can succeed.

        """
        regions = self.scope.regions if self.primaries or self.scope.seeks_orphans else ()
        index = {each.name: place for place, each in enumerate(self.primaries)}
        for region in regions:
            self._covered[region], self._listed[region] = bytearray(len(self.primaries)), {}
            self._keys[region] = {}
        parallel(lambda region: self._sweep(region, index), regions, pulse=self.pulse)

    def covers(self, place: int) -> bool:
        """Tell whether listing shows the secret as it should be in every Region where it is wanted."""
        return all(self._covered[target.region][place] for target in self.wants[place].targets)

    def is_listed_well(self, place: int, region: Region) -> bool:
        """Tell whether listing shows the secret's replica in that Region as it should be."""
        return region in self._covered and bool(self._covered[region][place])

    def shown_key(self, place: int, region: Region) -> str | None:
        """Return the key that the Region's list shows of a replica, where it is the one wanted by another spelling."""
        return self._keys.get(region, {}).get(place)

    def is_known_elsewhere(self, place: int) -> bool:
        """Tell whether anything bears the secret's name in a Region that was listed."""
        return any(self.primaries[place].name in there for there in self._listed.values())

    def is_named(self, place: int) -> bool:
        """Tell whether a rule names the secret, and does not merely mean it."""
        return self.primaries[place].name in self.present or self.primaries[place].arn in self.present

    def add(self, secret: Listed) -> None:
        """Take in a secret that the list of its Region did not show."""
        self._take(secret)
        for covered in self._covered.values():
            covered.extend(bytes(len(self.primaries) - len(covered)))

    def look(self, place: int, region: Region) -> NameLookup:
        """Return what listing shows under the secret's name in that Region."""
        if region not in self._covered:
            return NotChecked()
        if region in self.unlisted:
            return NotChecked(self.unlisted[region])
        listed = self._listed[region].get(self.primaries[place].name)
        return listed.as_seen() if listed else Absent()

    def wanted_now(self, secret: Secret) -> DesiredState | None:
        """Return where the rules want the secret as it is now, None where they do not mean it any more."""
        places = matching(self.scope.rules, Listed.of(secret))
        wanted = self._union(places, secret.account) if places else None
        return wanted if isinstance(wanted, DesiredState) else None

    def _take(self, secret: Listed, named: str | None = None) -> None:
        """Keep a secret if it is meant; one that was named and is a replica is refused."""
        places = matching(self.scope.rules, secret)
        if not places or secret.arn in self._taken:
            return
        self._taken.add(secret.arn)
        check_account(secret.account, self.scope.expect_account, secret.arn)
        seen = secret.as_seen()
        if seen.is_replica and not named:
            return
        for place in places:
            self.matched[place] += 1
        if named and seen.is_replica:
            error = not_a_primary(seen, "status", ())
            assert error is not None  # noqa: S101 - it is a replica
            refused = refusal_report(FoundSecret(SecretAddress(SecretId(named), secret.region), seen), error)
            self._refuse(named, replace(refused, checked_by="list"))
            return
        if self.scope.share is not None and not self.scope.share.takes(secret.arn):
            return
        wanted = self._union(places, secret.account)
        if isinstance(wanted, RuleConflict):
            self.clashes.append(wanted.told(secret.name))
        else:
            self.primaries.append(replace(secret, tags=()) if secret.tags else secret)
            self.wants.append(wanted)

    def _union(self, places: tuple[int, ...], account: str) -> DesiredState | RuleConflict:
        wanted = self._unions.get(places)
        if wanted is None:
            wanted = self._unions[places] = union([self.scope.rules[place] for place in places], account)
        return wanted

    def _refuse(self, name: str, report: SecretReport) -> None:
        """Report a secret that was named and can't be had; of several shards one does."""
        if self.scope.share is None or self.scope.share.takes(name):
            self.refused.append(replace(report, account=self.account, checked_by=report.checked_by or "describe"))

    def _described(self, name: str) -> Listed | SecretReport | Absent:
        """Return a secret that was named and is not listed, which may be new, or why it can't be had."""
        address = SecretAddress(SecretId(name), self.scope.home)
        try:
            secret = self.aws.describe(name, self.scope.home)
        except CredentialsError:
            raise
        except AwsError as error:
            report = refusal_report(FoundSecret(address, explain_lookup_error(error, address)), Problem.of(error))
            if not isinstance(error, NotFound):
                return report
            self.absent[name] = replace(report, account=self.account)
            return Absent()
        trouble = of_another_account(self.aws, name, secret) or pending_deletion(secret) or _incomplete(name, secret)
        return refusal_report(FoundSecret(address, secret), trouble) if trouble else Listed.of(secret)

    def _sweep(self, region: Region, index: dict[str, int]) -> None:
        """List one Region; keep only what is not as it should be."""
        selectors = [rule.selector for rule in self.scope.rules]
        try:
            for page in self.sweeper.pages(region, filters(selectors, names_only=True), doomed=True):
                for there in page:
                    self._hold(there, index.get(there.name))
        except AwsError as error:
            if error.ends_the_run:
                raise
            self.unlisted[region] = error

    def _hold(self, there: Listed, place: int | None) -> None:
        """Hold one entry of a replica Region against the primary of its name."""
        if place is None:
            if self._is_stranger(there):
                self.strangers.append(there)
            return
        primary = self.primaries[place]
        target = next((each for each in self.wants[place].targets if each.region == there.region), None)
        if target is None and there.arn == in_region(primary.arn, there.region) and there.is_replica:
            self.seen_elsewhere.add(place)
        if target and is_covered(primary, target, there, self._same):
            self._covered[there.region][place] = 1
            shown = there.kms_key_id or DEFAULT
            if target.kms_key not in (None, shown):
                self._keys[there.region][place] = intern(shown)
        else:
            self._listed[there.region][there.name] = there

    def _is_stranger(self, there: Listed) -> bool:
        """Tell whether it is a replica of a primary that would be meant, and that the list does not show."""
        home, share = self.scope.home, self.scope.share
        if not self.scope.seeks_orphans or there.primary_region != home or there.region == home:
            return False
        mine = share is None or share.takes(in_region(there.arn, home))
        return mine and bool(matching(self.scope.rules, there))

    def _same(self, target: Target, shown: str, account: str) -> bool:
        return target.kms_key is None or self.key_check.same(target.kms_key, shown, target.region, account) is True


def _incomplete(name: str, secret: Secret) -> Problem | None:
    """Return the trouble of an ARN that AWS completes, and the list can't be held against."""
    if not name.startswith("arn:") or name == secret.arn:
        return None
    message = f"{name} is no whole ARN; AWS takes it for {secret.arn}"
    return Problem.of(NotFound(message, hint=f"write {secret.arn}, or the secret's name: {secret.name}"))


def check_clashes(estates: Iterable[Inventory], others: Sequence[str] = ()) -> None:
    """Refuse rules that contradict each other for a secret that both mean; `others` are mistakes told with them.

    Raises:
        UsageError: they do, or there are others.

    """
    mistakes = (*(each for estate in estates for each in estate.clashes), *others)
    if mistakes:
        what = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise UsageError(
            f"the manifest has {what}, seen from the secrets that it means; nothing was sent",
            "smrep list shows the secrets there are",
            code="ManifestError",
            details=mistakes,
        )


def unmatched_rules(estates: Iterable[Inventory], rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that mean no secret in any account."""
    counts = [estate.matched for estate in estates]
    return [rule for place, rule in enumerate(rules) if not any(each[place] for each in counts if each)]


def refuse_absent(estates: Sequence[Inventory], *, whole: bool) -> None:
    """Refuse each name that nothing bears in any account, once; `whole`: these are all the accounts there are."""
    present = {name for estate in estates for name in estate.present}
    told: set[str] = set()
    for estate in estates if whole else ():
        share = estate.scope.share
        for name, report in estate.absent.items():
            if name not in present and name not in told and (share is None or share.takes(name)):
                estate.refused.append(report)
                told.add(name)
