"""Writes a manifest as text, from its rules or from the current replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.rules.hints import format_command_on, some_names
from smrep.rules.manifest.fields import plain
from smrep.rules.manifest.schema import AccountRole, Manifest, Rule
from smrep.rules.manifest.selector import Selector
from smrep.rules.replication.key_failures import DEFAULT

_WIDTH = 100
"""A longer list has one item per line."""


def as_toml(manifest: Manifest, notes: Sequence[str] = ()) -> str:
    """Return the manifest as TOML, after `notes` as comments; names are one per line.

    Raises:
        ValueError: a rule has a selector that no manifest can express.

    """
    parts = [f"# {plain(note).replace('##[', '# #[')}".rstrip() + "\n" for note in notes]
    if notes:
        parts.append("\n")
    parts += [_line(key, value) for key, value in _guards(manifest).items()]
    for key, table in _organization(manifest).items():
        parts += [f"\n[{key}]\n", *(_line(name, value) for name, value in table.items())]
    for key, tables in _tables(manifest).items():
        for table in tables:
            parts += [f"\n[[{key}]]\n", *(_line(name, value) for name, value in table.items())]
    return "".join(parts)


def as_json(manifest: Manifest) -> dict[str, object]:
    """Return the manifest in the same shape as plain values, without empty fields.

    Raises:
        ValueError: a rule has a selector that no manifest can express.

    """
    return _guards(manifest) | _organization(manifest) | _without_empty(_tables(manifest))


def _guards(manifest: Manifest) -> dict[str, object]:
    return _without_empty({"schema": 1, "account_id": manifest.account_id, "primary_region": manifest.primary_region})


def _organization(manifest: Manifest) -> dict[str, dict[str, object]]:
    organization = manifest.organization
    if organization is None:
        return {}
    fields = {**asdict(organization), "management": organization.management or None}
    return {
        "organization": _without_empty(
            {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
        )
    }


def _tables(manifest: Manifest) -> dict[str, list[dict[str, object]]]:
    accounts, rules = manifest.accounts, manifest.rules
    return {"account": [_role(account) for account in accounts], "replicate": [_rule(rule) for rule in rules]}


def _role(role: AccountRole) -> dict[str, object]:
    return _without_empty({"role_arn": role.role_arn, "external_id": role.external_id, "region": role.region})


def _rule(rule: Rule) -> dict[str, object]:
    selector = rule.selector
    if selector.owning_service or any(value is None for _, value in selector.tags):
        raise ValueError(f"{rule.place}: a manifest selects by names, prefixes and exact tags")
    return _without_empty(
        {
            "name": rule.name if rule.name != rule.place else None,
            "names": sorted(selector.names),
            "prefix": list(selector.prefixes),
            "tags": dict(selector.tags),
            "exclude": list(selector.exclude),
            "regions": [_target(target) for target in rule.targets],
            "remove_extra": rule.remove_extra or None,
        }
    )


def _target(target: Target) -> str | dict[str, str]:
    return target.region if target.kms_key is None else {"region": target.region, "kms_key": target.kms_key}


def _without_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that are neither None nor empty."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}


def _line(key: str, value: object) -> str:
    flat = f"{key} = {_inline(value)}\n"
    if not isinstance(value, list) or (key != "names" and len(flat) <= _WIDTH):
        return flat
    return f"{key} = [\n" + "".join(f"  {_inline(item)},\n" for item in value) + "]\n"


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_inline(item)}' for key, item in value.items())} }}"
    return str(value)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    """Return a TOML string on one line, with unprintable characters and GitHub workflow commands escaped.

    Source: docs.github.com, workflow commands; actions/runner.
    """
    return '"' + "".join(_character(character) for character in text).replace("##[", "\\u0023#[") + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if character <= "\uffff" else f"\\U{code:08x}"


def manifest_of(primaries: Sequence[Secret], home: Region, own_keys: Mapping[str, str]) -> Manifest:
    """Return a rule for each set of Regions and keys, with the names of its secrets.

    `own_keys` maps replica ARNs to the keys that their own Regions show. Leaves out failed replicas.
    """
    together: dict[tuple[Target, ...], list[str]] = {}
    for primary in primaries:
        targets = sorted(_targets(primary, own_keys), key=lambda target: target.region)
        if targets:
            together.setdefault(tuple(targets), []).append(primary.name)
    rules: list[Rule] = []
    for targets_, names in sorted(together.items(), key=lambda group: -len(group[1])):
        place = f"replicate[{len(rules)}]"
        rules.append(Rule(_name(targets_, rules), place, Selector(names=frozenset(names)), targets_))
    account = primaries[0].account if primaries else None
    return Manifest(tuple(rules), account, home)


def first_manifest(names: Sequence[str], targets: tuple[Target, ...], account: str, home: Region) -> Manifest:
    """Return a manifest that replicates these secrets to all the targets."""
    selector = Selector(names=frozenset(names))
    return Manifest((Rule(_name(targets, ()), "replicate[0]", selector, targets),), account, home)


def skipped_notes(primary: Secret) -> Iterator[str]:
    """Yield notes on replicas that the manifest leaves out, or includes before they are in sync."""
    for entry in primary.replicas:
        target = Target(entry.region)
        if entry.status == FAILED:
            doctor = format_command_on(primary, "doctor", [target])
            why = f" ({entry.message})" if entry.message else ""
            yield f"{primary.name} is Failed in {entry.region}{why}, so that Region was skipped: {doctor}"
        elif entry.status != IN_SYNC:
            state = entry.status or "AWS gives no status"
            yield f"{primary.name} in {entry.region} is neither in sync nor failed: {state}"


def missing_note(primary: Secret, entry: Replica) -> str:
    """Return the note for a listed Region without our replica."""
    doctor = format_command_on(primary, "doctor", [Target(entry.region)])
    where = f"{primary.name} is listed as {entry.status} in {entry.region}"
    return f"{where}, but has no replica there, so that Region was skipped: {doctor}"


def not_checked_note(region: Region, names: Sequence[str]) -> str:
    """Return the note for replicas that only their primaries list, and that could not be checked."""
    note = f"taken from the primaries' lists, since {region} does not list them and could not be checked"
    return f"{note}: {some_names(names)}; allow secretsmanager:DescribeSecret in {region}"


def _targets(primary: Secret, own_keys: Mapping[str, str]) -> Iterator[Target]:
    for entry in primary.replicas:
        if entry.status != FAILED:
            key = own_keys.get(in_region(primary.arn, entry.region)) or entry.kms_key_id
            yield Target(entry.region, None if key in (None, DEFAULT) else key)


def _name(targets: Sequence[Target], rules: Sequence[Rule]) -> str:
    """Return a unique rule name made of the Regions."""
    plain = "+".join(target.region for target in targets)
    taken = {rule.name for rule in rules}
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name
