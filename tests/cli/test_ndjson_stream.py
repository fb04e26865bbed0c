"""`-o ndjson` as a stream: flushed as it happens, harmless, and ended by signals and broken pipes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.event_stream import Event, events, of, parsed
from fixtures import BIN, Done, Sandbox
from patience import PATIENCE_S
from test_structure import loaded

Make = Callable[..., Sandbox]


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
    """Start smrep; it is killed where a test fails, and where it hangs."""
    with sandbox.start(*words, "-o", "ndjson") as process:
        watchdog = threading.Timer(PATIENCE_S, process.kill)
        watchdog.start()
        try:
            yield Reader(process)
        finally:
            watchdog.cancel()
            process.kill()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.process),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.process),
    ],
)
def test_events_come_as_they_happen_and_an_interrupt_ends_with_the_result(
    make_sandbox: Make, number: signal.Signals, code: int
) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create()
    with reading(sandbox, "replicate", "prod/db", "-r", "us-west-2") as reader:
        assert [reader.next()["type"] for _ in range(4)] == ["version", "plan", "request", "status"]
        done = reader.end(number)
    told = events(done)
    assert (done.code, told[-1]["document"]["result"]) == (code, "interrupted")
    assert [each["status"] for each in of("status", told)] == ["InProgress"]


@pytest.mark.process
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
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson", GITHUB_ACTIONS="true")
    told = events(done)
    assert "##[" not in done.out + done.err
    assert not any(line.startswith("::error::") for line in (done.out + done.err).splitlines())
    assert "\x1b" not in done.err
    assert told[-1]["document"]["secrets"][0]["replicas"][0]["status_message"] == HOSTILE
    assert of("status", told)[-1]["status_message"] == HOSTILE


def test_a_reader_that_goes_away_ends_the_run_before_anything_is_sent(sandbox: Sandbox) -> None:
    sandbox.create()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [BIN / "smrep", "replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson"],
        env=sandbox.env,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, "Traceback" in done.stderr) == (141, False)
    assert sandbox.log("ReplicateSecretToRegions") == []


@pytest.mark.process
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


@pytest.mark.process
def test_a_disk_that_fills_up_while_waiting_leaves_the_command_that_goes_on(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
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
    assert "hint: to resume:\n  smrep wait b --primary-region us-east-1 -r us-west-2\n" in done.stderr
    assert len(sandbox.log("ReplicateSecretToRegions")) == 2


@pytest.mark.process
def test_a_closed_standard_output_is_survived(sandbox: Sandbox) -> None:
    sandbox.create()
    script = f"{BIN}/smrep status prod/db -o ndjson >&-"
    done = subprocess.run(["bash", "-c", script], env=sandbox.env, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_events_load_no_rich(sandbox: Sandbox) -> None:
    sandbox.create()
    (heavy,) = loaded(["replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson"], env=sandbox.env)
    assert "boto3" in heavy
    assert "rich" not in heavy
