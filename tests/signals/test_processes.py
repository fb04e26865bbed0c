"""Signals to smrep as a process: while it loads, asks, waits and tells; ignored ones, and one after the other."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures import BIN, Sandbox
from matrix.patched_transport import ENV
from patience import PATIENCE_S, end, wait_until
from signals.interrupted_run import InterruptedRun, Moment
from signals.test_any_moment import BY_NAME

from smrep.cli.signals import LAST_WORDS_S
from smrep.sandbox.faults import Drop, Faults

Make = Callable[..., Sandbox]


@pytest.fixture
def waiting(make_sandbox: Make) -> Sandbox:
    """A sandbox whose one replica takes long."""
    sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    return sandbox


@contextlib.contextmanager
def nearly_full_pipe() -> Iterator[int]:
    """Yield the end to write to of a pipe that nobody reads and that has room for the beginning of a result."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.read(reader, select.PIPE_BUF)
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


def has_room(pipe: int) -> bool:
    return bool(select.select([], [pipe], [], 0)[1])


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_where_nobody_reads_the_result_the_next_signal_ends_it(
    waiting: Sandbox, number: signal.Signals, code: int
) -> None:
    names = [f"prod/{letter * 400}" for letter in "abcdefgh"]  # so many that the result is larger than the room
    with nearly_full_pipe() as pipe:
        process = subprocess.Popen(
            [BIN / "smrep", "wait", "prod/db", *names, "-o", "json"],
            env=waiting.env,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        while "InProgress" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        wait_until(lambda: not has_room(pipe), "the result is being written")
        until = time.monotonic() + PATIENCE_S
        while process.poll() is None:  # a signal that comes at once would be one of several that belong together
            assert time.monotonic() < until
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2 * LAST_WORDS_S)
        said = process.stderr.read()
        process.stderr.close()
    assert process.returncode == code
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "hint: to resume:\n  smrep wait prod/db" in said


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_cost_the_first_its_words(second: signal.Signals) -> None:
    interrupted = InterruptedRun(BY_NAME["wait"], Moment("asleep", 1), on_write=lambda: signal.raise_signal(second))
    run = interrupted.type(BY_NAME["wait"].words)
    assert (run.code, run.document["result"]) == (130, "interrupted")
    assert "hint: to resume:\n  smrep wait prod/db" in run.err


@pytest.mark.process
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_a_signal_that_is_to_be_ignored_is(make_sandbox: Make, name: str) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    script = f"trap '' {name}; exec {BIN}/smrep wait prod/db -o json"
    process = subprocess.Popen(["bash", "-c", script], env=sandbox.env, stdout=subprocess.PIPE, text=True)
    sandbox.wait_for("DescribeSecret")
    process.send_signal(getattr(signal, f"SIG{name}"))
    sandbox.pass_time()
    out, _ = end(process)
    assert (process.returncode, json.loads(out)["result"]) == (0, "ok")


@pytest.mark.terminal
def test_a_connection_that_drops_in_the_middle_of_a_failover_costs_neither_document_nor_record(
    make_sandbox: Make, tmp_path: Path
) -> None:
    """As where ssh drops: the terminal is gone, which the process hears as SIGHUP, and writing to it fails."""
    sandbox = make_sandbox()
    sandbox.create(AddReplicaRegions=[{"Region": "us-west-2"}])
    sandbox.call("DescribeSecret", SecretId="prod/db")
    sandbox.simulator.faults = Faults(drops=(Drop("StopReplicationToReplica", "before", times=99),))
    over = "failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --yes -o json"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve("/bin/sh", ["sh", "-c", f"exec {BIN}/smrep {over} > out.json"], sandbox.env)
    sandbox.wait_for("DescribeSecret", 3)  # it looks whether its request has come through
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    document = json.loads((tmp_path / "out.json").read_text())
    assert (os.waitstatus_to_exitcode(status), document["exit_code"], document["result"]) == (129, 129, "interrupted")
    assert document["error"]["hint"].startswith("to resume:\n  smrep failover")
    assert '"promoting"' in (tmp_path / "dr.jsonl").read_text()
    sandbox.simulator.faults = Faults()
    done = sandbox.smrep(*over.split()[:-2], "--record", str(tmp_path / "dr.jsonl"))
    assert (done.code, '"promoted"' in (tmp_path / "dr.jsonl").read_text()) == (0, True)


LOADING = """
import builtins, os, signal, sys
true_import = builtins.__import__
class Dying:
    def __del__(self):
        os.kill(os.getpid(), {number})
def load(name, *more):
    if name == {module!r}:
        builtins.__import__ = true_import
        {inject}
    return true_import(name, *more)
builtins.__import__ = load
sys.argv = ["smrep", "status", "prod/db", "-o", "json"]
from smrep.__main__ import main
main()
"""


def loading(module: str, number: signal.Signals, inject: str) -> subprocess.CompletedProcess[str]:
    """Run a `status` that is struck when it loads a module."""
    script = LOADING.format(module=module, number=int(number), inject=inject)
    done = subprocess.run([sys.executable, "-c", script], env=ENV, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("module", "number", "code", "told"),
    [
        ("smrep.cli.signals", signal.SIGINT, 130, False),
        ("click", signal.SIGINT, 130, True),
        ("smrep.cli.main", signal.SIGTERM, 143, True),
        ("smrep.cli.main", signal.SIGHUP, 129, True),
        ("smrep.service", signal.SIGINT, 130, True),
        ("boto3", signal.SIGTERM, 143, True),
        ("boto3", signal.SIGHUP, 129, True),
    ],
)
def test_while_it_loads(module: str, number: signal.Signals, code: int, *, told: bool) -> None:
    done = loading(module, number, "Dying.__del__(None)")
    assert done.returncode == code
    if told:
        assert json.loads(done.stdout)["result"] == "interrupted"
        assert "error: stopped; nothing was sent" in done.stderr or "stopped looking" in done.stderr
    else:
        assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.process
@pytest.mark.parametrize(("module", "number"), [("smrep.cli.main", signal.SIGINT), ("boto3", signal.SIGTERM)])
def test_in_a_finalizer_which_lets_no_exception_out(module: str, number: signal.Signals) -> None:
    done = loading(module, number, "Dying()")
    assert (done.returncode, json.loads(done.stdout)["result"]) == (128 + number, "interrupted")
