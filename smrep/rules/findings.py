"""The findings that several commands have in common, each with what to type next."""

from __future__ import annotations

from smrep.errors import AwsError, Denied, Outcome, Unanswered
from smrep.model import Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.causes import failure, with_the_name
from smrep.rules.commands import anew, aws, spell_on
from smrep.rules.kms import whose
from smrep.rules.preflight import Absent, Look, Unseen


def missing(secret: Secret, region: Region, key: str | None = None) -> Finding:
    """Return the finding for a Region that the primary does not list; `key` is the one to ask for."""
    return Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{secret.name} has no replica in {region}",
        spell_on(secret, "replicate", [Target(region, key)]),
    )


def absent(secret: Secret, region: Region, look: Absent) -> Finding:
    """Return the finding for a Region that is listed as in sync and yet holds no secret of the name, or of the ARN."""
    if look.to_the_arn:
        who, how = look.who_can_tell(secret.account)
        first = f"{how}; then, " if look.unknown_caller else ""
        return Finding(
            Kind.MISSING,
            Severity.ERROR,
            f"{secret.name} is listed as InSync in {region}, but its ARN means nothing there; whether another secret "
            f"has the name could not be checked: {who}",
            f"{first}{whose(secret)}look what has the name: {with_the_name(secret, region)}; "
            f"where nothing has, take the entry away: {anew(secret, [Target(region)])}",
        )
    return Finding(
        Kind.MISSING,
        Severity.ERROR,
        f"{secret.name} is listed as InSync in {region}, but no secret of that name is there",
        f"look again: {aws('secretsmanager describe-secret', secret_id=secret.id_in(region), region=region)}; "
        f"where it stays so, take the entry away: {anew(secret, [Target(region)])}",
    )


def no_value(primary: Secret) -> tuple[Finding, ...]:
    """Return the finding for a secret that holds no value yet, nothing where it does.

    Such a secret is InSync even under a key that does not exist; its first value fails then. Source: aws-behavior.md
    2.6.
    """
    return () if primary.version("AWSCURRENT") else (valueless(primary),)


def valueless(primary: Secret) -> Finding:
    """Return that finding."""
    name, home = primary.name, primary.region
    value = ("--secret-string", "file://VALUE")
    put = aws("secretsmanager put-secret-value", *value, secret_id=primary.arn, region=home)
    return Finding(
        Kind.NO_VALUE,
        Severity.WARNING,
        f"{name} in {home} holds no value yet, so that its replicas hold none and InSync proves nothing",
        f"put a value: {put}; then prove that it arrived: {spell_on(primary, 'verify')}",
    )


def failed(secret: Secret, entry: Replica) -> Finding:
    """Return the finding for a Region that AWS lists as Failed."""
    trouble = failure(secret, entry)
    return Finding(Kind.FAILED, Severity.ERROR, trouble.message, trouble.hint)


def unsettled(secret: Secret, entry: Replica) -> Finding:
    """Return the finding for a Region that is neither in sync nor Failed."""
    return Finding(
        Kind.IN_PROGRESS,
        Severity.WARNING,
        f"{secret.name} in {entry.region} is not settled: {entry.status or 'AWS gives no status'}",
        spell_on(secret, "wait", [Target(entry.region)]),
    )


def removing(secret: Secret, region: Region) -> Finding:
    """Return the finding for a replica of ours that the primary does not list any more."""
    return Finding(
        Kind.REMOVING,
        Severity.INFO,
        f"an old replica of {secret.name} is still being removed from {region}",
        spell_on(secret, "remove", [Target(region)]),
    )


def unchecked(what: str, error: AwsError, permission: str) -> Finding:
    """Return the finding for a look that could not be made: the permission where it was denied, else what AWS says."""
    return Finding(
        Kind.UNCHECKED,
        Severity.WARNING,
        f"{what} could not be checked: {error.message}",
        error.allowing(permission) if isinstance(error, Denied) else error.hint or Unanswered.cure,
        doubt(error),
    )


def doubt(error: AwsError) -> Outcome:
    """Return what a look that failed makes of the run: access where it was denied, else something still open."""
    return Outcome.ACCESS if error.outcome is Outcome.ACCESS else Outcome.PENDING


def unseen(secret: Secret, region: Region, look: Look) -> tuple[Finding, ...]:
    """Return the finding for a look that was wanted and could not be made, or not to the end."""
    if isinstance(look, Absent) and look.to_the_arn:
        who, hint = look.who_can_tell(secret.account)
        return (
            Finding(
                Kind.UNCHECKED,
                Severity.WARNING,
                f"whether another secret has the name {secret.name} in {region} could not be checked: {who}",
                hint,
                Outcome.ACCESS,
            ),
        )
    if not isinstance(look, Unseen) or look.error is None:
        return ()
    return (
        Finding(
            Kind.UNCHECKED,
            Severity.WARNING,
            f"what bears the name {secret.name} in {region} could not be looked at: {look.error.message}",
            look.error.allowing(f"secretsmanager:DescribeSecret in {region}")
            if isinstance(look.error, Denied)
            else look.error.hint
            if look.error.names_the_cause
            else f"see whether {region} is up, can be reached from here, and is enabled for the account",
            doubt(look.error),
        ),
    )
