"""The policy grants what the tables say, for what was named, and nothing that touches a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_scopes import ACCOUNT, DUBLIN, EAST, KEY_ID, TOKYO, WEST, granted, scope, statements

from smrep.aws.allow_list import ALLOWED, WRITES
from smrep.model import SecretId, Target, parse_arn
from smrep.rules.least_privilege import (
    CALLS,
    EVERY,
    HARMLESS,
    KEY_OPERATIONS,
    LABELS,
    PolicyScope,
    document,
)
from smrep.rules.policy_size import MANAGED_POLICY_MAX, size
from smrep.rules.primary_region import SecretAddress

ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3"
NEVER = {"GetSecretValue", "BatchGetSecretValue", "PutSecretValue", "DeleteSecret", "CreateSecret", "PutResourcePolicy"}

FLEET = {command for command, calls in CALLS.items() if ("secretsmanager", "ListSecrets") in calls} | {"failback"}
"""The commands that are about many secrets of a Region."""
NAMED = tuple(CALLS.keys() - FLEET - {"accounts"})

NAMES = st.text("abz09/_+=.@-!", min_size=1, max_size=30)
KEYS = st.one_of(
    st.none(),
    st.just(KEY_ID),
    st.from_regex(r"alias/[a-z/_-]{1,9}", fullmatch=True),
    st.just("alias/aws/secretsmanager"),
)
ADDRESSES = st.one_of(
    st.builds(SecretAddress, st.one_of(st.just(EVERY), NAMES.map(SecretId)), st.sampled_from([EAST, TOKYO])),
    st.builds(lambda name: SecretAddress(SecretId(f"{ARN[:-14]}{name}-A1b2C3"), EAST), NAMES),
)
SCOPES = st.builds(
    PolicyScope,
    commands=st.frozensets(st.sampled_from(sorted(CALLS)), min_size=1),
    secrets=st.lists(ADDRESSES, min_size=1, max_size=4).map(tuple),
    targets=st.lists(
        st.builds(Target, st.sampled_from([WEST, DUBLIN]), KEYS), max_size=2, unique_by=lambda t: t.region
    ),
    primary_key=KEYS,
    account=st.one_of(st.none(), st.just(ACCOUNT)),
    overwrite=st.booleans(),
)


DEPENDENCIES = {f"{service}:{name}" for needs in KEY_OPERATIONS.values() for service, name in needs}


@given(SCOPES)
def test_a_policy_never_grants_more_than_smrep_may_send_and_aws_then_does(of: PolicyScope) -> None:
    policy: Any = document(of)
    sids = [each["Sid"] for each in policy["Statement"]]
    assert policy["Version"] == "2012-10-17"
    assert len(set(sids)) == len(sids)
    assert all(sid.isascii() and sid.isalnum() for sid in sids)
    for each in policy["Statement"]:
        assert each["Effect"] == "Allow"
        assert each["Resource"]
        assert set(each) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        for action in each["Action"]:
            service, _, operation = action.partition(":")
            assert (service, operation) in ALLOWED or action in DEPENDENCIES
            assert operation.isalnum()
            assert operation not in NEVER


@given(SCOPES)
def test_the_same_words_in_another_order_give_the_same_policy(of: PolicyScope) -> None:
    turned = PolicyScope(
        commands=of.commands,
        secrets=of.secrets[::-1],
        targets=of.targets[::-1],
        primary_key=of.primary_key,
        account=of.account,
        overwrite=of.overwrite,
    )
    assert json.dumps(document(of)) == json.dumps(document(turned))


@given(SCOPES)
def test_no_two_statements_could_be_one(of: PolicyScope) -> None:
    policy: Any = document(of)
    conditions = [json.dumps(each.get("Condition")) for each in policy["Statement"]]
    by_actions = [(*each["Action"], text) for each, text in zip(policy["Statement"], conditions, strict=True)]
    assert len(set(by_actions)) == len(by_actions)
    grants = [
        (action, resource, text)
        for each, text in zip(policy["Statement"], conditions, strict=True)
        for action in each["Action"]
        for resource in each["Resource"]
    ]
    assert len(set(grants)) == len(grants)


@given(SCOPES)
def test_a_key_is_used_through_secrets_manager_of_its_own_region_only(of: PolicyScope) -> None:
    for sid, each in statements(of).items():
        assert sid.startswith("UseKeys") == ("kms:ViaService" in each.get("Condition", {}).get("StringEquals", {}))
        if sid.startswith("UseKeys"):
            region = each["Resource"][0].split(":")[3]
            assert {arn.split(":")[3] for arn in each["Resource"]} == {region}
            assert each["Condition"]["StringEquals"]["kms:ViaService"] == f"secretsmanager.{region}.amazonaws.com"


def test_the_tables_hold_only_what_smrep_may_send() -> None:
    sent = {operation for calls in CALLS.values() for operation in calls}
    assert sent <= ALLOWED.keys()
    unsaid = {("sts", "GetCallerIdentity"), ("sts", "AssumeRole"), ("kms", "ListAliases")}  # the last: completion only
    of_lambda = {("s3", "GetObject"), ("s3", "PutObject")}
    assert set(ALLOWED) - sent == unsaid | of_lambda
    assert {name for _, name in sent} | {action.partition(":")[2] for action in DEPENDENCIES} == set(LABELS)
    assert (
        not {name for command in ("status", "wait", "verify", "doctor") for _, name in CALLS[command]} & WRITES.keys()
    )


def test_the_harmless_commands_remove_promote_and_rekey_nothing() -> None:
    writes = {action.partition(":")[2] for action in granted(scope(*HARMLESS))} & WRITES.keys()
    assert writes == {"ReplicateSecretToRegions"}


@pytest.mark.parametrize("command", ["status", "wait", "verify", "rekey", "remove", "promote"])
def test_where_all_is_named_nothing_is_a_wildcard_and_every_arn_is_one(command: str) -> None:
    key = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{KEY_ID}"
    of = scope(command, secrets=(ARN,), targets=(Target(WEST, key), Target(DUBLIN, KEY_ID)), primary_key=KEY_ID)
    for each in statements(of).values():
        for arn in each["Resource"]:
            assert "*" not in arn
            assert "?" not in arn
            assert parse_arn(arn, arn.split(":")[2]).account == ACCOUNT


@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_replicate_has_no_wildcard_but_where_iam_knows_no_resource(command: str) -> None:
    of = scope(command, secrets=(ARN,), targets=(Target(WEST, KEY_ID),), primary_key=KEY_ID)
    starred = [sid for sid, each in statements(of).items() if "*" in json.dumps(each["Resource"])]
    assert starred == ["LookAtRegions"]


@pytest.mark.parametrize(
    ("commands", "prefix", "keys"),
    [
        (HARMLESS, "production/payments/database-", [f"alias/disaster-recovery-{each}" for each in "abc"]),
        (NAMED, "prod/db-", [KEY_ID] * 3),
    ],
    ids=["harmless", "all"],
)
def test_three_secrets_in_three_regions_fit_a_managed_policy(commands: Any, prefix: str, keys: list[str]) -> None:
    targets = tuple(Target(region, key) for region, key in zip((WEST, DUBLIN, TOKYO), keys, strict=True))
    of = scope(*commands, secrets=[prefix + each for each in "abc"], targets=targets, primary_key=keys[0])
    assert size(document(of)) < MANAGED_POLICY_MAX


WRITTEN = {
    "apply": {"ReplicateSecretToRegions", "RemoveRegionsFromReplication"},
    "failover": {"StopReplicationToReplica"},
    "failback": {"ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"},
}


@pytest.mark.parametrize("command", sorted(FLEET))
def test_commands_about_many_secrets_may_list_them_and_fit_a_managed_policy_for_all(command: str) -> None:
    targets = tuple(Target(region, KEY_ID) for region in (WEST, DUBLIN, TOKYO))
    of = scope(command, secrets=(EVERY,), targets=targets, primary_key=KEY_ID)
    lists = statements(of)["ListSecrets"]["Resource"] if "ListSecrets" in statements(of) else []
    assert lists == ([] if command == "failback" else ["*"])
    assert size(document(of)) < MANAGED_POLICY_MAX
    writes = {action.partition(":")[2] for action in granted(of)} & WRITES.keys()
    assert writes == WRITTEN.get(command, set())


def test_replication_is_limited_to_the_regions_asked_for_and_overwrites_nothing() -> None:
    of = scope("replicate", targets=(Target(WEST), Target(DUBLIN)))
    assert statements(of)["Replicate"]["Condition"] == {
        "ForAllValues:StringEquals": {"secretsmanager:AddReplicaRegions": ["eu-west-1", "us-west-2"]},
        "Null": {"secretsmanager:AddReplicaRegions": "false"},
        "BoolIfExists": {"secretsmanager:ForceOverwriteReplicaSecret": "false"},
    }


def test_overwriting_is_allowed_where_it_was_asked_for() -> None:
    assert "BoolIfExists" not in statements(scope("replicate", overwrite=True))["Replicate"]["Condition"]


def test_without_regions_the_replicas_may_be_anywhere() -> None:
    of = statements(scope("replicate", targets=()))
    assert set(of["Replicate"]["Condition"]) == {"BoolIfExists"}
    assert of["Replicate"]["Resource"] == [f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-??????"]
    assert of["LookAtSecrets2"]["Resource"] == [f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:prod/db-??????"]


def test_a_name_that_is_not_there_may_be_looked_for_in_a_replica_region() -> None:
    resources = statements(scope("status"))["LookAtSecrets"]["Resource"]
    assert resources == [
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-??????",
        f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:prod/db",
        f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:prod/db-??????",
    ]


def test_an_arn_without_its_suffix_is_a_name() -> None:
    resources = statements(scope("status", secrets=(ARN[:-7],)))["LookAtSecrets"]["Resource"]
    assert resources == statements(scope("status"))["LookAtSecrets"]["Resource"]


def test_all_secrets_are_one_resource_per_region() -> None:
    resources = statements(scope("status", secrets=("*",)))["LookAtSecrets"]["Resource"]
    assert resources == [f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:*" for region in (EAST, WEST)]


@pytest.mark.parametrize(
    ("secrets", "account", "owner"),
    [
        (("prod/db",), None, "*"),
        (("prod/db", ARN), None, ACCOUNT),
        (("prod/db", ARN, ARN.replace(ACCOUNT, "999999999999")), None, "*"),
        (("prod/db",), ACCOUNT, ACCOUNT),
    ],
)
def test_whose_account_stands_in_the_arns(secrets: tuple[str, ...], account: str | None, owner: str) -> None:
    assert scope("status", secrets=secrets, account=account).owner == owner


def test_doctor_asks_what_a_role_may_do() -> None:
    of = statements(scope("doctor"))
    assert of["AskForReaders"]["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/*"]
    assert of["LookAtRegions"]["Action"] == ["account:ListRegions", "ec2:DescribeRegions"]
    assert "secretsmanager:GetResourcePolicy" in granted(scope("doctor"))
