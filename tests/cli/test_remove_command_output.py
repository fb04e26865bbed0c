"""`smrep remove` over real boto3 and HTTP: what it shows before it sends, and prints in each format."""

from __future__ import annotations

from collections.abc import Callable

from cli.remove_sandbox import REMOVE
from cli.replicated_sandbox import replicated
from fixtures import Sandbox

Make = Callable[..., Sandbox]


def test_dry_run_sends_nothing_and_asks_nobody(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n", "--json")
    assert (done.code, done.document["dry_run"], done.document["result"]) == (0, True, "ok")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"]) == ("remove", False, "InSync")
    assert "prod/db in us-west-2 will be deleted for good: arn:" in done.err
    assert "dry run: nothing was sent" in done.err
    assert sandbox.log(REMOVE) == []
    text = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n")
    assert text.rows == [
        [
            "prod/db",
            "us-west-2",
            "InSync",
            "alias/aws/secretsmanager",
            "remove",
            "Replication succeeded",
            "123456789012",
            "-",
        ]
    ]
    table = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "-n", "-o", "table")
    assert "dry run, nothing was sent: " in table.out


def test_text_is_one_row_per_region(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"eu-west-1": 60.0})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "--timeout", "1s")
    assert done.code == 3
    gone, waiting = done.rows
    assert gone == ["prod/db", "us-west-2", "-", "-", "remove", "gone", "123456789012", "-"]
    assert waiting == [
        "prod/db",
        "eu-west-1",
        "-",
        "alias/aws/secretsmanager",
        "remove",
        "being removed",
        "123456789012",
        "-",
    ]


def test_name_prints_the_primary_arn_once(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    arn = sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    assert sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", "-o", "name").out == f"{arn}\n"


def test_the_table_of_a_removal_that_is_done_says_so(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "table")
    assert done.code == 0
    assert "1 of 1 gone" in done.out


def test_the_table_of_a_removal_under_way_does_not_claim_it_is_gone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, removal_delay_s=60.0)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "0", "-o", "table")
    gone = sandbox.smrep("remove", "prod/db", "-r", "eu-west-1", "--yes", "--timeout", "0", "-o", "table")
    assert (done.code, gone.code) == (3, 0)
    endings = [each.out.splitlines()[-1].partition(" (")[0] for each in (done, gone)]
    assert endings[0] != endings[1]


def test_progress_tells_when_a_replica_is_gone(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_by_region={"eu-west-1": 2.5})
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", CI="true")
    assert done.code == 0
    lines = [line for line in done.err.splitlines() if line.startswith("prod/db ")]
    assert "prod/db us-west-2 gone" in lines
    assert [line for line in lines if "eu-west-1" in line] == [
        "prod/db eu-west-1 being removed",
        "prod/db eu-west-1 gone",
    ]


def test_progress_never_says_of_a_refused_region_that_it_is_being_removed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "eu-west-1", removal_delay_s=0.5)
    sandbox.create(region="us-west-2")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes", CI="true")
    assert done.code == 1
    assert "prod/db eu-west-1 gone" in done.err
    assert [line for line in done.err.splitlines() if line.startswith("prod/db us-west-2 ")] == []


def test_the_victim_is_shown_before_it_is_removed(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    arn = sandbox.call("DescribeSecret", "us-west-2", SecretId="prod/db")["ARN"]
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-q")
    (line,) = done.err.splitlines()
    assert line.startswith(f"warning: prod/db in us-west-2 will be deleted for good: {arn}, last changed 2")
    assert "last accessed not recorded, rotation off" in line


def test_nothing_but_reads_and_the_removal_is_called(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1", removal_delay_s=0.5)
    sandbox.smrep("remove", "prod/db", "-r", "us-west-2,eu-west-1", "--yes")
    assert {call.operation for call in sandbox.simulator.log} == {"DescribeSecret", REMOVE}
    (sent,) = sandbox.log(REMOVE)
    assert (sent.region, sent.params["RemoveReplicaRegions"]) == ("us-east-1", ["us-west-2", "eu-west-1"])


def test_debug_shows_the_write_and_no_contents(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--debug")
    (write,) = [line for line in done.err.splitlines() if REMOVE in line]
    assert write.startswith(f"debug: {REMOVE} us-east-1 status=200 code=- request_id=")
    assert "attempts=1" in write
    assert "s3cret" not in done.err


def test_an_entry_with_nothing_behind_it_is_said_to_be_only_that(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "Failed", "no luck")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    only_listed = "where the primary lists it but no secret of that name exists"
    assert f"prod/db will be removed from us-west-2, {only_listed}" in done.err


def test_ndjson_tells_the_request_before_it_goes_out(make_sandbox: Make) -> None:
    import json

    sandbox = replicated(make_sandbox, removal_delay_s=0.5)
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "ndjson")
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [each["type"] for each in events]
    assert (kinds[:3], kinds[-1]) == (["version", "plan", "request"], "result")
    assert (events[2]["operation"], events[2]["regions"]) == (REMOVE, ["us-west-2"])
    assert events[-1]["document"]["result"] == "ok"
