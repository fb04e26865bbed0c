"""What contradicts itself in what a policy was asked for, and what a person should know of the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from smrep.errors import UsageError
from smrep.model import SecretId, Target, parse_arn
from smrep.regions import Region, is_known
from smrep.rules.asked import check_regions
from smrep.rules.keys import check_target
from smrep.rules.permissions import IN_YOUR_NAME
from smrep.rules.policy import EVERY, MANAGED_POLICY_MAX, Scope, is_default, is_exact, size


def check(scope: Scope, default_key: str | None) -> None:
    """Refuse what contradicts itself, and what would be a wildcard in the policy.

    Raises:
        UsageError: always with what to type instead.

    """
    check_regions(scope.homes, [target.region for target in scope.targets])
    for address in scope.secrets:
        _check_secret(address.secret_id, scope.account)
    for key in (scope.primary_key, *(target.kms_key for target in scope.targets)):
        if key and not re.fullmatch(r"[\w:/-]+", key, re.ASCII):
            raise UsageError(f"{key!r} is not one KMS key", "a key is an ARN, a key id or alias/NAME")
    if scope.primary_key:
        _check_primary_key(scope.primary_key, scope.homes)
    if default_key and not scope.targets:
        raise UsageError("--kms-key does nothing without -r", "name the replica Regions: -r REGION")
    if scope.overwrite and "replicate" not in scope.commands:
        raise UsageError("--force-overwrite does nothing without --for replicate", "add it, or leave the flag out")
    if "rekey" in scope.commands and not scope.targets:
        # UpdateSecret can set a value, though not on a replica: the primary must stay out.
        raise UsageError(
            "a policy for rekey must name its Regions: without them it would allow UpdateSecret on the primary",
            "name them: -r REGION=KMS_KEY",
        )


def _check_secret(secret_id: SecretId, account: str | None) -> None:
    name = str(secret_id)
    if name.startswith("arn:"):
        arn = parse_arn(name, "secretsmanager")
        if account and arn.account != account:
            raise UsageError(
                f"{name} belongs to account {arn.account}, and account {account} was expected",
                "leave --expect-account out, or name the secret of that account",
                code="AccountMismatch",
            )
        name = arn.resource.removeprefix("secret:")
    if secret_id != EVERY and not re.fullmatch(r"[\w/+=.@!-]+", name, re.ASCII):
        raise UsageError(
            f"{name!r} can't be a secret's name: letters, digits and /_+=.@-! may stand in one",
            "wildcards are not taken; for all secrets of a Region name none",
        )


def _check_primary_key(key: str, homes: Sequence[Region]) -> None:
    try:
        for home in homes:
            check_target(Target(home, key))
    except UsageError as error:
        raise UsageError(
            f"--primary-key {key} can't be the key of a primary in {' and '.join(homes)}",
            "name a key of the primary's Region: an ARN, a key id or alias/NAME",
        ) from error


def warnings(scope: Scope, policy: Mapping[str, object]) -> Iterator[str]:
    """Yield what makes the policy wider or less useful than it looks."""
    for region in (*scope.homes, *(target.region for target in scope.targets)):
        if not is_known(region):
            yield f"{region} is no Region that this version knows"
    if not scope.targets and "ReplicateSecretToRegions" in scope.operations:
        yield "no -r: the policy allows replicas in every Region, under AWS's default key only; name them: -r REGION"
    if size(policy) > MANAGED_POLICY_MAX:
        yield (
            f"the policy has {size(policy)} characters without white space, and a managed policy holds "
            f"{MANAGED_POLICY_MAX}: make several, each for fewer secrets or Regions"
        )


def notes(scope: Scope) -> Iterator[str]:
    """Yield what the policy leaves out or can't limit, and how to have it otherwise."""
    if scope.owner == "*":
        yield "no account is known, so any stands in the ARNs; name it: --expect-account ID"
    if scope.secrets[0].secret_id == EVERY:
        yield f"no SECRET: the policy is for every secret of {scope.homes[0]}"
    if scope.operations & IN_YOUR_NAME.keys():
        yield from _key_notes(scope)
    if "RemoveRegionsFromReplication" in scope.operations:
        yield "IAM has no condition on the Regions of a removal: the policy allows removing every replica"
    exact = [address.secret_id for address in scope.secrets if is_exact(address.secret_id)]
    if exact:
        yield (
            f"named by ARN, so that another secret of the same name in a replica Region can't be looked at and is "
            f"reported as unchecked: {', '.join(exact)}"
        )


def _key_notes(scope: Scope) -> Iterator[str]:
    if "ReplicateSecretToRegions" in scope.operations and is_default(scope.primary_key):
        yield (
            f"no statement for the primary's key in {', '.join(scope.homes)}: AWS's default key needs none; "
            "for a key of your own: --primary-key KMS_KEY"
        )
    plain = [target.region for target in scope.targets if is_default(target.kms_key)]
    if plain:
        yield (
            f"no statement for the replicas' keys in {', '.join(plain)}: AWS's default key needs none; "
            "for a key of your own: -r REGION=KMS_KEY"
        )
    if len(plain) < len(scope.targets):
        yield "a replica that is found under a key not named here is reported as unchecked"
    if "rekey" in scope.commands:
        yield (
            "rekey: where a replica leaves a key of your own, that key needs a policy too (-r REGION=OLD_KEY); "
            "rekey --recreate also needs --for remove,replicate"
        )
