"""Parses a manifest, and reports every mistake in it."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from smrep.errors import UsageError
from smrep.model import Target, parse_arn
from smrep.regions import PARTITIONS, Region, parse_region, partition_of
from smrep.rules.manifest.fields import DUPLICATE, Mistakes, Table, path, plain, shown, string
from smrep.rules.manifest.schema import AccountRole, Manifest, Organization, ParsedRule, Rule, check_rules
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import check_name, check_regions
from smrep.rules.replication.key_failures import check_key

FIELDS = ("schema", "account_id", "primary_region", "replicate", "account", "organization")
RULE_FIELDS = ("name", "names", "prefix", "tags", "exclude", "regions", "remove_extra")
ACCOUNT_FIELDS = ("role_arn", "external_id", "region")
ORGANIZATION_FIELDS = ("role_name", "ous", "exclude", "external_id", "management", "lookup_role_arn")


def parse(text: str, source: str) -> Manifest:
    """Return the parsed manifest: JSON if it starts with a brace, otherwise TOML.

    Messages call it `source`.

    Raises:
        UsageError: it is not a manifest; `details` names every mistake and its place.

    """
    text = text.removeprefix("\ufeff")  # some editors add this mark
    mistakes = Mistakes()
    raw = load(text, mistakes)
    manifest = None if raw is None else _manifest(Table(raw, "", mistakes))
    if manifest is not None and not mistakes.found:
        return manifest
    lines = header_lines(text)
    count = len(mistakes)
    raise UsageError(
        f"{plain(source)} has {'a mistake' if count == 1 else f'{count:,} mistakes'}",
        "the format:\n  smrep help manifest",
        code="ManifestError",
        details=tuple(f"{with_line(place, raw, lines)}: {mistake}" for place, mistake in mistakes.found),
    )


def _manifest(top: Table) -> Manifest:
    top.check(FIELDS)
    if "schema" not in top.raw:
        top.wrong("schema", "is missing; this version reads schema = 1")
    elif type(top.raw["schema"]) is not int or top.raw["schema"] != 1:
        top.wrong("schema", "must be the integer 1, the only one this version reads")
    account = account_of(top, "account_id")
    home = region_of(top, "primary_region")
    organization = _organization(top, home)
    if organization and account:
        top.wrong("account_id", "allows one account, but [organization] finds several; remove one of them")
    roles, bounds = _roles(top, account, home, of_all=organization is None)
    if "replicate" not in top.raw:
        top.wrong("replicate", "is missing; a manifest needs at least one [[replicate]]")
    drafts = [_draft(table, bounds) for table in top.tables("replicate")]
    accounts = {role.account for role in roles}
    only = accounts.pop() if len(accounts) == 1 and organization is None else None
    check_rules(drafts, account or only, top.mistakes)
    return Manifest(tuple(draft.rule for draft in drafts), account, home, roles, organization)


def _organization(top: Table, home: Region | None) -> Organization | None:
    table = top.table("organization")
    if table is None:
        return None
    table.check(ORGANIZATION_FIELDS)
    role_name = table.text("role_name", "a role's name such as smrep", required=True)
    if role_name and not re.fullmatch(_ROLE_NAME, role_name, re.ASCII):
        table.wrong("role_name", f"{shown(role_name)} is not the name of a role, such as smrep or path/smrep")
    return Organization(
        role_name or "",
        tuple(_checked_unit(place, text, table.mistakes) for place, text in table.texts("ous")),
        tuple(
            _checked_exclusion(place, text, table.mistakes) for place, text in table.texts("exclude", may_be_empty=True)
        ),
        external_id_of(table),
        table.flag("management"),
        role_arn_of(table, "lookup_role_arn", None, home),
    )


def _checked_unit(place: str, text: str, mistakes: Mistakes) -> str:
    if not re.fullmatch(f"{_ROOT}|{OU_ID}", text, re.ASCII):
        mistakes.add(place, f"{shown(text)} is not the ID of an OU or a root, such as ou-ab12-11111111")
    return text


def _checked_exclusion(place: str, text: str, mistakes: Mistakes) -> str:
    """Refuse a mistyped ID, which would match no account's name and so exclude nothing."""
    if text.startswith("ou-") and not re.fullmatch(OU_ID, text, re.ASCII):
        hint = "for names that begin with ou-, write [o]u-"
        mistakes.add(place, f"{shown(text)} is not the ID of an OU, such as ou-ab12-11111111; {hint}")
    if re.sub(r"[\s-]", "", text).isdigit() and not re.fullmatch(ACCOUNT_ID, text, re.ASCII):
        mistakes.add(place, f"{shown(text)} is not an account id, which has twelve digits and nothing else")
    return text


def _roles(
    top: Table, account: str | None, home: Region | None, *, of_all: bool
) -> tuple[tuple[AccountRole, ...], Bounds]:
    """Return the accounts, and the bounds that they and the guards set for the rules.

    `of_all`: there are no other accounts.
    """
    before = len(top.mistakes)
    roles: dict[tuple[str, Region | None], AccountRole] = {}  # by account and Region
    regions = [home]
    for table in top.tables("account"):
        table.check(ACCOUNT_FIELDS)
        region = region_of(table, "region")
        regions.append(region or home)
        role_arn = role_arn_of(table, "role_arn", account, region or home, required=True)
        external_id = external_id_of(table)
        if role_arn is None:
            continue
        role = AccountRole(table.place, role_arn, external_id, region)
        first = roles.setdefault((role.account, region or home), role)
        if first is not role:
            table.wrong("role_arn", f"account {role.account} is already in {first.place}, with the same Region")
    sound = len(top.mistakes) == before
    homes = tuple(dict.fromkeys(home_region for home_region in regions if home_region is not None))
    complete = home is not None or (of_all and len(regions) > 1 and None not in regions[1:])
    return tuple(roles.values()), Bounds(account, homes, complete=sound and complete)


def _draft(table: Table, bounds: Bounds) -> ParsedRule:
    before = len(table.mistakes)
    table.check(RULE_FIELDS)
    name = table.text("name")
    unread = len(table.mistakes)
    selector = selector_of(table, bounds)
    selects = len(table.mistakes) == unread
    targets = targets_of(table, selector, bounds)
    rule = Rule(name or table.place, table.place, selector, targets, table.flag("remove_extra"))
    return ParsedRule(rule, selects, len(table.mistakes) == before)


_HEADER = re.compile(r"[ \t]*\[\[[ \t]*(replicate|account)[ \t]*\]\][ \t]*(?:#.*)?\r?")
_PLACE = re.compile(r"(replicate|account)\[(\d+)\]")


def is_json(text: str) -> bool:
    """Return whether the text is JSON: it starts with a brace, unlike TOML, or is valid JSON of another shape."""
    begin = text.lstrip()[:1]
    if begin == "[":
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(text)
            return True
    return begin == "{"


def load(text: str, mistakes: Mistakes) -> dict[str, Any] | None:
    """Return the tables of a TOML or JSON text; otherwise add a mistake and return None."""
    try:
        if is_json(text):
            document = json.loads(text, object_pairs_hook=_object)
            if isinstance(document, dict):
                return document
            mistakes.add("the text", "must be a JSON object, as smrep help manifest shows")
            return None
        return tomllib.loads(text)
    except json.JSONDecodeError as error:
        mistakes.add(f"line {error.lineno}, column {error.colno}", f"invalid JSON: {error.msg}")
    except tomllib.TOMLDecodeError as error:
        message, place = _split(str(error))
        mistakes.add(place, f"invalid TOML: {message}")
    except ValueError:  # Python limits integers to some thousand digits
        mistakes.add("the text", "has a number that is too long")
    except RecursionError:
        mistakes.add("the text", "is nested too deeply")
    return None


def header_lines(text: str) -> dict[str, list[int]]:
    """Return the lines of the `[[replicate]]` and `[[account]]` headers of a TOML text, counted from 1.

    A multiline string may hold a line that looks like a header: if the text may have such strings, returns no lines.
    """
    numbers: dict[str, list[int]] = {"replicate": [], "account": []}
    if is_json(text) or '"""' in text or "'''" in text:
        return numbers
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.fullmatch(line)
        if header:
            numbers[header[1]].append(number)
    return numbers


def with_line(place: str, raw: dict[str, Any] | None, lines: dict[str, list[int]]) -> str:
    """Return the place with the line of its table, if the lines of all tables are known."""
    inside = _PLACE.match(place)
    if raw is None or inside is None:
        return place
    name, number = inside[1], int(inside[2])
    tables = raw.get(name)
    if not isinstance(tables, list) or len(tables) != len(lines[name]):
        return place
    return f"{place} (table at line {lines[name][number]})"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object with duplicate keys marked; json would keep the last value."""
    values: dict[str, object] = {}
    for key, value in pairs:
        values[key] = DUPLICATE if key in values else value
    return values


def _split(words: str) -> tuple[str, str]:
    """Return tomllib's message and place: it ends in `(at line 1, column 2)` or `(at end of document)`."""
    match = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", words, re.DOTALL)
    return (match[1], match[2]) if match else (words, "the text")


_A_REGION = "a Region such as us-west-2"
_ROLE = re.compile(r"arn:([a-z-]+):iam::(\d{12}):role/(?:[!-~]*/)?[\w+=,.@-]+", re.ASCII)
_ROLE_NAME = r"(?:[\w+=,.@-]+/)*[\w+=,.@-]{1,64}"
ACCOUNT_ID = r"\d{12}"
_ROOT, OU_ID = r"r-[0-9a-z]{4,32}", r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}"
"""Source: API_ListAccountsForParent, ParentId."""
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""Source: STS API_AssumeRole, ExternalId."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits for all rules."""

    account: str | None = None
    homes: tuple[Region, ...] = ()
    """The primaries' Regions that the manifest names."""
    complete: bool = False
    """Whether those are all of the primaries' Regions."""


def account_of(table: Table, key: str) -> str | None:
    """Return the field's account."""
    text = table.text(key, 'twelve digits in quotes, such as "123456789012"')
    if text is None or re.fullmatch(ACCOUNT_ID, text, re.ASCII):
        return text
    table.wrong(key, f"{shown(text)} is not an account id, which has twelve digits")
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
            hint = 'write a key as { region = "us-west-2", kms_key = "alias/NAME" }'
        mistakes.add(place, _with_hint(error.message, hint))
        return None


def _with_hint(message: str, hint: str | None) -> str:
    """Return the message with its hint, on one line."""
    return "; ".join(filter(None, (message, re.sub(r"\n *", " ", hint or ""))))


def role_arn_of(
    table: Table, key: str, account: str | None, home: Region | None, *, required: bool = False
) -> str | None:
    """Return the field's role; it must be of that account, and of that Region's partition."""
    example = "a role's ARN such as arn:aws:iam::123456789012:role/NAME"
    text = table.text(key, example, required=required)
    if text is None:
        return None
    match = _ROLE.fullmatch(text)
    if match is None or match[1] not in {partition.name for partition in PARTITIONS}:
        table.wrong(key, f"{shown(text)} is not the ARN of a role; it must be {example}")
        return None
    if account and match[2] != account:
        table.wrong(key, f"the role belongs to account {match[2]}, but account_id is {account}")
    if home and match[1] != partition_of(home):
        table.wrong(key, f"the role is in partition {match[1]}, but {home} is in {partition_of(home)}")
    return text


def external_id_of(table: Table) -> str | None:
    """Return the field's external id; mistakes do not show it."""
    text = table.text("external_id")
    if text is None or _EXTERNAL_ID.fullmatch(text):
        return text
    table.wrong("external_id", "must be 2 to 1,224 letters, digits and characters of _+=,.@:/-")
    return None


def selector_of(table: Table, bounds: Bounds) -> Selector:
    """Return the rule's selector."""
    names = []
    for place, name in table.texts("names"):
        is_arn = name.startswith("arn:")
        if _check_arn(name, place, bounds, table.mistakes) if is_arn else _is_name(name, place, table.mistakes):
            names.append(name)
    one = isinstance(table.raw.get("prefix"), str)
    prefixes = [table.text("prefix") or ""] if one else [prefix for _, prefix in table.texts("prefix")]
    if not {"names", "prefix", "tags"} & set(table.raw):
        table.mistakes.add(table.place, "empty selector: choose secrets by names, prefix or tags")
    return Selector(
        names=frozenset(names),
        prefixes=tuple(prefixes),
        tags=table.pairs("tags"),
        exclude=tuple(pattern for _, pattern in table.texts("exclude", may_be_empty=True)),
    )


def _is_name(name: str, place: str, mistakes: Mistakes) -> bool:
    """Return whether a secret can have the name."""
    try:
        check_name(name)
    except UsageError as error:
        mistakes.add(place, _with_hint(error.message, error.hint))
        return False
    return True


def _check_arn(arn: str, place: str, bounds: Bounds, mistakes: Mistakes) -> bool:
    """Return whether it is a secret's ARN; also add a mistake for another account or Region than the manifest's."""
    try:
        parts = parse_arn(arn, "secretsmanager")
    except UsageError as error:
        mistakes.add(place, _with_hint(error.message, error.hint))
        return False
    if not re.fullmatch("secret:.+", parts.resource):
        mistakes.add(place, f"{arn!r} is not the ARN of a secret")
        return False
    if not _is_name(parts.resource.removeprefix("secret:"), place, mistakes):
        return False
    if bounds.account and parts.account != bounds.account:
        mistakes.add(place, f"{arn!r} belongs to account {parts.account}, but account_id is {bounds.account}")
    if bounds.complete and parts.region not in bounds.homes:
        homes = " and ".join(bounds.homes)
        mistakes.add(place, f"{arn!r} is in {parts.region}, but the primaries are in {homes}")
    return True


def targets_of(table: Table, selector: Selector, bounds: Bounds) -> tuple[Target, ...]:
    """Return the rule's targets, one for each Region."""
    if "regions" not in table.raw:
        table.wrong("regions", "is missing; it must be a list of Regions")
    arns = sorted(name for name in selector.names if name.startswith("arn:"))
    homes = dict.fromkeys((*bounds.homes, *(parse_arn(arn, "secretsmanager").region for arn in arns)))
    targets: dict[Region, Target] = {}
    for place, item in table.items("regions", "a list of Regions"):
        target = _target(item, place, table.mistakes)
        if target is None:
            continue
        if target.region in targets:
            table.mistakes.add(place, f"{target.region} appears twice in this rule")
            continue
        try:
            check_regions(homes, (target.region,))
        except UsageError as error:
            table.mistakes.add(place, error.message)
        first = next(iter(targets), target.region)
        if not homes and partition_of(first) != partition_of(target.region):
            table.mistakes.add(
                place,
                f"{target.region} and {first} are in two partitions; secrets replicate within one",
            )
        targets[target.region] = target
    return tuple(targets.values())


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
        if key is not None:
            check_key(key, region)
    except UsageError as error:
        mistakes.add(place, f"{error.message}; use a key in {region}, by ARN, id or alias/NAME")
    return Target(region, key)
