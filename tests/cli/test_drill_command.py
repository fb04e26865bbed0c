"""`smrep sandbox drill` as a process: a whole disaster over HTTP, with the commands as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fixtures import BIN, ROOT, Done, Sandbox
from patience import PATIENCE_S, end
from pseudo_terminal import Terminal

VALIDATOR = jsonschema.Draft202012Validator(json.loads((ROOT / "smrep/output/drill.schema.json").read_text()))
QUICK = ("--secrets", "3", "--replication-delay", "100ms", "--removal-delay", "200ms")
COMMANDS = [
    "smrep failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --yes",
    "smrep failback --record dr.jsonl --yes",
    "smrep failback --record dr.jsonl --return-primary --yes",
]


def environment(folder: Path, **env: str) -> dict[str, str]:
    """Return an environment whose temporary files are in a folder of the test."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "TMPDIR": str(folder), **env}


def drill(folder: Path, *words: str, **env: str) -> Done:
    done = subprocess.run(
        [BIN / "smrep", "sandbox", "drill", *words],
        env=environment(folder, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def told(done: Done) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.out)
    VALIDATOR.validate(document)
    assert document["exit_code"] == done.code
    return document


@pytest.mark.process
def test_a_whole_drill_leads_home_and_tells_the_time_line(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    done = drill(tmp_path, *QUICK, "--log", str(log), "-o", "json", AWS_PROFILE="prod", SMREP_OUTPUT="text")
    document = told(done)
    assert (done.code, document["result"], document["problems"]) == (0, "ok", []), done.err
    assert [each["command"] for each in document["steps"] if each["command"]] == COMMANDS
    assert [each["exit_code"] for each in document["steps"]] == [None, 0, None, None, 0, 0]
    assert document["totals"]["longest_unreadable_s"] == 0
    assert 0 < document["totals"]["longest_unwritable_s"] < document["steps"][4]["at_s"]
    for secret in document["secrets"]:
        (gap,) = secret["unwritable"]
        outage, failover = document["steps"][:2]
        assert -0.01 < gap["from_s"] - outage["at_s"] < outage["took_s"] + 0.01
        assert gap["to_s"] <= failover["at_s"] + failover["took_s"]
        for region in secret["regions"]:
            spans = region["spans"]
            assert (spans[0]["from_s"], spans[-1]["to_s"]) == (0, document["elapsed_s"])
            assert all(one["to_s"] == two["from_s"] for one, two in pairwise(spans))
    # the person sees what she will type, and what it prints; what reads and writes meanwhile is no call of smrep's
    assert [line[2:] for line in done.err.splitlines() if line.startswith("$ ")] == COMMANDS
    assert "Failed over 3 of 3 secrets" in done.err
    operations = {json.loads(line)["operation"] for line in log.read_text().splitlines()}
    assert "StopReplicationToReplica" in operations
    assert operations.isdisjoint({"GetSecretValue", "PutSecretValue"})
    assert [each.name for each in tmp_path.iterdir()] == ["calls.jsonl"]  # the record was in a folder that is gone


@pytest.mark.process
def test_a_way_back_that_aws_refuses_is_told_and_exits_1(tmp_path: Path) -> None:
    done = drill(tmp_path, *QUICK, "--stale-entry-guards", "-q", "--json")
    document = told(done)
    assert (done.code, document["result"]) == (1, "failed")
    assert [each["exit_code"] for each in document["steps"]] == [None, 0, None, None, 1, None]
    assert document["steps"][5]["at_s"] is None
    first, second, *rest = document["problems"]
    assert first == "step 5, smrep failback --record dr.jsonl --yes, ended with exit code 1"
    assert second == "skipped after that: return"
    assert any("at the end" in each for each in rest)
    assert [f"error: {each}" for each in document["problems"]] == [
        line for line in done.err.splitlines() if line.startswith("error: ")
    ]
    assert "has replica regions and can't be overwritten" in done.err  # quiet shows what a command said that failed
    assert "$ smrep" not in done.err


@pytest.mark.process
def test_the_table_in_ci_without_a_terminal(tmp_path: Path) -> None:
    words = ("--pause", "--from", "cn-north-1", "--to", "cn-northwest-1", "--stale-entry-guards")
    done = drill(tmp_path, *QUICK, *words, CI="true", PYTHONIOENCODING="ascii")
    assert done.code == 1
    assert "Press Enter" not in done.err
    assert done.out.splitlines()[0].startswith("cn-north-1 fails over to cn-northwest-1, and back  3 secrets")
    assert done.out.splitlines()[-1] == "3 problems"
    assert max(map(len, done.out.splitlines())) <= 100
    assert done.out.isascii()
    assert "\x1b" not in done.out + done.err
    assert "step 5 of 6: replicate the promoted secrets to cn-north-1" in done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--to", "us-east-1"], "--from and --to are both us-east-1"),
        (["--to", "cn-north-1"], "are in different partitions"),
        (["--to", "us-wset-2"], "did you mean us-west-2?"),
        (["--secrets", "0"], "0 is not in the range"),
        (["--replication-delay", "soon"], "is not a duration"),
        (["-o", "text"], "'text' is not one of"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(sandbox: Sandbox, words: list[str], why: str) -> None:
    done = sandbox.smrep("sandbox", "drill", *words)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_a_log_that_cant_be_written_is_told(tmp_path: Path) -> None:
    done = drill(tmp_path, "--log", str(tmp_path / "none" / "calls"))
    assert done.code == 4
    assert "the sandbox cannot start" in done.err
    assert not list(tmp_path.iterdir())


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(each) for each in listed.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_command_that_runs_and_the_sandbox(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [BIN / "smrep", "sandbox", "drill", "--secrets", "1", "--replication-delay", "1h", "-o", "json"],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while "failing back secrets" not in said:  # failback waits for an hour
        said += (line := process.stderr.readline())
        assert line, said
    url = re.findall(r"endpoint (http://\S+),", said)[-1]
    started = children(process.pid)
    assert started
    process.send_signal(number)
    out, err = end(process)
    assert "Traceback" not in err
    document = told(Done(process.returncode, out, said + err))
    assert (process.returncode, document["result"]) == (code, "interrupted")
    assert document["steps"][4]["at_s"] is not None
    assert document["steps"][4]["exit_code"] is None
    assert "the sandbox and its secrets are gone" in err
    assert "stopped: 0 of 1 secrets are finished" in err
    assert said.startswith("1 secret in us-east-1, each with a replica in us-west-2")
    assert not any(map(is_alive, started))
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConnectionRefusedError):
        socket_to(url)


def socket_to(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()


@pytest.mark.terminal
def test_paused_it_waits_for_enter_before_each_step(sandbox: Sandbox) -> None:
    terminal = Terminal(sandbox, "sandbox", "drill", "--pause", *QUICK, columns=80)
    for number in (1, 2):
        terminal.read_until(f"step {number} of 6")
        terminal.read_until("Press Enter to continue: ")
        assert f"step {number + 1} of 6" not in terminal.seen
        terminal.seen = ""
        terminal.type("\n")
    assert terminal.process.poll() is None
    terminal.read_until("Press Enter to continue: ")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 130
    assert "interrupted; the sandbox and its secrets are gone" in terminal.seen
    table = terminal.seen[terminal.seen.index("us-east-1 fails over") :]
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in table.split("\r\n")) <= 80
    assert re.search(r"2 failover .* 0\b", re.sub(r"\x1b\[[\d;]*m", "", table))


@pytest.mark.terminal
def test_a_terminal_that_is_not_to_be_asked_is_not(sandbox: Sandbox) -> None:
    terminal = Terminal(sandbox, "sandbox", "drill", "--pause", "--no-input", *QUICK)
    terminal.read_until("step 3 of 6")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 130
    assert "Press Enter" not in terminal.seen


@pytest.mark.process
def test_a_signal_that_meets_a_command_while_python_starts_is_no_traceback(tmp_path: Path) -> None:
    struck = "import os, signal, sys\nif 'failover' in sys.orig_argv: os.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "sitecustomize.py").write_text(struck)
    done = drill(tmp_path, *QUICK, "-o", "json", PYTHONPATH=str(tmp_path))
    assert (done.code, told(done)["steps"][1]["exit_code"]) == (1, 130)
    assert "Python runtime state" not in done.err
