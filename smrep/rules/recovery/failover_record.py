"""The failover record: what was known of each secret when it was promoted, and how far its way back has come."""

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
_BEGINNING = '{"ts'
"""How each line begins; a file with one line that was cut off is taken for a record only where it does so too."""
_LONGEST_NAME = 512
_GOING = ("promoting", "promoted", "failed")
"""The marks of a failover, which are no marks of the way back."""


class RecordMark(StrEnum):
    """What a line of the record says of a secret."""

    PROMOTING = "promoting"
    """It is about to be promoted: all that is known of it."""
    PROMOTED = "promoted"
    FAILED = "failed"
    LEAVING = "leaving"
    """Replicas are about to be taken away from a primary's third Regions, which the line names."""
    REPLACING = "replacing"
    """A copy is about to be replaced by force, in the Region that the line names."""
    LEVEL = "level"
    """Both sides hold these versions, and from now on either may be changed."""
    PROTECTED = "protected"
    """The promoted secret is the primary of replicas wherever it is to be."""
    RETURNED = "returned"
    """The primary role is back in its old Region."""


@dataclass(frozen=True, slots=True)
class RegionPair:
    """The Region that was left and the one that took over."""

    source: Region
    target: Region


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """What the record says of one secret, its newest lines counted."""

    name: str
    arn: str
    """Of the promoted secret, in the Region that took over."""
    mark: RecordMark
    kms_key_id: str | None = None
    stages: frozenset[tuple[str, str]] = frozenset()
    """(staging label, version id): what both sides held when they were last known to be level."""
    rotation: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    policy_sha256: str | None = None
    third: tuple[Target, ...] = ()
    """Third Regions whose replicas were taken away and are to come back, with their keys."""
    replacing: Region | None = None
    """The Region whose copy was last asked to be replaced, as long as it is not known to be."""

    @property
    def is_promoted(self) -> bool:
        """Whether the record shows that it was promoted."""
        return self.mark not in (RecordMark.PROMOTING, RecordMark.FAILED)


@dataclass(slots=True)
class Record:
    """A record as read: its Regions and its secrets by the ARN of the promoted one."""

    pair: RegionPair | None = None
    """None where the file has no line yet."""
    entries: dict[str, RecordEntry] = field(default_factory=dict)
    torn: tuple[int, ...] = ()
    """Numbers of lines that were cut off, as a run leaves that was killed while it wrote."""
    lost: dict[int, str] = field(default_factory=dict)
    """Those of them after which no failover went on, which would have looked at their secret again: what is left."""

    @property
    def account(self) -> str | None:
        """The account of its secrets; None where it has none yet."""
        return next((parse_arn(arn, "secretsmanager").account for arn in self.entries), None)

    @property
    def newest(self) -> list[RecordEntry]:
        """Its secrets by their names; of several that bore one name one after the other, the last."""
        found = {each.name: each for each in self.entries.values()}
        return [found[name] for name in sorted(found)]

    @property
    def unfinished(self) -> list[RecordEntry]:
        """The secrets whose promotion was begun, and of which the record does not know how it ended."""
        return [each for each in self.entries.values() if each.mark is RecordMark.PROMOTING]


def read(lines: Iterable[str], source: str) -> Record:
    """Return the record that the lines are; `source` is how messages call it.

    A line that is no JSON was cut off: what it was to say is in no other, and it is left out.

    Raises:
        UsageError: it is no record, or one that this version can't read.

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
            _take(record, raw)
            if raw.get("result") in _GOING:
                record.lost.clear()
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            why = error.message if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
            raise UsageError(
                f"{source} is no failover record: line {number}: {why}",
                "name the file that failover --record wrote",
                code="RecordError",
            ) from error
    if record.pair is None and torn and not (len(torn) == 1 and whole[torn[0] - 1].startswith(_BEGINNING)):
        raise UsageError(f"{source} is no failover record: none of its lines is JSON", code="RecordError")
    record.torn = tuple(torn)
    return record


def header(pair: RegionPair) -> dict[str, Any]:
    """Return the first line of a record."""
    return {"schema": SCHEMA, "from": pair.source, "to": pair.target}


def promoting(secret: Secret, policy_sha256: str | None) -> dict[str, Any]:
    """Return the line that is written before a secret is promoted."""
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


def marked(mark: RecordMark, arn: str, **more: Any) -> dict[str, Any]:
    """Return a later line of a secret."""
    return {"result": mark, "arn": arn, **more}


def regions(targets: Iterable[Target]) -> list[dict[str, str | None]]:
    """Return third Regions with their keys as a line has them."""
    return [{"region": each.region, "kms_key": each.kms_key} for each in targets]


def versions(secret: Secret) -> dict[str, list[str]]:
    """Return the ids of a secret's versions, each with its staging labels."""
    found: dict[str, list[str]] = {}
    for stage, version in secret.stages:
        found.setdefault(version, []).append(stage)
    return found


def _take(record: Record, raw: Mapping[str, Any]) -> None:
    """Take in one line.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, UsageError: it is none of a record.

    """
    if record.pair is None or "schema" in raw:
        pair = _pair(raw)
        if record.pair not in (None, pair):
            raise ValueError(f"it is of {pair.source} and {pair.target}, and the record is not")
        record.pair = pair
        return
    mark, arn = RecordMark(raw["result"]), _text(raw["arn"])
    if parse_arn(arn, "secretsmanager").region != record.pair.target:
        raise ValueError(f"{arn} is not in {record.pair.target}")
    if mark is RecordMark.PROMOTING:
        record.entries.pop(arn, None)  # the newest stands last
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
        raise ValueError(f"nothing says before that {arn} was to be promoted")
    known = record.entries[arn]
    if mark is RecordMark.FAILED and known.is_promoted:
        return  # of two runs, one promoted it
    record.entries[arn] = noted(known, raw)


def noted(entry: RecordEntry, raw: Mapping[str, Any]) -> RecordEntry:
    """Return the entry with what a later line adds to it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, UsageError: the line is none of a record.

    """
    entry = replace(entry, mark=RecordMark(raw["result"]))
    if "versions" in raw:
        entry = replace(entry, stages=_stages(raw["versions"]))
    if entry.mark is RecordMark.LEAVING:
        targets = {each.region: each for each in (*entry.third, *map(_target, raw["regions"]))}
        return replace(entry, third=tuple(targets.values()))
    if entry.mark is RecordMark.REPLACING:
        return replace(entry, replacing=parse_region(_text(raw["region"])))
    if entry.mark in (RecordMark.PROTECTED, RecordMark.RETURNED):
        return replace(entry, third=(), replacing=None)
    return replace(entry, replacing=None)


def _pair(raw: Mapping[str, Any]) -> RegionPair:
    if raw["schema"] != SCHEMA:
        raise ValueError(f"its schema is {raw['schema']!r}, and this version reads {SCHEMA}")
    return RegionPair(parse_region(_text(raw["from"])), parse_region(_text(raw["to"])))


def _stages(raw: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((_text(stage), _text(version)) for version, stages in raw.items() for stage in stages)


def _target(raw: Mapping[str, Any]) -> Target:
    return Target(parse_region(_text(raw["region"])), _text_or_none(raw["kms_key"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _name(value: Any) -> str:
    if not 0 < len(_text(value)) <= _LONGEST_NAME:
        raise ValueError("a name has 1 to 512 characters")
    return _text(value)
