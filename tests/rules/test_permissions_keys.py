"""The policy lets the keys be used that were named, in their Regions, and no others."""

from __future__ import annotations

import json

import pytest
from policy_scopes import ACCOUNT, DUBLIN, KEY_ID, WEST, granted, scope, statements

from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.rules.least_privilege import CALLS, PolicyScope
from smrep.rules.primary_region import SecretAddress


def test_aws_checks_the_keys_of_both_ends_in_the_callers_name() -> None:
    of = statements(scope("replicate", targets=(Target(WEST, "alias/dr"),), primary_key=KEY_ID))
    assert of["UseKeys"] == {
        "Sid": "UseKeys",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY_ID}"],
        "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}},
    }
    assert of["UseKeys2"] == {
        "Sid": "UseKeys2",
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
        "Resource": [f"arn:aws:kms:us-west-2:{ACCOUNT}:key/*"],
        "Condition": {
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/dr"]},
            "StringEquals": {"kms:ViaService": "secretsmanager.us-west-2.amazonaws.com"},
        },
    }
    assert [of[sid]["Action"] for sid in of if sid.startswith("LookAtKeys")] == [["kms:DescribeKey"]] * 2


def test_rekeying_needs_all_three_of_the_replica_key_and_none_of_the_primary_key() -> None:
    of = statements(scope("rekey", targets=(Target(WEST, KEY_ID),), primary_key="alias/main"))
    assert of["UseKeys"]["Action"] == ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    assert "us-east-1" not in json.dumps([each["Resource"] for sid, each in of.items() if "Key" in sid])
    assert of["Rekey"]["Resource"] == [f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:prod/db-??????"]
    assert of["Rekey"]["Condition"] == {"StringEquals": {"secretsmanager:SecretPrimaryRegion": "us-east-1"}}


@pytest.mark.parametrize("prefix", ["", f"arn:aws:kms:us-west-2:{ACCOUNT}:"])
def test_the_default_key_needs_no_statement(prefix: str) -> None:
    of = scope(*CALLS, targets=(Target(WEST, f"{prefix}alias/aws/secretsmanager"), Target(DUBLIN)))
    assert not {action for action in granted(of) if action.startswith("kms:")}


def test_an_alias_by_arn_keeps_its_account() -> None:
    key = "arn:aws:kms:us-west-2:999999999999:alias/dr"
    keys = statements(scope("replicate", targets=(Target(WEST, key),)))["LookAtKeys"]
    assert keys["Resource"] == ["arn:aws:kms:us-west-2:999999999999:key/*"]
    assert keys["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/dr"]}}


def test_each_partition_has_its_own_domain() -> None:
    north, west = Region("cn-north-1"), Region("cn-northwest-1")
    of = PolicyScope(
        commands=frozenset({"replicate"}),
        secrets=(SecretAddress(SecretId("db"), north),),
        targets=(Target(west, KEY_ID),),
    )
    keys = statements(of)["UseKeys"]
    assert keys["Resource"] == [f"arn:aws-cn:kms:cn-northwest-1:*:key/{KEY_ID}"]
    assert keys["Condition"]["StringEquals"]["kms:ViaService"] == "secretsmanager.cn-northwest-1.amazonaws.com.cn"


def test_a_default_key_hides_none_that_is_named_after_it() -> None:
    of = statements(scope("replicate", targets=(Target(WEST), Target(DUBLIN, KEY_ID))))
    assert of["LookAtKeys"]["Resource"] == [f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY_ID}"]


def test_each_side_of_a_way_back_may_be_the_primary_so_each_key_may_be_used_for_both() -> None:
    of = statements(scope("failback", targets=(Target(WEST, KEY_ID),), primary_key=KEY_ID))
    used = {resource: each["Action"] for sid, each in of.items() if "UseKeys" in sid for resource in each["Resource"]}
    every = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    assert used == {f"arn:aws:kms:{region}:{ACCOUNT}:key/{KEY_ID}": every for region in ("us-east-1", WEST)}
