"""`smrep doctor` from its words to its exit code, over real boto3 and HTTP."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]
WEST = "us-west-2"
ROLE = "arn:aws:iam::123456789012:role/team/app"
READ = "secretsmanager:GetSecretValue"
READS = {
    "DescribeSecret",
    "ListSecretVersionIds",
    "GetResourcePolicy",
    "DescribeKey",
    "GetCallerIdentity",
    "AssumeRole",
    "ListRegions",
    "DescribeRegions",
    "SimulatePrincipalPolicy",
}


def replicated(make: Make, *regions: str, name: str = "prod/db", key: str | None = None, **faults: Any) -> Sandbox:
    """Return a sandbox with a replicated secret and `alias/dr` in us-west-2, and nothing logged yet."""
    sandbox = make(**faults)
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
        sandbox.create(name)
        added = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
        sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=added)
    return sandbox


def doctor(sandbox: Sandbox, *words: str, **env: str | None) -> Done:
    """Run it; whatever it finds, it only ever looks, and never at a value."""
    sandbox.simulator.log.clear()
    done = sandbox.smrep("doctor", *words, **env)
    assert {call.operation for call in sandbox.simulator.log} <= READS
    assert "s3cret" not in done.out + done.err
    return done


def rows(done: Done) -> list[dict[str, Any]]:
    return [row for secret in done.document["secrets"] for row in secret["replicas"]]


def kinds(done: Done) -> list[list[str]]:
    return [[each["kind"] for each in row["findings"]] for row in rows(done)]


def allow(sandbox: Sandbox, *actions: str) -> None:
    sandbox.simulator.put_role(ROLE, {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


# the document


def test_all_clear(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    done = doctor(sandbox, "prod/db", "-o", "json")
    document = done.document
    assert (done.code, document["result"], document["command"], document["dry_run"]) == (0, "ok", "doctor", False)
    assert (document["account_id"], document["primary_region"]) == ("123456789012", "us-east-1")
    (secret,) = document["secrets"]
    assert (secret["name"], secret["arn"], secret["result"], secret["error"]) == ("prod/db", arn, "ok", None)
    assert secret["replicas"] == [
        {
            "region": WEST,
            "arn": arn.replace("us-east-1", WEST),
            "status": "InSync",
            "status_message": "Replication succeeded",
            "kms_key_id": "alias/aws/secretsmanager",
            "last_accessed_date": None,
            "action": None,
            "changed": False,
            "verified": None,
            "findings": [],
            "error": None,
        }
    ]
    assert "the credentials are of arn:aws:iam::123456789012:user/sandbox\n" in done.err


def test_a_region_where_nothing_is_in_the_way(sandbox: Sandbox) -> None:
    sandbox.create()
    done = doctor(sandbox, "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    assert (done.code, kinds(done)) == (0, [[], []])


def nothing_special(_: Sandbox) -> None:
    pass


def namesake(sandbox: Sandbox) -> None:
    sandbox.create(region=WEST)


def orphan(sandbox: Sandbox) -> None:
    sandbox.create("prod/db", "eu-west-1")
    sandbox.call("ReplicateSecretToRegions", "eu-west-1", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])


def promoted(sandbox: Sandbox) -> None:
    replicate(sandbox)
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")


def removing(sandbox: Sandbox) -> None:
    replicate(sandbox)
    sandbox.simulator.faults = Faults(removal_delay_s=600.0)
    sandbox.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])


def doomed(sandbox: Sandbox) -> None:
    sandbox.create(region=WEST)
    sandbox.call("DeleteSecret", WEST, SecretId="prod/db", RecoveryWindowInDays=7)


def failed(sandbox: Sandbox) -> None:
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", WEST, "Failed", "no luck")


def in_progress(sandbox: Sandbox) -> None:
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", WEST, "InProgress")


def disabled_key(sandbox: Sandbox) -> None:
    sandbox.simulator.set_key_state("alias/dr", WEST, "Disabled")


def disabled_region(sandbox: Sandbox) -> None:
    sandbox.simulator.faults = Faults(disabled_regions=frozenset({WEST}))


def denied_look(sandbox: Sandbox) -> None:
    sandbox.simulator.faults = Faults(denied=frozenset({("DescribeSecret", WEST)}))


def denied_key(sandbox: Sandbox) -> None:
    sandbox.simulator.faults = Faults(denied=frozenset({("DescribeKey", WEST)}))


def outage(sandbox: Sandbox) -> None:
    sandbox.simulator.faults = Faults(denied=frozenset({("ListSecretVersionIds", "us-east-1")}))


def replicate(sandbox: Sandbox) -> None:
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    sandbox.call("DescribeSecret", SecretId="prod/db")


Case = tuple[Callable[[Sandbox], None], str, str, str, int]
CASES: list[Case] = [
    (namesake, WEST, "name_clash", "error", 1),
    (orphan, WEST, "orphan", "error", 1),
    (promoted, WEST, "promoted", "error", 1),
    (removing, WEST, "removing", "info", 3),
    (doomed, WEST, "pending_deletion", "error", 1),
    (failed, WEST, "failed", "error", 1),
    (in_progress, WEST, "in_progress", "warning", 3),
    (nothing_special, f"{WEST}=alias/nowhere", "key_missing", "error", 1),
    (disabled_key, f"{WEST}=alias/dr", "key_disabled", "error", 1),
    (disabled_region, WEST, "region_disabled", "error", 1),
    (nothing_special, "us-west-9", "region_unknown", "error", 1),
    (denied_look, WEST, "unchecked", "warning", 4),
    (denied_key, f"{WEST}=alias/dr", "unchecked", "warning", 4),
    (outage, WEST, "unchecked", "warning", 4),
    (replicate, f"{WEST}=alias/dr", "wrong_key", "error", 5),
]
cases = pytest.mark.parametrize("case", CASES, ids=[f"{each[2]}-{each[0].__name__}" for each in CASES])


@cases
def test_each_finding_ends_with_its_code_and_names_what_mends_it(sandbox: Sandbox, case: Case) -> None:
    prepare, target, kind, severity, code = case
    with sandbox.simulator.undisturbed():
        sandbox.create()
        sandbox.key("alias/dr")
    prepare(sandbox)
    done = doctor(sandbox, "prod/db", "-r", target, "--json")
    (row,) = rows(done)
    (finding,) = row["findings"]
    assert (done.code, finding["kind"], finding["severity"]) == (code, kind, severity)
    assert finding["hint"]
    assert (row["action"], row["changed"]) == (None, False)


@cases
def test_the_table_tells_each_finding_with_its_hint_once_and_on_stdout(sandbox: Sandbox, case: Case) -> None:
    prepare, target, kind, severity, code = case
    with sandbox.simulator.undisturbed():
        sandbox.create()
        sandbox.key("alias/dr")
    prepare(sandbox)
    (finding,) = rows(doctor(sandbox, "prod/db", "-r", target, "--json"))[0]["findings"]
    done = doctor(sandbox, "prod/db", "-r", target, "-o", "table")
    lines = done.out.splitlines()
    assert done.code == code
    told = f"  {severity:<8}{kind}: "
    assert len([line for line in lines if line.startswith(told)]) == 1
    assert f"          {finding['hint']}" in lines
    if kind != "unchecked":  # its message has a request's id in it
        assert told + finding["message"] in lines
    assert finding["message"] not in done.err
    assert finding["hint"] not in done.err


@cases
def test_text_tells_each_finding_somewhere(sandbox: Sandbox, case: Case) -> None:
    prepare, target, _, _, code = case
    with sandbox.simulator.undisturbed():
        sandbox.create()
        sandbox.key("alias/dr")
    prepare(sandbox)
    (finding,) = rows(doctor(sandbox, "prod/db", "-r", target, "--json"))[0]["findings"]
    done = doctor(sandbox, "prod/db", "-r", target)
    assert (done.code, len(done.rows), len(done.rows[0])) == (code, 1, 6)
    assert finding["message"] in done.out + done.err or done.rows[0][2] == "InProgress"


def test_a_warning_is_told_in_text_too(make_sandbox: Make) -> None:
    """Text is what a pipe and a CI job get: a warning that is nowhere there was not given."""
    sandbox = replicated(make_sandbox, name="rds!cluster-1")
    done = doctor(sandbox, "rds!cluster-1")
    assert done.code == 0
    assert "is managed by the AWS service rds" in done.out + done.err


def test_what_is_said_of_a_reader_is_told_in_text_too(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    allow(sandbox, READ)
    done = doctor(sandbox, "prod/db", "--reader", ROLE)
    assert done.code == 0
    assert "IAM's simulation allows" in done.out + done.err


def test_a_warning_of_a_reader_is_told_in_text_too(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/dr")
    allow(sandbox, READ)
    done = doctor(sandbox, "prod/db", "--reader", ROLE)
    assert done.code == 0
    assert "to decrypt with alias/dr in us-west-2" in done.out + done.err


def test_an_error_in_text_is_on_stderr_with_its_hint(sandbox: Sandbox) -> None:
    sandbox.create()
    victim = sandbox.create(region=WEST)
    done = doctor(sandbox, "prod/db", "-r", WEST)
    assert victim in done.rows[0][5]
    assert f"error: another secret bears the name prod/db in us-west-2: {victim}" in done.err
    assert "hint: look at it: aws secretsmanager describe-secret" in done.err


@pytest.mark.parametrize("output", ["table", "text", "json", "ndjson", "name"])
def test_every_format_has_the_same_code(make_sandbox: Make, output: str) -> None:
    sandbox = replicated(make_sandbox)
    assert doctor(sandbox, "prod/db", "-r", f"{WEST}=alias/dr", "-o", output).code == 5


# secrets


def test_a_replica_is_followed_to_its_primary(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = doctor(sandbox, "prod/db", "--primary-region", WEST, "--json")
    assert (done.code, done.document["secrets"][0]["primary_region"]) == (0, "us-east-1")
    assert "warning: prod/db in us-west-2 is a replica; its primary in us-east-1 is what is reported" in done.err


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
    assert (done.code, kinds(done)) == (0, [[]])


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
    assert "hint: aws kms enable-key" in done.err


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
    assert (done.code, kinds(done)) == (1, [[], ["key_missing"]])
    assert (done.document["secrets"][0]["name"], done.document["account_id"]) == ("-", "123456789012")
    table = doctor(sandbox, "-r", f"{WEST},eu-west-1", "--kms-key", "alias/dr", "-o", "table")
    assert table.out.startswith("Regions and keys, without a secret\n")
    assert "smrep" not in table.out or "smrep replicate -" not in table.out
    assert sandbox.log("DescribeSecret") == []


def test_neither_a_secret_nor_a_region_is_whose_credentials_these_are(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "--json")
    assert (done.code, done.document["account_id"], done.document["secrets"]) == (0, "123456789012", [])
    assert "the credentials are of arn:aws:iam::123456789012:user/sandbox" in done.err
    assert doctor(sandbox).out == ""


def test_a_reader_without_a_secret_to_read_is_no_pass(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "-r", WEST, "--reader", ROLE, "--json")
    assert done.code == 2
    assert "--reader" in done.err


# whose credentials these are


def test_credentials_that_are_not_there_are_exit_4(sandbox: Sandbox) -> None:
    done = doctor(sandbox, "-r", WEST, "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert (done.code, done.document["result"], done.document["account_id"]) == (4, "access", None)
    assert "aws sts get-caller-identity" in done.document["error"]["hint"]


def test_credentials_that_sts_refuses_are_exit_4(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, disabled_regions=frozenset({"us-east-1"}))
    done = doctor(sandbox, "prod/db", "--json")
    assert (done.code, done.document["result"]) == (4, "access")


def test_a_caller_of_another_account_is_warned_of(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = doctor(sandbox, "prod/db", "--role-arn", "arn:aws:iam::999999999999:role/ops", "--json")
    assert done.code == 0
    assert "the credentials are of arn:aws:sts::999999999999:assumed-role/ops/" in done.err
    assert "belongs to another account than the credentials" in done.err
    assert done.document["account_id"] == "123456789012"


def test_another_account_than_expected_is_exit_2(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = doctor(sandbox, "prod/db", "--expect-account", "999999999999", "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "AccountMismatch")


def test_a_caller_that_sts_will_not_tell_is_said(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("GetCallerIdentity", "us-east-1")}))
    done = doctor(sandbox, "prod/db", "--json")
    assert "warning: whose credentials these are is not told: " in done.err
    assert kinds(done) == [[]]


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
    assert (done.code, kinds(done)) == (1, [[], ["region_disabled"], ["region_unknown"]])


def test_an_interrupt_says_that_nothing_was_changed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.simulator.faults = Faults(latency_s=2.0)
    process = sandbox.start("doctor", "prod/db", "--json")
    sandbox.wait_for("DescribeSecret")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    done = Done(process.returncode, out, err)
    assert (done.code, done.document["error"]["message"]) == (130, "stopped looking; nothing was changed")
    assert "Traceback" not in err


# the reader


def test_a_reader_that_is_allowed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/dr")
    allow(sandbox, READ, "kms:Decrypt")
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "--json")
    (row,) = rows(done)
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
    assert (done.code, kinds(done)) == (4, [["unchecked"]])
    assert "aws iam get-role --role-name app" in rows(done)[0]["findings"][0]["hint"]


def test_a_simulation_that_is_denied_is_exit_4_with_its_permission(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("SimulatePrincipalPolicy", "us-east-1")}))
    allow(sandbox, READ)
    done = doctor(sandbox, "prod/db", "--reader", ROLE, "--json")
    assert (done.code, kinds(done)) == (4, [["unchecked"]])
    assert rows(done)[0]["findings"][0]["hint"] == f"allow iam:SimulatePrincipalPolicy on {ROLE}"


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


# on a terminal


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_no_hint_is_folded_and_no_word_is_cut(sandbox: Sandbox, columns: int) -> None:
    sandbox.create()
    victim = sandbox.create(region=WEST)
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", "InSync", "Replication succeeded")
    words = ["prod/db", "-r", f"{WEST},eu-west-1=alias/nowhere,ap-southeast-2,us-west-9"]
    findings = [each for row in rows(doctor(sandbox, *words, "--json")) for each in row["findings"]]
    terminal = Terminal(sandbox, "doctor", *words, "-o", "table", columns=columns, COLUMNS=str(columns), NO_COLOR="1")
    assert terminal.end() == 1
    lines = terminal.seen.split("\r\n")
    for finding in findings:
        assert f"  {finding['severity']:<8}{finding['kind']}: {finding['message']}" in lines
        assert f"          {finding['hint']}" in lines
    assert len(findings) >= 4
    assert victim in terminal.seen
    table = lines[lines.index(next(line for line in lines if "  STATUS" in line)) :]
    table = table[: table.index("")]
    assert all(len(line) <= columns for line in table)
    for region in (WEST, "eu-west-1", "ap-southeast-2", "us-west-9"):
        assert len([line for line in table if line.split()[:1] == [region]]) == 1
    joined = " ".join(" ".join(line.split()) for line in table)
    assert "nothing bears the name" in joined
    assert "3 of 4 in trouble, 1 of 4 clear" in terminal.seen


@pytest.mark.parametrize("columns", [80, 120])
def test_several_secrets_on_a_terminal_keep_their_names_and_ages_whole(make_sandbox: Make, columns: int) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.create("other/with/a/long/name/that/goes/on/and/on")
    names = ["prod/db", "other/with/a/long/name/that/goes/on/and/on"]
    terminal = Terminal(
        sandbox, "doctor", *names, "-r", WEST, "-o", "table", columns=columns, COLUMNS=str(columns), NO_COLOR="1"
    )
    assert terminal.end() == 0
    start = terminal.seen.index("SECRET")
    table = terminal.seen[start : terminal.seen.index("\r\n\r\n", start)]
    assert all(len(line) <= columns for line in table.split("\r\n"))
    for word in ("replica,", "changed", "accessed", "recorded", "InSync"):
        assert re.search(rf"(?<!\w){re.escape(word)}", table)
