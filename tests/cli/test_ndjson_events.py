"""`-o ndjson`: what each command tells, in which order, and which command lines tell nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli.event_stream import events, of
from fixtures import Sandbox

Make = Callable[..., Sandbox]


@pytest.mark.process
def test_replicate_tells_plan_request_status_and_result_in_this_order(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=0.7)
    arn = sandbox.create()
    told = events(sandbox.process("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "-o", "ndjson"))
    assert [each["type"] for each in told] == ["version", "plan", "request", *["status"] * 4, "result"]
    version, plan, request, *states, result = told
    assert (version["schema"], version["command"]) == ("smrep/1", "replicate")
    assert [row["action"] for row in plan["secrets"][0]["replicas"]] == ["add", "add"]
    assert plan["secrets"][0]["replicas"][0]["status"] is None
    assert {key: request[key] for key in request if key not in ("type", "ts")} == {
        "operation": "ReplicateSecretToRegions",
        "region": "us-east-1",
        "secret": arn,
        "regions": ["us-west-2", "eu-west-1"],
        "force": False,
    }
    assert [(each["region"], each["status"]) for each in states] == [
        ("us-west-2", "InProgress"),
        ("eu-west-1", "InProgress"),
        ("us-west-2", "InSync"),
        ("eu-west-1", "InSync"),
    ]
    assert (states[2]["secret"], states[2]["secret_arn"]) == ("prod/db", arn)
    assert states[2]["status_message"] == "Replication succeeded"
    assert (result["document"]["result"], result["document"]["exit_code"]) == ("ok", 0)


def test_progress_on_standard_error_stays_as_it_is(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=0.7)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson")
    assert "prod/db us-west-2 InProgress\nprod/db us-west-2 InSync\n" in done.err


def test_every_write_of_several_secrets_is_told_once(sandbox: Sandbox) -> None:
    arns = [sandbox.create(f"s{number}") for number in range(9)]
    names = [f"s{number}" for number in range(9)]
    told = events(sandbox.smrep("replicate", *names, "-r", "us-west-2,eu-west-1", "-o", "ndjson"))
    assert sorted(each["secret"] for each in of("request", told)) == sorted(arns)
    assert len(sandbox.log("ReplicateSecretToRegions")) == 9
    last = {(each["secret"], each["region"]): each["status"] for each in of("status", told)}
    assert last == {(name, region): "InSync" for name in names for region in ("us-west-2", "eu-west-1")}


def test_an_overwrite_is_told_as_one(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    told = events(
        sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "--yes", "-o", "ndjson")
    )
    assert [(each["regions"], each["force"]) for each in of("request", told)] == [(["us-west-2"], True)]


@pytest.mark.parametrize(
    ("words", "operation", "region", "key"),
    [
        (["rekey", "-r", "us-west-2=alias/dr"], "UpdateSecret", "us-west-2", "alias/dr"),
        (["remove", "-r", "us-west-2", "--no-wait", "--yes"], "RemoveRegionsFromReplication", "us-east-1", None),
        (["promote", "-r", "us-west-2", "--yes"], "StopReplicationToReplica", "us-west-2", None),
    ],
)
def test_every_kind_of_write_is_told(
    sandbox: Sandbox, words: list[str], operation: str, region: str, key: str | None
) -> None:
    sandbox.create()
    key_id = sandbox.call("CreateKey", "us-west-2", "kms")["KeyMetadata"]["KeyId"]
    sandbox.call("CreateAlias", "us-west-2", "kms", AliasName="alias/dr", TargetKeyId=key_id)
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1")
    told = events(sandbox.smrep(*words, "prod/db", "-o", "ndjson"))
    assert [each["type"] for each in told[:3]] == ["version", "plan", "request"]
    (request,) = of("request", told)
    assert (request["operation"], request["region"], request["regions"]) == (operation, region, ["us-west-2"])
    assert request.get("kms_key_id") == key


def test_a_dry_run_tells_its_plan_and_no_request(sandbox: Sandbox) -> None:
    sandbox.create()
    told = events(sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "-n", "-o", "ndjson"))
    assert [each["type"] for each in told] == ["version", "plan", "status", "result"]
    assert told[1]["secrets"] == told[-1]["document"]["secrets"]


LOOKS = {
    "status prod/db": ["status"],
    "wait prod/db": ["status"],
    "audit -r eu-west-1": ["status"],
    "audit -r us-west-2": [],
    "list --primary-region us-west-2": ["secret"],
    "export": [],
}


@pytest.mark.parametrize(("words", "types"), LOOKS.items())
def test_what_only_looks_has_neither_plan_nor_request(sandbox: Sandbox, words: str, types: list[str]) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    told = events(sandbox.smrep(*words.split(), "-o", "ndjson"))
    assert [each["type"] for each in told] == ["version", *types, "result"]


def test_a_missing_secret_is_in_the_result(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "nowhere", "-r", "us-west-2", "-o", "ndjson")
    told = events(done)
    assert (done.code, [each["type"] for each in told]) == (1, ["version", "plan", "result"])
    assert told[-1]["document"]["secrets"][0]["error"]["code"] == "ResourceNotFoundException"


def test_the_commands_in_hints_can_be_typed_in_every_event(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    words = ["replicate", "prod/db", "-r", "us-west-2", "--expect-account", "123456789012", "-o", "ndjson"]
    told = events(sandbox.smrep(*words))
    for secrets in (told[1]["secrets"], told[-1]["document"]["secrets"]):
        assert "--expect-account 123456789012" in secrets[0]["replicas"][0]["error"]["hint"]


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "ndjson", "--nonsense"],
        ["--output=ndjson", "-r", "us-wset-2"],
        ["-qondjson", "-r", "us-east-1"],
        ["-o", "ndjson"],
        ["-o", "ndjson", "-r", "us-west-2", "--query", "secrets"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_told_as_events(sandbox: Sandbox, words: list[str]) -> None:
    done = sandbox.smrep("replicate", "x", *words)
    told = events(done)
    assert (done.code, [each["type"] for each in told]) == (2, ["version", "result"])
    assert (told[0]["command"], told[1]["document"]["result"]) == ("replicate", "usage")
    assert done.err.startswith("error: ")


def test_the_environment_may_ask_for_events(sandbox: Sandbox) -> None:
    assert len(events(sandbox.smrep("status", SMREP_OUTPUT="ndjson"))) == 2


@pytest.mark.parametrize("flag", ["--json", "--query=result"])
def test_other_flags_contradict_what_was_typed_and_beat_the_environment(sandbox: Sandbox, flag: str) -> None:
    sandbox.create()
    done = sandbox.smrep("status", "prod/db", "-o", "ndjson", flag)
    assert done.code == 2
    assert "-o ndjson" in done.err
    assert sandbox.log("DescribeSecret") == []
    done = sandbox.smrep("status", "prod/db", flag, SMREP_OUTPUT="ndjson")
    assert done.code == 0
    assert done.out == '"ok"\n' or done.document["result"] == "ok"
    refused = sandbox.smrep("status", flag, SMREP_OUTPUT="ndjson")
    assert refused.out == '"usage"\n' or refused.document["result"] == "usage"
