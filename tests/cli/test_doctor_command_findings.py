"""`smrep doctor` over real boto3 and HTTP: each finding, in each format and with its exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli.doctor_sandbox import READ, ROLE, WEST, allow, doctor, replicated
from cli.document_rows import kinds_by_row, rows_of
from fixtures import Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]


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
            "result": "ok",
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
    assert "the credentials belong to arn:aws:iam::123456789012:user/sandbox\n" in done.err


def test_a_region_where_nothing_is_in_the_way(sandbox: Sandbox) -> None:
    sandbox.create()
    done = doctor(sandbox, "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    assert (done.code, kinds_by_row(done)) == (0, [[], []])


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
    (namesake, WEST, "name_conflict", "error", 1),
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
    (row,) = rows_of(done)
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
    (finding,) = rows_of(doctor(sandbox, "prod/db", "-r", target, "--json"))[0]["findings"]
    done = doctor(sandbox, "prod/db", "-r", target, "-o", "table")
    lines = done.out.splitlines()
    assert done.code == code
    told = f"  {severity:<8}{kind}: "
    assert len([line for line in lines if line.startswith(told)]) == 1
    assert "\n".join(f"          {line}" for line in finding["hint"].splitlines()) in done.out
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
    (finding,) = rows_of(doctor(sandbox, "prod/db", "-r", target, "--json"))[0]["findings"]
    done = doctor(sandbox, "prod/db", "-r", target)
    assert (done.code, len(done.rows), len(done.rows[0])) == (code, 1, 8)
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
    assert f"error: us-west-2 has a different secret named prod/db: {victim}" in done.err
    assert "hint: look at it:\n  aws secretsmanager describe-secret" in done.err


@pytest.mark.parametrize("output", ["table", "text", "json", "ndjson", "name"])
def test_every_format_has_the_same_code(make_sandbox: Make, output: str) -> None:
    sandbox = replicated(make_sandbox)
    assert doctor(sandbox, "prod/db", "-r", f"{WEST}=alias/dr", "-o", output).code == 5
