"""A manifest written down, so that reading it gives the same manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smrep.model import Target
from smrep.rules.manifest import AccountRole, Manifest, Rule
from smrep.rules.manifest_fields import plain

_WIDTH = 100
"""A list that is longer has an item a line."""


def written(manifest: Manifest, notes: Sequence[str] = ()) -> str:
    """Return the manifest as TOML, with `notes` as comments at the top; names stand one per line.

    Raises:
        ValueError: a rule selects by what no manifest can say.

    """
    parts = [f"# {plain(note).replace('##[', '# #[')}".rstrip() + "\n" for note in notes]
    if notes:
        parts.append("\n")
    parts += [_line(key, value) for key, value in _guards(manifest).items()]
    for key, tables in _tables(manifest).items():
        for table in tables:
            parts += [f"\n[[{key}]]\n", *(_line(name, value) for name, value in table.items())]
    return "".join(parts)


def as_json(manifest: Manifest) -> dict[str, object]:
    """Return the manifest in the same shape as plain values; fields that say nothing are left out.

    Raises:
        ValueError: a rule selects by what no manifest can say.

    """
    return _guards(manifest) | _given(_tables(manifest))


def _guards(manifest: Manifest) -> dict[str, object]:
    return _given({"schema": 1, "account_id": manifest.account_id, "primary_region": manifest.primary_region})


def _tables(manifest: Manifest) -> dict[str, list[dict[str, object]]]:
    accounts, rules = manifest.accounts, manifest.rules
    return {"account": [_role(each) for each in accounts], "replicate": [_rule(each) for each in rules]}


def _role(role: AccountRole) -> dict[str, object]:
    return _given({"role_arn": role.role_arn, "external_id": role.external_id, "region": role.region})


def _rule(rule: Rule) -> dict[str, object]:
    meant = rule.selector
    if meant.owning_service or any(value is None for _, value in meant.tags):
        raise ValueError(f"{rule.place}: a manifest selects by names, prefixes and exact tags")
    return _given(
        {
            "name": rule.name if rule.name != rule.place else None,
            "names": sorted(meant.names),
            "prefix": list(meant.prefixes),
            "tags": dict(meant.tags),
            "exclude": list(meant.exclude),
            "regions": [_target(each) for each in rule.targets],
            "remove_extra": rule.remove_extra or None,
        }
    )


def _target(target: Target) -> str | dict[str, str]:
    return target.region if target.kms_key is None else {"region": target.region, "kms_key": target.kms_key}


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that are neither None nor empty."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}


def _line(key: str, value: object) -> str:
    flat = f"{key} = {_inline(value)}\n"
    if not isinstance(value, list) or (key != "names" and len(flat) <= _WIDTH):
        return flat
    return f"{key} = [\n" + "".join(f"  {_inline(each)},\n" for each in value) + "]\n"


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(_inline(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_inline(each)}' for key, each in value.items())} }}"
    return str(value)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    """Return a TOML string on one line; what a terminal would not print as it stands is escaped.

    So is what GitHub's runner would take for a command.
    Source: docs.github.com, workflow commands; actions/runner.
    """
    return '"' + "".join(_character(each) for each in text).replace("##[", "\\u0023#[") + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if character <= "\uffff" else f"\\U{code:08x}"
