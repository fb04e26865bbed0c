"""Whether an application could read a replica, as far as IAM's simulation and the copied policy tell."""

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
from smrep.rules.hints import aws_command
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import via

Policy = str | AwsError | None
"""A resource policy, why it could not be had, or None where there is none."""
Decision = str | AwsError
"""IAM's word on an action, or why it said none."""

_REGION = r"([a-z]{2}[a-z-]*-\d{1,2})"
_REGION_BOUND = re.compile(rf"arn:aws[a-z-]*:[a-z0-9-]+:{_REGION}:|\b[a-z-]+\.{_REGION}\.")
"""An ARN, or the name of an endpoint as in kms:ViaService, that names a Region."""


def may_read(role: str, primary: Secret, region: Region, decision: Decision, policy: Policy) -> Finding:
    """Return what IAM's word on GetSecretValue means; what no policy of the role's allows, the secret's own may."""
    arn = in_region(primary.arn, region)
    what = f"{role} to read {primary.name} in {region}"
    allow = f"allow the role secretsmanager:GetSecretValue on {arn}"
    if isinstance(decision, AwsError):
        return _unsure(f"whether IAM allows {what}", role, decision)
    if decision == "allowed":
        return Finding(Kind.READER, Severity.INFO, f"IAM's simulation allows {what}; it is advice, no value was read")
    if decision == "explicitDeny":
        return Finding(Kind.READER, Severity.ERROR, f"a policy forbids {what}", "take the Deny away")
    if policy is None:
        return Finding(Kind.READER, Severity.ERROR, f"no policy allows {what}", allow)
    message = f"none of the role's policies allows {what}; the secret's own policy may"
    return Finding(Kind.READER, Severity.WARNING, message, allow)


def may_decrypt(role: str, key: str, region: Region, decision: Decision) -> Finding | None:
    """Return what IAM's word on kms:Decrypt means for the replica's key, None where it is allowed."""
    what = f"{role} to decrypt with {key} in {region}"
    allow = f"allow the role kms:Decrypt on {key}, with kms:ViaService {via(region)} if it is limited by that"
    if isinstance(decision, AwsError):
        return _unsure(f"whether IAM allows {what}", role, decision)
    if decision == "allowed":
        return None
    if decision == "explicitDeny":
        return Finding(Kind.READER, Severity.ERROR, f"a policy forbids {what}", allow)
    message = f"none of the role's policies allows {what}; the key's own policy may"
    return Finding(Kind.READER, Severity.WARNING, message, allow)


def bound(primary: Secret, region: Region, policy: Policy) -> tuple[Finding, ...]:
    """Return a warning where the resource policy, which is copied word for word, names another Region."""
    if isinstance(policy, AwsError):
        what = f"the resource policy of {primary.name}"
        return (unchecked(what, policy, f"secretsmanager:GetResourcePolicy on {primary.arn}"),)
    named = sorted({text for text in _texts(policy) if any(each != region for each in _regions(text))})
    if not named:
        return ()
    message = f"the resource policy of {primary.name} is copied to {region} as it is, and names {', '.join(named)}"
    hint = f"see whether that holds in {region}: " + aws_command(
        "secretsmanager get-resource-policy", secret_id=primary.arn, region=primary.region
    )
    return (Finding(Kind.READER, Severity.WARNING, message, hint),)


def _regions(text: str) -> set[str]:
    bare = {text} if text in KNOWN else set()
    return bare | {name for found in _REGION_BOUND.findall(text) for name in found if name}


def _texts(policy: str | None) -> Iterator[str]:
    """Yield every text in the policy's statements; one that is no JSON is one text."""
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


def _unsure(what: str, role: str, error: AwsError) -> Finding:
    found = unchecked(what, error, f"iam:SimulatePrincipalPolicy on {role}")
    if isinstance(error, NotFound):
        name = role.rpartition("/")[2]
        hint = f"check the role and its account: {aws_command('iam get-role', role_name=name)}"
        return replace(found, hint=hint, outcome=Outcome.ACCESS)
    return found
