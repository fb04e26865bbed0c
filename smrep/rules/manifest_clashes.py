"""Rules of a manifest that contradict or repeat each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smrep.model import Listed, parse_arn
from smrep.regions import Region
from smrep.rules.keys import same_by_spelling
from smrep.rules.manifest_fields import Mistakes

if TYPE_CHECKING:
    from smrep.rules.manifest import Rule


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as far as it could be read."""

    rule: Rule
    selects: bool
    """Whether all that says which secrets are meant could be read."""
    whole: bool
    """Whether everything could be read."""


def check_rules(drafts: Sequence[Draft], account: str | None, mistakes: Mistakes) -> None:
    """Note rules that repeat each other, and rules that give one secret two keys in one Region."""
    _check_repeated(drafts, mistakes)
    for (rule, other, region), (name, keys, more) in _clashes(drafts, account).items():
        among = f" (and {more} more)" if more else ""
        mistakes.add(
            f"{rule}.regions",
            f"{name!r}{among} gets the key {keys[0]!r} in {region} here and {keys[1]!r} in {other}; "
            "a replica has one key, spelled in one way",
        )


def _check_repeated(drafts: Sequence[Draft], mistakes: Mistakes) -> None:
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
    drafts: Sequence[Draft], account: str | None
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


def _keyed(drafts: Sequence[Draft]) -> Iterator[tuple[str, Region, str, Rule]]:
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
