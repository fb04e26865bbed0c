"""The policy of a manifest as a command, held against what the manifest's commands really call."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli.test_iam_policy_reality import allows, request_of
from fixtures import Done, Sandbox
from test_structure import loaded

ACCOUNT, OTHER = "123456789012", "999999999999"
RULE = {"names": ["prod/db"], "regions": ["us-west-2"]}


def manifest(*rules: Any, **top: Any) -> str:
    return json.dumps({"schema": 1, "replicate": rules or [RULE], **top})


def asked(sandbox: Sandbox, text: str, *words: str, **env: str | None) -> Done:
    return sandbox.smrep("iam-policy", "--manifest", "-", *words, stdin=text, **env)


def test_one_policy_is_printed_as_any_other(sandbox: Sandbox) -> None:
    done = asked(sandbox, manifest(account_id=ACCOUNT))
    policy = json.loads(done.out)
    assert done.out == json.dumps(policy, indent=2) + "\n"
    words = ("iam-policy", "prod/db", "-r", "us-west-2", "--expect-account", ACCOUNT, "--for", "plan,apply,audit")
    apply = json.loads(sandbox.smrep(*words).out)
    assert [each for each in apply["Statement"] if each["Sid"] != "Remove"] == policy["Statement"]
    assert "primary Region us-east-1 (from AWS_REGION)" in done.err
    assert sandbox.simulator.log == []


def test_the_commands_may_be_others(sandbox: Sandbox) -> None:
    done = asked(sandbox, manifest(), "--for", "audit")
    assert "Replicate" not in done.out
    assert "DescribeSecret" in done.out


def test_several_policies_are_a_list_and_with_out_a_file_each(sandbox: Sandbox, tmp_path: Path) -> None:
    roles = [{"role_arn": f"arn:aws:iam::{account}:role/smrep"} for account in (ACCOUNT, OTHER)]
    text = manifest(account=roles)
    listed = asked(sandbox, text)
    assert "3 policies, as a JSON list; to write a file for each: --out FOLDER" in listed.err
    done = asked(sandbox, text, "--out", str(tmp_path))
    paths = [Path(line) for line in done.out.splitlines()]
    names = ["smrep-caller-1", f"smrep-{ACCOUNT}-1", f"smrep-{OTHER}-1"]
    assert [path.name for path in paths] == [f"{name}.json" for name in names]
    assert [json.loads(path.read_text()) for path in paths] == json.loads(listed.out)


def test_an_organization_is_covered_beside_its_exceptions(sandbox: Sandbox) -> None:
    exception = {"role_arn": f"arn:aws:iam::{OTHER}:role/special", "region": "eu-west-1"}
    text = manifest(organization={"role_name": "smrep"}, account=[exception])
    caller, special, members = json.loads(asked(sandbox, text).out)
    assert [each["Sid"] for each in caller["Statement"]] == ["FindAccounts", "AssumeRoles"]
    assert caller["Statement"][1]["Resource"] == ["arn:aws:iam::*:role/smrep", exception["role_arn"]]
    assert f"arn:aws:secretsmanager:eu-west-1:{OTHER}:secret:prod/db-??????" in json.dumps(special)
    assert "arn:aws:secretsmanager:us-east-1:*:secret:prod/db-??????" in json.dumps(members)
    assert sandbox.simulator.log == []


def test_out_splits_the_policy_of_named_secrets_too(sandbox: Sandbox, tmp_path: Path) -> None:
    names = [f"prod/db-{number:03}" for number in range(50)]
    done = sandbox.smrep("iam-policy", *names, "-r", "us-west-2", "--expect-account", ACCOUNT, "--out", str(tmp_path))
    texts = [Path(line).read_text() for line in done.out.splitlines()]
    assert len(texts) > 1
    assert all(len(re.sub(r"\s", "", text)) <= 6144 for text in texts)
    assert all(f"secret:{name}-" in "".join(texts) for name in names)


def test_out_creates_its_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    done = asked(sandbox, manifest(), "--out", str(tmp_path / "policies"))
    assert (done.code, done.out) == (0, f"{tmp_path}/policies/smrep-1.json\n")


@pytest.mark.parametrize(("place", "folder"), [("file", "file"), ("missing/policies", "missing")])
def test_a_folder_that_cannot_be_written_is_a_usage_error(
    sandbox: Sandbox, tmp_path: Path, place: str, folder: str
) -> None:
    (tmp_path / "file").touch()
    done = asked(sandbox, manifest(), "--out", str(tmp_path / place))
    assert (done.code, done.out) == (2, "")
    assert f"cannot be written: folder {tmp_path / folder} does not exist" in done.err
    assert not (tmp_path / "missing").exists()


def test_a_file_that_cannot_be_replaced_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "smrep-1.json").mkdir()
    done = asked(sandbox, manifest(), "--out", str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert f"error: --out {tmp_path} cannot be written: Is a directory" in done.err


WRONG = {
    "secret": (["prod/db"], manifest(), "contradict it"),
    "Region": (["-r", "us-west-2"], manifest(), "contradict it"),
    "prefix": (["--prefix", "prod/"], manifest(), "contradict it"),
    "key": (["--kms-key", "alias/dr"], manifest(), "contradict it"),
    "overwriting": (["--force-overwrite"], manifest(), "contradict it"),
    "no manifest": ([], "", "is missing"),
    "no rule": ([], json.dumps({"schema": 1}), "a manifest needs at least one"),
    "another Region": ([], manifest(primary_region="eu-west-1"), "if the manifest is right, add --primary-region"),
    "another account": (["--expect-account", OTHER], manifest(account_id=ACCOUNT), f"--expect-account says {OTHER}"),
    "own Region": ([], manifest({**RULE, "regions": ["us-east-1"]}), "us-east-1 is the primary's own Region"),
    "wildcard": ([], manifest({"prefix": ["prod/*"], "regions": ["us-west-2"]}), "replicate[0].prefix: 'prod/*'"),
    "primary's key elsewhere": (
        ["--primary-key", f"arn:aws:kms:us-west-2:{ACCOUNT}:key/x"],
        manifest(),
        "is not a key in us-east-1",
    ),
}


@pytest.mark.parametrize(("words", "text", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_line_or_manifest_prints_no_policy(
    sandbox: Sandbox, words: list[str], text: str, sentence: str
) -> None:
    done = asked(sandbox, text, *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_the_manifest_names_the_region_where_nothing_else_does(sandbox: Sandbox) -> None:
    nowhere = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    done = asked(sandbox, manifest(primary_region="eu-west-1"), **nowhere)
    assert "primary Region eu-west-1 (from manifest)" in done.err
    assert ":eu-west-1:" in done.out
    assert "the primary's Region is unknown" in asked(sandbox, manifest(), **nowhere).err


@pytest.mark.process
def test_it_loads_only_click_and_needs_no_credentials(tmp_path: Path) -> None:
    path = tmp_path / "dr.toml"
    path.write_text(manifest(primary_region="us-east-1"))
    assert loaded(("iam-policy", "--manifest", str(path))) == [set()]


KEYED = {"region": "us-west-2", "kms_key": "alias/dr"}
RULES = [
    {"names": ["prod/db"], "regions": [KEYED], "remove_extra": True},
    {"prefix": ["prod/n"], "regions": [KEYED, "eu-west-1"]},
    {"tags": {"dr": "true"}, "regions": ["ap-northeast-1"]},
]
"""Wants a replica away, and three made: one secret matches two rules, and gets the Regions of both at once."""


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["plan"], "DescribeKey"),
        (["apply", "--yes", "--max-removals", "1"], "RemoveRegionsFromReplication"),
        (["audit", "--deep"], "DescribeSecret"),
    ],
)
def test_the_policy_grants_what_the_commands_of_the_manifest_call(
    make_sandbox: Any, words: list[str], sent: str
) -> None:
    sandbox: Sandbox = make_sandbox(removal_delay_s=0.1)
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        key = sandbox.call("CreateKey", region, "kms")["KeyMetadata"]["KeyId"]
        sandbox.call("CreateAlias", region, "kms", AliasName="alias/dr", TargetKeyId=key)
    tagged = [{"Key": "dr", "Value": "true"}]
    sandbox.create(KmsKeyId="alias/dr")
    sandbox.create("prod/new", KmsKeyId="alias/dr", Tags=tagged)
    sandbox.create("elsewhere", Tags=tagged)
    wanted = [{"Region": "us-west-2", "KmsKeyId": "alias/dr"}, {"Region": "eu-west-1"}]
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    sandbox.call("DescribeSecret", SecretId="prod/db")
    before = len(sandbox.simulator.log)

    text = manifest(*RULES, account_id=sandbox.simulator.account_id)
    command, *others = words
    sandbox.smrep(command, "-f", "-", *others, stdin=text)

    calls = [call for call in sandbox.simulator.log[before:] if call.service != "sts"]
    assert sent in {call.operation for call in calls}
    of = json.loads(asked(sandbox, text, "--primary-key", "alias/dr", "--for", command).out)
    for call in calls:
        resources, context = request_of(sandbox, call)
        if call.params.get("SecretId") and call.region == "us-east-1":
            for tag in sandbox.call("DescribeSecret", SecretId=call.params["SecretId"]).get("Tags", []):
                context[f"secretsmanager:ResourceTag/{tag['Key']}"] = [tag["Value"]]
        for resource in resources:
            assert allows(of, f"{call.service}:{call.operation}", resource, context), f"{call} on {resource}"
