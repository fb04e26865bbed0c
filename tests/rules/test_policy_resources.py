"""Which resources stand in a policy, and in which order its statements come."""

from __future__ import annotations

from typing import Any

import pytest

from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.rules.least_privilege import CALLS, PolicyScope, document, is_default, is_exact
from smrep.rules.primary_region import SecretAddress

EAST, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:prod/db-a1b2c3"
KEY = "arn:aws:kms:us-west-2:999999999999:key/0f0e0d0c-1111-4222-8333-444455556666"


def statements(*commands: str, secret: str = "prod/db", key: str | None = None) -> dict[str, Any]:
    """Return the statements by Sid."""
    secrets = (SecretAddress(SecretId(secret), EAST),)
    of = PolicyScope(
        commands=frozenset(commands), secrets=secrets, targets=(Target(WEST, key),), account="123456789012"
    )
    policy: Any = document(of)
    return {each["Sid"]: each for each in policy["Statement"]}


ACTIONS = {
    "LookAtSecrets": {
        f"secretsmanager:{name}" for name in ("DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy")
    },
    "ListSecrets": {"secretsmanager:ListSecrets"},
    "Replicate": {"secretsmanager:ReplicateSecretToRegions"},
    "Remove": {"secretsmanager:RemoveRegionsFromReplication"},
    "Promote": {"secretsmanager:StopReplicationToReplica"},
    "Rekey": {"secretsmanager:UpdateSecret"},
    "LookAtKeys": {"kms:DescribeKey"},
    "UseKeys": {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"},
    "LookAtRegions": {"account:ListRegions", "ec2:DescribeRegions"},
    "AskForReaders": {"iam:SimulatePrincipalPolicy"},
    "FindAccounts": {
        f"organizations:{name}"
        for name in ("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent")
    },
}


def test_statements_stand_by_what_they_are_for_and_in_one_order() -> None:
    allowed: dict[str, set[str]] = {}
    for sid, each in statements(*CALLS, key=KEY).items():
        allowed.setdefault(sid.rstrip("0123456789"), set()).update(each["Action"])
    assert allowed == ACTIONS
    assert list(allowed) == list(ACTIONS)


def test_what_iam_knows_no_resource_for_is_allowed_on_all() -> None:
    assert statements("replicate")["LookAtRegions"]["Resource"] == ["*"]


def test_an_arn_that_is_not_there_may_be_looked_for_by_its_name_alone() -> None:
    assert statements("status", secret=ARN.format(EAST))["LookAtSecrets"]["Resource"] == [
        ARN.format(EAST),
        ARN.format(WEST)[:-7],
        ARN.format(WEST),
    ]


def test_a_key_by_arn_is_the_resource_as_it_stands() -> None:
    assert statements("replicate", key=KEY)["LookAtKeys"]["Resource"] == [KEY]


@pytest.mark.parametrize(
    ("secret_id", "exact"),
    [
        (ARN.format(EAST), True),
        (ARN.format(EAST)[:-7], False),
        (ARN.format(EAST)[:-1], False),
        (f"{ARN.format(EAST)[:-6]}A1B2C3", True),
        ("prod/db-a1b2c3", False),
    ],
)
def test_only_an_arn_with_awss_six_characters_fits_one_secret(secret_id: str, exact: bool) -> None:
    assert is_exact(secret_id) is exact


@pytest.mark.parametrize(
    ("key", "default"),
    [
        (None, True),
        ("alias/aws/secretsmanager", True),
        ("arn:aws:kms:us-west-2:123456789012:alias/aws/secretsmanager", True),
        ("alias/not-alias/aws/secretsmanager", False),
        ("alias/dr", False),
        (KEY, False),
    ],
)
def test_awss_own_key_is_known_however_it_is_named(key: str | None, default: bool) -> None:
    assert is_default(key) is default
