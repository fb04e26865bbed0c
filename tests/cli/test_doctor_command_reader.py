"""`smrep doctor --reader` over real boto3 and HTTP: whether a role could read over there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from cli.doctor_sandbox import READ, ROLE, WEST, allow, doctor, replicated
from cli.document_rows import kinds_by_row, rows_of
from fixtures import Sandbox

Make = Callable[..., Sandbox]


def test_a_reader_without_a_secret_to_read_is_no_pass(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "-r", WEST, "--reader", ROLE, "--json")
    assert done.code == 2
    assert "--reader" in done.err


def test_a_reader_that_is_allowed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/dr")
    allow(sandbox, READ, "kms:Decrypt")
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "--json")
    (row,) = rows_of(done)
    ((kind, severity),) = [(each["kind"], each["severity"]) for each in row["findings"]]
    assert (done.code, kind, severity) == (0, "reader", "info")
    asked = [call.params for call in sandbox.log("SimulatePrincipalPolicy")]
    assert [params["ActionNames"] for params in asked] == [[READ], ["kms:Decrypt"]]
    context = {each["ContextKeyName"]: each["ContextKeyValues"] for each in asked[1]["ContextEntries"]}
    assert context["kms:ViaService"] == ["secretsmanager.us-west-2.amazonaws.com"]
    assert asked[0]["ResourceArns"] == [row["arn"]]


def test_a_reader_that_nothing_allows_is_exit_1(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    allow(sandbox, "s3:*")
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "-o", "table")
    assert done.code == 1
    assert f"  error   reader: no policy allows {ROLE} to read prod/db in us-west-2\n" in done.out
    assert "allow the role secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-west-2:" in done.out


def test_a_role_that_is_not_there_is_exit_4(make_sandbox: Make) -> None:
    done = doctor(replicated(make_sandbox), "prod/db", "--reader", ROLE, "--json")
    assert (done.code, kinds_by_row(done)) == (4, [["unchecked"]])
    assert "aws iam get-role --role-name app" in rows_of(done)[0]["findings"][0]["hint"]


def test_a_simulation_that_is_denied_is_exit_4_with_its_permission(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("SimulatePrincipalPolicy", "us-east-1")}))
    allow(sandbox, READ)
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "--json")
    assert (done.code, kinds_by_row(done)) == (4, [["unchecked"]])
    assert rows_of(done)[0]["findings"][0]["hint"] == f"allow iam:SimulatePrincipalPolicy on {ROLE}"


def test_a_policy_bound_to_the_primarys_region_is_a_warning(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    allow(sandbox, READ)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    policy = {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": arn, "Principal": "*"}]}
    sandbox.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps(policy))
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "-o", "table")
    assert done.code == 0
    assert re.search(rf"^  warning reader: .* names {re.escape(arn)}$", done.out, re.MULTILINE)


def test_a_hostile_policy_can_write_to_no_terminal(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    allow(sandbox, READ)
    evil = "arn:aws:secretsmanager:us-east-1:1:\x1b]0;owned\x07\u202e##[error]"
    policy = {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": evil, "Principal": "*"}]}
    sandbox.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps(policy))
    for output in ("table", "text", "json"):
        done = doctor(sandbox, "prod/db", "--reader", ROLE, "-o", output, GITHUB_ACTIONS="true")
        assert not {"\x1b", "\x07", "\u202e"} & set(done.out + done.err)
        assert "##[" not in done.out + done.err
