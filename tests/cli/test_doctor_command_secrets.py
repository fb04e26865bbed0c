"""`smrep doctor` over real boto3 and HTTP: which secrets, whose credentials, and what is wrong at once."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable

import pytest
from cli.doctor_sandbox import WEST, doctor, replicated
from cli.document_rows import kinds_by_row
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]


def test_a_replica_is_followed_to_its_primary(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = doctor(sandbox, "prod/db", "--primary-region", WEST, "--json")
    assert (done.code, done.document["secrets"][0]["primary_region"]) == (0, "us-east-1")
    assert "warning: prod/db in us-west-2 is a replica; smrep reports its primary in us-east-1" in done.err


def test_a_missing_secret(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "nowhere", "-r", WEST, "--json")
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "ResourceNotFoundException")


def test_several_secrets_and_one_that_is_missing(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.create("other")
    done = doctor(sandbox, "prod/db", "nowhere", "other", "-r", WEST, "-o", "table")
    assert done.code == 1
    assert "3 secrets" in done.out
    assert "can't find the specified secret" in done.err
    assert re.search(r"nowhere\s+-\s+-\s+ResourceNotFoundException", done.out)


def test_secrets_from_standard_input(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("doctor", "-", "--json", stdin="prod/db\n")
    assert (done.code, kinds_by_row(done)) == (0, [[]])


def test_a_secret_without_replicas_and_no_region_named(sandbox: Sandbox) -> None:
    sandbox.create()
    done = doctor(sandbox, "prod/db", "-o", "table")
    assert (done.code, "no replicas" in done.out) == (0, True)


def test_a_trouble_of_a_secret_without_replicas_is_said_once(sandbox: Sandbox) -> None:
    key = sandbox.key("alias/own", "us-east-1")
    sandbox.create(KmsKeyId=key)
    sandbox.simulator.set_key_state(key, "us-east-1", "Disabled")
    done = doctor(sandbox, "prod/db")
    assert done.code == 1
    assert len(re.findall(r"^(?:warning|error): the primary's own key", done.err, re.MULTILINE)) == 1
    assert "hint: enable the key:\n  aws kms enable-key" in done.err


@pytest.mark.parametrize("output", ["json", "table"])
def test_a_doubt_about_a_secret_without_replicas_has_its_permission_named(make_sandbox: Make, output: str) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListSecretVersionIds", "us-east-1")}))
    sandbox.create()
    done = doctor(sandbox, "prod/db", "-o", output)
    assert done.code == 4
    where = done.out if output == "json" else done.out + done.err
    assert "allow secretsmanager:ListSecretVersionIds on arn:aws:secretsmanager:us-east-1" in where


# without a secret


def test_regions_and_keys_without_a_secret(sandbox: Sandbox) -> None:
    sandbox.key("alias/dr")
    done = doctor(sandbox, "-r", f"{WEST},eu-west-1", "--kms-key", "alias/dr", "--json")
    assert (done.code, kinds_by_row(done)) == (1, [[], ["key_missing"]])
    assert (done.document["secrets"][0]["name"], done.document["account_id"]) == ("-", "123456789012")
    table = doctor(sandbox, "-r", f"{WEST},eu-west-1", "--kms-key", "alias/dr", "-o", "table")
    assert table.out.startswith("Regions and keys, without a secret\n")
    assert "smrep" not in table.out or "smrep replicate -" not in table.out
    assert sandbox.log("DescribeSecret") == []


def test_neither_a_secret_nor_a_region_is_whose_credentials_these_are(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "--json")
    assert (done.code, done.document["account_id"], done.document["secrets"]) == (0, "123456789012", [])
    assert "the credentials belong to arn:aws:iam::123456789012:user/sandbox" in done.err
    assert doctor(sandbox).out == ""


# whose credentials these are


def test_credentials_that_are_not_there_are_exit_4(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "-r", WEST, "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert (done.code, done.document["result"], done.document["account_id"]) == (4, "access", None)
    assert "aws configure sso" in done.document["error"]["hint"]


def test_credentials_that_sts_refuses_are_exit_4(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, disabled_regions=frozenset({"us-east-1"}))
    done = doctor(sandbox, "prod/db", "--json")
    assert (done.code, done.document["result"]) == (4, "access")


def test_a_caller_of_another_account_is_warned_of(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    sandbox.call("PutResourcePolicy", SecretId=arn, ResourcePolicy=json.dumps({"Statement": everybody}))
    sandbox.pass_time()
    done = doctor(sandbox, arn, "--role-arn", "arn:aws:iam::999999999999:role/ops", "--json")
    assert (done.code, kinds_by_row(done)) == (0, [[]])
    assert "the credentials belong to arn:aws:sts::999999999999:assumed-role/ops/" in done.err
    assert "belongs to another account than the credentials" in done.err
    assert done.document["account_id"] == "123456789012"


def test_another_account_than_expected_is_exit_2(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = doctor(sandbox, "prod/db", "--expect-account", "999999999999", "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "AccountMismatch")


def test_a_caller_that_sts_will_not_tell_is_said(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("GetCallerIdentity", "us-east-1")}))
    done = doctor(sandbox, "prod/db", "--json")
    assert "warning: smrep could not check whose credentials these are: " in done.err
    assert kinds_by_row(done) == [[]]


# what can be seen to be wrong at once


@pytest.mark.parametrize(
    "words",
    [
        ("prod/db", "-r", "us-east-1"),
        ("-r", "us-east-1"),
        ("prod/db", "-r", "cn-north-1"),
        ("prod/db", "-r", "us-wst-2"),
        ("prod/db", "-r", f"{WEST}=arn:aws:kms:us-east-1:123456789012:key/1"),
        ("prod/db", "--reader", "app"),
        ("prod/db", "--reader", "arn:aws:iam::123456789012:user/app"),
        ("prod/db", "--reader", "arn:aws:sts::123456789012:assumed-role/app/session"),
        ("prod/db", "--reader", "arn:aws:iam::123456789012:role/"),
        ("prod/db", "--reader", ""),
        ("prod/db", "--yes"),
    ],
)
def test_a_usage_error_asks_aws_nothing(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    sandbox.create()
    done = doctor(sandbox, *words, "--json")
    assert (done.code, done.document["result"], done.document["command"]) == (2, "usage", "doctor")
    assert sandbox.simulator.log == []


def test_the_primarys_own_region_behind_a_replica_is_exit_2(make_sandbox: Make) -> None:
    done = doctor(replicated(make_sandbox), "prod/db", "--primary-region", WEST, "-r", "us-east-1", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")


def test_nobody_names_a_region(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "-r", WEST, "--json", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.code, sandbox.simulator.log) == (4, [])


# outage, denial, interrupt


def test_where_the_account_may_not_be_asked_ec2_tells_the_regions(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListRegions", "us-east-1")}), disabled_regions=frozenset({"eu-south-1"}))
    done = doctor(sandbox, "-r", f"{WEST},eu-south-1,us-west-9", "--json")
    assert (done.code, kinds_by_row(done)) == (1, [[], ["region_disabled"], ["region_unknown"]])


@pytest.mark.process
def test_an_interrupt_says_that_nothing_was_changed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.simulator.faults = Faults(latency_s=2.0)
    process = sandbox.start("doctor", "prod/db", "--json")
    sandbox.wait_for("DescribeSecret")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    done = Done(process.returncode, out, err)
    assert (done.code, done.document["error"]["message"]) == (130, "stopped; nothing was changed")
    assert "Traceback" not in err
