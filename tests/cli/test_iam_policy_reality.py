"""The policy as IAM reads it, held against what smrep really calls."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli.test_iam_policy_command import ACCOUNT, ARN, policy
from fixtures import Sandbox

from smrep.rules.least_privilege import CALLS, SELECTING
from smrep.sandbox.organization_seed import sample_organization
from smrep.sandbox.simulator.simulated_aws import ApiError, Call


def matches(pattern: str, resource: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), resource) is not None


def holds(operator: str, wanted: Any, found: list[str] | None) -> bool:
    """Tell whether one condition holds, as IAM says it does; `found` is None where the request has no such key."""
    match operator:
        case "Null":
            return (found is None) == (wanted == "true")
        case "BoolIfExists":
            return found is None or bool(found == [wanted])
        case "StringEquals":
            return bool(found == [wanted])
        case "ForAllValues:StringEquals":
            return set(found or ()) <= set(wanted)
        case "ForAnyValue:StringEquals":
            return bool(set(found or ()) & set(wanted))
    raise AssertionError(operator)


def allows(of: Any, action: str, resource: str, context: dict[str, list[str]]) -> bool:
    return any(
        action in each["Action"]
        and any(matches(pattern, resource) for pattern in each["Resource"])
        and all(
            holds(operator, wanted, context.get(key))
            for operator, block in each.get("Condition", {}).items()
            for key, wanted in block.items()
        )
        for each in of["Statement"]
    )


def request_of(sandbox: Sandbox, call: Call) -> tuple[list[str], dict[str, list[str]]]:
    """Return what IAM would be asked: every ARN that it may hold the call against, and the condition keys."""
    context: dict[str, list[str]] = {}
    if call.service == "kms":
        key = str(call.params["KeyId"])
        arn = sandbox.call("DescribeKey", call.region, "kms", KeyId=key)["KeyMetadata"]["Arn"]
        dr = sandbox.call("DescribeKey", call.region, "kms", KeyId="alias/dr")["KeyMetadata"]["Arn"]
        return [arn], {"kms:ResourceAliases": ["alias/dr"]} if arn == dr else {}
    if call.service != "secretsmanager":
        return [f"arn:aws:iam::{ACCOUNT}:role/reader" if call.service == "iam" else "*"], context
    if "AddReplicaRegions" in call.params:
        context["secretsmanager:AddReplicaRegions"] = [each["Region"] for each in call.params["AddReplicaRegions"]]
    if "ForceOverwriteReplicaSecret" in call.params:
        context["secretsmanager:ForceOverwriteReplicaSecret"] = [
            str(call.params["ForceOverwriteReplicaSecret"]).lower()
        ]
    if call.operation == "ListSecrets":
        return ["*"], context
    assert call.secret_id
    try:
        found = sandbox.call("DescribeSecret", call.region, SecretId=call.secret_id)
    except ApiError:  # not there: AWS does not say which of these it takes
        bare = f"arn:aws:secretsmanager:{call.region}:{ACCOUNT}:secret:{call.secret_id}"
        return [call.secret_id] if call.secret_id.startswith("arn:") else [bare, f"{bare}-x9y8z7"], context
    if "PrimaryRegion" in found:
        context["secretsmanager:SecretPrimaryRegion"] = [found["PrimaryRegion"]]
    return [found["ARN"]], context


REGIONS = "us-west-2=alias/dr,eu-west-1"
PAIR = ["--from", "us-east-1", "--to", "us-west-2"]
REALITY = [
    ("replicate", ["-r", REGIONS], "ReplicateSecretToRegions"),
    ("replicate", ["-r", "eu-west-1", "--no-wait"], "ReplicateSecretToRegions"),
    ("status", [], "DescribeSecret"),
    ("status", ["--primary-region", "us-west-2"], "DescribeSecret"),
    ("wait", ["-r", "us-west-2"], "DescribeSecret"),
    ("wait", ["--primary-region", "eu-west-1"], "DescribeSecret"),
    ("retry", [], "ReplicateSecretToRegions"),
    ("verify", [], "ListSecretVersionIds"),
    ("rekey", ["-r", "eu-west-1=alias/dr"], "UpdateSecret"),
    ("remove", ["-r", "us-west-2", "--yes"], "RemoveRegionsFromReplication"),
    ("promote", ["-r", "us-west-2", "--yes"], "StopReplicationToReplica"),
    ("doctor", ["-r", REGIONS], "DescribeKey"),
    ("list", [], "ListSecrets"),
    ("init", ["--all", "-r", REGIONS], "ListSecrets"),
    ("accounts", ["-f", "-"], "ListOrganizationalUnitsForParent"),
    ("audit", ["-r", REGIONS], "ListSecrets"),
    ("audit", ["-f", "-", "--deep"], "DescribeSecret"),
    ("plan", ["-f", "-"], "DescribeKey"),
    ("apply", ["-f", "-", "--yes", "--max-removals", "1"], "ReplicateSecretToRegions"),
    ("apply", ["-f", "-", "--yes", "--max-removals", "1", "--no-wait"], "RemoveRegionsFromReplication"),
    ("export", [], "DescribeSecret"),
    ("failover", [*PAIR, "--prefix", "prod/", "--record", "RECORD", "--yes"], "StopReplicationToReplica"),
    ("failback", ["--record", "RECORD", "--yes"], "RemoveRegionsFromReplication"),
    ("failback", ["--record", "RECORD", "--yes", "--return-primary"], "StopReplicationToReplica"),
]
"""A command, its words, and an operation that it is sure to send; a new command of CALLS is one more line."""
READING = {"status", "wait", "verify", "doctor"}
MANY = {"accounts", "list", "init", "audit", "plan", "apply", "export", "failover", "failback"}
"""The commands that take no SECRET."""
KEYED = {"region": "us-west-2", "kms_key": "alias/dr"}
MANIFEST = json.dumps(
    {
        "schema": 1,
        "replicate": [
            {"names": ["prod/db"], "regions": [KEYED], "remove_extra": True},
            {"names": ["prod/new"], "regions": [KEYED, "eu-west-1"]},
        ],
    }
)
"""Wants a replica away and two made."""
ORGANIZATION = json.dumps(
    {
        "schema": 1,
        "organization": {"role_name": "smrep", "exclude": ["ou-sbox-sandboxes"]},
        "replicate": [{"prefix": ["prod/"], "regions": ["us-west-2"]}],
    }
)
"""Asks for the accounts of the whole organization, and of an OU."""


@pytest.mark.parametrize(("command", "words", "sent"), REALITY, ids=[" ".join([a, *b]) for a, b, _ in REALITY])
def test_what_a_command_really_calls_is_what_its_policy_grants(
    make_sandbox: Any, tmp_path: Path, command: str, words: list[str], sent: str
) -> None:
    sandbox: Sandbox = make_sandbox(removal_delay_s=0.1)
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        key = sandbox.call("CreateKey", region, "kms")["KeyMetadata"]["KeyId"]
        sandbox.call("CreateAlias", region, "kms", AliasName="alias/dr", TargetKeyId=key)
    sandbox.create(KmsKeyId="alias/dr")
    if command not in {"replicate", "doctor"}:
        wanted = [{"Region": "us-west-2", "KmsKeyId": "alias/dr"}, {"Region": "eu-west-1"}]
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
        sandbox.call("DescribeSecret", SecretId="prod/db")
    if command == "accounts":
        sandbox.simulator.put_organization(sample_organization(ACCOUNT))
    if command == "retry":
        sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", "Failed", "Replication failed")
    names = [] if command in MANY else ["prod/db"]
    if command in MANY:
        sandbox.create("prod/new", KmsKeyId="alias/dr")
    words = [each.replace("RECORD", str(tmp_path / "dr.jsonl")) for each in words]
    if command == "failback":
        sandbox.smrep("failover", *PAIR, "--all", "--record", str(tmp_path / "dr.jsonl"), "--yes")
    before = len(sandbox.simulator.log)

    sandbox.smrep(command, *names, *words, stdin=ORGANIZATION if command == "accounts" else MANIFEST)

    calls = [call for call in sandbox.simulator.log[before:] if call.service != "sts"]
    assert sent in {call.operation for call in calls}
    keyed = ["-r", "us-west-2=alias/dr,eu-west-1=alias/dr"] if command == "rekey" else ["-r", REGIONS]
    keyed += ["--primary-key", "alias/dr", "--expect-account", sandbox.simulator.account_id]
    of = policy(sandbox.smrep("iam-policy", *names, *keyed, "--for", command))
    for call in calls:
        resources, context = request_of(sandbox, call)
        for resource in resources:
            assert allows(of, f"{call.service}:{call.operation}", resource, context), f"{call} on {resource}"


@pytest.mark.parametrize("command", sorted(SELECTING))
def test_what_selectors_call_is_granted_by_the_policy_of_their_prefix(sandbox: Sandbox, command: str) -> None:
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    sandbox.call("DescribeSecret", SecretId="prod/db")
    sandbox.simulator.log.clear()
    target = "us-west-2=alias/aws/secretsmanager" if command in {"rekey", "replicate"} else "us-west-2"
    sandbox.smrep(command, "--prefix", "prod/", "-r", target, *([] if command in READING else ["--yes"]))
    calls = [call for call in sandbox.simulator.log if call.service != "sts"]
    assert calls[0].operation == "ListSecrets"
    words = ("--prefix", "prod/", "-r", "us-west-2", "--for", command)
    of = policy(sandbox.smrep("iam-policy", *words, "--expect-account", sandbox.simulator.account_id))
    for call in calls:
        resources, context = request_of(sandbox, call)
        for resource in resources:
            assert allows(of, f"{call.service}:{call.operation}", resource, context), f"{call} on {resource}"


def test_every_command_of_the_table_is_held_against_reality() -> None:
    assert {command for command, _, _ in REALITY} == set(CALLS)


def test_the_policy_refuses_what_was_not_asked_for(sandbox: Sandbox) -> None:
    of = policy(sandbox.smrep("iam-policy", ARN, "-r", "us-west-2,eu-west-1"))
    regions, force = "secretsmanager:AddReplicaRegions", "secretsmanager:ForceOverwriteReplicaSecret"

    def replicate(resource: str = ARN, **context: list[str]) -> bool:
        keys = {regions if key == "regions" else force: value for key, value in context.items()}
        return allows(of, "secretsmanager:ReplicateSecretToRegions", resource, keys)

    assert replicate(regions=["us-west-2"])
    assert replicate(regions=["us-west-2", "eu-west-1"], force=["false"])
    assert not replicate(regions=["us-west-2", "sa-east-1"])
    assert not replicate()
    assert not replicate(regions=["us-west-2"], force=["true"])
    assert not replicate(ARN.replace("prod/db", "prod/api"), regions=["us-west-2"])
    assert not replicate(ARN.replace("us-east-1", "us-west-2"), regions=["eu-west-1"])
    forced = policy(sandbox.smrep("iam-policy", ARN, "-r", "us-west-2", "--force-overwrite"))
    assert allows(forced, "secretsmanager:ReplicateSecretToRegions", ARN, {regions: ["us-west-2"], force: ["true"]})


def test_rekeying_lets_nobody_write_to_a_secret_that_is_no_replica(sandbox: Sandbox) -> None:
    of = policy(sandbox.smrep("iam-policy", "prod/db", "-r", "us-west-2=alias/dr", "--for", "rekey"))
    replica = ARN.replace("us-east-1", "us-west-2")
    home = "secretsmanager:SecretPrimaryRegion"
    assert allows(of, "secretsmanager:UpdateSecret", replica, {home: ["us-east-1"]})
    assert not allows(of, "secretsmanager:UpdateSecret", replica, {home: ["us-west-2"]})
    assert not allows(of, "secretsmanager:UpdateSecret", replica, {})
    assert not allows(of, "secretsmanager:UpdateSecret", ARN, {home: ["us-east-1"]})
