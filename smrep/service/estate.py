"""The secrets of one account that are meant, and what listing each Region shows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from smrep.errors import AwsError, CredentialsError, UsageError
from smrep.model import Listed, SecretId, Target, in_region
from smrep.regions import Region
from smrep.report import Progress, SecretReport, Trouble
from smrep.rules.asked import Address, check_account
from smrep.rules.coverage import is_covered
from smrep.rules.manifest import AccountRole, Rule
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.rules.selection import filters
from smrep.rules.wanted import Clash, Wanted, matching, union
from smrep.service.abreast import abreast, nothing
from smrep.service.keys import KeyCheck
from smrep.service.looking import Found, doomed, explained, refusal, unfit
from smrep.service.ports import Aws
from smrep.service.sweeping import Sweeper


class Share(Protocol):
    """A part of the work, by the primary's ARN."""

    def takes(self, arn: str) -> bool:
        """Tell whether the secret is of this part."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
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


@dataclass(slots=True)
class Estate:
    """What is meant and what was listed; a healthy secret takes no more room than its entry in the list."""

    aws: Aws
    sweeper: Sweeper
    key_check: KeyCheck
    scope: Scope
    pulse: Callable[[], None] = nothing
    primaries: list[Listed] = field(default_factory=list)
    """Those that are meant, without their tags."""
    wants: list[Wanted] = field(default_factory=list)
    """Where each is wanted, in the same order; many share one value."""
    refused: list[SecretReport] = field(default_factory=list)
    """Secrets that were named and can't be a primary here."""
    clashes: list[str] = field(default_factory=list)
    """Mistakes that show only once it is known which secrets the rules mean."""
    matched: list[int] = field(default_factory=list)
    """How many secrets each rule means, those of other shards included."""
    strangers: list[Listed] = field(default_factory=list)
    """Replicas of this Region's primaries that no primary answers to any more."""
    seen_elsewhere: set[int] = field(default_factory=set)
    """Places of primaries that a list shows to have a replica where none is wanted."""
    unlisted: dict[Region, AwsError] = field(default_factory=dict)
    """Regions whose list could not be had, and why."""
    doing: str = "listing"
    _covered: dict[Region, bytearray] = field(default_factory=dict)
    _listed: dict[Region, dict[str, Listed]] = field(default_factory=dict)
    _unions: dict[tuple[int, ...], Wanted | Clash] = field(default_factory=dict)

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
        named = {name: rule for rule in rules for name in rule.selector.names}
        for page in self.sweeper.pages(self.scope.home, filters([rule.selector for rule in rules])):
            for each in page:
                known = [name for name in (each.name, each.arn) if named.pop(name, None)]
                self._take(each, named=known[0] if known else None)
            self.pulse()
        found = abreast(self._described, list(named), pulse=self.pulse)
        for name, secret in zip(named, found, strict=True):
            if isinstance(secret, Listed):
                self._take(secret, named=name)
            else:
                self.refused.append(secret)

    def sweep(self) -> None:
        """List every Region that is wanted, side by side, and hold it against the primaries.

        Raises:
            CredentialsError: no further call can succeed.

        """
        regions = self.scope.regions if self.primaries else ()
        index = {each.name: place for place, each in enumerate(self.primaries)}
        for region in regions:
            self._covered[region], self._listed[region] = bytearray(len(self.primaries)), {}
        abreast(lambda region: self._sweep(region, index), regions, pulse=self.pulse)

    def covers(self, place: int) -> bool:
        """Tell whether listing shows the secret as it should be in every Region where it is wanted."""
        return all(self._covered[target.region][place] for target in self.wants[place].targets)

    def is_listed_well(self, place: int, region: Region) -> bool:
        """Tell whether listing shows the secret's replica in that Region as it should be."""
        return region in self._covered and bool(self._covered[region][place])

    def is_known_elsewhere(self, place: int) -> bool:
        """Tell whether anything bears the secret's name in a Region that was listed."""
        return any(self.primaries[place].name in there for there in self._listed.values())

    def add(self, secret: Listed) -> None:
        """Take in a secret that the list of its Region did not show."""
        self._take(secret)
        for covered in self._covered.values():
            covered.extend(bytes(len(self.primaries) - len(covered)))

    def look(self, place: int, region: Region) -> Look:
        """Return what listing shows under the secret's name in that Region."""
        if region not in self._covered:
            return Unseen()
        if region in self.unlisted:
            return Unseen(self.unlisted[region])
        listed = self._listed[region].get(self.primaries[place].name)
        return listed.as_seen() if listed else Absent()

    def _take(self, secret: Listed, named: str | None = None) -> None:
        """Keep a secret if it is meant; one that was named and is a replica is refused."""
        rules = self.scope.rules
        places = matching(rules, secret)
        if not places:
            return
        check_account(secret.account, self.scope.expect_account, secret.arn)
        seen = secret.as_seen()
        if seen.is_replica:
            error = unfit(seen, "status", ()) if named else None
            if named and error:
                self.refused.append(refusal(Found(Address(SecretId(named), secret.region), seen), error))
            return
        for place in places:
            self.matched[place] += 1
        if self.scope.share is not None and not self.scope.share.takes(secret.arn):
            return
        wanted = self._unions.get(places)
        if wanted is None:
            wanted = self._unions[places] = union([rules[place] for place in places], secret.account)
            if isinstance(wanted, Clash):
                self.clashes.append(wanted.told(secret.name))
        if isinstance(wanted, Wanted):
            self.primaries.append(replace(secret, tags=()) if secret.tags else secret)
            self.wants.append(wanted)

    def _described(self, name: str) -> Listed | SecretReport:
        """Return a secret that was named and is not listed, which may be new, or why it can't be had."""
        address = Address(SecretId(name), self.scope.home)
        try:
            secret = self.aws.describe(name, self.scope.home)
        except CredentialsError:
            raise
        except AwsError as error:
            return refusal(Found(address, explained(error, address)), Trouble.of(error))
        doom = doomed(secret)
        return refusal(Found(address, secret), doom) if doom else Listed.of(secret)

    def _sweep(self, region: Region, index: dict[str, int]) -> None:
        """List one Region; keep only what is not as it should be."""
        selectors = [rule.selector for rule in self.scope.rules]
        seeking = not any(each.needs_more_than_a_name for each in selectors) and self.scope.share is None
        try:
            for page in self.sweeper.pages(region, filters(selectors, names_only=True), doomed=True):
                for there in page:
                    self._hold(there, index.get(there.name), seeking=seeking)
        except AwsError as error:
            if error.ends_the_run:
                raise
            self.unlisted[region] = error

    def _hold(self, there: Listed, place: int | None, *, seeking: bool) -> None:
        """Hold one entry of a replica Region against the primary of its name."""
        if place is None:
            if seeking and there.primary_region == self.scope.home and matching(self.scope.rules, there):
                self.strangers.append(there)
            return
        primary = self.primaries[place]
        target = next((each for each in self.wants[place].targets if each.region == there.region), None)
        if target is None and there.arn == in_region(primary.arn, there.region) and there.is_replica:
            self.seen_elsewhere.add(place)
        if target and is_covered(primary, target, there, self._same):
            self._covered[there.region][place] = 1
        else:
            self._listed[there.region][there.name] = there

    def _same(self, target: Target, shown: str, account: str) -> bool:
        return target.kms_key is None or self.key_check.same(target.kms_key, shown, target.region, account) is True


def check_clashes(estates: Iterable[Estate], others: Sequence[str] = ()) -> None:
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


def missed(estates: Iterable[Estate], rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that mean no secret in any account."""
    counts = [estate.matched for estate in estates]
    return [rule for place, rule in enumerate(rules) if not any(each[place] for each in counts if each)]
