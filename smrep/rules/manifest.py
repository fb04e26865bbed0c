"""The manifest: which secrets are wanted in which Regions, read from TOML or JSON with every mistake at once."""

from __future__ import annotations

from dataclasses import dataclass

from smrep.errors import UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.manifest_clashes import Draft, check_rules
from smrep.rules.manifest_document import header_lines, loaded, with_line
from smrep.rules.manifest_fields import Mistakes, Table, plain
from smrep.rules.manifest_parts import (
    Bounds,
    account_of,
    external_id_of,
    region_of,
    role_arn_of,
    selector_of,
    targets_of,
)
from smrep.rules.selection import Selector


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


FIELDS = ("schema", "account_id", "primary_region", "replicate", "account")
RULE_FIELDS = ("name", "names", "prefix", "tags", "exclude", "regions", "remove_extra")
ACCOUNT_FIELDS = ("role_arn", "external_id", "region")


def parse(text: str, source: str) -> Manifest:
    """Return the manifest that the text is; TOML, or JSON where its first character is a brace.

    `source` is how messages call it.

    Raises:
        UsageError: it is none; `details` names every mistake, each with its place.

    """
    text = text.removeprefix("\ufeff")  # as some editors begin a file
    mistakes = Mistakes()
    raw = loaded(text, mistakes)
    manifest = None if raw is None else _manifest(Table(raw, "", mistakes))
    if manifest is not None and not mistakes.found:
        return manifest
    lines = header_lines(text)
    count = len(mistakes)
    raise UsageError(
        f"{plain(source)} has {'a mistake' if count == 1 else f'{count:,} mistakes'}",
        "the format: smrep help manifest",
        code="ManifestError",
        details=tuple(f"{with_line(place, raw, lines)}: {what}" for place, what in mistakes.found),
    )


def _manifest(top: Table) -> Manifest:
    top.check(FIELDS)
    if "schema" not in top.raw:
        top.wrong("schema", "is missing; this version reads schema = 1")
    elif type(top.raw["schema"]) is not int or top.raw["schema"] != 1:
        top.wrong("schema", "must be the integer 1, the only one that this version knows")
    account = account_of(top, "account_id")
    home = region_of(top, "primary_region")
    roles, bounds = _roles(top, account, home)
    if "replicate" not in top.raw:
        top.wrong("replicate", "is missing; at least one [[replicate]] says what is wanted where")
    drafts = [_draft(table, bounds) for table in top.tables("replicate")]
    accounts = {role.account for role in roles}
    check_rules(drafts, account or (accounts.pop() if len(accounts) == 1 else None), top.mistakes)
    return Manifest(tuple(draft.rule for draft in drafts), account, home, roles)


def _roles(top: Table, account: str | None, home: Region | None) -> tuple[tuple[AccountRole, ...], Bounds]:
    """Return the accounts, and what they and the guards leave to the rules."""
    before = len(top.mistakes)
    roles: dict[tuple[str, Region | None], AccountRole] = {}  # by account and Region
    regions = [home]
    for table in top.tables("account"):
        table.check(ACCOUNT_FIELDS)
        region = region_of(table, "region")
        regions.append(region or home)
        role_arn = role_arn_of(table, account, region or home)
        external_id = external_id_of(table)
        if role_arn is None:
            continue
        role = AccountRole(table.place, role_arn, external_id, region)
        known = roles.setdefault((role.account, region or home), role)
        if known is not role:
            table.wrong("role_arn", f"account {role.account} stands in {known.place} already, with the same Region")
    sound = len(top.mistakes) == before
    homes = tuple(dict.fromkeys(each for each in regions if each is not None))
    complete = home is not None or (len(regions) > 1 and None not in regions[1:])
    return tuple(roles.values()), Bounds(account, homes, complete=sound and complete)


def _draft(table: Table, bounds: Bounds) -> Draft:
    before = len(table.mistakes)
    table.check(RULE_FIELDS)
    name = table.text("name")
    unread = len(table.mistakes)
    selector = selector_of(table, bounds)
    selects = len(table.mistakes) == unread
    targets = targets_of(table, selector, bounds)
    rule = Rule(name or table.place, table.place, selector, targets, table.flag("remove_extra"))
    return Draft(rule, selects, len(table.mistakes) == before)
