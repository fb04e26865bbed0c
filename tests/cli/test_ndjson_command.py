"""`-o ndjson`: the events of each command, from its words to its exit code."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures import BIN, Done, Sandbox
from test_layers import loaded

Make = Callable[..., Sandbox]
Event = dict[str, Any]


def parsed(line: str) -> Event:
    event: Event = json.loads(line)
    assert {"type", "ts"} <= event.keys()
    return event


def events(done: Done) -> list[Event]:
    """The events on standard output, of which the first is `version` and the last a `result` that fits the schema."""
    assert done.out.endswith("\n")
    told = [parsed(line) for line in done.out.splitlines()]
    assert all(" " <= each <= "~" for each in done.out.replace("\n", ""))
    assert [each["type"] for each in told].count("version") == 1
    assert told[0]["type"] == "version"
    assert [each["type"] for each in told].count("result") == 1
    assert told[-1]["type"] == "result"
    assert document(done) == told[-1]["document"]
    assert [each["ts"] for each in told] == sorted(each["ts"] for each in told)
    return told


def document(done: Done) -> dict[str, Any]:
    last = json.loads(done.out.splitlines()[-1])
    return Done(done.code, json.dumps(last["document"]), done.err).document


class Reader:
    """A process whose events are read one by one, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen = ""

    def next(self) -> Event:
        """Return the next event; comes back only if its line was flushed, or the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.seen += line
        return parsed(line)

    def end(self, number: signal.Signals) -> Done:
        self.process.send_signal(number)
        out, err = self.process.communicate()
        return Done(self.process.returncode, self.seen + out, err)


@contextlib.contextmanager
def reading(sandbox: Sandbox, *words: str) -> Iterator[Reader]:
    """Start smrep; it is killed where a test fails or 30 seconds have passed."""
    with sandbox.start(*words, "-o", "ndjson") as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            yield Reader(process)
        finally:
            watchdog.cancel()
            process.kill()


def of(kind: str, told: list[Event]) -> list[Event]:
    return [each for each in told if each["type"] == kind]


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
    assert "prod/db us-west-2 InProgress\nprod/db us-west-2 InSync: Replication succeeded\n" in done.err


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


@pytest.mark.parametrize("command", [["status"], ["wait"]])
def test_what_only_looks_has_neither_plan_nor_request(sandbox: Sandbox, command: list[str]) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2")
    told = events(sandbox.smrep(*command, "prod/db", "-o", "ndjson"))
    assert [each["type"] for each in told] == ["version", "status", "result"]


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
    assert sandbox.smrep("status", flag, SMREP_OUTPUT="ndjson").document["result"] == "usage"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_events_come_as_they_happen_and_an_interrupt_ends_with_the_result(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    with reading(sandbox, "replicate", "prod/db", "-r", "us-west-2") as reader:
        assert [reader.next()["type"] for _ in range(4)] == ["version", "plan", "request", "status"]
        done = reader.end(number)
    told = events(done)
    assert (done.code, told[-1]["document"]["result"]) == (code, "interrupted")
    assert [each["status"] for each in of("status", told)] == ["InProgress"]


def test_watch_is_a_stream_of_changes(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1")
    with reading(sandbox, "status", "prod/db", "--watch") as reader:
        assert [reader.next().get("status") for _ in range(3)] == [None, "InSync", "InSync"]
        sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", "Failed", "no luck")
        assert reader.next()["status"] == "Failed"
        done = reader.end(signal.SIGINT)
    told = of("status", events(done))
    assert [(each["region"], each["status"], each["status_message"]) for each in told[2:]] == [
        ("eu-west-1", "Failed", "no luck")
    ]
    assert done.code == 130


HOSTILE = "\x1b[2J##[error]x\n::error::y|`\u202e"


def test_hostile_words_stay_true_and_harmless(make_sandbox: Make) -> None:
    sandbox = make_sandbox(failures={"us-west-2": HOSTILE})
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", HOSTILE, "-r", "us-west-2", "-o", "ndjson", GITHUB_ACTIONS="true")
    told = events(done)
    assert "##[" not in done.out + done.err
    assert not any(line.startswith("::error::") for line in (done.out + done.err).splitlines())
    assert "\x1b" not in done.err
    assert told[-1]["document"]["secrets"][0]["replicas"][0]["status_message"] == HOSTILE
    assert of("status", told)[-1]["status_message"] == HOSTILE
    assert told[-1]["document"]["secrets"][1]["name"] == HOSTILE


def test_a_reader_that_goes_away_ends_the_run_before_anything_is_sent(sandbox: Sandbox) -> None:
    sandbox.create()
    script = f"{{ {BIN}/smrep replicate prod/db -r us-west-2 -o ndjson; echo $? >&2; }} | exec true"
    done = subprocess.run(["bash", "-c", script], env=sandbox.env, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("141\n")
    assert "Traceback" not in done.stderr
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_a_full_disk_is_told_once_and_nothing_is_sent(sandbox: Sandbox) -> None:
    sandbox.create()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [BIN / "smrep", "replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson"],
            env=sandbox.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("could not be written")) == (1, 1)
    assert "Traceback" not in done.stderr
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_a_disk_that_fills_up_while_waiting_leaves_the_command_that_goes_on(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    for name in ("a", "b"):
        sandbox.create(name)
    full = sandbox.smrep("replicate", "a", "-r", "us-west-2", "--no-wait", "-o", "ndjson")
    room = sum(len(line) + 1 for line in full.out.splitlines()[:3]) + 20  # for the request, and not for its status
    with (tmp_path / "events").open("w") as file:
        done = subprocess.run(
            ["prlimit", f"--fsize={room}", BIN / "smrep", "replicate", "b", "-r", "us-west-2", "-o", "ndjson"],
            env=sandbox.env,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("could not be written")) == (1, 1)
    assert "hint: smrep wait b --primary-region us-east-1 -r us-west-2\n" in done.stderr
    assert len(sandbox.log("ReplicateSecretToRegions")) == 2


def test_a_closed_standard_output_is_survived(sandbox: Sandbox) -> None:
    sandbox.create()
    script = f"{BIN}/smrep status prod/db -o ndjson >&-"
    done = subprocess.run(["bash", "-c", script], env=sandbox.env, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_events_load_no_rich(sandbox: Sandbox) -> None:
    sandbox.create()
    assert "rich" not in loaded("replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson", env=sandbox.env)
