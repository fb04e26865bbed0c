"""`smrep status`, `wait` and what all commands share, from words to exit code."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]


@pytest.fixture
def replicated(sandbox: Sandbox) -> Sandbox:
    sandbox.create()
    sandbox.call(
        "ReplicateSecretToRegions",
        SecretId="prod/db",
        AddReplicaRegions=[{"Region": "us-west-2"}, {"Region": "eu-west-1"}],
    )
    return sandbox


def test_status_is_one_call(replicated: Sandbox) -> None:
    done = replicated.smrep("status", "prod/db", "--json")
    assert (done.code, done.document["result"]) == (0, "ok")
    assert [row["action"] for row in done.document["secrets"][0]["replicas"]] == [None, None]
    assert len(replicated.log("DescribeSecret")) == 1


def test_status_of_a_secret_without_replicas(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("status", "prod/db")
    assert (done.code, done.rows) == (0, [["prod/db", "-", "-", "-", "-", "-", "123456789012", "-"]])


def test_status_of_a_region_without_a_replica(replicated: Sandbox) -> None:
    done = replicated.smrep("status", "prod/db", "-r", "sa-east-1", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["status"], [each["kind"] for each in row["findings"]]) == (1, None, ["missing"])


@pytest.mark.parametrize(("word", "code"), [("Failed", 1), ("InProgress", 3), ("Pending", 3), ("Strange", 3)])
def test_status_and_wait_share_their_codes(replicated: Sandbox, word: str, code: int) -> None:
    replicated.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", word, "words")
    for command in (["status"], ["wait", "--timeout", "0"]):
        done = replicated.smrep(*command, "prod/db", "--json")
        assert done.code == code
        assert done.document["secrets"][0]["replicas"][0]["status"] == word


def test_wait_for_a_secret_without_replicas(sandbox: Sandbox) -> None:
    sandbox.create()
    done = sandbox.smrep("wait", "prod/db", "--json")
    assert done.code == 1
    assert done.document["secrets"][0]["error"]["code"] == "NoReplicas"


def test_a_replica_leads_to_its_primary(replicated: Sandbox) -> None:
    done = replicated.smrep("status", "prod/db", "-r", "us-west-2", AWS_REGION="us-west-2")
    assert (done.code, done.rows[0][:3]) == (0, ["prod/db", "us-west-2", "InSync"])
    assert "its primary in us-east-1" in done.err


def test_a_primary_region_in_outage_leaves_what_the_replica_shows(replicated: Sandbox) -> None:
    replicated.simulator.faults = Faults(outages=frozenset({"us-east-1"}))
    done = replicated.smrep("status", "prod/db", "--json", AWS_REGION="us-west-2")
    (row,) = done.document["secrets"][0]["replicas"]
    assert [each["kind"] for each in row["findings"]] == ["is_replica"]
    assert (done.code, row["status"]) == (3, None)


@pytest.mark.parametrize(
    ("env", "flags", "source"),
    [
        ({}, ["--primary-region", "us-east-1"], "--primary-region"),
        ({"AWS_REGION": "eu-west-1"}, ["--source-region", "us-east-1"], "--primary-region"),
        ({"SMREP_PRIMARY_REGION": "us-east-1", "AWS_REGION": "eu-west-1"}, [], "SMREP_PRIMARY_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, [], "AWS_REGION"),
        ({"AWS_REGION": None}, [], "AWS_DEFAULT_REGION"),
    ],
)
def test_the_primary_region_and_who_named_it(
    replicated: Sandbox, env: dict[str, str | None], flags: list[str], source: str
) -> None:
    done = replicated.smrep("status", "prod/db", "--json", *flags, **env)
    assert (done.document["primary_region"], done.document["primary_region_source"]) == ("us-east-1", source)
    assert f"primary Region us-east-1 (from {source})" in done.err


def test_an_arn_names_the_region_itself(replicated: Sandbox) -> None:
    arn = replicated.call("DescribeSecret", SecretId="prod/db")["ARN"]
    done = replicated.smrep("status", arn, "--json", AWS_REGION="sa-east-1")
    assert (done.document["primary_region"], done.document["primary_region_source"]) == ("us-east-1", "arn")


def test_the_profile_names_the_region_last(replicated: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile dr]\nregion = us-east-1\n")
    done = replicated.smrep(
        "status",
        "prod/db",
        "--json",
        "--profile",
        "dr",
        AWS_REGION=None,
        AWS_DEFAULT_REGION=None,
        AWS_CONFIG_FILE=str(config),
    )
    # a profile that is typed brings its own credentials, and this one has none
    assert done.document["primary_region_source"] == "profile"
    assert done.code == 4


def test_a_token_that_is_not_there_is_trouble_with_credentials(replicated: Sandbox, tmp_path: Path) -> None:
    token = str(tmp_path / "token")
    web = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci", "AWS_WEB_IDENTITY_TOKEN_FILE": token}
    none: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = replicated.smrep("status", "prod/db", "--json", **none, **web)
    error = done.document["error"]
    assert (done.code, error["message"]) == (
        4,
        f"the web identity returned no credentials: No such file or directory: {token}",
    )


def test_a_query_prints_json_or_text_as_aws_does(replicated: Sandbox) -> None:
    query = "secrets[].replicas[].[region, status]"
    done = replicated.smrep("status", "prod/db", "--query", query)
    assert done.out.split() == ["[", "[", '"us-west-2",', '"InSync"', "],", "[", '"eu-west-1",', '"InSync"', "]", "]"]
    done = replicated.smrep("status", "prod/db", "--query", query, "-o", "text")
    assert done.out == "us-west-2\tInSync\neu-west-1\tInSync\n"


@pytest.mark.process
def test_watch_goes_on_until_interrupted_and_ends_with_the_document(replicated: Sandbox) -> None:
    from fixtures import Done

    process = replicated.start("status", "prod/db", "--watch", "--json")
    replicated.wait_for("DescribeSecret", 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    done = Done(process.returncode, out, err)
    assert (done.code, done.document["result"]) == (130, "interrupted")
    assert len(done.document["secrets"]) == 1


@pytest.mark.process
def test_a_reader_that_goes_away_is_exit_141(replicated: Sandbox) -> None:
    script = f"{{ sleep 0; {BIN}/smrep status prod/db --json; echo $? >&2; }} | exec true"
    done = subprocess.run(["bash", "-c", script], env=replicated.env, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("\n141\n")
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_a_full_disk_is_told(replicated: Sandbox) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [BIN / "smrep", "status", "prod/db", "--json"],
            env=replicated.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_closed_streams_are_survived(replicated: Sandbox) -> None:
    script = f"{BIN}/smrep status prod/db >&- 2>&- <&-; echo $?"
    done = subprocess.run(["bash", "-c", script], env=replicated.env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


@pytest.mark.process
def test_a_terminal_that_knows_ascii_only(replicated: Sandbox) -> None:
    done = replicated.process("status", "prod/db", "-o", "table", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.code == 0
    assert done.out.isascii()
    assert "\\u" not in done.out


def test_forced_color_colors_the_result_and_animates_nothing(replicated: Sandbox) -> None:
    done = replicated.smrep("status", "prod/db", "-o", "table", FORCE_COLOR="1")
    assert "\x1b[32m" in done.out
    assert "\x1b[?25l" not in done.err + done.out
    for env in ({"FORCE_COLOR": "0"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, {}):
        assert "\x1b" not in replicated.smrep("status", "prod/db", "-o", "table", **env).out
    assert "\x1b" in replicated.smrep("status", "prod/db", "-o", "table", "--color", "always", NO_COLOR="1").out


def test_an_unreachable_endpoint_is_told(sandbox: Sandbox) -> None:
    done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert done.code == 1
    assert "prod/db in us-east-1: could not connect" in done.document["secrets"][0]["error"]["message"]


def test_a_secret_value_is_never_asked_for(replicated: Sandbox) -> None:
    replicated.simulator.log.clear()
    replicated.smrep("status", "prod/db")
    replicated.smrep("wait", "prod/db")
    replicated.smrep("replicate", "prod/db", "-r", "sa-east-1")
    assert {call.operation for call in replicated.simulator.log} == {
        "DescribeSecret",
        "ListSecretVersionIds",
        "ReplicateSecretToRegions",
    }
    assert os.environ.get("AWS_ENDPOINT_URL") is None


@pytest.mark.parametrize("query", ["&x", "to_number('nan')"])
def test_a_query_for_what_is_no_json_keeps_the_document(replicated: Sandbox, query: str) -> None:
    done = replicated.smrep("status", "prod/db", "--query", query)
    assert done.code in {0, 2}
    if done.code:
        assert done.document["error"]["code"] == "QueryError"
        assert len(done.document["secrets"]) == 1
