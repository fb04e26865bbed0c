"""OCSF compliance findings, which security tools import: one for each secret and Region.

Source: schema.ocsf.io/1.5.0, class Compliance Finding (2003) with the profile `cloud`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from smrep import __version__
from smrep.errors import Outcome
from smrep.model import arn_account, in_region
from smrep.output.artifacts.html import COVERED, in_words
from smrep.output.formats import message_of, title
from smrep.output.safe import to_json
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RunReport, SecretReport, Severity

_CLASS, _CATEGORY = 2003, 2
_CREATE, _CLOSE = 1, 3
"""Activities: a check that passes closes the finding of the same uid."""


class _Status(IntEnum):
    """Result of a check: `compliance.status_id`."""

    UNKNOWN = 0
    PASS = 1
    WARNING = 2
    FAIL = 3


class _Level(IntEnum):
    """Weight of an event: `severity_id`."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


_LEVELS = {Severity.ERROR: _Level.HIGH, Severity.WARNING: _Level.MEDIUM, Severity.INFO: _Level.LOW}


@dataclass(frozen=True, slots=True)
class _Check:
    """One check: of a secret in a Region, of a whole secret, or of the run."""

    uid: str
    subject: str
    control: str
    outcome: Outcome
    message: str
    """Used without findings and errors."""
    findings: Sequence[Finding] = ()
    error: Problem | None = None
    account: str | None = None
    region: Region | None = None
    rules: Sequence[str] = ()
    resources: Sequence[dict[str, str]] = ()


def ocsf(report: RunReport) -> Iterator[str]:
    """Yield the report as a JSON array with an event on each line.

    The uid of an event is the primary's ARN and the Region, so that a later report updates it.
    """
    ended_ms = round((report.started_at.timestamp() + report.elapsed_s) * 1000)
    separator = "[\n"
    for check in _checks(report):
        yield separator + to_json(_event(check, ended_ms), indent=None)
        separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[]\n"


def _checks(report: RunReport) -> Iterator[_Check]:
    passed = True
    for secret in report.secrets:
        for check in _secret_checks(secret, report.account_id):
            passed = passed and check.outcome is Outcome.OK
            yield check
    if report.error or (passed and report.exit_code):
        scope = [report.account_id, report.primary_region]
        yield _Check(
            uid="/".join(["smrep", str(report.command), *filter(None, scope)]),
            subject=title(report),
            control="the audit is complete",
            outcome=report.outcome,
            message=f"the run ended with exit code {report.exit_code}",
            error=report.error,
            account=report.account_id,
            region=report.primary_region,
        )


def _secret_checks(secret: SecretReport, account_id: str | None) -> Iterator[_Check]:
    """Yield a check for each row, and one for the secret if no row shows how it ended."""
    replica = next((row.arn for row in secret.replicas if row.arn), None)
    orphaned = in_region(replica, secret.primary_region) if replica and secret.primary_region else None
    arn = secret.arn or orphaned
    account = secret.account or arn_account(arn) or account_id
    uid = arn or "/".join(filter(None, (account, secret.primary_region, secret.name)))
    resources = [_resource(secret, secret.arn, secret.primary_region)]
    hidden = all(row.outcome is Outcome.OK for row in secret.replicas) and secret.outcome is not Outcome.OK
    if secret.error or secret.findings or hidden or not secret.replicas:
        yield _Check(
            uid=uid,
            subject=secret.name,
            control="the secret can be checked",
            outcome=secret.outcome,
            message="; ".join(secret.notes) or secret.outcome.word,
            findings=secret.findings,
            error=secret.error,
            account=account,
            region=secret.primary_region,
            rules=secret.rules,
            resources=resources,
        )
    for row in secret.replicas:
        unwanted = any(finding.kind in (Kind.EXTRA, Kind.ORPHAN) for finding in row.findings)
        well = f"{secret.name} has a current replica in {row.region}"
        yield _Check(
            uid=f"{uid}/{row.region}",
            subject=f"{secret.name} in {row.region}",
            control=f"{'no unwanted' if unwanted else 'a current'} replica in {row.region}",
            outcome=row.outcome,
            message=well if row.outcome is Outcome.OK else message_of(row) or row.outcome.word,
            findings=row.findings,
            error=row.error,
            account=account,
            region=row.region,
            rules=secret.rules,
            resources=[*resources, *([_resource(secret, row.arn, row.region)] if row.arn else [])],
        )


def _resource(secret: SecretReport, arn: str | None, region: Region | None) -> dict[str, str]:
    fields = {"uid": arn, "name": secret.name, "type": "AWS::SecretsManager::Secret", "region": region}
    return {name: value for name, value in fields.items() if value is not None}


def _event(check: _Check, ended_ms: int) -> dict[str, Any]:
    status = _status(check)
    level = _level(check, status)
    activity = _CLOSE if status is _Status.PASS else _CREATE
    kinds = list(dict.fromkeys(finding.kind.value for finding in check.findings))
    words = [check.error.code] if check.error else [in_words(kind) for kind in kinds]
    well = COVERED if check.outcome is Outcome.OK else check.outcome.word
    messages = [check.error.in_full] if check.error else [finding.message for finding in check.findings]
    hints = [detail.hint for detail in (check.error, *check.findings) if detail and detail.hint]
    place = {"provider": "AWS", "region": check.region, "account": {"uid": check.account} if check.account else None}
    return {
        "class_uid": _CLASS,
        "category_uid": _CATEGORY,
        "activity_id": activity,
        "type_uid": _CLASS * 100 + activity,
        "time": ended_ms,
        "severity_id": level,
        "severity": level.name.capitalize(),
        "message": "; ".join(dict.fromkeys(messages)) or check.message,
        "metadata": {
            "version": "1.5.0",
            "profiles": ["cloud"],
            "product": {"name": "smrep", "vendor_name": "smrep", "version": __version__},
        },
        "cloud": {name: value for name, value in place.items() if value},
        "finding_info": {
            "uid": check.uid,
            "title": f"{check.subject}: {', '.join(words) or well}",
            "types": kinds,
        },
        "compliance": {
            "control": check.control,
            "standards": ["smrep"],
            "requirements": list(filter(None, check.rules)),
            "status_id": status,
            "status": status.name.capitalize(),
        },
        **({"remediation": {"desc": "\n".join(dict.fromkeys(hints))}} if hints else {}),
        "resources": list(check.resources),
    }


def _status(check: _Check) -> _Status:
    """Return the result of the check; what smrep could not check is unknown, never passed."""
    kinds = {finding.kind for finding in check.findings}
    if check.outcome is Outcome.FAILED or (check.outcome is Outcome.DRIFT and kinds != {Kind.UNCHECKED}):
        return _Status.FAIL
    if check.error or Kind.UNCHECKED in kinds:
        return _Status.UNKNOWN
    match check.outcome:
        case Outcome.OK:
            return _Status.WARNING if kinds else _Status.PASS
        case Outcome.PENDING | Outcome.ACCEPTED:
            return _Status.WARNING
        case _:
            return _Status.UNKNOWN


def _level(check: _Check, status: _Status) -> _Level:
    """Return the weight of the worst finding; without any, that of the result."""
    if check.findings:
        return max(_LEVELS[finding.severity] for finding in check.findings)
    if status is _Status.PASS:
        return _Level.INFORMATIONAL
    return _Level.HIGH if status is _Status.FAIL else _Level.MEDIUM
