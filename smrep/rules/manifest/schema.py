"""The manifest's rules as values, and contradictions between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smrep.errors import UsageError
from smrep.model import Listed, Target, parse_arn
from smrep.regions import Region
from smrep.rules.manifest.fields import Mistakes
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import check_regions
from smrep.rules.replication.key_failures import same_by_spelling


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[replicate]]`: the secrets that it means, and where they are wanted."""

    name: str
    """As written, else its place."""
    place: str
    """Where it stands: `replicate[0]`."""
    selector: Selector
    targets: tuple[Target, ...]
    remove_extra: bool = False
    """Whether Regions that are not listed are removed."""


@dataclass(frozen=True, slots=True)
class AccountRole:
    """One `[[account]]`: a role to take on there, and the Region of its primaries."""

    place: str
    """Where it stands: `account[0]`."""
    role_arn: str
    external_id: str | None = None
    region: Region | None = None
    """None: the manifest's, else the run's."""

    @property
    def account(self) -> str:
        """The account's twelve digits, as the role's ARN has them."""
        return self.role_arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is wanted, and the guards against applying it in the wrong place."""

    rules: tuple[Rule, ...]
    account_id: str | None = None
    primary_region: Region | None = None
    accounts: tuple[AccountRole, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule as far as it could be read."""

    rule: Rule
    selects: bool
    """Whether all that says which secrets are meant could be read."""
    whole: bool
    """Whether everything could be read."""


def check_rules(drafts: Sequence[ParsedRule], account: str | None, mistakes: Mistakes) -> None:
    """Note rules that repeat each other, and rules that give one secret two keys in one Region."""
    _check_repeated(drafts, mistakes)
    for (rule, other, region), (name, keys, more) in _clashes(drafts, account).items():
        among = f" (and {more} more)" if more else ""
        mistakes.add(
            f"{rule}.regions",
            f"{name!r}{among} gets the key {keys[0]!r} in {region} here and {keys[1]!r} in {other}; "
            "a replica has one key, spelled in one way",
        )


def _check_repeated(drafts: Sequence[ParsedRule], mistakes: Mistakes) -> None:
    names: dict[str, str] = {}
    contents: dict[object, str] = {}
    for draft in drafts:
        rule = draft.rule
        content = _content(rule)
        if draft.whole and content in contents:
            mistakes.add(rule.place, f"is the same rule as {contents[content]}, whatever they are called")
        elif rule.name in names:
            mistakes.add(f"{rule.place}.name", f"{rule.name!r} is the name of {names[rule.name]} already")
        names.setdefault(rule.name, rule.place)
        if draft.whole:
            contents.setdefault(content, rule.place)


def _content(rule: Rule) -> object:
    """Return all of the rule but its name, with what has no order as sets."""
    meant = rule.selector
    sets = (meant.prefixes, meant.tags, meant.exclude, rule.targets)
    return (meant.names, *(frozenset(each) for each in sets), rule.remove_extra)


def _clashes(
    drafts: Sequence[ParsedRule], account: str | None
) -> dict[tuple[str, str, Region], tuple[str, tuple[str, str], int]]:
    """Return (rule, other rule, Region) -> the first secret, its two keys, and how many more secrets there are."""
    first: dict[tuple[str, Region], tuple[str, str]] = {}
    found: dict[tuple[str, str, Region], tuple[str, tuple[str, str], int]] = {}
    for name, region, key, rule in _keyed(drafts):
        known, place = first.setdefault((name, region), (key, rule.place))
        if not _same(known, key, region, _account(name) or account):
            clash = (rule.place, place, region)
            if clash in found:
                name_told, keys, more = found[clash]
                found[clash] = (name_told, keys, more + 1)
            else:
                found[clash] = (name, (key, known), 0)
    return found


def _keyed(drafts: Sequence[ParsedRule]) -> Iterator[tuple[str, Region, str, Rule]]:
    """Yield (secret, Region, key, rule) of every secret that a rule is sure to mean."""
    for draft in drafts:
        keys = [(each.region, each.kms_key) for each in draft.rule.targets if each.kms_key is not None]
        if not draft.selects or not keys:
            continue
        for name in sorted(draft.rule.selector.names):
            if _surely_means(draft.rule, name):
                yield from ((name, region, key, draft.rule) for region, key in keys)


def _surely_means(rule: Rule, name: str) -> bool:
    """Tell whether a rule that names a secret means it, as far as is known without AWS: of tags nothing is.

    An ARN does not tell its secret's name for certain.
    """
    meant = rule.selector
    if name.startswith("arn:"):
        return not (meant.tags or meant.prefixes or meant.exclude)
    return not meant.tags and meant.matches(Listed("", name, rule.targets[0].region))


def _same(one: str, other: str, region: Region, account: str | None) -> bool:
    if account is None:
        return one == other
    return one == other or same_by_spelling(one, other, region, account) is True


def _account(name: str) -> str | None:
    """Return the account of a secret that is named by its ARN."""
    return parse_arn(name, "secretsmanager").account if name.startswith("arn:") else None


@dataclass(frozen=True, slots=True)
class Home:
    """An account, as far as it is known, and the Region of its primaries."""

    region: Region
    account: str | None = None
    role: AccountRole | None = None
    """None: the credentials at hand."""


def check_homes(rules: Sequence[Rule], homes: Sequence[Home]) -> None:
    """Refuse rules that can't be kept in these accounts and Regions, and accounts that stand there twice.

    Raises:
        UsageError: `details` names every mistake with its place.

    """
    mistakes = tuple(dict.fromkeys([*_twice(homes), *_targets(rules, homes), *_names(rules, homes)]))
    if mistakes:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise UsageError(
            f"the manifest has {count}, seen from where its primaries live; nothing was sent",
            "the primaries' Region is named by --primary-region, the environment or primary_region",
            code="ManifestError",
            details=mistakes,
        )


def _twice(homes: Sequence[Home]) -> Iterator[str]:
    known: dict[tuple[str, Region], str] = {}
    for home in homes:
        if home.role is None:
            continue
        first = known.setdefault((home.role.account, home.region), home.role.place)
        if first != home.role.place:
            of = f"account {home.role.account} in {home.region}"
            yield f"{home.role.place}: the primaries of {of} are those of {first} already, whatever the role"


def _targets(rules: Sequence[Rule], homes: Sequence[Home]) -> Iterator[str]:
    for rule in rules:
        for region in dict.fromkeys(home.region for home in homes):
            for target in rule.targets:
                try:
                    check_regions([region], [target.region])
                except UsageError as error:
                    yield f"{rule.place}.regions: {error.message}"


def _names(rules: Sequence[Rule], homes: Sequence[Home]) -> Iterator[str]:
    """Yield ARNs that are of none of the accounts and Regions, of which no list could tell."""
    for rule in rules:
        for name in sorted(each for each in rule.selector.names if each.startswith("arn:")):
            arn = parse_arn(name, "secretsmanager")
            if not any(arn.region == home.region and home.account in (None, arn.account) for home in homes):
                places = dict.fromkeys(_told(home.region, home.account) for home in homes)
                its = _told(arn.region, arn.account)
                yield f"{rule.place}.names: {name} is of {its}, and the primaries are of {' and '.join(places)}"


def _told(region: Region, account: str | None) -> str:
    return f"{region}, account {account}" if account else region
