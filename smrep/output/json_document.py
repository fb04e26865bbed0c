"""The JSON document of a report, `smrep/1`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from smrep import __version__
from smrep.model import CrossAccount, FarEnd
from smrep.output.safe import json_parts
from smrep.report import AccountReport, EventReport, Finding, Problem, RegionReport, RunReport, SecretReport

SCHEMA = "smrep/1"
"""Its JSON Schema is document.schema.json beside this file."""


def document(report: RunReport) -> dict[str, Any]:
    """Return the document, in one shape for every command that reports on secrets and for every end."""
    return _document(report, [_secret(secret) for secret in report.secrets])


def document_parts(report: RunReport) -> Iterator[str]:
    """Yield the document as JSON in parts, with one secret in memory at a time."""
    yield from json_parts(_document(report, _Secrets(report.secrets)))
    yield "\n"


class _Secrets(list[dict[str, Any]]):
    """Makes each secret as json's encoder writes it; a list, as the encoder takes no other iterable."""

    def __init__(self, secrets: Sequence[SecretReport]) -> None:
        super().__init__()
        self._secrets = secrets

    def __len__(self) -> int:
        return len(self._secrets)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(_secret, self._secrets)


def _document(report: RunReport, secrets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "smrep_version": __version__,
        "command": report.command,
        "dry_run": report.dry_run,
        "started_at": _timestamp(report.started_at),
        "result": report.outcome.word,
        "exit_code": report.exit_code,
        "account_id": report.account_id,
        "primary_region": report.primary_region,
        "primary_region_source": report.primary_region_source,
        "endpoint_url": report.endpoint_url,
        "endpoint_urls": dict(report.endpoint_urls),
        "elapsed_s": round(report.elapsed_s, 3),
        **({"shard": report.shard} if report.shard else {}),
        **({"absent": [_secret(secret) for secret in report.absent]} if report.absent is not None else {}),
        **({"unmatched": list(report.unmatched)} if report.unmatched else {}),
        **({"event": _event(report.event)} if report.event else {}),
        **({"summary": dict(report.summary)} if report.summary is not None else {}),
        **({"accounts": [_account(account) for account in report.accounts]} if report.command == "accounts" else {}),
        "secrets": secrets,
        "error": _error(report.error),
    }


def _account(account: AccountReport) -> dict[str, Any]:
    return {
        "account_id": account.account,
        "name": account.name,
        "state": account.state,
        "covered": account.is_covered,
        "region": account.region,
        "role_arn": account.role_arn,
        "external_id": account.external_id,
        "skipped": account.skipped,
    }


def _event(event: EventReport) -> dict[str, Any]:
    return {"name": event.name, "secret_id": event.secret_id, "ignored": event.ignored}


def _secret(secret: SecretReport) -> dict[str, Any]:
    link = secret.cross_account
    return {
        "name": secret.name,
        "arn": secret.arn,
        "primary_region": secret.primary_region,
        **({"account_id": secret.account} if secret.account else {}),
        **({"rules": list(rules)} if (rules := [*filter(None, secret.rules)]) else {}),
        **({"role": secret.role} if secret.role else {}),
        **({"checked_by": secret.checked_by} if secret.checked_by else {}),
        "result": secret.outcome.word,
        "error": _error(secret.error),
        **({"cross_account": _cross_account(link)} if link else {}),
        **({"findings": [_finding(finding) for finding in secret.findings]} if secret.findings else {}),
        "replicas": [_replica(row) for row in secret.replicas],
    }


def _cross_account(link: CrossAccount) -> dict[str, Any]:
    return {
        "primary": _far_end(link.primary) if link.primary else None,
        "replicas": [_far_end(end) for end in link.replicas],
    }


def _far_end(end: FarEnd) -> dict[str, Any]:
    return {"arn": end.arn, "status": end.status, "status_message": end.message}


def _replica(row: RegionReport) -> dict[str, Any]:
    return {
        "region": row.region,
        "arn": row.arn,
        "result": row.outcome.word,
        "status": row.status,
        "status_message": row.status_message,
        "kms_key_id": row.kms_key_id,
        "last_accessed_date": _timestamp(row.last_accessed),
        "action": row.action,
        "changed": row.changed,
        "verified": row.verified,
        "findings": [_finding(finding) for finding in row.findings],
        "error": _error(row.error),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
    }


def _error(trouble: Problem | None) -> dict[str, Any] | None:
    if trouble is None:
        return None
    return {
        "code": trouble.code,
        "message": trouble.in_full,
        "hint": trouble.hint,
        "request_id": trouble.request_id,
    }


def _timestamp(value: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
