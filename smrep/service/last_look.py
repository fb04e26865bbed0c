"""The look right before a write that destroys: the write destroys what was shown and confirmed, or is not sent.

AWS has no conditional write, so whatever others do between this look and the write stays possible: one round trip.
"""

from __future__ import annotations

from collections.abc import Collection

from smrep.errors import ChangedMeanwhile, Outcome, Throttled, Unchecked
from smrep.model import Secret
from smrep.regions import Region
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.service.looking import look
from smrep.service.ports import SecretsManager


def identity(secret: Secret) -> tuple[object, ...]:
    """Return what tells one secret in its role from another: a replica's by its primary's Region."""
    if secret.is_replica:
        return secret.arn, secret.primary_region
    return secret.arn, None, secret.deleted, secret.rotation_enabled


def state_of(secret: Secret) -> tuple[object, ...]:
    """Return what must be as it was shown: of a replica the identity, of a standalone secret the versions as well."""
    return identity(secret) if secret.is_replica else (*identity(secret), frozenset(secret.stages))


def check_shown(
    aws: SecretsManager, shown: Secret, again: str | None, *, may_list: Collection[Region] = (), written: bool = False
) -> None:
    """Look at a secret once more, and let it be destroyed; `again` is the command to type if it may not be.

    A standalone secret may list `may_list` as its replicas' Regions, and no other. With `written`, its versions may be
    others by now: it is not what is destroyed.

    Raises:
        ChangedMeanwhile: it is not as it was shown, or could not be looked at.
        CredentialsError: no further call can succeed.
        Throttled: AWS was asked too often.

    """
    seen = look(aws, shown, shown.region)
    compare(shown, seen, shown.name, shown.region, again, written=written)
    listed = {each.region for each in seen.replicas} - {*may_list} if isinstance(seen, Secret) and not written else ()
    if listed:
        raise _changed(shown.name, shown.region, f"it has replicas in {', '.join(sorted(listed))}", again)


def compare(  # noqa: PLR0913 - what was shown may be nothing, which bears no name
    shown: Secret | None, seen: Look, name: str, region: Region, again: str | None, *, written: bool = False
) -> None:
    """Hold a fresh look into a Region against what was shown of it; None where nothing was there.

    A replica that is gone is let through: a request that removes it destroys nothing any more.

    Raises:
        ChangedMeanwhile: they differ, or there was no look.
        Throttled: AWS was asked too often.

    """
    if isinstance(seen, Unseen):
        if isinstance(seen.error, Throttled):
            raise seen.error
        why = f": {seen.error.words}" if seen.error else ""
        outcome = seen.error.outcome if seen.error else Unchecked.outcome
        raise Unchecked(f"{name} in {region} could not be checked again, so it was skipped{why}", again, outcome)
    if isinstance(seen, Absent):
        if seen.to_the_arn:
            skipped = f"{name} in {region} could not be checked again, so it was skipped"
            why = "only the account that owns it can tell what has that name there"
            raise Unchecked(f"{skipped}: {why}", again, Outcome.ACCESS)
        if shown is None or shown.is_replica:
            return
        raise _changed(name, region, "nothing has that name there now", again)
    if shown is None:
        raise _changed(name, region, f"nothing was there, and now {seen.arn} is", again)
    of = identity if written else state_of
    if of(seen) != of(shown):
        raise _changed(name, region, _difference(shown, seen), again)


def _changed(name: str, region: Region, what: str, again: str | None) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{name} in {region} is no longer as it was shown, so it was skipped: {what}", again)


def _difference(shown: Secret, seen: Secret) -> str:
    if seen.arn != shown.arn:
        return f"{seen.arn} is there now, and {shown.arn} was shown"
    if seen.is_replica:
        return f"it is a replica of {seen.primary_region} now"
    if shown.is_replica:
        return "it was promoted"
    if seen.deleted != shown.deleted:
        return "its deletion was scheduled or canceled"
    if seen.rotation_enabled != shown.rotation_enabled:
        return f"its rotation was turned {'on' if seen.rotation_enabled else 'off'}"
    return "its versions were changed"
