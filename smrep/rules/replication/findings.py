"""Findings about secrets and Regions, shared by several commands."""

from __future__ import annotations

from smrep.errors import AwsError, Denied, Outcome, Unanswered
from smrep.model import FAILED, FarEnd, Replica, Secret, Target, arn_account
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on, remove_then_replicate, step, steps
from smrep.rules.replication.key_failures import credentials_prefix, failure, show_name_owner
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked


def not_listed(secret: Secret, region: Region, key: str | None = None) -> Finding:
    """Return the finding for a Region that the primary does not list; the hint asks for `key`."""
    return Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{secret.name} has no replica in {region}",
        step("add it", format_command_on(secret, "replicate", [Target(region, key)])),
    )


def listed_but_missing(secret: Secret, region: Region, look: NoSecret) -> Finding:
    """Return the finding for a Region listed as InSync that has no secret of this name or ARN."""
    again = remove_then_replicate(secret, [Target(region)])
    if look.only_by_arn:
        reason, advice = look.name_check_advice(secret.account)
        return Finding(
            Kind.MISSING,
            Severity.ERROR,
            f"{secret.name} is listed as InSync in {region}, but {region} has no secret with its ARN; smrep could not "
            f"check whether another secret has the name: {reason}",
            steps(
                advice if look.unknown_caller else None,
                step(f"{credentials_prefix(secret)}see whether a secret has the name", show_name_owner(secret, region)),
                step("if none has, replicate again", *again),
            ),
        )
    describe = aws_command("secretsmanager describe-secret", secret_id=secret.id_in(region), region=region)
    return Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{secret.name} is listed as InSync in {region}, but {region} has no secret with this name",
        steps(step("look again", describe), step("if it is still missing, replicate again", *again)),
    )


def no_value(primary: Secret) -> tuple[Finding, ...]:
    """Return the finding for a secret without a value, nothing if it has one.

    Such a secret is InSync even under a key that does not exist; its first value fails. Source: aws-behavior.md 2.6.
    """
    return () if primary.version("AWSCURRENT") else (valueless(primary),)


def valueless(primary: Secret) -> Finding:
    """Return the finding for a secret without a value."""
    name, home = primary.name, primary.region
    value = ("--secret-string", "file://VALUE")
    put = aws_command("secretsmanager put-secret-value", *value, secret_id=primary.arn, region=home)
    return Finding(
        Kind.NO_VALUE,
        Severity.WARNING,
        f"{name} in {home} holds no value yet, so its replicas hold none, and InSync proves nothing",
        steps(step("put a value", put), step("then prove that it arrived", format_command_on(primary, "verify"))),
    )


def failed(secret: Secret, entry: Replica) -> Finding:
    """Return the finding for a Region that AWS lists as Failed."""
    trouble = failure(secret, entry)
    return Finding(Kind.FAILED, Severity.ERROR, trouble.message, trouble.hint)


def in_progress(secret: Secret, entry: Replica) -> Finding:
    """Return the finding for a Region that is neither in sync nor Failed."""
    return Finding(
        Kind.IN_PROGRESS,
        Severity.WARNING,
        f"{secret.name} in {entry.region} is neither in sync nor failed: {entry.status or 'AWS gives no status'}",
        step("wait for it", format_command_on(secret, "wait", [Target(entry.region)])),
    )


def removing(secret: Secret, region: Region) -> Finding:
    """Return the finding for our replica that the primary no longer lists."""
    return Finding(
        Kind.REMOVING,
        Severity.INFO,
        f"an old replica of {secret.name} is still being removed from {region}",
        step("wait until it is gone", format_command_on(secret, "remove", [Target(region)])),
    )


def unchecked(subject: str, error: AwsError, permission: str) -> Finding:
    """Return the finding for a failed check: the missing permission if denied, otherwise AWS's hint."""
    return Finding(
        Kind.UNCHECKED,
        Severity.WARNING,
        f"{subject} could not be checked: {error.message}",
        error.allowing(permission) if isinstance(error, Denied) else error.hint or Unanswered.default_hint,
        failed_check_outcome(error),
    )


def failed_check_outcome(error: AwsError) -> Outcome:
    """Return the outcome of a failed check: access if denied, otherwise pending."""
    return Outcome.ACCESS if error.outcome is Outcome.ACCESS else Outcome.PENDING


def not_checked(secret: Secret, region: Region, look: NameLookup) -> tuple[Finding, ...]:
    """Return the finding for a check that failed or was incomplete; nothing if it was not wanted."""
    if isinstance(look, NoSecret) and look.only_by_arn:
        reason, hint = look.name_check_advice(secret.account)
        return (
            Finding(
                Kind.UNCHECKED,
                Severity.WARNING,
                f"smrep could not check whether another secret has the name {secret.name} in {region}: {reason}",
                hint,
                Outcome.ACCESS,
            ),
        )
    if not isinstance(look, NotChecked) or look.error is None:
        return ()
    return (
        Finding(
            Kind.UNCHECKED,
            Severity.WARNING,
            f"{secret.name} in {region} could not be checked: {look.error.message}",
            look.error.allowing(f"secretsmanager:DescribeSecret in {region}")
            if isinstance(look.error, Denied)
            else look.error.hint
            if look.error.names_the_cause
            else f"check that {region} is up, reachable from here, and enabled for the account",
            failed_check_outcome(look.error),
        ),
    )


_KINDS = {FAILED: Kind.FAILED, "Detached": Kind.DETACHED}


def cross_account_findings(secret: Secret) -> tuple[Finding, ...]:
    """Return a finding for each failed or detached cross-account link, with the repair command.

    It changes no exit code: the run is about replicas in other Regions.
    """
    link = secret.cross_account
    if link is None:
        return ()
    findings = []
    for end in link.replicas:
        if end.status in _KINDS:
            subject = f"the cross-account replica {end.arn} of {secret.name} in {secret.region}"
            findings.append(_finding(subject, end, _repair(secret, secret.arn, end.arn, end.role)))
    if link.primary and link.primary.status in _KINDS:
        subject = f"{secret.name} in {secret.region} is a cross-account replica of {link.primary.arn}, which"
        hint = f"with credentials of account {arn_account(link.primary.arn) or 'ACCOUNT'}, "
        findings.append(_finding(subject, link.primary, hint + _repair(secret, link.primary.arn, secret.arn, None)))
    return tuple(findings)


def _finding(subject: str, end: FarEnd, hint: str) -> Finding:
    why = f": {end.message}" if end.message else ""
    return Finding(_KINDS[end.status or ""], Severity.WARNING, f"{subject} is {end.status}{why}", hint)


def _repair(secret: Secret, primary: str | None, replica: str | None, role: str | None) -> str:
    """Return the AWS CLI's repair command; smrep never calls it, since it needs secretsmanager:GetSecretValue."""
    role_option = {"replication_role_arn": role} if role else {}
    command = aws_command(
        "secretsmanager associate-cross-account-replica",
        secret_id=primary or "PRIMARY_ARN",
        cross_account_replica_arn=replica or "REPLICA_ARN",
        **role_option,
        region=secret.region,
    )
    return step("repair the link", command)
