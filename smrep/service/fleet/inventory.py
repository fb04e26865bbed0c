"""Inventory of one account: the selected primaries and their replicas, as listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Protocol

from smrep.errors import AwsError, CredentialsError, NotFound, UsageError
from smrep.model import Listed, Secret, SecretId, Target, in_region
from smrep.regions import Region
from smrep.report import Problem, SecretReport
from smrep.rules.fleet.coverage import is_covered
from smrep.rules.fleet.desired_state import DesiredState, RuleConflict, desired_state, matching
from smrep.rules.hints import step
from smrep.rules.manifest.schema import AccountRole, Rule
from smrep.rules.manifest.selector import filters
from smrep.rules.primary_region import SecretAddress, check_account
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
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
    """Shard of the work, by the primary's ARN."""

    def takes(self, arn: str) -> bool:
        """Return whether the secret belongs to this shard."""
        ...


@dataclass(frozen=True, slots=True)
class FleetScope:
    """Scope of a run in one account."""

    home: Region
    rules: tuple[Rule, ...]
    share: Share | None = None
    """None: all secrets."""
    expect_account: str | None = None
    role: AccountRole | None = None
    """Role in the account; None for the current credentials."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """All Regions that the rules want."""
        return tuple(dict.fromkeys(target.region for rule in self.rules for target in rule.targets))

    @property
    def names(self) -> dict[str, list[int]]:
        """Names and ARNs in the rules, each with its rules' places; without ARNs of other accounts or Regions."""
        places: dict[str, list[int]] = {}
        for place, rule in enumerate(self.rules):
            for name in rule.selector.names:
                parts = name.split(":")
                foreign = name.startswith("arn:") and (
                    parts[3] != self.home or parts[4] != (self.expect_account or parts[4])
                )
                if not foreign:
                    places.setdefault(name, []).append(place)
        return places

    @property
    def seeks_orphans(self) -> bool:
        """Whether a replica's name alone can select its primary, as it must for an orphan."""
        return bool(self.rules) and not any(rule.selector.needs_details for rule in self.rules)


@dataclass(slots=True)
class Inventory:
    """Selected secrets and listed replicas; a healthy secret takes no more memory than its list entry."""

    aws: Aws
    lister: RegionLister
    key_check: KmsKeys
    scope: FleetScope
    pulse: Callable[[], None] = do_nothing
    """Called about once a second."""
    primaries: list[Listed] = field(default_factory=list)
    """Selected primaries, without tags."""
    wants: list[DesiredState] = field(default_factory=list)
    """Wanted state of each primary, in the same order; many share one value."""
    refused: list[SecretReport] = field(default_factory=list)
    """Named secrets that cannot be a primary in this Region."""
    absent: dict[str, SecretReport] = field(default_factory=dict)
    """Names without a secret in this Region."""
    present: set[str] = field(default_factory=set)
    """Names with a secret in this Region."""
    conflicts: list[str] = field(default_factory=list)
    """Rule conflicts that show only once the rules' secrets are known."""
    matched: list[int] = field(default_factory=list)
    """Number of secrets that each rule selects, including other shards."""
    stray_replicas: list[Listed] = field(default_factory=list)
    """Replicas of this Region's primaries that no primary lists."""
    seen_elsewhere: set[int] = field(default_factory=set)
    """Places of primaries with an unwanted replica in some list."""
    unlisted: dict[Region, AwsError] = field(default_factory=dict)
    """Regions that could not be listed completely, with the error."""
    _covered: dict[Region, bytearray] = field(default_factory=dict)
    _keys: dict[Region, dict[int, str]] = field(default_factory=dict)
    """Region -> place -> listed key, if a rule wants a key spelled differently."""
    _listed: dict[Region, dict[str, Listed]] = field(default_factory=dict)
    _unions: dict[tuple[int, ...], DesiredState | RuleConflict] = field(default_factory=dict)

    @property
    def account(self) -> str | None:
        """Account id in a run over several accounts."""
        return self.scope.role.account if self.scope.role else None

    def list_primaries(self) -> None:
        """List the primaries' Region and keep selected secrets; look up named ones that are not listed.

        Raises:
            AwsError: listing failed.
            UsageError: the secrets belong to another account than expected.

        """
        rules = self.scope.rules
        self.matched = [0] * len(rules)
        names = self.scope.names
        taken: set[str] = set()  # because an entry may appear on two pages
        for page in self.lister.pages(self.scope.home, filters([rule.selector for rule in rules])):
            for listed in page[:1]:
                check_account(listed.account, self.scope.expect_account, listed.arn)
            for listed in page:
                own_names = [name for name in (listed.name, listed.arn) if name in names]
                self.present.update(own_names)
                self._take(listed, taken, named=own_names[0] if own_names else None)
            self.pulse()
        missing = [name for name in names if name not in self.present]
        described = parallel(self._described, missing, pulse=self.pulse)
        for name, secret in zip(missing, described, strict=True):
            if isinstance(secret, Listed):
                self.present.add(name)
                self._take(secret, taken, named=name)
                continue
            for place in names[name]:
                self.matched[place] += not isinstance(secret, NoSecret)
            if isinstance(secret, SecretReport):
                self._refuse(name, secret)

    def list_replicas(self) -> None:
        """List all wanted Regions in parallel, and compare them with the primaries.

        Raises:
            CredentialsError: no further call can succeed.

        """
        regions = self.scope.regions if self.primaries or self.scope.seeks_orphans else ()
        index = {primary.name: place for place, primary in enumerate(self.primaries)}
        for region in regions:
            self._covered[region], self._listed[region] = bytearray(len(self.primaries)), {}
            self._keys[region] = {}
        parallel(lambda region: self._list_region(region, index), regions, pulse=self.pulse)

    def close(self) -> None:
        """Let go of what only looks need, so that many accounts take little more memory than their secrets."""
        self.lister.close()
        del self.aws, self.key_check, self.stray_replicas, self.seen_elsewhere, self._listed, self._keys, self._unions

    def covers(self, place: int) -> bool:
        """Return whether listing shows the wanted state in every Region."""
        return all(self._covered[target.region][place] for target in self.wants[place].targets)

    def is_listed_well(self, place: int, region: Region) -> bool:
        """Return whether listing shows the wanted replica in the Region."""
        return region in self._covered and bool(self._covered[region][place])

    def shown_key(self, place: int, region: Region) -> str | None:
        """Return a replica's listed key, if a rule wants a key spelled differently."""
        return self._keys.get(region, {}).get(place)

    def is_known_elsewhere(self, place: int) -> bool:
        """Return whether a listed Region has the secret's name."""
        return any(self.primaries[place].name in listed for listed in self._listed.values())

    def is_named(self, place: int) -> bool:
        """Return whether a rule names the secret rather than only matching it."""
        return self.primaries[place].name in self.present or self.primaries[place].arn in self.present

    def add(self, secret: Listed) -> None:
        """Add a secret that was not listed."""
        self._take(secret, {primary.arn for primary in self.primaries})
        for covered in self._covered.values():
            covered.extend(bytes(len(self.primaries) - len(covered)))

    def look(self, place: int, region: Region) -> NameLookup:
        """Return what the Region's list shows under the secret's name."""
        if region not in self._covered:
            return NotChecked()
        if region in self.unlisted:
            return NotChecked(self.unlisted[region])
        listed = self._listed[region].get(self.primaries[place].name)
        return listed.as_seen() if listed else NoSecret()

    def wanted_now(self, secret: Secret) -> DesiredState | None:
        """Return the state that the rules now want for the secret, None if none selects it."""
        places = matching(self.scope.rules, Listed.of(secret))
        wanted = self._union(places, secret.account) if places else None
        return wanted if isinstance(wanted, DesiredState) else None

    def _take(self, secret: Listed, taken: set[str], named: str | None = None) -> None:
        """Keep a selected secret that is not taken yet; refuse a named one that is a replica."""
        places = matching(self.scope.rules, secret)
        if not places or secret.arn in taken:
            return
        taken.add(secret.arn)
        check_account(secret.account, self.scope.expect_account, secret.arn)
        if secret.is_replica and not named:
            return
        for place in places:
            self.matched[place] += 1
        if named and secret.is_replica:
            seen = secret.as_seen()
            error = not_a_primary(seen, "status", ())
            assert error is not None  # noqa: S101 - it is a replica
            refused = refusal_report(FoundSecret(SecretAddress(SecretId(named), secret.region), seen), error)
            self._refuse(named, replace(refused, checked_by="list"))
            return
        if self.scope.share is not None and not self.scope.share.takes(secret.arn):
            return
        wanted = self._union(places, secret.account)
        if isinstance(wanted, RuleConflict):
            self.conflicts.append(wanted.message(secret.name))
        else:
            self.primaries.append(secret._replace(tags=()) if secret.tags else secret)
            self.wants.append(wanted)

    def _union(self, places: tuple[int, ...], account: str) -> DesiredState | RuleConflict:
        wanted = self._unions.get(places)
        if wanted is None:
            wanted = self._unions[places] = desired_state([self.scope.rules[place] for place in places], account)
        return wanted

    def _refuse(self, name: str, report: SecretReport) -> None:
        """Report a named secret that cannot be used, in one shard only."""
        if self.scope.share is None or self.scope.share.takes(name):
            self.refused.append(replace(report, account=self.account, checked_by=report.checked_by or "describe"))

    def _described(self, name: str) -> Listed | SecretReport | NoSecret:
        """Look up a named secret that is not listed, and may be new; or return why it cannot be used."""
        address = SecretAddress(SecretId(name), self.scope.home)
        try:
            secret = self.aws.describe(name, self.scope.home)
        except CredentialsError:
            raise
        except AwsError as error:
            report = refusal_report(FoundSecret(address, explain_lookup_error(error, address)), Problem.of(error))
            if not isinstance(error, NotFound):
                return report
            self.absent[name] = replace(report, account=self.account, checked_by="describe")
            return NoSecret()
        trouble = of_another_account(self.aws, name, secret) or pending_deletion(secret) or _incomplete(name, secret)
        return refusal_report(FoundSecret(address, secret), trouble) if trouble else Listed.of(secret)

    def _list_region(self, region: Region, index: dict[str, int]) -> None:
        """List one Region, and keep only entries that differ from the wanted state."""
        selectors = [rule.selector for rule in self.scope.rules]
        try:
            for page in self.lister.pages(region, filters(selectors, names_only=True), with_deleted=True):
                for secret in page:
                    self._compare(secret, index.get(secret.name))
        except AwsError as error:
            if error.ends_the_run:
                raise
            self.unlisted[region] = error

    def _compare(self, secret: Listed, place: int | None) -> None:
        """Compare an entry of a replica Region with the primary of that name."""
        if place is None:
            if self._is_stray(secret):
                self.stray_replicas.append(secret)
            return
        primary = self.primaries[place]
        target = next((target for target in self.wants[place].targets if target.region == secret.region), None)
        if target is None and secret.arn == in_region(primary.arn, secret.region) and secret.is_replica:
            self.seen_elsewhere.add(place)
        if target and is_covered(primary, target, secret, self._same):
            self._covered[secret.region][place] = 1
            shown = secret.kms_key_id or DEFAULT
            if target.kms_key not in (None, shown):
                self._keys[secret.region][place] = intern(shown)
        else:
            self._listed[secret.region][secret.name] = secret

    def _is_stray(self, secret: Listed) -> bool:
        """Return whether it is a replica of a selected primary that is not listed."""
        home, share = self.scope.home, self.scope.share
        if not self.scope.seeks_orphans or secret.primary_region != home or secret.region == home:
            return False
        mine = share is None or share.takes(in_region(secret.arn, home))
        return mine and bool(matching(self.scope.rules, secret))

    def _same(self, target: Target, shown: str, account: str) -> bool:
        return target.kms_key is None or self.key_check.same(target.kms_key, shown, target.region, account) is True


def _incomplete(name: str, secret: Secret) -> Problem | None:
    """Return the problem of a partial ARN, which AWS completes but no list matches."""
    if not name.startswith("arn:") or name == secret.arn:
        return None
    message = f"{name} is not a complete ARN; AWS takes it for {secret.arn}"
    return Problem.of(NotFound(message, hint=f"use {secret.arn}, or the secret's name: {secret.name}"))


def check_conflicts(inventories: Iterable[Inventory], others: Sequence[str] = ()) -> None:
    """Refuse conflicting rules for one secret; `others` are mistakes to report with them.

    Raises:
        UsageError: rules conflict, or there are others.

    """
    mistakes = (*(clash for inventory in inventories for clash in inventory.conflicts), *others)
    if mistakes:
        mistake_count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise UsageError(
            f"the manifest has {mistake_count}, given the secrets that exist; nothing was sent",
            step("list the secrets", "smrep list"),
            code="ManifestError",
            details=mistakes,
        )


def unmatched_rules(inventories: Iterable[Inventory], rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that select no secret in any account."""
    counts = [inventory.matched for inventory in inventories]
    return [rule for place, rule in enumerate(rules) if not any(matched[place] for matched in counts if matched)]


def refuse_absent(inventories: Sequence[Inventory], *, whole: bool) -> None:
    """Refuse each name without a secret in any account, once; `whole`: no other accounts exist."""
    present = {name for inventory in inventories for name in inventory.present}
    refused: set[str] = set()
    for inventory in inventories if whole else ():
        share = inventory.scope.share
        for name, report in inventory.absent.items():
            if name not in present and name not in refused and (share is None or share.takes(name)):
                inventory.refused.append(report)
                refused.add(name)
