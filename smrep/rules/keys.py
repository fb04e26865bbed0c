"""Whether two ways of naming a KMS key mean the same key, as far as their spelling tells."""

from __future__ import annotations

import re

from smrep.errors import UsageError
from smrep.model import Target, parse_arn
from smrep.regions import Region, dns_suffix, partition_of

DEFAULT = "alias/aws/secretsmanager"
"""AWS's own key, which a replica shows by this alias and a primary by no key at all. Source: aws-behavior.md 0.9."""

_DEFAULT_OF_A_VERSION = "DefaultEncryptionKey"
"""What ListSecretVersionIds calls the same key. Source: API_ListSecretVersionIds, its example."""

_ID = re.compile(r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def normal(key: str | None, region: Region, account: str) -> str:
    """Return the shortest spelling of a key as seen from that Region and account: an id, an alias, or an ARN."""
    if key in (None, _DEFAULT_OF_A_VERSION):
        return DEFAULT
    for prefix, short in ((":key/", ""), (":alias/", "alias/")):
        head, found, name = key.partition(prefix)
        if found and head.split(":")[3:] == [region, account]:
            return short + name
    return key


def id_of_key(key: str, region: Region, account: str, *, by_arn: bool) -> str:
    """Return the KeyId to ask KMS for: an id or an alias as it is, or `by_arn`, as of a key in another account.

    Source: API_DescribeKey, KeyId.
    """
    if not by_arn or key.startswith("arn:"):
        return key
    resource = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:{partition_of(region)}:kms:{region}:{account}:{resource}"


def same_by_spelling(wanted: str, shown: str | None, region: Region, account: str) -> bool | None:
    """Tell whether both name one key; None where only KMS can tell, since an alias may stand for any id.

    A customer's alias can't stand for AWS's own key, so those two differ without asking.
    """
    one, other = normal(wanted, region, account), normal(shown, region, account)
    if one == other:
        return True
    if _ID.fullmatch(one) and _ID.fullmatch(other):
        return False
    if DEFAULT in (one, other) and one.startswith("alias/") and other.startswith("alias/"):
        return False
    return None


def via(region: Region) -> str:
    """Return how KMS names Secrets Manager of that Region in kms:ViaService. Source: aws-behavior.md 4."""
    return f"secretsmanager.{region}.{dns_suffix(region)}"


def check_target(target: Target) -> None:
    """Refuse a key that can't be the replica's, without asking AWS.

    Raises:
        UsageError: the key is an ARN of another Region than its replica's, or no key at all.

    """
    key = target.kms_key
    if key is None:
        return
    if key.startswith("arn:"):
        arn = parse_arn(key, "kms")
        if not arn.resource.startswith(("key/", "alias/")):
            raise UsageError(f"{key!r} is not the ARN of a KMS key", "it ends in key/ID or alias/NAME")
        if arn.region != target.region:
            raise UsageError(
                f"the key {key} is of {arn.region}, and the replica in {target.region} needs a key of its own Region",
                f"name a key of {target.region}, by ARN, id or alias: -r {target.region}=alias/NAME",
            )
    elif not (_ID.fullmatch(key) or re.fullmatch(r"alias/[\w/-]+", key, re.ASCII)):
        raise UsageError(
            f"{key!r} is not a KMS key",
            f"a key is an ARN, a key id or an alias: -r {target.region}=alias/NAME",
        )
