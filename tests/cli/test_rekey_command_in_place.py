"""`smrep rekey` over real boto3 and HTTP: the key is changed in place, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from cli.document_rows import row_of
from cli.rekey_sandbox import NEW, READS, WEST, replicated, value_in, writes
from fixtures import Sandbox

from smrep.sandbox.faults import Drop

Make = Callable[..., Sandbox]


def test_the_key_changes_in_place_and_is_proved(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    sandbox.simulator.log.clear()
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-o", "json")
    document, row = done.document, row_of(done)
    assert (done.code, document["result"], document["command"]) == (0, "ok", "rekey")
    assert row == {
        "region": WEST,
        "arn": arn.replace("us-east-1", WEST),
        "result": "ok",
        "status": "InSync",
        "status_message": "Replication succeeded",
        "kms_key_id": "alias/new",
        "last_accessed_date": None,
        "action": "rekey",
        "changed": True,
        "verified": True,
        "findings": [],
        "error": None,
    }
    (call,) = [each for each in sandbox.simulator.log if each.operation not in READS]
    assert (call.operation, call.region) == ("UpdateSecret", WEST)
    token = call.params.pop("ClientRequestToken")  # botocore's own
    assert re.fullmatch(r"[0-9a-f-]{36}", token)
    assert call.params == {"SecretId": arn.replace("us-east-1", WEST), "KmsKeyId": "alias/new"}
    assert value_in(sandbox) == "s3cret"


def test_running_again_keeps_it(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.smrep("rekey", "prod/db", "-r", NEW)
    sandbox.simulator.log.clear()
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    row = row_of(done)
    assert (done.code, row["action"], row["changed"], row["verified"]) == (0, "keep", False, True)
    assert writes(sandbox) == []


def test_text_has_a_row_per_region(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, WEST, "eu-west-1")
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST},eu-west-1", "--kms-key", "alias/new")
    assert done.rows == [
        ["prod/db", WEST, "InSync", "alias/new", "rekey", "Replication succeeded", "123456789012", "true"],
        ["prod/db", "eu-west-1", "InSync", "alias/new", "rekey", "Replication succeeded", "123456789012", "true"],
    ]


def test_the_table_tells_action_key_and_proof(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-o", "table")
    assert re.search(r"us-west-2\s+InSync\s+rekey\s+yes", done.out)
    assert "key in us-west-2: alias/new\n" in done.out
    assert "1 of 1 in sync" in done.out


def test_a_lost_answer_is_looked_for(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, drops=(Drop("UpdateSecret", "after"),))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["changed"], len(sandbox.log("UpdateSecret"))) == (0, True, 1)


def test_a_denial_is_exit_4_with_the_permissions(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("UpdateSecret", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    assert (done.code, row_of(done)["error"]["code"]) == (4, "AccessDeniedException")
    assert "hint: allow secretsmanager:UpdateSecret on arn:" in done.err
    assert row_of(done)["error"]["request_id"]


def test_a_version_that_is_not_seen_under_the_new_key_yet_is_exit_3(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, key="alias/old")
    sandbox.simulator.set_key_state("alias/old", WEST, "Disabled")
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json", "--timeout", "1s")
    row = row_of(done)
    assert (done.code, row["changed"], row["verified"], row["error"]) == (3, True, False, None)
    assert "new key not seen yet" in done.document["error"]["message"]


def test_versions_that_may_not_be_listed_are_exit_4_and_no_proof(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("ListSecretVersionIds", WEST)}))
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--json")
    row = row_of(done)
    assert (done.code, row["changed"], row["verified"]) == (4, True, None)
    assert "warning: unchecked, which is not a pass: " in done.err


def test_a_key_that_is_missing_is_told_before_anything_is_sent(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/nowhere", "--json")
    row = row_of(done)
    assert (done.code, row["status"], row["error"]["code"], writes(sandbox)) == (1, None, "key_missing", [])
    assert "aws kms list-aliases --region us-west-2" in done.err


def test_no_preflight_leaves_it_to_aws(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST}=alias/nowhere", "--no-preflight", "--json")
    assert (done.code, row_of(done)["error"]["code"]) == (1, "EncryptionFailure")
    assert writes(sandbox) == ["UpdateSecret"]


def test_throttling_for_ever_is_exit_3_with_this_command(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, write_quota=0)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "--timeout", "1s", "--json")
    assert (done.code, done.document["result"], row_of(done)["changed"]) == (3, "pending", False)
    hint = "to resume:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --timeout 1m"
    assert done.document["error"]["hint"] == hint
    assert "goes on" not in done.err


def test_a_dry_run_sends_nothing_and_is_exit_0(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-n", "--json")
    row = row_of(done)
    assert (done.code, done.document["dry_run"], row["action"], row["changed"]) == (0, True, "rekey", False)
    assert writes(sandbox) == []
    assert "dry run: nothing was sent" in done.err


def test_a_dry_run_does_not_say_that_all_is_in_sync(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("rekey", "prod/db", "-r", NEW, "-n", "-o", "table")
    assert done.out.splitlines()[-1].startswith("dry run, nothing was sent: 1 of 1 to rekey")


def test_quiet_says_nothing_when_all_is_well(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "-q")
    assert (done.code, done.err) == (0, "")


def test_ndjson_tells_the_request_without_a_value(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "-o", "ndjson")
    assert done.code == 0
    assert '"type": "request"' in done.out or '"type":"request"' in done.out
    assert "UpdateSecret" in done.out
    assert "s3cret" not in done.out


def test_debug_traces_the_write_and_no_contents(make_sandbox: Make) -> None:
    done = replicated(make_sandbox).smrep("rekey", "prod/db", "-r", NEW, "--debug")
    (write,) = [line for line in done.err.splitlines() if "UpdateSecret" in line]
    assert write.startswith("debug: UpdateSecret us-west-2 status=200 code=- request_id=")
    assert "s3cret" not in done.err


def test_a_table_of_several_regions_one_of_which_fails(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, WEST, "eu-west-1", denied=frozenset({("UpdateSecret", "eu-west-1")}))
    done = sandbox.smrep("rekey", "prod/db", "-r", f"{WEST},eu-west-1", "--kms-key", "alias/new", "-o", "table")
    assert done.code == 4
    assert re.search(r"us-west-2\s+InSync\s+rekey\s+yes", done.out)
    assert re.search(r"eu-west-1\s+InSync\s+rekey\s+no\s+AccessDeniedException", done.out)
    assert "error: prod/db in eu-west-1 to alias/new: " in done.err
