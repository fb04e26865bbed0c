"""`smrep replicate` over real boto3 and HTTP: what it prints in each format, and what it says beside that."""

from __future__ import annotations

from collections.abc import Callable

from fixtures import Sandbox

Make = Callable[..., Sandbox]


def test_the_main_job(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    done = sandbox.process("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "-o", "json")
    document = done.document
    assert (done.code, document["result"], document["command"]) == (0, "ok", "replicate")
    assert (document["account_id"], document["primary_region"]) == ("123456789012", "us-east-1")
    assert document["primary_region_source"] == "AWS_REGION"
    assert document["endpoint_url"] == sandbox.url
    (secret,) = document["secrets"]
    assert (secret["name"], secret["arn"], secret["result"]) == ("prod/db", arn, "ok")
    assert secret["replicas"][0] == {
        "region": "us-west-2",
        "arn": arn.replace("us-east-1", "us-west-2"),
        "result": "ok",
        "status": "InSync",
        "status_message": "Replication succeeded",
        "kms_key_id": "alias/aws/secretsmanager",
        "last_accessed_date": None,
        "action": "add",
        "changed": True,
        "verified": None,
        "findings": [],
        "error": None,
    }
    assert "primary Region us-east-1 (from AWS_REGION)" in done.err
    assert f"endpoint {sandbox.url}" in done.err


def test_text_has_eight_columns_and_no_header(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    assert done.rows == [
        [
            "prod/db",
            "us-west-2",
            "InSync",
            "alias/aws/secretsmanager",
            "add",
            "Replication succeeded",
            "123456789012",
            "-",
        ]
    ]


def test_name_prints_the_primary_arn_once(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "-o", "name")
    assert done.out == f"{arn}\n"


def test_progress_is_one_line_per_change(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=1.0)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", CI="true")
    lines = [line for line in done.err.splitlines() if line.startswith("prod/db")]
    assert lines == ["prod/db us-west-2 InProgress", "prod/db us-west-2 InSync"]


def test_running_again_changes_nothing(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"]) == ("keep", False, "InSync")
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


def test_one_region_of_five_fails(make_sandbox: Make) -> None:
    sandbox = make_sandbox(failures={"sa-east-1": "Replication failed: no luck"})
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1,sa-east-1,ap-south-1,us-west-1", "--json")
    assert done.code == 1
    rows = done.document["secrets"][0]["replicas"]
    assert [row["status"] for row in rows] == ["InSync", "InSync", "Failed", "InSync", "InSync"]
    assert rows[2]["status_message"] == "Replication failed: no luck"
    assert "error: prod/db in sa-east-1: Replication failed: no luck" in done.err
    assert "hint: " in done.err


def test_several_secrets_from_standard_input(sandbox: Sandbox) -> None:
    for name in ("a", "b"):
        sandbox.create(name)
    done = sandbox.smrep("replicate", "-", "-r", "us-west-2", stdin="a\n\n  b  \na\n")
    assert (done.code, [row[0] for row in done.rows]) == (0, ["a", "b"])


def test_nothing_on_standard_input_is_nothing_to_do(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "-", "-r", "us-west-2", stdin="")
    assert (done.code, done.out) == (0, "")


def test_a_missing_secret(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "nowhere", "-r", "us-west-2", "--json")
    assert done.code == 1
    (secret,) = done.document["secrets"]
    assert secret["error"]["code"] == "ResourceNotFoundException"
    assert secret["error"]["request_id"]
    assert "nowhere in us-east-1: Secrets Manager can't find the specified secret" in done.err


def test_a_missing_secret_as_text_is_one_row(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "nowhere", "-r", "us-west-2")
    ((name, region, _, _, _, message, *_),) = done.rows
    assert (name, region) == ("nowhere", "-")
    assert "can't find" in message


def test_dry_run_sends_nothing(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.key("alias/dr")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "-n", "--json")
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"], row["arn"]) == ("add", False, None, None)
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_quiet_says_nothing_when_all_is_well(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "-q")
    assert (done.code, done.err) == (0, "")


def test_debug_traces_calls_and_no_contents(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--debug")
    (write,) = [line for line in done.err.splitlines() if "ReplicateSecretToRegions" in line]
    assert write.startswith("debug: ReplicateSecretToRegions us-east-1 status=200 code=- request_id=")
    assert "attempts=1 ms=" in write
    assert "s3cret" not in done.err


def test_a_query_that_does_not_fit_keeps_the_result(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--query", "length(error)")
    assert (done.code, done.document["result"], done.document["error"]["code"]) == (2, "usage", "QueryError")
    assert done.document["secrets"][0]["replicas"][0]["changed"] is True


def test_a_region_that_is_not_in_the_list_is_warned_of_and_tried(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-9")
    assert done.code == 0
    assert "warning: smrep 0.1.0 does not know the Region us-west-9" in done.err


def test_regions_from_an_arn_and_from_the_environment_are_each_said(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    sandbox.create("here", region="eu-west-1")
    done = sandbox.smrep("status", arn, "here", "--json", AWS_REGION="eu-west-1")
    assert done.document["primary_region"] is None
    assert done.document["primary_region_source"] == "arn, AWS_REGION"
    assert "primary Region us-east-1 (from its ARN)\nprimary Region eu-west-1 (from AWS_REGION)\n" in done.err


def test_an_empty_pipe_is_told(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "-", "-r", "us-west-2", stdin="", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.code, done.out) == (0, "")
    assert "named no secret" in done.err
