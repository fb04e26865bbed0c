"""What a look by name into a target Region means for the secret that is to be replicated there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from smrep.errors import AwsError, Denied
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on
from smrep.rules.replication.key_failures import cut_off


@dataclass(frozen=True, slots=True)
class Absent:
    """AWS says that nothing bears the name there."""

    to_the_arn: bool = False
    """Only the ARN is known to mean nothing there: whether another secret has the name, another account can't see."""
    unknown_caller: AwsError | None = None
    """Why nobody can tell whether the account is the caller's own, where that is so."""

    def who_can_tell(self, account: str) -> tuple[str, str]:
        """Return who can tell whether another secret has the name, and the hint."""
        if self.unknown_caller is None:
            return f"only account {account} can tell", f"use credentials of account {account}"
        known = "whether the credentials are of its account is not known"
        return f"{known}: {self.unknown_caller.message}", telling(self.unknown_caller)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """The look could not be made; `error` is None where it was not wanted (`--no-preflight`)."""

    error: AwsError | None = None


NameLookup = Secret | Absent | NotChecked
"""What bears the secret's name in one target Region."""


def is_sure(look: NameLookup) -> bool:
    """Return whether a look shows what has the name: the secret, or that none has it."""
    return not isinstance(look, NotChecked) and not (isinstance(look, Absent) and look.to_the_arn)


def telling(error: AwsError) -> str:
    """Return the hint where STS does not tell whose the credentials are."""
    if isinstance(error, Denied):
        return error.allowing("sts:GetCallerIdentity")
    return f"see why STS does not tell whose the credentials are: {aws_command('sts get-caller-identity')}"


class NameOwner(Enum):
    """Who bears the name in the target Region."""

    NOBODY = auto()
    OURS = auto()
    """Our replica: our ARN but for the Region, and our primary."""
    PROMOTED = auto()
    """Ours once, standing alone now."""
    NAMESAKE = auto()
    """Another secret of the same name."""
    FOREIGN = auto()
    """A replica of another primary, or of a dead one."""
    DOOMED = auto()
    """Scheduled for deletion: the name is taken until then."""
    UNKNOWN = auto()


def name_owner(primary: Secret, look: NameLookup) -> NameOwner:
    """Return who bears the primary's name in the Region that was looked into.

    An equal ARN suffix tells our own from a namesake, the primary's Region a replica from a standalone secret.
    Source: aws-behavior.md 1.4, 3 'ARN', 3.2.
    """
    match look:
        case Absent():
            return NameOwner.NOBODY
        case NotChecked():
            return NameOwner.UNKNOWN
        case Secret() if look.deleted is not None:
            return NameOwner.DOOMED
        case Secret():
            ours = look.arn == in_region(primary.arn, look.region)
            if look.is_replica:
                return NameOwner.OURS if ours and look.primary_region == primary.region else NameOwner.FOREIGN
            return NameOwner.PROMOTED if ours else NameOwner.NAMESAKE


def our_replica(primary: Secret, look: NameLookup) -> Secret | None:
    """Return our replica where the look found it, else None."""
    return look if isinstance(look, Secret) and name_owner(primary, look) is NameOwner.OURS else None


def has_replicas(victim: Secret, primary: Secret) -> bool:
    """Tell whether a standalone secret is the primary of replicas of its own."""
    unlisted = victim.primary_region == victim.region and not victim.replicas
    return bool(_listed_by(victim, primary)) or unlisted


def _listed_by(victim: Secret, primary: Secret) -> list[Region]:
    """Return the Regions that a standalone secret lists as its replicas'.

    Where `primary` was promoted from it, it may list the Region of `primary` still, which is no replica any more.
    """
    left_over = primary.region if _was_replica_of(victim, primary) else None
    return [each.region for each in victim.replicas if each.region != left_over]


def _was_replica_of(victim: Secret, primary: Secret) -> bool:
    """Tell whether the victim lists, as its replica, what stands alone now as `primary`."""
    listed = victim.replica(primary.region) is not None
    return listed and not primary.is_replica and victim.arn == in_region(primary.arn, victim.region)


def secret_summary(victim: Secret) -> str:
    """Return what a person needs to see of a secret before it is destroyed: ARN, dates and rotation."""
    return f"{victim.arn}, {ages(victim)}, rotation {'on' if victim.rotation_enabled else 'off'}"


def ages(secret: Secret) -> str:
    """Return when the secret was last changed and last accessed, by days."""

    def day(moment: object) -> str:
        return str(moment)[:10] if moment else "not recorded"

    return f"last changed {day(secret.last_changed)}, last accessed {day(secret.last_accessed)}"


def _once(primary: Secret, victim: Secret) -> str:
    if _was_replica_of(victim, primary):
        return f"is the old primary, from which {primary.region} was promoted,"
    return "was our replica once"


def _without_them(victim: Secret, primary: Secret) -> str:
    others = [Target(each) for each in _listed_by(victim, primary)]
    if not others:
        return ""
    return f"; where nobody needs those: {format_command_on(victim, 'remove', others)}"


def obstacle(primary: Secret, target: Target, victim: Secret, who: NameOwner) -> Finding:
    """Return the finding that stops a Region whose name is borne by something that is not our replica."""
    name, there = primary.name, victim.region
    overwrite = format_command_on(
        primary,
        "replicate",
        [target],
        flags=[
            *("--expect-account", primary.account, "--force-overwrite"),
            *(("--overwrite-arn", victim.arn) if who is NameOwner.PROMOTED else ()),
        ],
    )
    again = format_command_on(primary, "replicate", [target])
    describe = aws_command(
        "secretsmanager describe-secret", secret_id=victim.arn if victim.by_arn else name, region=there
    )
    replacing = f"to replace it for good: {overwrite}"
    if has_replicas(victim, primary):
        replacing = f"it is not overwritten as long as it has replicas of its own{_without_them(victim, primary)}"
    match who:
        case NameOwner.FOREIGN:
            return Finding(
                Kind.ORPHAN,
                Severity.ERROR,
                f"{name} in {there} is a replica of another primary in {victim.primary_region}: {victim.arn}",
                f"force does not cure this; if that replica is not needed: {cut_off(victim.arn, there)}; "
                f"once it is gone: {again}",
            )
        case NameOwner.PROMOTED:
            return Finding(
                Kind.PROMOTED,
                Severity.ERROR,
                f"{name} in {there} {_once(primary, victim)} and stands alone now: {victim.arn}",
                f"it may hold newer values; look first: {describe}; {replacing}",
            )
        case NameOwner.DOOMED:
            return Finding(
                Kind.PENDING_DELETION,
                Severity.ERROR,
                f"{name} in {there} is scheduled for deletion and keeps the name until then: {victim.arn}",
                f"deleted by force it is gone in a minute or two, then: {again}; deleted with a recovery window: "
                f"{aws_command('secretsmanager restore-secret', secret_id=victim.arn, region=there)}, and look at it",
            )
        case _:
            return Finding(
                Kind.NAME_CLASH,
                Severity.ERROR,
                f"another secret bears the name {name} in {there}: {secret_summary(victim)}",
                f"look at it: {describe}; {replacing}",
            )
