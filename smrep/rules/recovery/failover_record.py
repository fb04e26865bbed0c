"""The failover record: the state of each secret at its promotion, and the progress of its failback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from smrep.errors import UsageError
from smrep.model import Secret, Target, parse_arn
from smrep.regions import Region, parse_region

SCHEMA = "smrep-failover/1"
_LINE_START = '{"ts'
"""The start of each line; a file that holds one truncated line counts as a record only with this start."""
_LONGEST_NAME = 512
_FAILOVER_MARKS = ("promoting", "promoted", "failed")
"""The marks that failover writes; failback writes the others."""


class RecordMark(StrEnum):
    """The event that a line of the record reports for one secret."""

    PROMOTING = "promoting"
    """About to be promoted; the line holds everything known about the secret."""
    PROMOTED = "promoted"
    FAILED = "failed"
    LEAVING = "leaving"
    """About to remove replicas from third Regions, which the line names."""
    REPLACING = "replacing"
    """About to overwrite the secret in the Region that the line names."""
    LEVEL = "level"
    """Both sides hold these versions; from now on either side may change."""
    PROTECTED = "protected"
    """The promoted secret is the primary of all its wanted replicas."""
    RETURNED = "returned"
    """The primary role is back in its old Region."""


@dataclass(frozen=True, slots=True)
class RegionPair:
    """The Region that failed over and the Region that took over."""

    source: Region
    target: Region


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """The record of one secret, with its newest lines applied."""

    name: str
    arn: str
    """The promoted secret's ARN, in the Region that took over."""
    mark: RecordMark
    kms_key_id: str | None = None
    stages: frozenset[tuple[str, str]] = frozenset()
    """(staging label, version id) pairs that both sides held when they were last equal."""
    rotation: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    policy_sha256: str | None = None
    third: tuple[Target, ...] = ()
    """Third Regions to replicate to again, with their keys."""
    replacing: Region | None = None
    """The Region of the last overwrite request; None once the overwrite is known to be done."""

    @property
    def is_promoted(self) -> bool:
        """Whether the record shows a promotion."""
        return self.mark not in (RecordMark.PROMOTING, RecordMark.FAILED)


@dataclass(slots=True)
class Record:
    """A parsed record: its Regions, and its secrets by promoted ARN."""

    pair: RegionPair | None = None
    """None for a file without lines."""
    entries: dict[str, RecordEntry] = field(default_factory=dict)
    torn: tuple[int, ...] = ()
    """Numbers of the truncated lines; a killed run leaves one."""
    lost: dict[int, str] = field(default_factory=dict)
    """Truncated lines that no later failover made up for: line number to the rest of its text."""

    @property
    def account(self) -> str | None:
        """The account of the secrets; None without any."""
        return next((parse_arn(arn, "secretsmanager").account for arn in self.entries), None)

    @property
    def newest(self) -> list[RecordEntry]:
        """The secrets by name; the last one wins a shared name."""
        by_name = {entry.name: entry for entry in self.entries.values()}
        return [by_name[name] for name in sorted(by_name)]

    @property
    def unfinished(self) -> list[RecordEntry]:
        """The secrets whose promotion began, with no recorded result."""
        return [entry for entry in self.entries.values() if entry.mark is RecordMark.PROMOTING]


def read(lines: Iterable[str], source: str) -> Record:
    """Return the parsed record; messages call it `source`.

    Leaves out lines that are not JSON: they were truncated, and no other line repeats them.

    Raises:
        UsageError: the lines are not a record, or this version cannot read it.

    """
    record, torn, whole = Record(), [], list(lines)
    for number, line in enumerate(whole, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError):
            torn.append(number)
            record.lost[number] = line
            continue
        try:
            _add_line(record, raw)
            if raw.get("result") in _FAILOVER_MARKS:
                record.lost.clear()
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            why = error.message if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
            raise UsageError(
                f"{source} is not a failover record: line {number}: {why}",
                "use the file that failover --record wrote",
                code="RecordError",
            ) from error
    if record.pair is None and torn and not (len(torn) == 1 and whole[torn[0] - 1].startswith(_LINE_START)):
        raise UsageError(f"{source} is not a failover record: it has no JSON lines", code="RecordError")
    record.torn = tuple(torn)
    return record


def header(pair: RegionPair) -> dict[str, Any]:
    """Return the first line of a record."""
    return {"schema": SCHEMA, "from": pair.source, "to": pair.target}


def promoting_line(secret: Secret, policy_sha256: str | None) -> dict[str, Any]:
    """Return the line to write before a secret's promotion."""
    return {
        "result": RecordMark.PROMOTING,
        "name": secret.name,
        "arn": secret.arn,
        "kms_key_id": secret.kms_key_id,
        "versions": versions(secret),
        "rotation": secret.rotation_enabled,
        "tags": dict(secret.tags),
        "policy_sha256": policy_sha256,
    }


def mark_line(mark: RecordMark, arn: str, **fields: Any) -> dict[str, Any]:
    """Return a later line of a secret."""
    return {"result": mark, "arn": arn, **fields}


def regions(targets: Iterable[Target]) -> list[dict[str, str | None]]:
    """Return third Regions and their keys in the shape of a line."""
    return [{"region": target.region, "kms_key": target.kms_key} for target in targets]


def versions(secret: Secret) -> dict[str, list[str]]:
    """Return the staging labels of each version id."""
    labels: dict[str, list[str]] = {}
    for stage, version in secret.stages:
        labels.setdefault(version, []).append(stage)
    return labels


def _add_line(record: Record, raw: Mapping[str, Any]) -> None:
    """Add one line to the record.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, UsageError: the line does not belong in a record.

    """
    if record.pair is None or "schema" in raw:
        pair = _pair(raw)
        if record.pair not in (None, pair):
            raise ValueError(f"it names {pair.source} and {pair.target}, unlike the lines before")
        record.pair = pair
        return
    mark, arn = RecordMark(raw["result"]), _text(raw["arn"])
    if parse_arn(arn, "secretsmanager").region != record.pair.target:
        raise ValueError(f"{arn} is not in {record.pair.target}")
    if mark is RecordMark.PROMOTING:
        record.entries.pop(arn, None)  # keep the newest last
        record.entries[arn] = RecordEntry(
            _name(raw["name"]),
            arn,
            mark,
            _text_or_none(raw["kms_key_id"]),
            _stages(raw["versions"]),
            bool(raw["rotation"]),
            tuple((_text(key), _text(value)) for key, value in raw["tags"].items()),
            _text_or_none(raw["policy_sha256"]),
        )
        return
    if arn not in record.entries:
        raise ValueError(f"no line before says that {arn} would be promoted")
    entry = record.entries[arn]
    if mark is RecordMark.FAILED and entry.is_promoted:
        return  # another run promoted it
    record.entries[arn] = apply_line(entry, raw)


def apply_line(entry: RecordEntry, raw: Mapping[str, Any]) -> RecordEntry:
    """Return the entry with a later line applied.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, UsageError: the line does not belong in a record.

    """
    entry = replace(entry, mark=RecordMark(raw["result"]))
    if "versions" in raw:
        entry = replace(entry, stages=_stages(raw["versions"]))
    if entry.mark is RecordMark.LEAVING:
        targets = {target.region: target for target in (*entry.third, *map(_target, raw["regions"]))}
        return replace(entry, third=tuple(targets.values()))
    if entry.mark is RecordMark.REPLACING:
        return replace(entry, replacing=parse_region(_text(raw["region"])))
    if entry.mark in (RecordMark.PROTECTED, RecordMark.RETURNED):
        return replace(entry, third=(), replacing=None)
    return replace(entry, replacing=None)


def _pair(raw: Mapping[str, Any]) -> RegionPair:
    if raw["schema"] != SCHEMA:
        raise ValueError(f"its schema is {raw['schema']!r}; this version reads {SCHEMA}")
    return RegionPair(parse_region(_text(raw["from"])), parse_region(_text(raw["to"])))


def _stages(raw: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((_text(stage), _text(version)) for version, stages in raw.items() for stage in stages)


def _target(raw: Mapping[str, Any]) -> Target:
    return Target(parse_region(_text(raw["region"])), _text_or_none(raw["kms_key"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _name(value: Any) -> str:
    if not 0 < len(_text(value)) <= _LONGEST_NAME:
        raise ValueError("a name has 1 to 512 characters")
    return _text(value)
