"""The least-privilege policies for a manifest: what each account's role may do, and no more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from smrep.errors import UsageError
from smrep.model import SecretId, Target, parse_arn
from smrep.regions import Region, partition_of
from smrep.rules.least_privilege import PolicyScope, check, document, gaps, warnings
from smrep.rules.manifest.schema import Home, Manifest, Rule, check_homes
from smrep.rules.manifest.selector import Selector
from smrep.rules.policy_size import POLICIES_PER_ROLE, split
from smrep.rules.primary_region import SecretAddress

DEFAULT_COMMANDS = ("plan", "apply", "audit")
"""The commands that a manifest is for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A managed policy to create."""

    name: str
    """Unique; with the account, if known."""
    document: Mapping[str, Any]


def policies(scopes: Sequence[PolicyScope], caller: Sequence[Mapping[str, Any]] = ()) -> list[Policy]:
    """Return each account's policies, after the one with the caller's statements."""
    result: list[Policy] = []
    if caller:
        result += _numbered("smrep-caller", {"Version": "2012-10-17", "Statement": caller})
    for owner in dict.fromkeys(scope.owner for scope in scopes):
        whole = document(*(scope for scope in scopes if scope.owner == owner))
        result += _numbered("smrep" if owner == "*" else f"smrep-{owner}", whole)
    return result


def caller_statements(manifest: Manifest, homes: Sequence[Home]) -> list[Any]:
    """Return what the current credentials need besides: to find an organization's accounts, and to assume the roles."""
    roles, statements = {role.role_arn for role in manifest.accounts}, []
    organization = manifest.organization
    if organization:
        home = homes[-1].region
        roles.add(f"arn:{partition_of(home)}:iam::*:role/{organization.role_name}")
        if organization.lookup_role_arn:
            roles.add(organization.lookup_role_arn)
        else:
            finding: Any = document(PolicyScope(commands=frozenset({"accounts"}), secrets=()))
            statements += finding["Statement"]
    if roles:
        assume = {"Sid": "AssumeRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": sorted(roles)}
        statements.append(assume)
    return statements


def _numbered(name: str, whole: Mapping[str, Any]) -> Iterator[Policy]:
    for number, part in enumerate(split(whole), start=1):
        yield Policy(f"{name}-{number}", part)


def scopes_of(
    manifest: Manifest, homes: Sequence[Home], commands: frozenset[str], primary_key: str | None
) -> list[PolicyScope]:
    """Return the grants for each account; secrets with equal grants share a scope.

    Raises:
        UsageError: rules cannot work in these accounts and Regions, or a text would be a wildcard for IAM.

    """
    rules = manifest.rules
    _check_prefixes(rules)
    check_homes(rules, homes)
    arns = [name for rule in rules for name in rule.selector.names if name.startswith("arn:")]
    accounts = {parse_arn(arn, "secretsmanager").account for arn in arns}
    only = accounts.pop() if len(accounts) == 1 and manifest.organization is None else None
    named = [(rule, _all_names(rule.selector)) for rule in rules]
    groups: dict[tuple[Region, PolicyScope, bool], list[SecretAddress]] = {}
    for home in homes:
        for rule, names in named:
            for secret_id in _secret_ids(rule.selector, names, home):
                scope = PolicyScope(
                    commands=commands,
                    secrets=(),
                    targets=_targets(secret_id, rule, named),
                    primary_key=primary_key,
                    account=home.account or only or "*",
                    tags=tuple((key, value) for key, value in rule.selector.tags if value is not None),
                    keeps_extra=True,
                )
                address = SecretAddress(secret_id, home.region)
                groups.setdefault((home.region, scope, rule.remove_extra), []).append(address)
    scopes = []
    for (_, scope, removes), addresses in groups.items():
        scopes.append(replace(scope, secrets=tuple(dict.fromkeys(addresses))))
        if removes and "apply" in commands:  # an extra replica may be in any Region
            scopes.append(replace(scopes[-1], commands=frozenset({"remove"}), targets=()))
    if not scopes:
        raise UsageError("no rule can match a secret", "check names against prefix, exclude and the primary Region")
    for scope in scopes:
        check(scope, None)
    return scopes


def _check_prefixes(rules: Sequence[Rule]) -> None:
    mistakes = tuple(
        f"{rule.place}.prefix: {prefix!r} begins no secret's name; names have letters, digits and /_+=.@-!"
        for rule in rules
        for prefix in rule.selector.prefixes
        if not re.fullmatch(r"[\w/+=.@!-]+", prefix, re.ASCII)
    )
    if mistakes:
        raise UsageError("the manifest has prefixes that match no secret", code="ManifestError", details=mistakes)


def manifest_warnings(scopes: Sequence[PolicyScope], created: Sequence[Policy]) -> Iterator[str]:
    """Yield reasons why the policies are less useful than they look."""
    yield from warnings(_together(scopes), {})
    for name, count in Counter(policy.name.rpartition("-")[0] for policy in created).items():
        if count > POLICIES_PER_ROLE:
            yield (
                f"{count} policies {name}-*, but a role holds {POLICIES_PER_ROLE} unless AWS raises that quota: "
                "select by prefix or tags instead of names"
            )


def manifest_notes(manifest: Manifest, scopes: Sequence[PolicyScope]) -> Iterator[str]:
    """Yield notes on the policies' gaps and limits."""
    if manifest.organization:
        yield "the policies smrep-* are for each account of the organization, so their ARNs name none"
    elif any(scope.owner == "*" for scope in scopes):
        yield "the account is unknown, so the ARNs allow any; add account_id to the manifest"
    excluding = [rule.name for rule in manifest.rules if rule.selector.exclude and not rule.selector.names]
    if excluding:
        yield f"IAM cannot exclude names: the policy covers those too that {', '.join(excluding)} excludes"
    yield from gaps(_together(scopes), "give the Regions a kms_key in the manifest")


def _together(scopes: Sequence[PolicyScope]) -> PolicyScope:
    return replace(
        scopes[0],
        commands=frozenset(command for scope in scopes for command in scope.commands),
        secrets=tuple(dict.fromkeys(address for scope in scopes for address in scope.secrets)),
        targets=tuple(dict.fromkeys(target for scope in scopes for target in scope.targets)),
    )


def _secret_ids(selector: Selector, names: frozenset[str], home: Home) -> Iterator[SecretId]:
    """Yield the names, ARNs and patterns of the secrets that a rule may select there."""
    if selector.names:
        for name in sorted(selector.names):
            if name.startswith("arn:"):
                arn = parse_arn(name, "secretsmanager")
                if arn.region == home.region and home.account in (None, arn.account):
                    yield SecretId(name)
            elif _may_match(name, selector, names):
                yield SecretId(name)
    else:
        yield from (SecretId(f"{prefix}*") for prefix in selector.prefixes or ("",))


def _targets(secret_id: SecretId, rule: Rule, named: Sequence[tuple[Rule, frozenset[str]]]) -> tuple[Target, ...]:
    """Return the replicas that a secret of this rule may need: also those of other rules that may select it.

    smrep sends one request for all of them, and IAM allows a request only for all its Regions at once.
    """
    tags = dict(rule.selector.tags)
    targets = set(rule.targets)
    for other, names in named:
        contradicts = any(tags.get(key, value) != value for key, value in other.selector.tags)
        if not contradicts and any(_may_match(name, other.selector, names) for name in _names(secret_id)):
            targets |= set(other.targets)
    return tuple(sorted(targets, key=lambda target: (target.region, target.kms_key or "")))


def _may_match(name: str, selector: Selector, names: frozenset[str]) -> bool:
    """Return whether a secret of this name or pattern may match, by its name; `names` are those of the selector."""
    begin, star, _ = name.partition("*")
    if names and not (any(other.startswith(begin) for other in names) if star else name in names):
        return False
    prefixes = selector.prefixes
    if prefixes and not any(begin.startswith(prefix) or (star and prefix.startswith(begin)) for prefix in prefixes):
        return False
    return bool(star) or not selector.excludes(name)


def _all_names(selector: Selector) -> frozenset[str]:
    return frozenset(name for secret_id in selector.names for name in _names(secret_id))


def _names(secret_id: str) -> tuple[str, ...]:
    """Return the names that the secret may have: an ARN may end in AWS's six characters, or in a name like them."""
    if not secret_id.startswith("arn:"):
        return (secret_id,)
    name = parse_arn(secret_id, "secretsmanager").resource.removeprefix("secret:")
    return name, re.sub(r"-[A-Za-z0-9]{6}$", "", name)
