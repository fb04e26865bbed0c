"""The AWS calls of smrep's commands, the least-privilege IAM policy for them, and its notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from smrep.errors import UsageError
from smrep.model import SecretId, Target, in_region, parse_arn
from smrep.regions import KNOWN, Region, partition_of
from smrep.rules.policy_size import MANAGED_POLICY_MAX, size
from smrep.rules.primary_region import SecretAddress, check_regions
from smrep.rules.replication.key_failures import DEFAULT, check_key, via_service


class Place(Enum):
    """The target of an operation."""

    PRIMARY = "the primary, in its Region"
    REPLICA = "a replica, in its own Region"
    ACCOUNT = "the account, in no particular Region"


Operation = tuple[str, str]
"""Service and operation, which also make IAM's action."""

_PRIMARY, _REPLICA, _BOTH, _ACCOUNT = (
    (Place.PRIMARY,),
    (Place.REPLICA,),
    (Place.PRIMARY, Place.REPLICA),
    (Place.ACCOUNT,),
)

_DESCRIBE: Mapping[Operation, tuple[Place, ...]] = {("secretsmanager", "DescribeSecret"): _BOTH}
_PREFLIGHT: Mapping[Operation, tuple[Place, ...]] = {
    **_DESCRIBE,
    ("secretsmanager", "ListSecretVersionIds"): _BOTH,  # the replica's only with --verify
    ("kms", "DescribeKey"): _BOTH,
    ("account", "ListRegions"): _ACCOUNT,  # this and the next only if a Region refuses the credentials
    ("ec2", "DescribeRegions"): _ACCOUNT,
}
_PREFLIGHT_OF_MANY: Mapping[Operation, tuple[Place, ...]] = {
    **_DESCRIBE,
    ("kms", "DescribeKey"): _BOTH,
    ("account", "ListRegions"): _ACCOUNT,
    ("ec2", "DescribeRegions"): _ACCOUNT,
}
_LIST: Mapping[Operation, tuple[Place, ...]] = {("secretsmanager", "ListSecrets"): _ACCOUNT}  # in each Region
CALLS: Mapping[str, Mapping[Operation, tuple[Place, ...]]] = {
    "replicate": {**_PREFLIGHT, ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY},
    "status": _DESCRIBE,
    "wait": _DESCRIBE,
    "retry": {**_PREFLIGHT, ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY},
    "verify": {
        **_DESCRIBE,
        ("secretsmanager", "ListSecretVersionIds"): _BOTH,
        ("kms", "DescribeKey"): _REPLICA,
    },
    "rekey": {
        **_DESCRIBE,
        ("secretsmanager", "ListSecretVersionIds"): _BOTH,
        ("kms", "DescribeKey"): _REPLICA,
        ("secretsmanager", "UpdateSecret"): _REPLICA,
    },
    "remove": {**_DESCRIBE, ("secretsmanager", "RemoveRegionsFromReplication"): _PRIMARY},
    "promote": {**_DESCRIBE, ("secretsmanager", "StopReplicationToReplica"): _REPLICA},
    "list": _LIST,
    "init": _LIST,
    "accounts": {  # for whoever asks: the current credentials, or lookup_role_arn
        ("organizations", "ListAccounts"): _ACCOUNT,
        ("organizations", "ListAccountsForParent"): _ACCOUNT,  # this and the next only with OUs
        ("organizations", "ListOrganizationalUnitsForParent"): _ACCOUNT,
    },
    "audit": {**_DESCRIBE, **_LIST, ("kms", "DescribeKey"): _REPLICA},
    "plan": {**_PREFLIGHT_OF_MANY, **_LIST},
    "apply": {
        **_PREFLIGHT_OF_MANY,
        **_LIST,
        ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY,
        ("secretsmanager", "RemoveRegionsFromReplication"): _PRIMARY,  # only with remove_extra
    },
    "export": {**_DESCRIBE, **_LIST},
    "failover": {  # sends nothing to the lost Region
        ("secretsmanager", "DescribeSecret"): _REPLICA,
        **_LIST,
        ("secretsmanager", "GetResourcePolicy"): _REPLICA,
        ("kms", "DescribeKey"): _REPLICA,
        ("secretsmanager", "StopReplicationToReplica"): _REPLICA,
    },
    "failback": {  # either side may be the primary for a while
        **_DESCRIBE,
        ("kms", "DescribeKey"): _BOTH,
        ("secretsmanager", "ReplicateSecretToRegions"): _BOTH,
        ("secretsmanager", "RemoveRegionsFromReplication"): _BOTH,
        ("secretsmanager", "StopReplicationToReplica"): _PRIMARY,  # only with --return-primary
    },
    "doctor": {
        **_PREFLIGHT,
        ("secretsmanager", "GetResourcePolicy"): _PRIMARY,  # this and the next only with --reader
        ("iam", "SimulatePrincipalPolicy"): _ACCOUNT,
    },
}
"""The places of each operation, by command. Leaves out sts:GetCallerIdentity, which needs no permission."""

KEY_OPERATIONS: Mapping[str, Mapping[Operation, tuple[Place, ...]]] = {
    "ReplicateSecretToRegions": {
        ("kms", "Decrypt"): _PRIMARY,
        ("kms", "GenerateDataKey"): _REPLICA,
        ("kms", "Encrypt"): _REPLICA,
    },
    "UpdateSecret": {
        ("kms", "GenerateDataKey"): _REPLICA,
        ("kms", "Encrypt"): _REPLICA,
        ("kms", "Decrypt"): _REPLICA,
    },
}
"""Operation -> KMS operations that Secrets Manager then performs as the caller -> whose key.

Source: aws-behavior.md 4; API_ReplicateSecretToRegions, API_UpdateSecret.
"""

WRITES_TO_PRIMARY = frozenset({"ReplicateSecretToRegions", "RemoveRegionsFromReplication"})

HARMLESS = ("replicate", "status", "wait", "retry", "verify")
"""The commands that cannot destroy anything."""

LABELS: Mapping[str, str] = {
    **dict.fromkeys(("DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy"), "LookAtSecrets"),
    "ListSecrets": "ListSecrets",
    "ReplicateSecretToRegions": "Replicate",
    "RemoveRegionsFromReplication": "Remove",
    "StopReplicationToReplica": "Promote",
    "UpdateSecret": "Rekey",
    "DescribeKey": "LookAtKeys",
    **dict.fromkeys(("GenerateDataKey", "Encrypt", "Decrypt"), "UseKeys"),
    **dict.fromkeys(("ListRegions", "DescribeRegions"), "LookAtRegions"),
    "SimulatePrincipalPolicy": "AskForReaders",
    **dict.fromkeys(("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"), "FindAccounts"),
}
"""The Sid of each operation's statement, in the policy's order; reads and changes are separate."""


EVERY = SecretId("*")
"""A placeholder for all secrets of a Region; no secret can have this name."""

FAILBACK_COMMANDS = frozenset({"failback"})
"""Commands for which either Region may hold the primary, and that overwrite secrets."""

SELECTING = frozenset({"replicate", "status", "wait", "retry", "verify", "rekey", "remove", "doctor"})
"""Commands that list secrets only if selectors choose them."""

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]
"""(operator, key, values) triples; all must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScope:
    """The purpose of the policy; its keys contain no wildcards, and its names only a last `*`."""

    commands: frozenset[str]
    secrets: tuple[SecretAddress, ...]
    """Secrets with their primary's Region; EVERY for all secrets of a Region."""
    targets: tuple[Target, ...] = ()
    """Empty for all Regions."""
    primary_key: str | None = None
    account: str | None = None
    """The account you typed, `*` for any; otherwise an ARN's own counts."""
    overwrite: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    """Tags of the primaries, without which no change to a primary is allowed."""
    keeps_extra: bool = False
    """Whether apply removes no replica."""

    @property
    def homes(self) -> tuple[Region, ...]:
        """The Regions of the primaries."""
        return tuple(dict.fromkeys(address.region for address in self.secrets))

    @property
    def owner(self) -> str:
        """The account for ARNs made from names; `*` if none or several are known."""
        if self.account:
            return self.account
        arns = [
            parse_arn(address.secret_id, "secretsmanager")
            for address in self.secrets
            if address.secret_id[:4] == "arn:"
        ]
        accounts = {arn.account for arn in arns}
        return accounts.pop() if len(accounts) == 1 else "*"

    @property
    def operations(self) -> frozenset[str]:
        """The names of the operations that the commands send."""
        return frozenset(operation for command in self.commands for _, operation in self.calls(command))

    def calls(self, command: str) -> Mapping[Operation, tuple[Place, ...]]:
        """Return the places of each operation that the command sends."""
        if command == "apply" and self.keeps_extra:
            return {operation: places for operation, places in CALLS[command].items() if operation not in _REMOVAL}
        return CALLS[command]


_REMOVAL = CALLS["remove"].keys() - _DESCRIBE.keys()


def document(*scopes: PolicyScope) -> dict[str, object]:
    """Return one policy for all scopes in IAM's format; neither their order nor that inside a scope matters."""
    actions: dict[tuple[str, str, Condition], set[str]] = {}
    for scope in scopes:
        for label, action, resource, condition in _grants(scope):
            actions.setdefault((label, resource, condition), set()).add(action)
    resources: dict[tuple[str, tuple[str, ...], Condition], set[str]] = {}
    for (label, resource, condition), together in actions.items():
        resources.setdefault((label, tuple(sorted(together)), condition), set()).add(resource)
    order = list(dict.fromkeys(LABELS.values()))
    statements: list[dict[str, object]] = []
    used: dict[str, int] = {}
    for label, allowed, condition in sorted(
        resources, key=lambda statement: (order.index(statement[0]), *statement[1:])
    ):
        used[label] = used.get(label, 0) + 1
        statements.append(
            {
                "Sid": label if used[label] == 1 else f"{label}{used[label]}",
                "Effect": "Allow",
                "Action": list(allowed),
                "Resource": _without_covered(resources[label, allowed, condition]),
                **({"Condition": _rendered(condition)} if condition else {}),
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def is_default(key: str | None) -> bool:
    """Return whether this is the AWS managed key, which the whole account may use through Secrets Manager."""
    return key is None or key == DEFAULT or key.endswith(f":{DEFAULT}")


def is_pattern(secret_id: str) -> bool:
    """Return whether this stands for every secret, or for those whose name begins with the text before its `*`."""
    return not secret_id.startswith("arn:") and secret_id.endswith("*")


def is_exact(secret_id: str) -> bool:
    """Return whether this is an ARN with AWS's six-character suffix, which matches only one secret."""
    return secret_id.startswith("arn:") and re.search(r"-[A-Za-z0-9]{6}\Z", secret_id) is not None


def _grants(scope: PolicyScope) -> Iterator[tuple[str, str, str, Condition]]:
    """Yield (label, action, resource, condition), some more than once."""
    for command in scope.commands:
        for (service, operation), places in scope.calls(command).items():
            for place in places:
                for resource, condition in _resources(
                    scope, service, operation, place, returns=command in FAILBACK_COMMANDS
                ):
                    yield LABELS[operation], f"{service}:{operation}", resource, condition
    if scope.commands & SELECTING and any(is_pattern(address.secret_id) for address in scope.secrets):
        for service, operation in _LIST:
            yield LABELS[operation], f"{service}:{operation}", "*", ()
    for operation in scope.operations & KEY_OPERATIONS.keys():
        for (service, dependency), key_places in KEY_OPERATIONS[operation].items():
            places = (Place.PRIMARY, Place.REPLICA) if scope.commands & FAILBACK_COMMANDS else key_places
            for region, resource, condition in (key for place in places for key in _keys(scope, place)):
                only = (*condition, ("StringEquals", "kms:ViaService", (via_service(region),)))
                yield LABELS[dependency], f"{service}:{dependency}", resource, only


def _resources(
    scope: PolicyScope, service: str, operation: str, place: Place, *, returns: bool
) -> Iterator[tuple[str, Condition]]:
    """Yield each resource of an operation, with its condition."""
    if service == "kms":
        yield from ((resource, condition) for _, resource, condition in _keys(scope, place))
    elif service == "iam":
        yield from ((f"arn:{partition_of(home)}:iam::{scope.owner}:role/*", ()) for home in scope.homes)
    elif place is Place.ACCOUNT:
        yield "*", ()
    else:
        replicas: Sequence[str] = [target.region for target in scope.targets] or ["*"]
        for address in scope.secrets:
            regions = replicas if place is Place.REPLICA else [address.region]
            for arn in _secret_arns(scope, address, bare=operation == "DescribeSecret" and place is Place.REPLICA):
                limits = _limits(scope, operation, address, returns=returns)
                yield from ((in_region(arn, Region(region)), limits) for region in regions)


def _secret_arns(scope: PolicyScope, address: SecretAddress, *, bare: bool) -> Iterator[str]:
    """Yield the ARN for the policy, in the primary's Region; with `bare`, also the one without its suffix.

    AWS does not document which ARN it checks for a missing name. The bare ARN belongs to no secret, so granting it is
    harmless, and it tells 'not found' from 'denied'.
    """
    arn = str(address.secret_id)
    if not arn.startswith("arn:"):
        arn = f"arn:{partition_of(address.region)}:secretsmanager:{address.region}:{scope.owner}:secret:{arn}"
    if is_pattern(address.secret_id):
        yield arn
        return
    yield arn if is_exact(address.secret_id) else f"{arn}-??????"
    if bare:
        yield arn[:-7] if is_exact(address.secret_id) else arn


def _keys(scope: PolicyScope, place: Place) -> Iterator[tuple[Region, str, Condition]]:
    """Yield the (Region, resource, condition) of each customer-managed key.

    An alias cannot be the resource of an operation on its key, so it becomes a condition.
    Source: KMS developer guide, 'Use aliases to control access to KMS keys'.
    """
    primaries = tuple(Target(home, scope.primary_key) for home in scope.homes)
    for target in primaries if place is Place.PRIMARY else scope.targets:
        key, region = target.kms_key, target.region
        if key is None or is_default(key):
            continue
        head, slash, name = key.partition("alias/")
        arn = head if head.startswith("arn:") else f"arn:{partition_of(region)}:kms:{region}:{scope.owner}:"
        if slash:
            yield region, f"{arn}key/*", (("ForAnyValue:StringEquals", "kms:ResourceAliases", (slash + name,)),)
        else:
            yield region, arn if key.startswith("arn:") else f"{arn}key/{key}", ()


def _limits(scope: PolicyScope, operation: str, address: SecretAddress, *, returns: bool) -> Condition:
    """Return the condition for an operation on a secret; `returns` allows replicating to the primaries' Region too."""
    if operation == "UpdateSecret":  # AWS changes only the key of a replica, but also the value of other secrets
        return (("StringEquals", "secretsmanager:SecretPrimaryRegion", (address.region,)),)
    # Replicas show no tags, and a failback may change either side.
    tags = () if returns or operation not in WRITES_TO_PRIMARY else scope.tags
    limits: list[tuple[str, str, tuple[str, ...]]] = [
        ("StringEquals", f"secretsmanager:ResourceTag/{key}", (value.replace("$", "${$}"),)) for key, value in tags
    ]
    if operation != "ReplicateSecretToRegions":
        return tuple(limits)
    if scope.targets:  # ForAllValues alone also allows requests without the key, hence Null
        regions = tuple(sorted({*(target.region for target in scope.targets), *(scope.homes if returns else ())}))
        limits.append(("ForAllValues:StringEquals", "secretsmanager:AddReplicaRegions", regions))
        limits.append(("Null", "secretsmanager:AddReplicaRegions", ("false",)))
    if not (scope.overwrite or returns):
        # smrep leaves the parameter out to overwrite nothing. AWS does not document whether the condition key exists
        # then. If not, plain Bool would refuse every replication.
        limits.append(("BoolIfExists", "secretsmanager:ForceOverwriteReplicaSecret", ("false",)))
    return tuple(limits)


def _without_covered(resources: set[str]) -> list[str]:
    """Return the sorted resources, without those that one with a wildcard at its end or as its Region covers."""
    stems = {arn[:-1] for arn in resources if arn[-1] == "*"}

    def is_covered(arn: str) -> bool:
        anywhere = in_region(arn, Region("*"))
        if anywhere != arn and anywhere in resources:
            return True
        beginnings = {text[:end] for text in (arn, anywhere) for end in range(1, len(text))}
        return not stems.isdisjoint(beginnings - {arn.removesuffix("*")})

    return sorted(arn for arn in resources if arn == "*" or not is_covered(arn))


def _rendered(condition: Condition) -> dict[str, dict[str, object]]:
    """Return the condition in IAM's format: a list for operators on many values, otherwise one value."""
    rendered: dict[str, dict[str, object]] = {}
    for operator, key, values in condition:
        rendered.setdefault(operator, {})[key] = list(values) if operator.startswith("For") else values[0]
    return rendered


def check(scope: PolicyScope, default_key: str | None) -> None:
    """Refuse contradictions, and wildcards in the policy.

    Raises:
        UsageError: always with a hint.

    """
    check_regions(scope.homes, [target.region for target in scope.targets])
    for address in scope.secrets:
        _check_secret(address.secret_id, scope.account)
    for key in (scope.primary_key, *(target.kms_key for target in scope.targets)):
        if key and not re.fullmatch(r"[\w:/-]+", key, re.ASCII):
            raise UsageError(f"{key!r} is not a KMS key", "a key is an ARN, a key id or alias/NAME")
    if scope.primary_key:
        _check_primary_key(scope.primary_key, scope.homes)
    if default_key and not scope.targets:
        raise UsageError("--kms-key does nothing without -r", "name the replica Regions: -r REGION")
    if scope.overwrite and "replicate" not in scope.commands:
        raise UsageError("--force-overwrite does nothing without --for replicate", "add it, or omit --force-overwrite")
    if "rekey" in scope.commands and not scope.targets:
        # UpdateSecret can set a value, except on a replica, so the policy must exclude the primary.
        raise UsageError(
            "a policy for rekey needs Regions: without them it would allow UpdateSecret on the primary",
            "name them: -r REGION=KMS_KEY",
        )


def _check_secret(secret_id: SecretId, account: str | None) -> None:
    name = str(secret_id)
    if name.startswith("arn:"):
        arn = parse_arn(name, "secretsmanager")
        if account not in (None, "*", arn.account):
            raise UsageError(
                f"{name} belongs to account {arn.account}, not to the expected account {account}",
                "omit --expect-account, or use a secret of that account",
                code="AccountMismatch",
            )
        name = arn.resource.removeprefix("secret:")
    if secret_id != EVERY and not re.fullmatch(r"[\w/+=.@!-]+", name.removesuffix("*" * is_pattern(name)), re.ASCII):
        raise UsageError(
            f"{name!r} is not a secret's name: names have letters, digits and /_+=.@-!",
            "for the secrets whose name begins with prod/: --prefix prod/, or 'prod/*'",
        )


def _check_primary_key(key: str, homes: Sequence[Region]) -> None:
    try:
        for home in homes:
            check_key(key, home)
    except UsageError as error:
        raise UsageError(
            f"--primary-key {key} is not a key in {' and '.join(homes)}",
            "use a key in the primary's Region: an ARN, a key id or alias/NAME",
        ) from error


def warnings(scope: PolicyScope, policy: Mapping[str, object]) -> Iterator[str]:
    """Yield reasons why the policy is wider or less useful than it looks."""
    for region in (*scope.homes, *(target.region for target in scope.targets)):
        if region not in KNOWN:
            yield f"{region} is not a Region that this version knows"
    if not scope.targets and "ReplicateSecretToRegions" in scope.operations:
        yield "no -r: the policy allows replicas in every Region, under AWS's default key only; name them: -r REGION"
    if size(policy) > MANAGED_POLICY_MAX:
        yield (
            f"the policy has {size(policy)} characters without white space, but a managed policy holds at most "
            f"{MANAGED_POLICY_MAX}: --out FOLDER writes several"
        )


def notes(scope: PolicyScope) -> Iterator[str]:
    """Yield notes on the policy's gaps and limits, and how to change them."""
    places = {place for command in scope.commands for calls in CALLS[command].values() for place in calls}
    has_arns = places != {Place.ACCOUNT}
    if has_arns and scope.owner == "*":
        yield "the account is unknown, so the ARNs allow any; name it: --expect-account ID"
    if has_arns and scope.secrets[0].secret_id == EVERY:
        yield f"no SECRET: the policy covers every secret in {scope.homes[0]}"
    yield from gaps(scope, "use -r REGION=KMS_KEY")


def gaps(scope: PolicyScope, key_hint: str) -> Iterator[str]:
    """Yield notes on keys, removals and ARNs; `key_hint` says how to name a replica's key."""
    if scope.operations & KEY_OPERATIONS.keys():
        yield from _key_notes(scope, key_hint)
    if "RemoveRegionsFromReplication" in scope.operations:
        yield "IAM cannot limit a removal to some Regions: the policy allows removing every replica"
    exact = [address.secret_id for address in scope.secrets if is_exact(address.secret_id)]
    if exact:
        yield (
            "the policy names an ARN, so smrep cannot check a different secret with that name in a replica Region and "
            f"reports it as unchecked: {', '.join(exact)}"
        )


def _key_notes(scope: PolicyScope, key_hint: str) -> Iterator[str]:
    if "ReplicateSecretToRegions" in scope.operations and is_default(scope.primary_key):
        yield (
            f"no statement for the primary's key in {', '.join(scope.homes)}: AWS's default key needs none; "
            "for a customer-managed key, add --primary-key KMS_KEY"
        )
    plain = [target.region for target in scope.targets if is_default(target.kms_key)]
    if plain:
        yield (
            f"no statement for the replicas' keys in {', '.join(plain)}: AWS's default key needs none; "
            f"for customer-managed keys, {key_hint}"
        )
    if len(plain) < len(scope.targets):
        yield "smrep reports a replica with any other key as unchecked"
    if "rekey" in scope.commands:
        yield (
            "rekey: if the old key is customer-managed, it needs a policy too (-r REGION=OLD_KEY); "
            "rekey --recreate also needs --for remove,replicate"
        )
