"""The manifest's rules as values, and conflicts between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from smrep.errors import ConfigurationError, UsageError
from smrep.model import Listed, Target, parse_arn
from smrep.regions import Region
from smrep.rules.manifest.fields import Mistakes
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import check_regions
from smrep.rules.replication.key_failures import same_by_spelling


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[replicate]]`: a selector, and the wanted replicas of its secrets."""

    name: str
    """As written, otherwise the place."""
    place: str
    """Its place, such as `replicate[0]`."""
    selector: Selector
    targets: tuple[Target, ...]
    remove_extra: bool = False
    """Whether to remove replicas in other Regions."""


@dataclass(frozen=True, slots=True)
class AccountRole:
    """One `[[account]]`: a role to assume there, and the Region of its primaries."""

    place: str
    """Its place, such as `account[0]`."""
    role_arn: str
    external_id: str | None = None
    region: Region | None = None
    """None for the manifest's Region, otherwise the run's."""

    @property
    def account(self) -> str:
        """The account's twelve digits, from the role's ARN."""
        return self.role_arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class Organization:
    """The `[organization]`: accounts to find in AWS Organizations, and the role to assume in each."""

    role_name: str
    """With its path, if it has one."""
    ous: tuple[str, ...] = ()
    """IDs of OUs or of the root, with everything below them; empty for the whole organization."""
    exclude: tuple[str, ...] = ()
    """Account IDs, OU IDs, and case-sensitive shell patterns of account names."""
    external_id: str | None = None
    management: bool = False
    """Whether to cover the management account too."""
    lookup_role_arn: str | None = None
    """The role that may ask for the accounts; None for the current credentials."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rules, and guards against applying them in the wrong place."""

    rules: tuple[Rule, ...]
    account_id: str | None = None
    primary_region: Region | None = None
    accounts: tuple[AccountRole, ...] = ()
    """Those of `[[account]]`; once smrep has asked for them, also the organization's."""
    organization: Organization | None = None

    @property
    def without_removals(self) -> Manifest:
        """The manifest of a run that no person reviews: it removes no replica."""
        return replace(self, rules=tuple(replace(rule, remove_extra=False) for rule in self.rules))


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule, as far as it is readable."""

    rule: Rule
    selects: bool
    """Whether its selector is readable."""
    whole: bool
    """Whether all of it is readable."""


def check_rules(drafts: Sequence[ParsedRule], account: str | None, mistakes: Mistakes) -> None:
    """Add mistakes for duplicate rules, and for rules that give one secret two keys in one Region."""
    _check_repeated(drafts, mistakes)
    for (rule, other, region), (name, keys, others) in _key_conflicts(drafts, account).items():
        among = f" (and {others} more)" if others else ""
        mistakes.add(
            f"{rule}.regions",
            f"{name!r}{among} gets the key {keys[0]!r} in {region} here and {keys[1]!r} in {other}; "
            "a replica has one key, so spell it the same way",
        )


def _check_repeated(drafts: Sequence[ParsedRule], mistakes: Mistakes) -> None:
    names: dict[str, str] = {}
    contents: dict[object, str] = {}
    for draft in drafts:
        rule = draft.rule
        content = _content(rule)
        if draft.whole and content in contents:
            mistakes.add(rule.place, f"is the same rule as {contents[content]}; remove one")
        elif rule.name in names:
            mistakes.add(f"{rule.place}.name", f"{rule.name!r} is already the name of {names[rule.name]}")
        names.setdefault(rule.name, rule.place)
        if draft.whole:
            contents.setdefault(content, rule.place)


def _content(rule: Rule) -> object:
    """Return the rule without its name, with unordered fields as sets."""
    selector = rule.selector
    sets = (selector.prefixes, selector.tags, selector.exclude, rule.targets)
    return (selector.names, *(frozenset(values) for values in sets), rule.remove_extra)


def _key_conflicts(
    drafts: Sequence[ParsedRule], account: str | None
) -> dict[tuple[str, str, Region], tuple[str, tuple[str, str], int]]:
    """Return (rule, other rule, Region) -> the first secret, its two keys, and the number of other secrets."""
    first: dict[tuple[str, Region], tuple[str, str]] = {}
    clashes: dict[tuple[str, str, Region], tuple[str, tuple[str, str], int]] = {}
    for name, region, key, rule in _keyed(drafts):
        first_key, place = first.setdefault((name, region), (key, rule.place))
        if not _same(first_key, key, region, _account(name) or account):
            clash = (rule.place, place, region)
            if clash in clashes:
                name_told, keys, others = clashes[clash]
                clashes[clash] = (name_told, keys, others + 1)
            else:
                clashes[clash] = (name, (key, first_key), 0)
    return clashes


def _keyed(drafts: Sequence[ParsedRule]) -> Iterator[tuple[str, Region, str, Rule]]:
    """Yield the (secret, Region, key, rule) of every secret that a rule certainly matches."""
    for draft in drafts:
        keys = [(target.region, target.kms_key) for target in draft.rule.targets if target.kms_key is not None]
        if not draft.selects or not keys:
            continue
        for name in sorted(draft.rule.selector.names):
            if _certainly_matches(draft.rule, name):
                yield from ((name, region, key, draft.rule) for region, key in keys)


def _certainly_matches(rule: Rule, name: str) -> bool:
    """Return whether a rule that names a secret certainly matches it, without asking AWS for its tags.

    An ARN does not reveal its secret's name for certain.
    """
    selector = rule.selector
    if name.startswith("arn:"):
        return not (selector.tags or selector.prefixes or selector.exclude)
    return not selector.tags and selector.matches(Listed("", name, rule.targets[0].region))


def _same(one: str, other: str, region: Region, account: str | None) -> bool:
    if account is None:
        return one == other
    return one == other or same_by_spelling(one, other, region, account) is True


def _account(name: str) -> str | None:
    """Return the account of a secret's ARN, None for a name."""
    return parse_arn(name, "secretsmanager").account if name.startswith("arn:") else None


@dataclass(frozen=True, slots=True)
class Home:
    """An account, if known, and the Region of its primaries."""

    region: Region
    account: str | None = None
    role: AccountRole | None = None
    """None for the current credentials."""


def homes_of(
    manifest: Manifest, typed_account: str | None, locate: Callable[[], tuple[Region, str]]
) -> tuple[list[Home], dict[Region, str]]:
    """Return the accounts with their primaries' Regions, and the source of each Region.

    `locate` returns the Region that the command line or the environment names, and its source.

    Raises:
        UsageError: the manifest is for another Region or account than the command line.
        ConfigurationError: no Region is known.

    """
    sources: dict[Region, str] = {}
    common = None
    if not manifest.accounts or any(role.region is None for role in manifest.accounts):
        common, source = common_home(manifest, locate)
        sources[common] = source
    if common and not manifest.accounts:
        account = expected_account(typed_account, manifest.account_id, "the manifest is for account")
        return [Home(common, account)], sources
    homes = []
    for role in manifest.accounts:
        region = role.region or common
        assert region is not None  # noqa: S101 - else there is a common one
        sources.setdefault(region, f"{role.place}.region")
        homes.append(Home(region, expected_account(typed_account, role.account, f"{role.place} is for account"), role))
    return homes, sources


def common_home(manifest: Manifest, locate: Callable[[], tuple[Region, str]]) -> tuple[Region, str]:
    """Return the primaries' Region and its source; the manifest's must match another one, and is used without one.

    Raises:
        UsageError, ConfigurationError: as `homes_of`.

    """
    try:
        region, source = locate()
    except ConfigurationError:
        if manifest.primary_region is None:
            raise
        return manifest.primary_region, "manifest"
    if manifest.primary_region not in (None, region):
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, but {source} says {region}; nothing was sent",
            f"if the manifest is right, add --primary-region {manifest.primary_region}",
            code="PrimaryRegionMismatch",
        )
    return region, source


def expected_account(typed: str | None, written: str | None, origin: str) -> str | None:
    """Return the expected account; the command line and the file must agree.

    Raises:
        UsageError: they do not.

    """
    if typed and written and typed != written:
        raise UsageError(
            f"{origin} {written}, but --expect-account says {typed}; nothing was sent",
            "check which one is right",
            code="AccountMismatch",
        )
    return typed or written


def check_homes(rules: Sequence[Rule], homes: Sequence[Home]) -> None:
    """Refuse rules that cannot work in these accounts and Regions, and duplicate accounts.

    Raises:
        UsageError: `details` names every mistake and its place.

    """
    mistakes = tuple(dict.fromkeys([*_duplicate_accounts(homes), *_targets(rules, homes), *_names(rules, homes)]))
    if mistakes:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise UsageError(
            f"the manifest has {count} in the Regions of its primaries; nothing was sent",
            "check --primary-region, the environment and the manifest's primary_region",
            code="ManifestError",
            details=mistakes,
        )


def _duplicate_accounts(homes: Sequence[Home]) -> Iterator[str]:
    places: dict[tuple[str, Region], str] = {}
    for home in homes:
        if home.role is None:
            continue
        first = places.setdefault((home.role.account, home.region), home.role.place)
        if first != home.role.place:
            yield f"{home.role.place}: account {home.role.account} in {home.region} is already in {first}"


def _targets(rules: Sequence[Rule], homes: Sequence[Home]) -> Iterator[str]:
    for rule in rules:
        for region in dict.fromkeys(home.region for home in homes):
            for target in rule.targets:
                try:
                    check_regions([region], [target.region])
                except UsageError as error:
                    yield f"{rule.place}.regions: {error.message}"


def _names(rules: Sequence[Rule], homes: Sequence[Home]) -> Iterator[str]:
    """Yield ARNs outside all accounts and Regions, which no list would show."""
    for rule in rules:
        for name in sorted(arn_or_name for arn_or_name in rule.selector.names if arn_or_name.startswith("arn:")):
            arn = parse_arn(name, "secretsmanager")
            if not any(arn.region == home.region and home.account in (None, arn.account) for home in homes):
                places = dict.fromkeys(_describe_home(home.region, home.account) for home in homes)
                its = _describe_home(arn.region, arn.account)
                yield f"{rule.place}.names: {name} is of {its}, and the primaries are of {' and '.join(places)}"


def _describe_home(region: Region, account: str | None) -> str:
    return f"{region}, account {account}" if account else region
