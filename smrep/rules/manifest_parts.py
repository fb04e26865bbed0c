"""What the tables of a manifest are made of: accounts, Regions, keys and selections, each with its mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smrep.errors import UsageError
from smrep.model import Target, parse_arn
from smrep.regions import PARTITIONS, Region, parse_region, partition_of
from smrep.rules.asked import check_regions
from smrep.rules.keys import check_target
from smrep.rules.manifest_fields import Mistakes, Table, path, shown, string
from smrep.rules.names import check_name
from smrep.rules.selection import Selector

_A_REGION = "a Region such as us-west-2"
_ROLE = re.compile(r"arn:([a-z-]+):iam::(\d{12}):role/(?:[!-~]*/)?[\w+=,.@-]+", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""Source: STS API_AssumeRole, ExternalId."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all rules must keep to."""

    account: str | None = None
    homes: tuple[Region, ...] = ()
    """The Regions of the primaries, as far as the manifest tells."""
    complete: bool = False
    """Whether primaries lie in no other Region."""


def account_of(table: Table, key: str) -> str | None:
    """Return the field's account."""
    text = table.text(key, 'twelve digits in quotes, such as "123456789012"')
    if text is None or re.fullmatch(r"\d{12}", text, re.ASCII):
        return text
    table.wrong(key, f"{shown(text)} is not an account, which has twelve digits")
    return None


def region_of(table: Table, key: str, *, required: bool = False) -> Region | None:
    """Return the field's Region."""
    text = table.text(key, _A_REGION, required=required)
    return _region(text, path(table.place, key), table.mistakes)


def _region(text: str | None, place: str, mistakes: Mistakes) -> Region | None:
    if text is None:
        return None
    try:
        return parse_region(text)
    except UsageError as error:
        hint = error.hint
        if re.match(r"[a-z0-9-]+=", text):
            hint = 'a key is given as { region = "us-west-2", kms_key = "alias/NAME" }'
        mistakes.add(place, _with_hint(error.message, hint))
        return None


def _with_hint(message: str, hint: str | None) -> str:
    return "; ".join(filter(None, (message, hint)))


def role_arn_of(table: Table, account: str | None, home: Region | None) -> str | None:
    """Return the role that the table names, of that account and of the partition of that Region."""
    example = "a role's ARN such as arn:aws:iam::123456789012:role/NAME"
    text = table.text("role_arn", example, required=True)
    if text is None:
        return None
    found = _ROLE.fullmatch(text)
    if found is None or found[1] not in {each.name for each in PARTITIONS}:
        table.wrong("role_arn", f"{shown(text)} is not the ARN of a role; it must be {example}")
        return None
    if account and found[2] != account:
        table.wrong("role_arn", f"the role is of account {found[2]}, and account_id is {account}")
    if home and found[1] != partition_of(home):
        table.wrong("role_arn", f"the role is of partition {found[1]}, and {home} is in {partition_of(home)}")
    return text


def external_id_of(table: Table) -> str | None:
    """Return the field's external id; it is not shown."""
    text = table.text("external_id")
    if text is None or _EXTERNAL_ID.fullmatch(text):
        return text
    table.wrong("external_id", "must be 2 to 1,224 letters, digits and characters of _+=,.@:/-")
    return None


def selector_of(table: Table, bounds: Bounds) -> Selector:
    """Return which secrets the rule means."""
    names = []
    for place, name in table.texts("names"):
        is_arn = name.startswith("arn:")
        if _fits(name, place, bounds, table.mistakes) if is_arn else _is_name(name, place, table.mistakes):
            names.append(name)
    one = isinstance(table.raw.get("prefix"), str)
    prefixes = [table.text("prefix") or ""] if one else [each for _, each in table.texts("prefix")]
    if not {"names", "prefix", "tags"} & set(table.raw):
        table.mistakes.add(table.place, "empty selection: say which secrets are meant, by names, prefix or tags")
    return Selector(
        names=frozenset(names),
        prefixes=tuple(prefixes),
        tags=table.pairs("tags"),
        exclude=tuple(each for _, each in table.texts("exclude", may_be_empty=True)),
    )


def _is_name(name: str, place: str, mistakes: Mistakes) -> bool:
    """Tell whether a secret can have the name."""
    try:
        check_name(name)
    except UsageError as error:
        mistakes.add(place, _with_hint(error.message, error.hint))
        return False
    return True


def _fits(arn: str, place: str, bounds: Bounds, mistakes: Mistakes) -> bool:
    """Tell whether it is a secret's ARN; note also where it names another account or Region than the manifest."""
    try:
        found = parse_arn(arn, "secretsmanager")
    except UsageError as error:
        mistakes.add(place, _with_hint(error.message, error.hint))
        return False
    if not re.fullmatch("secret:.+", found.resource):
        mistakes.add(place, f"{arn!r} is not the ARN of a secret")
        return False
    if not _is_name(found.resource.removeprefix("secret:"), place, mistakes):
        return False
    if bounds.account and found.account != bounds.account:
        mistakes.add(place, f"{arn!r} is of account {found.account}, and account_id is {bounds.account}")
    if bounds.complete and found.region not in bounds.homes:
        homes = " and ".join(bounds.homes)
        mistakes.add(place, f"{arn!r} is of {found.region}, and primaries are wanted in {homes}")
    return True


def targets_of(table: Table, selector: Selector, bounds: Bounds) -> tuple[Target, ...]:
    """Return where the rule wants its secrets, each Region once."""
    if "regions" not in table.raw:
        table.wrong("regions", "is missing; it must be a list of Regions")
    arns = sorted(each for each in selector.names if each.startswith("arn:"))
    homes = dict.fromkeys((*bounds.homes, *(parse_arn(each, "secretsmanager").region for each in arns)))
    found: dict[Region, Target] = {}
    for place, item in table.items("regions", "a list of Regions"):
        target = _target(item, place, table.mistakes)
        if target is None:
            continue
        if target.region in found:
            table.mistakes.add(place, f"{target.region} stands twice in this rule")
            continue
        try:
            check_regions(homes, (target.region,))
        except UsageError as error:
            table.mistakes.add(place, error.message)
        first = next(iter(found), target.region)
        if not homes and partition_of(first) != partition_of(target.region):
            table.mistakes.add(place, f"{target.region} is in another partition than {first}: no secret reaches both")
        found[target.region] = target
    return tuple(found.values())


def _target(item: object, place: str, mistakes: Mistakes) -> Target | None:
    key = None
    if isinstance(item, dict):
        table = Table(item, place, mistakes)
        table.check(("region", "kms_key"))
        region = region_of(table, "region", required=True)
        key = table.text("kms_key", "a key's ARN, its id or alias/NAME")
        place = f"{place}.kms_key"
    else:
        region = _region(
            string(item, place, mistakes, f"{_A_REGION}, or a table of region and kms_key"), place, mistakes
        )
    if region is None:
        return None
    try:
        check_target(Target(region, key))
    except UsageError as error:
        mistakes.add(place, f"{error.message}; name a key of {region} by its ARN, its id or alias/NAME")
    return Target(region, key)
