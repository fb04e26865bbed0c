"""What was asked for, and every way in which it contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smrep.errors import UsageError
from smrep.model import SecretId, parse_arn
from smrep.regions import Region, partition_of


@dataclass(frozen=True, slots=True)
class Address:
    """A secret and the Region in which it was asked for."""

    secret_id: SecretId
    region: Region


def common_region(addresses: Sequence[Address]) -> Region | None:
    """Return the Region that all secrets share, None where ARNs name several."""
    regions = {address.region for address in addresses}
    return regions.pop() if len(regions) == 1 else None


def account_in(secret_id: SecretId) -> str | None:
    """Return the account that an ARN names, None for a name."""
    return parse_arn(secret_id, "secretsmanager").account if secret_id.startswith("arn:") else None


def check_account(found: str | None, expected: str | None, what: str) -> None:
    """Refuse another account than the one expected.

    Raises:
        UsageError: `found` is known and is not `expected`.

    """
    if expected and found and found != expected:
        raise UsageError(
            f"{what} belongs to account {found}, and account {expected} was expected; nothing was sent",
            "check --profile, the credentials in the environment, and what named the account: --expect-account, or the "
            "manifest's account_id or role_arn",
            code="AccountMismatch",
        )


def check_regions(homes: Iterable[Region], replicas: Sequence[Region]) -> None:
    """Refuse Regions that can't hold replicas of primaries in `homes`.

    Raises:
        UsageError: one is the primary's own Region, or lies in another partition.

    """
    for home in dict.fromkeys(homes):
        for replica in replicas:
            if replica == home:
                raise UsageError(
                    f"{home} is the primary's own Region and can't hold its replica",
                    "name another Region with -r, or the primary's with --primary-region",
                )
            if partition_of(replica) != partition_of(home):
                raise UsageError(
                    f"{replica} is in partition {partition_of(replica)} and the primary's Region {home} "
                    f"in {partition_of(home)}: secrets replicate within one partition only",
                    f"name a Region of {partition_of(home)}",
                )
