"""Reads a JSON document, `smrep/1`, back into the report that it describes."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Any

from smrep import __version__
from smrep.errors import Outcome, UsageError
from smrep.model import CrossAccount, FarEnd
from smrep.output.json_document import SCHEMA
from smrep.output.json_schema import first_mistake
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet.coverage import BY_LISTING
from smrep.rules.fleet.shards import parse_shard
from smrep.rules.manifest.fields import shown
from smrep.rules.replication.replica_deletion import BEING_REMOVED, GONE

_ENDS = {(outcome.word, outcome.exit_code): outcome for outcome in Outcome} | {
    (Outcome.INTERRUPTED.word, code): Outcome.INTERRUPTED for code in (129, 141, 143)
}
"""Result and exit code of a document -> its outcome."""
_MOST_DIGITS = 15
_OUTCOMES = {outcome.word: outcome for outcome in Outcome if outcome is not Outcome.ACCEPTED}


def read_document(text: str) -> RunReport:
    """Return the report that a document describes.

    Its findings have no outcome, and its errors have their details in the message.

    Raises:
        UsageError: the text is not a document, contradicts itself, or is of a later version.

    """
    raw = _load(text)
    name = raw.get("schema") if isinstance(raw, dict) else None
    if not isinstance(name, str) or not name.startswith("smrep"):
        raise UsageError("is JSON, but not a document of smrep")
    if name != SCHEMA:
        raise UsageError(f"is a file of the schema {shown(name)}; this version of smrep merges {SCHEMA}")
    if mistake := first_mistake(raw, _schema(), _schema()):
        by = str(raw.get("smrep_version"))
        version = "" if by == __version__ else f" (smrep {shown(by)} wrote it, and this is {__version__})"
        raise UsageError(f"does not fit the schema {SCHEMA}: {': '.join(filter(None, mistake))}{version}")
    try:
        return _report(raw)
    except (ValueError, OverflowError, UsageError) as error:
        raise UsageError(f"contradicts itself: {error}") from error


@functools.cache
def _schema() -> Any:
    return json.loads(Path(__file__).with_name("document.schema.json").read_text(encoding="utf-8"))


def _load(text: str) -> Any:
    """Return the JSON value.

    Raises:
        UsageError: the text is not JSON, or JSON that readers understand in different ways.

    """
    end = len(text.rstrip())
    if not end:
        raise UsageError("is empty")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_number
        )
    except json.JSONDecodeError as error:
        rest = text[error.pos : end]  # may be the beginning of `null`
        if not rest or error.msg.startswith("Unterminated string") or (error.pos and rest.isalpha()):
            raise UsageError("is truncated: its JSON ends too early") from None
        raise UsageError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise UsageError("is not a document of smrep: it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; a key that appears twice would hide a value."""
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        raise UsageError(f"has {shown(next(key for key in keys if keys.count(key) > 1))} twice in one object")
    return values


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise UsageError("has a number that is too long")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise UsageError(f"has the number {shown(text)}")
    return value


def _report(raw: dict[str, Any]) -> RunReport:
    """Return the report.

    Raises:
        ValueError, OverflowError: fields contradict each other, or a time does not exist.
        UsageError: the shard does not exist.

    """
    end = _ENDS.get((raw["result"], raw["exit_code"]))
    if end is None:
        raise ValueError(f"exit_code {raw['exit_code']} and the result {raw['result']}")
    if raw["error"] and not raw["exit_code"]:
        raise ValueError("an error and exit_code 0")
    began, summary = datetime.fromisoformat(raw["started_at"]), raw.get("summary")
    began + timedelta(seconds=raw["elapsed_s"])
    secrets = tuple(_secret(secret, end, dry_run=raw["dry_run"]) for secret in raw["secrets"])
    if summary is not None and summary.get("secrets", len(secrets)) != len(secrets):
        plural = "" if len(secrets) == 1 else "s"
        raise ValueError(f"{len(secrets):,} secret{plural}, and its summary counts {summary['secrets']:,}")
    return RunReport(
        command=raw["command"],
        outcome=end,
        exit_code=raw["exit_code"],
        started_at=began,
        elapsed_s=raw["elapsed_s"],
        dry_run=raw["dry_run"],
        account_id=raw["account_id"],
        primary_region=_region(raw["primary_region"]),
        primary_region_source=raw["primary_region_source"],
        endpoint_url=raw["endpoint_url"],
        endpoint_urls={Region(region): url for region, url in raw["endpoint_urls"].items()},
        secrets=secrets,
        error=_problem(raw["error"], end),
        summary=summary,
        shard=str(parse_shard(raw["shard"], {})) if "shard" in raw else None,
        absent=(
            tuple(_secret(secret, end, dry_run=raw["dry_run"]) for secret in raw["absent"]) if "absent" in raw else None
        ),
        unmatched=tuple(raw.get("unmatched", ())),
    )


def _region(value: str | None) -> Region | None:
    return None if value is None else Region(intern(value))


def _outcome(word: str, end: Outcome) -> Outcome:
    """Return the outcome of a part of the document; pending is accepted only if the whole run is."""
    return end if word == end.word else _OUTCOMES[word]


def _secret(raw: dict[str, Any], end: Outcome, *, dry_run: bool) -> SecretReport:
    outcome, link, checked_by = _outcome(raw["result"], end), raw.get("cross_account"), raw.get("checked_by")
    return SecretReport(
        name=raw["name"],
        outcome=outcome,
        arn=raw["arn"],
        primary_region=_region(raw["primary_region"]),
        replicas=tuple(_row(row, end, checked_by, dry_run=dry_run) for row in raw["replicas"]),
        error=_problem(raw["error"], outcome),
        cross_account=_cross_account(link) if link else None,
        findings=tuple(map(_finding, raw.get("findings", ()))),
        checked_by=checked_by,
        role=raw.get("role"),
        rules=tuple(map(intern, raw.get("rules", ()))),
        account=raw.get("account_id"),
    )


def _row(raw: dict[str, Any], end: Outcome, checked_by: str | None, *, dry_run: bool) -> RegionReport:
    outcome, accessed = _outcome(raw["result"], end), raw["last_accessed_date"]
    action = Action(raw["action"]) if raw["action"] else None
    row = RegionReport(
        region=Region(intern(raw["region"])),
        outcome=outcome,
        arn=raw["arn"],
        status=_shared(raw["status"]),
        status_message=_shared(raw["status_message"]),
        kms_key_id=_shared(raw["kms_key_id"]),
        wanted_key=_shared(raw["kms_key_id"]) if dry_run and action not in (None, Action.KEEP, Action.REMOVE) else None,
        last_accessed=datetime.fromisoformat(accessed) if accessed else None,
        action=action,
        changed=raw["changed"],
        verified=raw["verified"],
        findings=tuple(map(_finding, raw["findings"])),
        error=_problem(raw["error"], outcome),
    )
    return replace(row, note=_note(row, checked_by, dry_run=dry_run))


def _note(row: RegionReport, checked_by: str | None, *, dry_run: bool) -> str | None:
    """Return the state that a document shows by several fields, in the words of the run that wrote it."""
    if row.action is Action.REMOVE and row.error is None:
        if row.outcome is Outcome.OK and not (dry_run and (row.arn or row.status)):
            return GONE
        return BEING_REMOVED if row.changed or any(finding.kind is Kind.REMOVING for finding in row.findings) else None
    is_listed = checked_by == "list" and row.status is None and row.outcome is Outcome.OK
    return BY_LISTING if is_listed and not row.findings else None


def _shared(text: str | None) -> str | None:
    """Return the text, in memory once however often documents have it."""
    return None if text is None else intern(text)


def _finding(raw: dict[str, Any]) -> Finding:
    return Finding(Kind(raw["kind"]), Severity(raw["severity"]), raw["message"], raw["hint"])


def _problem(raw: dict[str, Any] | None, outcome: Outcome) -> Problem | None:
    return Problem(raw["code"], raw["message"], raw["hint"], raw["request_id"], outcome) if raw else None


def _cross_account(raw: dict[str, Any]) -> CrossAccount:
    return CrossAccount(_far_end(raw["primary"]) if raw["primary"] else None, tuple(map(_far_end, raw["replicas"])))


def _far_end(raw: dict[str, Any]) -> FarEnd:
    return FarEnd(raw["arn"], raw["status"], raw["status_message"])
