"""Whether an application can read a replica, by IAM's simulation and the copied policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import Secret, in_region
from smrep.regions import KNOWN, Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, step
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import via_service

Policy = str | AwsError | None
"""A resource policy, the error of reading it, or None without one."""
Decision = str | AwsError
"""IAM's decision on an action, or the error instead."""

_REGION = r"([a-z]{2}[a-z-]*-\d{1,2})"
_REGION_BOUND = re.compile(rf"arn:aws[a-z-]*:[a-z0-9-]+:{_REGION}:|\b[a-z-]+\.{_REGION}\.")
"""An ARN or an endpoint's name, as in kms:ViaService, with a Region."""


def read_finding(role: str, primary: Secret, region: Region, decision: Decision, policy: Policy) -> Finding:
    """Return the finding for IAM's decision on GetSecretValue; the secret's own policy may allow more."""
    arn = in_region(primary.arn, region)
    reading = f"{role} to read {primary.name} in {region}"
    allow = f"allow the role secretsmanager:GetSecretValue on {arn}"
    if isinstance(decision, AwsError):
        return _not_checked(f"the permission of {reading}", role, decision)
    if decision == "allowed":
        return Finding(Kind.READER, Severity.INFO, f"IAM's simulation allows {reading}; no value was read")
    if decision == "explicitDeny":
        return Finding(Kind.READER, Severity.ERROR, f"a policy denies {reading}", "remove the Deny")
    if policy is None:
        return Finding(Kind.READER, Severity.ERROR, f"no policy allows {reading}", allow)
    message = f"none of the role's policies allows {reading}; the secret's own policy may"
    return Finding(Kind.READER, Severity.WARNING, message, allow)


def decrypt_finding(role: str, key: str, region: Region, decision: Decision) -> Finding | None:
    """Return the finding for IAM's decision on kms:Decrypt with the replica's key, None if allowed."""
    decrypting = f"{role} to decrypt with {key} in {region}"
    allow = (
        f"allow the role kms:Decrypt on {key}; where a condition limits it, with kms:ViaService {via_service(region)}"
    )
    if isinstance(decision, AwsError):
        return _not_checked(f"the permission of {decrypting}", role, decision)
    if decision == "allowed":
        return None
    if decision == "explicitDeny":
        return Finding(Kind.READER, Severity.ERROR, f"a policy denies {decrypting}", allow)
    message = f"none of the role's policies allows {decrypting}; the key's own policy may"
    return Finding(Kind.READER, Severity.WARNING, message, allow)


def region_bound_policy(primary: Secret, region: Region, policy: Policy) -> tuple[Finding, ...]:
    """Return a warning if the resource policy, which AWS copies unchanged, names another Region."""
    if isinstance(policy, AwsError):
        subject = f"the resource policy of {primary.name}"
        return (unchecked(subject, policy, f"secretsmanager:GetResourcePolicy on {primary.arn}"),)
    named = sorted({text for text in _texts(policy) if any(other != region for other in _regions(text))})
    if not named:
        return ()
    message = f"AWS copies the resource policy of {primary.name} to {region} unchanged, and it names {', '.join(named)}"
    hint = step(
        f"check that it works in {region}",
        aws_command("secretsmanager get-resource-policy", secret_id=primary.arn, region=primary.region),
    )
    return (Finding(Kind.READER, Severity.WARNING, message, hint),)


def _regions(text: str) -> set[str]:
    bare = {text} if text in KNOWN else set()
    return bare | {name for match in _REGION_BOUND.findall(text) for name in match if name}


def _texts(policy: str | None) -> Iterator[str]:
    """Yield every text in the policy's statements; invalid JSON is one text."""
    try:
        document: Any = json.loads(policy) if policy else None
    except (ValueError, RecursionError):
        document = policy
    pending = [document.get("Statement") if isinstance(document, dict) else document]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _not_checked(subject: str, role: str, error: AwsError) -> Finding:
    finding = unchecked(subject, error, f"iam:SimulatePrincipalPolicy on {role}")
    if isinstance(error, NotFound):
        name = role.rpartition("/")[2]
        hint = step("check the role and its account", aws_command("iam get-role", role_name=name))
        return replace(finding, hint=hint, outcome=Outcome.ACCESS)
    return finding
