"""Replication between accounts of one Region, which smrep shows and does not change: what is wrong with the other end.

Source: API_AssociateCrossAccountReplica, aws-behavior.md 0.5, 10.
"""

from __future__ import annotations

from collections.abc import Iterator

from smrep.model import FAILED, FarEnd, Secret
from smrep.report import Finding, Kind, Severity
from smrep.rules.commands import aws

_KINDS = {FAILED: Kind.FAILED, "Detached": Kind.DETACHED}


def far_findings(secret: Secret) -> tuple[Finding, ...]:
    """Return a finding for each other end that Failed or is Detached, with the command that repairs it.

    It changes no exit code: the run is about replicas in other Regions.
    """
    return tuple(_findings(secret))


def _findings(secret: Secret) -> Iterator[Finding]:
    link = secret.cross_account
    if link is None:
        return
    for end in link.replicas:
        if end.status in _KINDS:
            what = f"the cross-account replica {end.arn} of {secret.name} in {secret.region}"
            yield _finding(what, end, _repair(secret, secret.arn, end.arn, end.role))
    if link.primary and link.primary.status in _KINDS:
        what = f"{secret.name} in {secret.region} is a cross-account replica of {link.primary.arn}, which"
        whose = f"with credentials of account {_account(link.primary.arn)}: "
        yield _finding(what, link.primary, whose + _repair(secret, link.primary.arn, secret.arn, None))


def _finding(what: str, end: FarEnd, hint: str) -> Finding:
    why = f": {end.message}" if end.message else ""
    return Finding(_KINDS[end.status or ""], Severity.WARNING, f"{what} is {end.status}{why}", hint)


def _repair(secret: Secret, primary: str | None, replica: str | None, role: str | None) -> str:
    """Return the AWS CLI's command; smrep never calls it, since it needs secretsmanager:GetSecretValue."""
    role_option = {"replication_role_arn": role} if role else {}
    return aws(
        "secretsmanager associate-cross-account-replica",
        secret_id=primary or "PRIMARY_ARN",
        cross_account_replica_arn=replica or "REPLICA_ARN",
        **role_option,
        region=secret.region,
    )


def _account(arn: str | None) -> str:
    """Return the account in AWS's word for an ARN."""
    return ":".join((arn or "").split(":")[4:5]) or "ACCOUNT"
