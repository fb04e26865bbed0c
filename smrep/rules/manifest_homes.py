"""Whether a manifest's rules can be kept where its primaries live: accounts and Regions, once both are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smrep.errors import UsageError
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.asked import check_regions
from smrep.rules.manifest import AccountRole, Rule


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
