"""`smrep replicate` from its words to its exit code, over real boto3 and HTTP."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.sandbox.faults import Drop, Faults

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


def test_text_has_six_columns_and_no_header(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    assert done.rows == [["prod/db", "us-west-2", "InSync", "alias/aws/secretsmanager", "add", "Replication succeeded"]]


def test_name_prints_the_primary_arn_once(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "-o", "name")
    assert done.out == f"{arn}\n"


def test_progress_is_one_line_per_change(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=1.0)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", CI="true")
    lines = [line for line in done.err.splitlines() if line.startswith("prod/db")]
    assert lines == ["prod/db us-west-2 InProgress", "prod/db us-west-2 InSync: Replication succeeded"]


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
    ((name, region, *_, message),) = done.rows
    assert (name, region) == ("nowhere", "-")
    assert "can't find" in message


def test_a_replica_is_refused_with_the_command_to_run(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "eu-west-1", "--primary-region", "us-west-2")
    assert done.code == 1
    assert "hint: smrep replicate prod/db --primary-region us-east-1 -r eu-west-1\n" in done.err


def test_a_lost_answer_is_looked_for(make_sandbox: Make) -> None:
    sandbox = make_sandbox(drops=(Drop("ReplicateSecretToRegions", "after"),))
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


def test_no_wait_is_exit_0_and_pending(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--no-wait", "--json")
    assert (done.code, done.document["result"]) == (0, "pending")
    assert done.document["secrets"][0]["replicas"][0]["status"] == "InProgress"
    assert done.document["error"] is None


def test_the_deadline_names_every_open_region_and_the_flag(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_by_region={"eu-west-1": 60, "sa-east-1": 60})
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1,sa-east-1", "--timeout", "1s", "--json")
    assert (done.code, done.document["result"]) == (3, "pending")
    error = done.document["error"]
    assert error["code"] == "Timeout"
    assert "prod/db eu-west-1 (InProgress), prod/db sa-east-1 (InProgress)" in error["message"]
    assert "us-west-2" not in error["message"]
    assert "--timeout" in error["hint"]
    assert "smrep wait prod/db --primary-region us-east-1 -r eu-west-1 -r sa-east-1" in error["hint"]


def test_dry_run_sends_nothing(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.key("alias/dr")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "-n", "--json")
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"], row["arn"]) == ("add", False, None, None)
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_a_namesake_stops_its_region(sandbox: Sandbox) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    stopped, added = done.document["secrets"][0]["replicas"]
    assert (done.code, stopped["status"], stopped["error"]["code"]) == (1, None, "name_clash")
    assert victim in stopped["findings"][0]["message"]
    assert added["status"] == "InSync"


@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_an_overwrite_without_an_answer_sends_nothing_at_all(sandbox: Sandbox, flags: tuple[str, ...]) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--force-overwrite", "--json", *flags)
    assert (done.code, done.document["result"]) == (2, "usage")
    assert done.document["error"]["code"] == "ConfirmationNeeded"
    assert f"to be destroyed for good in us-west-2: {victim}, last changed " in done.err
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_an_overwrite_with_yes_replaces_the_namesake(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "--yes", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["action"], row["status"], row["changed"]) == (0, "overwrite", "InSync", True)
    assert [(each["kind"], each["severity"]) for each in row["findings"]] == [("name_clash", "warning")]
    assert "error:" not in done.err


@pytest.mark.parametrize("flag", ["SMREP_YES", "SMREP_FORCE_OVERWRITE", "SMREP_REPLICATE_YES"])
def test_no_variable_answers_a_confirmation(sandbox: Sandbox, flag: str) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", **{flag: "1"})
    assert done.code == 2


def test_access_denied_is_exit_4(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ReplicateSecretToRegions", "us-east-1")}))
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["result"]) == (4, "access")
    (row,) = done.document["secrets"][0]["replicas"]
    assert row["error"]["code"] == "AccessDeniedException"
    assert "secretsmanager:ReplicateSecretToRegions" in row["error"]["hint"]


def test_unchecked_is_one_line_on_stderr(make_sandbox: Make) -> None:
    sandbox = make_sandbox(
        denied=frozenset({("DescribeSecret", "us-west-2"), ("DescribeSecret", "eu-west-1")}),
    )
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1")
    (line,) = [line for line in done.err.splitlines() if "unchecked" in line]
    assert "us-west-2" in line
    assert "eu-west-1" in line
    assert done.code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_waiting(make_sandbox: Make, number: signal.Signals, code: int) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    process = sandbox.start("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    sandbox.wait_for("ReplicateSecretToRegions")
    while len(sandbox.log("DescribeSecret")) < 5:  # the primary, two targets, two polls
        sandbox.wait_for("DescribeSecret")
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    from fixtures import Done

    document: dict[str, Any] = Done(process.returncode, out, err).document
    assert (process.returncode, document["result"]) == (code, "interrupted")
    assert "stopped waiting; AWS goes on replicating" in err
    assert "smrep wait prod/db --primary-region us-east-1 -r us-west-2 -r eu-west-1" in err
    assert "Traceback" not in err


def test_no_credentials_is_exit_4(sandbox: Sandbox) -> None:
    done = sandbox.smrep(
        "replicate", "prod/db", "-r", "us-west-2", "--json", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None
    )
    assert (done.code, done.document["result"]) == (4, "access")
    assert "aws sts get-caller-identity" in done.document["error"]["hint"]


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


def test_a_refused_replica_is_named_by_its_primary(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    words = ["replicate", "prod/db", "-r", "eu-west-1", "--primary-region", "us-west-2", "-n", "--timeout", "2m"]
    assert sandbox.smrep(*words, "-o", "name").out == f"{arn}\n"
    error = sandbox.smrep(*words, "--json").document["secrets"][0]["error"]
    assert error["hint"] == "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1 --timeout 2m --dry-run"


def test_a_query_that_does_not_fit_keeps_the_result(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--query", "length(error)")
    assert (done.code, done.document["result"], done.document["error"]["code"]) == (2, "usage", "QueryError")
    assert done.document["secrets"][0]["replicas"][0]["changed"] is True


def test_throttling_for_ever_names_the_command_that_tries_again(make_sandbox: Make) -> None:
    sandbox = make_sandbox(write_quota=0)
    sandbox.simulator.faults = Faults()
    sandbox.create()
    sandbox.key("alias/dr")
    sandbox.simulator.faults = Faults(write_quota=0)
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "--timeout", "1s", "--json")
    assert done.code == 3
    assert done.document["error"]["hint"].startswith("smrep replicate prod/db --primary-region us-east-1 -r us-west-2=")
    assert "goes on" not in done.err


def test_a_region_that_is_not_in_the_list_is_warned_of_and_tried(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-9")
    assert done.code == 0
    assert "warning: us-west-9 is no Region that smrep" in done.err


def test_regions_from_an_arn_and_from_the_environment_are_each_said(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    sandbox.create("here", region="eu-west-1")
    done = sandbox.smrep("status", arn, "here", "--json", AWS_REGION="eu-west-1")
    assert done.document["primary_region"] is None
    assert done.document["primary_region_source"] == "arn, AWS_REGION"
    assert "primary Region us-east-1 (from its ARN)\nprimary Region eu-west-1 (from AWS_REGION)\n" in done.err


def test_an_interrupt_while_still_loading_is_130(sandbox: Sandbox) -> None:
    code = (
        "import sys, importlib.abc\n"
        "class Interrupt(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from smrep.__main__ import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=sandbox.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_an_empty_pipe_is_told(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "-", "-r", "us-west-2", stdin="", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.code, done.out) == (0, "")
    assert "named no secret" in done.err


def test_a_hint_stays_in_the_account_that_was_typed(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.create()
    victim = sandbox.create(region="us-west-2")
    config = tmp_path / "config"
    config.write_text("[profile staging]\naws_access_key_id = a\naws_secret_access_key = b\n")
    words = ["replicate", "prod/db", "-r", "us-west-2", "--profile", "staging", "--json"]
    (row,) = sandbox.smrep(*words, AWS_CONFIG_FILE=str(config)).document["secrets"][0]["replicas"]
    assert victim in row["error"]["message"]
    assert "aws --profile staging secretsmanager describe-secret" in row["error"]["hint"]
    assert "smrep replicate --profile staging prod/db" in row["error"]["hint"]
    assert "--expect-account 123456789012 --force-overwrite" in row["error"]["hint"]


def test_an_unconfirmed_overwrite_is_not_told_as_one(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "-o", "table")
    assert (done.code, "nothing was sent: 1 of 1 to overwrite" in done.out) == (2, True)
    assert "hint: --yes answers it: smrep replicate prod/db" in done.err
    assert "-r us-west-2 --force-overwrite --yes\n" in done.err
