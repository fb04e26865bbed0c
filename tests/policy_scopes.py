"""Scopes to print a policy for, and the policy as statements and actions."""

from __future__ import annotations

from typing import Any

from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.rules.least_privilege import PolicyScope, document
from smrep.rules.primary_region import SecretAddress

EAST, WEST, DUBLIN, TOKYO = (Region(name) for name in ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1"))
ACCOUNT = "123456789012"
ONE = (Target(WEST),)
KEY_ID = "0f0e0d0c-1111-4222-8333-444455556666"


def scope(*commands: str, secrets: Any = ("prod/db",), targets: Any = ONE, **more: Any) -> PolicyScope:
    addresses = tuple(SecretAddress(SecretId(each), EAST) for each in secrets)
    more.setdefault("account", ACCOUNT)
    return PolicyScope(commands=frozenset(commands), secrets=addresses, targets=targets, **more)


def statements(of: PolicyScope) -> dict[str, dict[str, Any]]:
    """Return the statements by Sid."""
    policy: Any = document(of)
    return {each["Sid"]: each for each in policy["Statement"]}


def granted(of: PolicyScope) -> set[str]:
    return {action for each in statements(of).values() for action in each["Action"]}
