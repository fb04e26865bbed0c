"""Decides whether `promote` may act, and reports the old primary's remaining replicas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import Outcome, UsageError
from smrep.model import Secret, SecretId, in_region, parse_arn
from smrep.regions import Region
from smrep.report import Action, Problem, RegionReport
from smrep.rules.hints import aws_command, promote_command, step


def promotion_blocker(secret: Secret, home: Region | None) -> Problem | None:
    """Return why smrep does not promote this secret, None if it may; `home` is the primary's Region, if given.

    For another account's replica, the same call means something else. Source: aws-behavior.md 1.3.

    Raises:
        UsageError: it is the primary itself.

    """
    if secret.replicas and not secret.is_replica:
        raise UsageError(
            f"{secret.name} in {secret.region} is the primary, which cannot be promoted",
            "use the Region of a replica with -r",
        )
    link = secret.cross_account.primary if secret.cross_account else None
    if link:
        return Problem(
            "CrossAccountReplica",
            f"{secret.name} in {secret.region} is a replica of another account's secret, {link.arn}; smrep does not "
            "promote those",
            step(
                "look at it",
                aws_command(
                    "secretsmanager describe-secret", secret_id=secret.id_in(secret.region), region=secret.region
                ),
            ),
            None,
            Outcome.FAILED,
        )
    if home and secret.is_replica and secret.primary_region != home:
        return Problem(
            "OtherPrimary",
            f"{secret.name} in {secret.region} is a replica of {secret.primary_region}, not of {home}",
            step("to promote it all the same", promote_command(secret)),
            None,
            Outcome.FAILED,
        )
    return None


def check_arn_regions(secret_ids: Iterable[SecretId], secrets: Sequence[Secret]) -> None:
    """Refuse an ARN whose Region holds neither the found replica nor its primary.

    A standalone secret does not show its former primary, so its ARN is not checked.

    Raises:
        UsageError: the ARN names such a Region.

    """
    for named in (secret_id for secret_id in secret_ids if secret_id.startswith("arn:")):
        region = parse_arn(named, "secretsmanager").region
        for secret in (
            candidate
            for candidate in secrets
            if candidate.is_replica and candidate.arn == in_region(named, candidate.region)
        ):
            if region not in (secret.region, secret.primary_region):
                raise UsageError(
                    f"{named} is in {region}, but -r {secret.region} has a replica of {secret.primary_region}; "
                    "nothing was sent",
                    f"use -r {region}, or the ARN in {secret.region}: {secret.arn}",
                )


def promotion_report(
    now: Secret, error: Problem | None, *, accepted: bool, waiting: bool, dry_run: bool
) -> RegionReport:
    """Return the promoted secret's current state as a row; `waiting` is False with --no-wait."""
    outcome = error.outcome if error else Outcome.OK
    if error is None and now.is_replica and not dry_run:
        outcome = Outcome.ACCEPTED if accepted and not waiting else Outcome.PENDING
    return RegionReport(
        region=now.region,
        outcome=outcome,
        arn=now.arn,
        kms_key_id=now.kms_key_id,
        last_accessed=now.last_accessed,
        action=Action.PROMOTE,
        changed=accepted,
        error=error,
        note=None if now.is_replica else "standalone",
    )


def old_primary_notes(old: Secret, promoted: Region) -> tuple[str, ...]:
    """Return notes on the Regions that the old primary still lists."""
    entry = old.replica(promoted)
    others = [replica.region for replica in old.replicas if replica.region != promoted]
    notes = []
    if entry is not None:
        notes.append(
            f"the old primary in {old.region} still lists {promoted} as {entry.status}; ignore that status, and do not "
            "remove that Region there: it may delete the promoted secret"
        )
    if others:
        notes.append(f"{', '.join(others)} stay{'s' if len(others) == 1 else ''} with the old primary in {old.region}")
    return tuple(notes)


def no_answer_note(promoted: Secret, why: str) -> str:
    """Return the note on an old primary that did not answer, which fails nothing."""
    return f"the old primary in {promoted.primary_region} did not say which Regions it still lists: {why}"
