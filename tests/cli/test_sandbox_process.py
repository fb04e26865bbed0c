"""`smrep sandbox` as a process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures import BIN, Done
from patience import PATIENCE_S, end

from smrep.cli.main import run
from smrep.sandbox.simulator.simulated_aws import Simulator

SMREP = str(BIN / "smrep")


def sandbox(*words: str, **env: str) -> Done:
    done = subprocess.run(
        [SMREP, "sandbox", *words],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def test_exec_runs_a_command_against_a_sandbox_of_its_own() -> None:
    done = sandbox("exec", "--seed", "--", SMREP, "status", "prod/payments/db")
    assert (done.code, done.rows) == (0, [["prod/payments/db", "-", "-", "-", "-", "-", "123456789012", "-"]])


@pytest.mark.process
def test_exec_finds_smrep_without_an_active_environment() -> None:
    done = sandbox("exec", "--", "smrep", "status", "nowhere", PATH="/usr/bin:/bin")
    assert done.code == 1
    assert "can't find the specified secret" in done.err


@pytest.mark.process
def test_exec_gives_the_command_its_own_aws_and_none_of_ours() -> None:
    done = sandbox("exec", "--", "env", AWS_PROFILE="prod", AWS_SESSION_TOKEN="t0ken", AWS_REGION="eu-west-1")
    env = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert env["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert (env["AWS_REGION"], env["AWS_DEFAULT_REGION"]) == ("us-east-1", "us-east-1")
    assert env["AWS_ACCESS_KEY_ID"] == env["AWS_SECRET_ACCESS_KEY"] == "sandbox"
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN"}.isdisjoint(env)


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -HUP $$", 129)]
)
def test_exec_returns_the_commands_code(script: str, code: int) -> None:
    assert sandbox("exec", "--", "sh", "-c", script).code == code


@pytest.mark.parametrize("name", ["INT", *(pytest.param(name, marks=pytest.mark.process) for name in ("TERM", "HUP"))])
def test_exec_hands_a_signal_on_to_the_command(name: str) -> None:
    """The command sends its parent the signal until it comes: bash may lose one that comes while it starts a child."""
    heard = f"trap 'echo heard; exit 9' {name}; for i in {{1..1200}}; do kill -{name} $PPID; sleep 0.05; done"
    script = f'trap - {name}; exec {SMREP} sandbox exec -- bash -c "$0"'
    done = subprocess.run(
        ["bash", "-c", script, heard], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (9, "heard\n")


@pytest.mark.process
def test_exec_under_nohup_stays_under_nohup() -> None:
    """A shell can't undo what was ignored when it began, so the command lives on, and says so."""
    script = f"trap '' HUP; exec {SMREP} sandbox exec -- bash -c 'kill -HUP $PPID $$; echo alive'"
    done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n")


@pytest.mark.process
def test_exec_of_what_does_not_exist_is_127() -> None:
    done = sandbox("exec", "--", "no-such-command")
    assert (done.code, done.err) == (127, "error: no-such-command: command not found\n")


@pytest.mark.process
def test_exec_sets_faults_and_keeps_a_log(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    done = sandbox(
        *("exec", "--seed", "--replication-delay", "0s", "--drop-answer", "ReplicateSecretToRegions"),
        *("--fail", "eu-west-1=no luck", "--log", str(log), "--"),
        *(SMREP, "replicate", "prod/payments/db", "-r", "us-west-2,eu-west-1"),
    )
    assert done.code == 1
    assert [row[2] for row in done.rows] == ["InSync", "Failed"]
    assert done.rows[1][5] == "no luck"
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    (write,) = [call for call in calls if call["operation"] == "ReplicateSecretToRegions"]
    assert (write["effect"], write["region"]) == ("dropped_after", "us-east-1")


@pytest.mark.process
def test_exec_takes_an_estate_from_a_file(tmp_path: Path) -> None:
    estate = tmp_path / "estate.json"
    estate.write_text('[{"name": "mine", "replicas": ["us-west-2"]}]')
    done = sandbox("exec", "--seed", str(estate), "--", SMREP, "status", "mine")
    assert done.rows[0][:3] == ["mine", "us-west-2", "InSync"]
    estate.write_text('[{"nam": "mine"}]')
    done = sandbox("exec", "--seed", str(estate), "--", "true")
    assert done.code == 2
    assert "nam" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["--replication-delay", "soon"],
        ["--replication-delay", "us-wset-2=1s"],
        ["--outage", "us-wset-2"],
        ["--drop-answer", "DescribeSecret=many"],
        ["--drop-answer", "DescribeSecrets"],
        ["--deny", "Foo=us-east-1"],
        ["--write-quota", "0"],
    ],
)
def test_a_wrong_fault_is_a_usage_error(words: list[str]) -> None:
    assert run(["sandbox", "exec", *words, "--", "true"]) == 2


@pytest.mark.process
def test_start_serves_until_interrupted() -> None:
    process = subprocess.Popen([SMREP, "sandbox", "start"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n"
    exported = [process.stdout.readline() for _ in range(4)]
    env = dict(line.removeprefix("export ").strip().split("=", 1) for line in exported)
    status = subprocess.run(
        [SMREP, "status", "nowhere"],
        env={**env, "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "can't find the specified secret" in status.stderr
    process.send_signal(signal.SIGINT)
    _, err = end(process)
    assert process.returncode == 130
    first, serving, *last = err.splitlines()
    assert (first, last) == ("paste this into another terminal:", ["the sandbox has stopped"])
    assert serving.startswith("sandbox on http://127.0.0.1:")


@pytest.mark.process
def test_start_on_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = sandbox("start", "--port", str(port))
    assert done.code == 4
    assert done.err.startswith(f"error: the sandbox cannot start: Address already in use (port {port})\n")


@pytest.mark.process
def test_the_module_runs_as_well() -> None:
    done = subprocess.run([sys.executable, "-m", "smrep", "-V"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("smrep ")


def test_exec_hands_no_credential_on() -> None:
    given = {
        "AWS_PROFILE": "hush",
        "AWS_ROLE_ARN": "hush",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "hush",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://hush",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush",
        "BOTO_CONFIG": "hush",
        "HTTPS_PROXY": "http://user:hush@proxy:3128",
        "all_proxy": "http://user:hush@proxy:3128",
        "HTTP_PROXY": "http://proxy:3128",
    }
    done = sandbox("exec", "--", "env", **given)
    assert "hush" not in done.out
    assert "HTTP_PROXY=http://proxy:3128\n" in done.out


def test_the_calls_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smrep.sandbox.simulator.account_calls.MAX_LOG", 3)
    simulator = Simulator(now=lambda: 0.0, rng=random.Random(1))
    for number in range(5):
        simulator.call("secretsmanager", "CreateSecret", "us-east-1", {"Name": f"prod/{number}"})
    assert [call.secret_id for call in simulator.log] == ["prod/2", "prod/3", "prod/4"]
