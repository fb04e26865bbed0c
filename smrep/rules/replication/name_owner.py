"""The owner of a secret's name in a target Region: our replica, another secret, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from smrep.errors import AwsError, Denied
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on, step, steps
from smrep.rules.replication.key_failures import delete_commands


@dataclass(frozen=True, slots=True)
class NoSecret:
    """No secret of this name exists in the Region."""

    only_by_arn: bool = False
    """Only the ARN is known not to exist: another account cannot check the name."""
    unknown_caller: AwsError | None = None
    """Why the caller's account is unknown, if it is."""

    def name_check_advice(self, account: str) -> tuple[str, str]:
        """Return who can check whether another secret has the name, and the hint."""
        if self.unknown_caller is None:
            return f"only account {account} can check that", f"use credentials of account {account}"
        reason = "the account of the credentials is unknown"
        return f"{reason}: {self.unknown_caller.message}", caller_hint(self.unknown_caller)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """The Region was not checked; `error` is None if that was not wanted (`--no-preflight`)."""

    error: AwsError | None = None


NameLookup = Secret | NoSecret | NotChecked
"""The result of looking up the secret's name in one target Region."""


def is_sure(look: NameLookup) -> bool:
    """Return whether a lookup found the owner of the name, or found that it is free."""
    return not isinstance(look, NotChecked) and not (isinstance(look, NoSecret) and look.only_by_arn)


def caller_hint(error: AwsError) -> str:
    """Return the hint if STS does not reveal the caller's account."""
    if isinstance(error, Denied):
        return error.allowing("sts:GetCallerIdentity")
    return step("check why STS does not identify the credentials", aws_command("sts get-caller-identity"))


class NameOwner(Enum):
    """The owner of the name in the target Region."""

    NOBODY = auto()
    OURS = auto()
    """Our replica: our ARN in its Region, and our primary."""
    PROMOTED = auto()
    """Our former replica, standalone now."""
    OTHER_SECRET = auto()
    """Another secret of the same name."""
    FOREIGN = auto()
    """A replica of another primary, which may be gone."""
    PENDING_DELETION = auto()
    """A secret scheduled for deletion, which keeps the name until then."""
    UNKNOWN = auto()


def name_owner(primary: Secret, look: NameLookup) -> NameOwner:
    """Return the owner of the primary's name in the Region of the lookup.

    An equal ARN suffix marks our secret, and the primary's Region marks a replica.
    Source: aws-behavior.md 1.4, 3 'ARN', 3.2.
    """
    match look:
        case NoSecret():
            return NameOwner.NOBODY
        case NotChecked():
            return NameOwner.UNKNOWN
        case Secret() if look.deleted is not None:
            return NameOwner.PENDING_DELETION
        case Secret():
            ours = look.arn == in_region(primary.arn, look.region)
            if look.is_replica:
                return NameOwner.OURS if ours and look.primary_region == primary.region else NameOwner.FOREIGN
            return NameOwner.PROMOTED if ours else NameOwner.OTHER_SECRET


def our_replica(primary: Secret, look: NameLookup) -> Secret | None:
    """Return our replica if the lookup found it, otherwise None."""
    return look if isinstance(look, Secret) and name_owner(primary, look) is NameOwner.OURS else None


def has_replicas(victim: Secret, primary: Secret) -> bool:
    """Return whether a standalone secret is the primary of other replicas."""
    unlisted = victim.primary_region == victim.region and not victim.replicas
    return bool(_listed_by(victim, primary)) or unlisted


def _listed_by(victim: Secret, primary: Secret) -> list[Region]:
    """Return the Regions of a standalone secret's replicas.

    Leaves out the Region of `primary` if it was promoted from that secret: the list may still show it.
    """
    left_over = primary.region if _was_replica_of(victim, primary) else None
    return [replica.region for replica in victim.replicas if replica.region != left_over]


def _was_replica_of(victim: Secret, primary: Secret) -> bool:
    """Return whether the victim still lists `primary`, which is standalone now, as its replica."""
    listed = victim.replica(primary.region) is not None
    return listed and not primary.is_replica and victim.arn == in_region(primary.arn, victim.region)


def secret_summary(victim: Secret) -> str:
    """Return a summary to read before destroying a secret: ARN, dates and rotation."""
    return f"{victim.arn}, {last_dates(victim)}, rotation {'on' if victim.rotation_enabled else 'off'}"


def last_dates(secret: Secret) -> str:
    """Return the days of the last change and the last access."""

    def day(moment: object) -> str:
        return str(moment)[:10] if moment else "not recorded"

    return f"last changed {day(secret.last_changed)}, last accessed {day(secret.last_accessed)}"


def _former_relation(primary: Secret, victim: Secret) -> str:
    if _was_replica_of(victim, primary):
        return f"is the old primary, whose replica in {primary.region} was promoted"
    return "was a replica of this secret, and was promoted"


def _keep_for_replicas(victim: Secret, primary: Secret) -> str:
    """Return the hint for a secret that smrep does not overwrite, since it has replicas of its own."""
    others = [Target(region) for region in _listed_by(victim, primary)]
    return steps(
        "smrep does not overwrite it while it has replicas of its own",
        step("if nobody needs those", format_command_on(victim, "remove", others)) if others else None,
    )


def conflict_finding(primary: Secret, target: Target, victim: Secret, owner: NameOwner) -> Finding:
    """Return the finding for a Region whose secret of this name is not our replica."""
    name, region = primary.name, victim.region
    overwrite = format_command_on(
        primary,
        "replicate",
        [target],
        flags=[
            *("--expect-account", primary.account, "--force-overwrite"),
            *(("--overwrite-arn", victim.arn) if owner is NameOwner.PROMOTED else ()),
        ],
    )
    again = format_command_on(primary, "replicate", [target])
    describe = aws_command(
        "secretsmanager describe-secret", secret_id=victim.arn if victim.by_arn else name, region=region
    )
    replacing = (
        _keep_for_replicas(victim, primary)
        if has_replicas(victim, primary)
        else step("to replace it for good", overwrite)
    )
    match owner:
        case NameOwner.FOREIGN:
            return Finding(
                Kind.ORPHAN,
                Severity.ERROR,
                f"{name} in {region} is a replica of another primary in {victim.primary_region}: {victim.arn}",
                steps(
                    "--force-overwrite cannot replace it",
                    step("if nobody needs that replica", *delete_commands(victim.arn, region)),
                    step("once it is gone", again),
                ),
            )
        case NameOwner.PROMOTED:
            return Finding(
                Kind.PROMOTED,
                Severity.ERROR,
                f"{name} in {region} {_former_relation(primary, victim)}: {victim.arn}",
                steps(step("look at it first; it may hold newer values", describe), replacing),
            )
        case NameOwner.PENDING_DELETION:
            return Finding(
                Kind.PENDING_DELETION,
                Severity.ERROR,
                f"{name} in {region} is scheduled for deletion and keeps its name until then: {victim.arn}",
                steps(
                    step("if it was deleted by force, it is gone in a minute or two; then", again),
                    step(
                        "if it has a recovery window, restore it to look at it",
                        aws_command("secretsmanager restore-secret", secret_id=victim.arn, region=region),
                    ),
                ),
            )
        case _:
            return Finding(
                Kind.NAME_CONFLICT,
                Severity.ERROR,
                f"{region} has a different secret named {name}: {secret_summary(victim)}",
                steps(step("look at it", describe), replacing),
            )
