"""The least that IAM must allow for some commands, secrets, Regions and keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smrep.model import SecretId, Target, in_region, parse_arn
from smrep.regions import Region, partition_of
from smrep.rules.asked import Address
from smrep.rules.keys import DEFAULT, via
from smrep.rules.permissions import CALLS, IN_YOUR_NAME, LABELS, Place

EVERY = SecretId("*")
"""Stands for all secrets of a Region; no secret can have this name."""

MANAGED_POLICY_MAX = 6144
"""Characters that IAM takes in a managed policy, white space not counted. Source: IAM quotas, 'managed policy'."""

RETURNING = frozenset({"failback"})
"""Commands for which each Region may hold the primary, and that replace what is in their way."""

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]
"""(operator, key, values) each; all must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the policy is for; no name and no key in it may hold a wildcard."""

    commands: frozenset[str]
    secrets: tuple[Address, ...]
    """Each with its primary's Region; EVERY for all of that Region."""
    targets: tuple[Target, ...] = ()
    """None at all means every Region."""
    primary_key: str | None = None
    account: str | None = None
    """The account that was typed; an ARN's own counts where none was."""
    overwrite: bool = False

    @property
    def homes(self) -> tuple[Region, ...]:
        """The Regions of the primaries."""
        return tuple(dict.fromkeys(address.region for address in self.secrets))

    @property
    def owner(self) -> str:
        """The account that stands in the ARNs of what names none; `*` where none or several are known."""
        arns = [parse_arn(each.secret_id, "secretsmanager") for each in self.secrets if each.secret_id[:4] == "arn:"]
        accounts = {arn.account for arn in arns}
        return self.account or (accounts.pop() if len(accounts) == 1 else "*")

    @property
    def operations(self) -> frozenset[str]:
        """What the commands send, by the operation's name alone."""
        return frozenset(operation for command in self.commands for _, operation in CALLS[command])


def document(scope: Scope) -> dict[str, object]:
    """Return the policy as IAM takes it; the same scope in another order gives the same one."""
    actions: dict[tuple[str, str, Condition], set[str]] = {}
    for label, action, resource, condition in _grants(scope):
        actions.setdefault((label, resource, condition), set()).add(action)
    resources: dict[tuple[str, tuple[str, ...], Condition], set[str]] = {}
    for (label, resource, condition), together in actions.items():
        resources.setdefault((label, tuple(sorted(together)), condition), set()).add(resource)
    order = list(dict.fromkeys(LABELS.values()))
    statements: list[dict[str, object]] = []
    used: dict[str, int] = {}
    for label, allowed, condition in sorted(resources, key=lambda each: (order.index(each[0]), *each[1:])):
        used[label] = used.get(label, 0) + 1
        statements.append(
            {
                "Sid": label if used[label] == 1 else f"{label}{used[label]}",
                "Effect": "Allow",
                "Action": list(allowed),
                "Resource": _least(resources[label, allowed, condition]),
                **({"Condition": _rendered(condition)} if condition else {}),
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def size(policy: Mapping[str, object]) -> int:
    """Return the policy's length as IAM counts it."""
    return len(re.sub(r"\s", "", json.dumps(policy)))


def is_default(key: str | None) -> bool:
    """Tell whether the key is AWS's own, whose key policy lets everybody in the account use it by Secrets Manager."""
    return key is None or key == DEFAULT or key.endswith(f":{DEFAULT}")


def is_exact(secret_id: str) -> bool:
    """Tell whether this is an ARN with AWS's six characters at its end, which fits one secret only."""
    return secret_id.startswith("arn:") and re.search(r"-[A-Za-z0-9]{6}\Z", secret_id) is not None


def _grants(scope: Scope) -> Iterator[tuple[str, str, str, Condition]]:
    """Yield (label, action, resource, condition), some of them several times."""
    for command in scope.commands:
        for (service, operation), places in CALLS[command].items():
            for place in places:
                for resource, condition in _objects(scope, service, operation, place, returns=command in RETURNING):
                    yield LABELS[operation], f"{service}:{operation}", resource, condition
    for operation in scope.operations & IN_YOUR_NAME.keys():
        for (service, dependency), own in IN_YOUR_NAME[operation].items():
            places = (Place.PRIMARY, Place.REPLICA) if scope.commands & RETURNING else own
            for region, resource, condition in (key for place in places for key in _keys(scope, place)):
                only = (*condition, ("StringEquals", "kms:ViaService", (via(region),)))
                yield LABELS[dependency], f"{service}:{dependency}", resource, only


def _objects(
    scope: Scope, service: str, operation: str, place: Place, *, returns: bool
) -> Iterator[tuple[str, Condition]]:
    """Yield each resource that an operation is asked of, with the conditions."""
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


def _secret_arns(scope: Scope, address: Address, *, bare: bool) -> Iterator[str]:
    """Yield the ARN as the policy needs it, in the primary's Region; with `bare`, the one without suffix too.

    What AWS holds a name against that is not there is not documented. The bare ARN is no secret's, so granting it
    too gives nothing away, and lets 'not found' be told from 'denied'.
    """
    arn = str(address.secret_id)
    if not arn.startswith("arn:"):
        arn = f"arn:{partition_of(address.region)}:secretsmanager:{address.region}:{scope.owner}:secret:{arn}"
    if address.secret_id == EVERY:
        yield arn
        return
    yield arn if is_exact(address.secret_id) else f"{arn}-??????"
    if bare:
        yield arn[:-7] if is_exact(address.secret_id) else arn


def _keys(scope: Scope, place: Place) -> Iterator[tuple[Region, str, Condition]]:
    """Yield (Region, resource, condition) of each customer key.

    An alias can't be the resource of an operation on its key, so it becomes a condition.
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


def _limits(scope: Scope, operation: str, address: Address, *, returns: bool) -> Condition:
    """Return what must hold for an operation on a secret; what `returns` replicates to the primaries' Region too."""
    if operation == "UpdateSecret":  # of a replica AWS changes nothing but the key; of another secret, the value too
        return (("StringEquals", "secretsmanager:SecretPrimaryRegion", (address.region,)),)
    if operation != "ReplicateSecretToRegions":
        return ()
    limits: list[tuple[str, str, tuple[str, ...]]] = []
    if scope.targets:  # ForAllValues alone holds where the key is absent, hence Null
        regions = tuple(sorted({*(target.region for target in scope.targets), *(scope.homes if returns else ())}))
        limits.append(("ForAllValues:StringEquals", "secretsmanager:AddReplicaRegions", regions))
        limits.append(("Null", "secretsmanager:AddReplicaRegions", ("false",)))
    if not (scope.overwrite or returns):
        # A request that does not say so overwrites nothing, and smrep leaves the parameter out. Whether AWS then knows
        # the key is not documented, and plain Bool fails where it does not: every replication would be refused.
        limits.append(("BoolIfExists", "secretsmanager:ForceOverwriteReplicaSecret", ("false",)))
    return tuple(limits)


def _least(resources: set[str]) -> list[str]:
    """Return the resources in order, without those that one with any Region covers."""
    covered = {each for each in resources if each[:4] == "arn:" and in_region(each, Region("*")) in resources - {each}}
    return sorted(resources - covered)


def _rendered(condition: Condition) -> dict[str, dict[str, object]]:
    """Return the condition as IAM takes it; operators for many values get a list, the others one value."""
    rendered: dict[str, dict[str, object]] = {}
    for operator, key, values in condition:
        rendered.setdefault(operator, {})[key] = list(values) if operator.startswith("For") else values[0]
    return rendered
