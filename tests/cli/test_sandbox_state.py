"""`smrep sandbox --state FILE`: what a sandbox held outlives it, also one that was killed; no other file is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures import BIN, Done, Sandbox
from patience import PATIENCE_S, end, wait_until

SMREP = str(BIN / "smrep")
NAME, WEST = "prod/payments/db", "us-west-2"


def smrep(*words: str, **env: str) -> Done:
    done = subprocess.run(
        [SMREP, *words],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[subprocess.Popen[str], dict[str, str]]]]:
    """Start a sandbox that serves; return its process, and the environment that leads there."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        words = (SMREP, "sandbox", "start", *words)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        exported = [process.stdout.readline().removeprefix("export ").strip() for _ in range(6)][1:]
        return process, dict(line.split("=", 1) for line in exported)

    yield start
    for each in begun:
        each.kill()
        each.communicate()


def secrets(file: Path) -> list[dict[str, Any]]:
    (account,) = json.loads(file.read_text())["state"]["accounts"]
    return list(account["secrets"])


@pytest.mark.process
def test_a_second_sandbox_goes_on_where_the_first_ended(file: Path) -> None:
    words = ("sandbox", "exec", "--state", str(file), "--replication-delay", "0s")
    assert smrep(*words, "--seed", "--", SMREP, "replicate", NAME, "-r", WEST).code == 0
    done = smrep(*words, "--", SMREP, "status", NAME)
    assert done.rows[0][:3] == [NAME, WEST, "InSync"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.process
def test_what_is_under_way_comes_to_its_end_while_no_sandbox_runs(file: Path) -> None:
    words = ("sandbox", "exec", "--state", str(file))
    send = (SMREP, "replicate", NAME, "-r", WEST, "--no-wait")
    done = smrep(*words, "--seed", "--replication-delay", "1h", "--", *send)
    assert done.rows[0][2] == "InProgress"
    kept = json.loads(file.read_text())
    (settling,) = [each for each in kept["state"]["accounts"][0]["coming"] if each["event"]["kind"] == "Settle"]
    assert 0 < settling["due"] - time.time() < 3600
    settling["due"] -= 3600  # an hour goes by
    file.write_text(json.dumps(kept))
    assert smrep(*words, "--", "true").code == 0
    assert [each["region"] for each in secrets(file) if each["name"] == NAME] == ["us-east-1", WEST]


@pytest.mark.process
def test_the_commands_code_is_still_execs(file: Path) -> None:
    assert smrep("sandbox", "exec", "--state", str(file), "--", "sh", "-c", "exit 7").code == 7
    assert secrets(file) == []


@pytest.mark.process
def test_a_sandbox_that_is_killed_has_written_down_what_it_held(file: Path, start: Callable[..., Any]) -> None:
    process, env = start("--seed", "--state", str(file), "--replication-delay", "0s")
    before = len(secrets(file))
    assert smrep("replicate", NAME, "-r", WEST, **env).code == 0
    wait_until(lambda: len(secrets(file)) > before, "it is written down")
    process.kill()
    process.wait()
    done = smrep("sandbox", "exec", "--state", str(file), "--", SMREP, "status", NAME)
    assert done.rows[0][:3] == [NAME, WEST, "InSync"]


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_what_ends_it_is_waited_for(file: Path, start: Callable[..., Any], number: int, code: int) -> None:
    process, env = start("--seed", "--state", str(file), "--replication-delay", "0s")
    assert smrep("replicate", NAME, "-r", WEST, **env).code == 0
    process.send_signal(number)
    _, err = end(process)
    assert (process.returncode, "Traceback" in err) == (code, False)
    assert f"its secrets stay in {file}" in err
    assert (NAME, WEST) in [(each["name"], each["region"]) for each in secrets(file)]


@pytest.mark.process
def test_a_file_that_nobody_calls_about_is_not_written_again(file: Path, start: Callable[..., Any]) -> None:
    process, env = start("--seed", "--state", str(file))
    before = file.stat().st_mtime_ns
    assert smrep("status", NAME, **env).code == 0
    process.send_signal(signal.SIGTERM)
    end(process)
    assert file.stat().st_mtime_ns == before


@pytest.mark.process
def test_seed_is_for_a_file_that_is_not_there_yet(file: Path) -> None:
    words = ("sandbox", "exec", "--seed", "1", "--state", str(file), "--", "true")
    assert smrep(*words).code == 0
    before = file.read_bytes()
    done = smrep(*words)
    assert done.code == 2
    assert str(file) in done.err
    assert "--seed" in done.err
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("my diary", "Expecting value"),
        ('[{"name": "prod/db"}]', "no schema"),
        ('{"schema": "smrep-sandbox/9"}', "smrep-sandbox/9"),
        ('{"schema": "smrep-sandbox/1", "state": {"kind": "Kept"}}', "state.account_id is missing"),
        (b"\xff\xfe", "codec"),
    ],
)
@pytest.mark.parametrize("command", ["start", "exec"])
def test_a_file_that_is_none_of_ours_is_told_and_stays(
    sandbox: Sandbox, file: Path, command: str, text: str | bytes, said: str
) -> None:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = file.read_bytes()
    done = sandbox.smrep("sandbox", command, "--state", str(file), *(("--", "true") if command == "exec" else ()))
    assert (done.code, done.out) == (2, "")
    assert f"{file} is not the state of a sandbox" in done.err
    assert said in done.err
    assert file.read_bytes() == before


@pytest.mark.process
def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path in (str(tmp_path), "/dev/null"):
        assert smrep("sandbox", "exec", "--state", path, "--", "true").code == 2


@pytest.mark.process
def test_a_folder_that_is_not_there_is_told_before_the_command_runs(tmp_path: Path) -> None:
    done = smrep("sandbox", "exec", "--state", str(tmp_path / "none/state.json"), "--", "echo", "ran")
    assert (done.code, done.out) == (4, "")
    assert "does not exist" in done.err


@pytest.mark.process
def test_a_sandbox_that_can_not_start_leaves_no_file(file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = smrep("sandbox", "start", "--seed", "--state", str(file), "--port", str(taken.getsockname()[1]))
    assert done.code == 4
    assert not file.exists()


@pytest.mark.process
def test_what_somebody_else_has_written_to_it_since_is_not_lost(file: Path) -> None:
    script = f"smrep replicate {NAME} -r {WEST} --no-wait; echo mine > {file}"
    done = smrep(
        *("sandbox", "exec", "--seed", "--state", str(file), "--", "sh", "-c", script),
        PATH=f"{BIN}:{os.environ['PATH']}",
    )
    assert done.code == 1
    assert "another program has written to it since" in done.err
    assert file.read_text() == "mine\n"


@pytest.mark.process
def test_a_file_that_was_taken_away_is_written_anew(file: Path) -> None:
    script = f"rm {file}; smrep replicate {NAME} -r {WEST} --no-wait"
    env = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    assert smrep("sandbox", "exec", "--seed", "--state", str(file), "--", "sh", "-c", script, **env).code == 0
    assert NAME in [each["name"] for each in secrets(file)]
