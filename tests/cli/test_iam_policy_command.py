"""The policy as a command: offline, safe defaults, plain words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fixtures import Done, Sandbox
from test_structure import loaded

from smrep.rules.least_privilege import HARMLESS

ACCOUNT = "123456789012"
ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/0f0e0d0c-1111-4222-8333-444455556666"


def policy(done: Done) -> Any:
    assert done.code == 0, done.err
    return json.loads(done.out)


def statements(done: Done) -> dict[str, Any]:
    return {each["Sid"]: each for each in policy(done)["Statement"]}


def test_the_policy_is_all_there_is_on_standard_output(sandbox: Sandbox) -> None:
    done = sandbox.smrep("iam-policy", "prod/db", "-r", "us-west-2")
    assert done.out == json.dumps(policy(done), indent=2) + "\n"
    assert "primary Region us-east-1 (from AWS_REGION)" in done.err
    assert sandbox.simulator.log == []


@pytest.mark.process
def test_it_loads_only_click_and_needs_no_credentials() -> None:
    words = ("iam-policy", "prod/db", "-r", "us-west-2=alias/dr", "--primary-region", "us-east-1")
    assert loaded(words) == [set()]


def test_by_default_it_is_for_the_commands_that_destroy_nothing(sandbox: Sandbox) -> None:
    words = ("iam-policy", "prod/db", "-r", "us-west-2")
    named = sandbox.smrep(
        "iam-policy", "-", *words[2:], "--for", "replicate,status,wait", "--for", "retry,verify", stdin="prod/db"
    )
    assert sandbox.smrep(*words).out == named.out
    assert HARMLESS == ("replicate", "status", "wait", "retry", "verify")


@pytest.mark.parametrize(
    ("words", "env", "region"),
    [
        (["prod/db", "--primary-region", "eu-west-1"], {"SMREP_PRIMARY_REGION": "eu-north-1"}, "eu-west-1"),
        (["prod/db", "--source-region", "eu-west-1"], {}, "eu-west-1"),
        (["prod/db"], {"SMREP_PRIMARY_REGION": "eu-north-1"}, "eu-north-1"),
        (["prod/db"], {"AWS_REGION": None, "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ([ARN], {"AWS_REGION": "eu-north-1"}, "us-east-1"),
        ([], {}, "us-east-1"),
    ],
)
def test_where_the_primary_lives(sandbox: Sandbox, words: list[str], env: dict[str, Any], region: str) -> None:
    done = sandbox.smrep("iam-policy", *words, "-r", "us-west-2", **env)
    assert statements(done)["Replicate"]["Resource"][0].split(":")[3] == region


def test_no_secret_means_all_of_the_region_and_is_said(sandbox: Sandbox) -> None:
    done = sandbox.smrep("iam-policy", "-r", "us-west-2", SMREP_EXPECT_ACCOUNT=ACCOUNT)
    assert statements(done)["Replicate"]["Resource"] == [f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:*"]
    assert "no SECRET: the policy covers every secret in us-east-1" in done.err


LISTING = {"Sid": "ListSecrets", "Effect": "Allow", "Action": ["secretsmanager:ListSecrets"], "Resource": ["*"]}


@pytest.mark.parametrize("words", [[], ["prod/*"], ["--prefix", "prod/"]])
@pytest.mark.parametrize("command", ["replicate", "status", "remove", "rekey", "doctor"])
def test_where_selectors_may_choose_the_policy_allows_to_list(sandbox: Sandbox, words: list[str], command: str) -> None:
    done = sandbox.smrep("iam-policy", *words, "-r", "us-west-2", "--for", command)
    assert statements(done)["ListSecrets"] == LISTING


@pytest.mark.parametrize("words", [["prod/db"], [ARN], ["prod/*", "--for", "promote"]])
def test_named_secrets_need_no_list(sandbox: Sandbox, words: list[str]) -> None:
    assert "ListSecrets" not in sandbox.smrep("iam-policy", *words, "-r", "us-west-2").out


def test_a_prefix_is_the_pattern_of_its_names(sandbox: Sandbox) -> None:
    by_prefix = sandbox.smrep("iam-policy", "--prefix", "prod/", "-r", "us-west-2")
    assert by_prefix.out == sandbox.smrep("iam-policy", "prod/*", "-r", "us-west-2").out
    assert statements(by_prefix)["Replicate"]["Resource"] == ["arn:aws:secretsmanager:us-east-1:*:secret:prod/*"]


def test_no_region_is_a_warning_and_no_limit(sandbox: Sandbox) -> None:
    done = sandbox.smrep("iam-policy", "prod/db", "-q")
    assert "AddReplicaRegions" not in done.out
    assert re.fullmatch(r"warning: no -r: the policy allows replicas in every Region.*\n", done.err)


def test_keys_of_regions_and_the_default_key(sandbox: Sandbox) -> None:
    words = ("-r", f"us-west-2={KEY},eu-west-1", "--kms-key", "alias/dr", "--primary-key", "alias/main")
    done = sandbox.smrep("iam-policy", "prod/db", *words)
    used = [each["Resource"][0] for sid, each in statements(done).items() if sid.startswith("UseKeys")]
    assert used == ["arn:aws:kms:us-east-1:*:key/*", "arn:aws:kms:eu-west-1:*:key/*", KEY]
    assert "no statement" not in done.err


def test_a_policy_that_is_too_long_for_iam_is_said(sandbox: Sandbox) -> None:
    done = sandbox.smrep("iam-policy", *(f"prod/db-{number:03}" for number in range(50)), "-r", "us-west-2")
    assert re.search(r"warning: the policy has \d+ characters without white space", done.err)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--for", "remove"], "allows removing every replica"),
        (["--for", "rekey"], "rekey --recreate also needs --for remove,replicate"),
        (["--primary-region", "us-east-9"], "warning: us-east-9 is not a Region that this version knows"),
        ([], "the account is unknown"),
        ([], "no statement for the primary's key in us-east-1: "),
        (["-r", "eu-west-1"], "no statement for the replicas' keys in eu-west-1: "),
        ([ARN], f"reports it as unchecked: {ARN}"),
    ],
)
def test_what_else_is_said(sandbox: Sandbox, words: list[str], sentence: str) -> None:
    names = [] if ARN in words else ["prod/db"]
    assert sentence in sandbox.smrep("iam-policy", *names, *words, "-r", "us-west-2=alias/dr").err


WRONG = {
    "question mark": (["prod/d?"], "is not a secret's name"),
    "policy variable": (["prod/${aws:username}"], "is not a secret's name"),
    "wildcard in an ARN": ([ARN[:-6] + "??????"], "is not a secret's name"),
    "all secrets by ARN": ([ARN[:-14] + "*"], "'*' is not a secret's name"),
    "wildcard as a key": (["x", "-r", f"us-west-2={KEY[:-36]}*"], "is not a KMS key"),
    "no key": (["x", "-r", "us-west-2=dr"], "'dr' is not a KMS key"),
    "key elsewhere": (["x", "-r", f"eu-west-1={KEY}"], "use a key in eu-west-1"),
    "primary's key elsewhere": (["x", "--primary-key", KEY], "is not a key in us-east-1"),
    "default key without Regions": (["x", "--kms-key", "alias/dr"], "--kms-key does nothing without -r"),
    "own Region": (["x", "-r", "us-east-1"], "us-east-1 is the primary's own Region"),
    "partitions": (["x", "-r", "cn-north-1"], "secrets replicate only within a partition"),
    "account": ([ARN, "--expect-account", "999999999999"], f"belongs to account {ACCOUNT}"),
    "ARN against flag": ([ARN, "--primary-region", "eu-west-1"], "contradicts the ARN"),
    "mistyped command": (["x", "--for", "replicat"], "did you mean replicate?"),
    "command without calls": (["x", "--for", "completion"], "choose from: replicate, status"),
    "overwriting nothing": (["x", "--for", "status", "--force-overwrite"], "without --for replicate"),
    "rekey anywhere": (["x", "--for", "rekey"], "would allow UpdateSecret on the primary"),
    "nobody on standard input": (["-", "-r", "us-west-2"], "standard input named no secret"),
    "no primary Region": (["x", "-r", "us-west-2"], "--primary-region REGION"),
}


@pytest.mark.parametrize(("words", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_line_prints_no_policy(sandbox: Sandbox, words: list[str], sentence: str) -> None:
    region = None if "--primary-region REGION" in sentence else "us-east-1"
    done = sandbox.smrep("iam-policy", *words, stdin="", AWS_REGION=region, AWS_DEFAULT_REGION=region)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err


@pytest.mark.parametrize("flag", ["-h", "--help", "-V", "--version"])
def test_help_and_version(sandbox: Sandbox, flag: str) -> None:
    done = sandbox.smrep("iam-policy", flag)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(("Usage: smrep iam-policy", "smrep 0."))


def test_completing_commands_and_regions(sandbox: Sandbox) -> None:
    words = ("smrep", "iam-policy", "--for", "status,re")
    assert "plain\tstatus,replicate\t\n" in sandbox.smrep(*words, _SMREP_COMPLETE="zsh_complete").out
