"""Run `smrep sandbox` on this machine: serve, save its state, run commands against it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

import click

from smrep.cli.signals import ENDING, number_of
from smrep.errors import ConfigurationError, OutputError, Terminated, UsageError
from smrep.files import appending, check_folder, replacing
from smrep.output.safe import safe
from smrep.output.terminal import Messages
from smrep.rules.recovery.drill_timeline import third_region
from smrep.rules.recovery.failover_record import RegionPair

if TYPE_CHECKING:
    from smrep.sandbox.faults import Faults
    from smrep.sandbox.simulator.simulated_aws import Simulator
    from smrep.service.drill import Drill


HOME = "us-east-1"
RECORD = "dr.jsonl"
"""Failover record, in a temporary folder."""
PATIENCE_S = 5.0
"""Seconds in which a process must end after a signal."""
_STDERR = 2


def environment(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that points all AWS clients to the sandbox only."""
    kept = {
        name: value
        for name, value in env.items()
        if not name.startswith(("AWS_", "BOTO_CONFIG", "SMREP_PRIMARY_REGION", "SMREP_EXPECT_ACCOUNT"))
        and not (name.lower().endswith("_proxy") and "@" in value)  # contains a password
    }
    kept |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": HOME,
        "AWS_DEFAULT_REGION": HOME,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("NO_PROXY", "no_proxy"):  # the lower-case one wins if both are set
        kept[name] = ",".join(filter(None, [env.get(name), "127.0.0.1"]))
    return kept


@contextmanager
def rehearsing(messages: Messages, pair: RegionPair, count: int, faults: Faults, log: str | None) -> Iterator[Drill]:
    """Yield a drill with a serving sandbox of `count` secrets; close everything afterwards.

    Raises:
        ConfigurationError: it cannot serve, or cannot write its files.

    """
    from smrep.sandbox.drill.drill_fleet import staged
    from smrep.sandbox.server.http_server import SandboxServer
    from smrep.sandbox.simulator.simulated_aws import Simulator
    from smrep.service.drill import Drill

    simulator = Simulator(now=time.time, rng=random.Random(), faults=faults)  # noqa: S311 - names, not secrets
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="smrep-drill-"))
            file = stack.enter_context(appending(log)) if log else None
            server = stack.enter_context(SandboxServer(simulator, log=file))
        except OSError as error:
            raise ConfigurationError(f"the sandbox cannot start: {error}", "use another --log") from error
        regions = (pair.source, pair.target, third_region(pair))
        stage = stack.enter_context(staged(simulator, count, regions, time.sleep))
        env = environment(server.url, os.environ)
        yield Drill(stage, pair, RECORD, lambda words: run(words, env, folder, messages))


def run(words: Sequence[str], env: Mapping[str, str], folder: str, messages: Messages) -> int:
    """Run smrep with these words in its own process, and return its exit code like a shell.

    Sends its output to standard error, because standard output is for our result; with --quiet, only if it does not
    exit with 0. A signal that ends us ends it first.
    """
    env = {name: value for name, value in env.items() if name != "SMREP_OUTPUT"}
    with tempfile.TemporaryFile(dir=folder) as kept:
        shown: IO[bytes] | int = kept if messages.quiet or messages.stream is None else _STDERR
        child: subprocess.Popen[bytes] | None = None
        try:
            with _signals_held():
                child = subprocess.Popen(  # noqa: S603 - smrep itself
                    [sys.executable, "-m", "smrep", *words],
                    env=env,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=shown,
                    stderr=shown,
                )
            code = child.wait()
        except (KeyboardInterrupt, Terminated) as ended:
            if child:
                _end(child, number_of(ended))
            raise
        if code and shown is kept:
            kept.seek(0)
            for line in kept.read().decode(errors="backslashreplace").splitlines():
                messages.detail(line.expandtabs(4))
    return code if code >= 0 else 128 - code


@contextmanager
def handling_events(simulator: Simulator, manifest: str, env: Mapping[str, str]) -> Iterator[None]:
    """Run the Lambda function in a process of its own on each event, until the last one of the block is handled.

    It has a role, so that it can tell its own calls from those of others.
    """
    from smrep.sandbox.aws_events import events_of

    role = {"RoleArn": f"arn:aws:iam::{simulator.account_id}:role/smrep", "RoleSessionName": "smrep"}
    keys = simulator.call("sts", "AssumeRole", HOME, role)["Credentials"]
    child = subprocess.Popen(
        [sys.executable, "-m", "smrep.serverless"],
        env={
            **env,
            "SMREP_MANIFEST": os.path.abspath(manifest),  # noqa: PTH100 - as typed, links and all
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    lines: SimpleQueue[str | None] = SimpleQueue()  # a full pipe must not stop the sandbox, which the function calls

    def feed(pipe: IO[str]) -> None:
        with contextlib.suppress(BrokenPipeError), pipe:
            while line := lines.get():
                pipe.write(line)
                pipe.flush()

    def listen(*call: Any) -> None:
        for event in events_of(*call):
            lines.put(json.dumps(event) + "\n")

    feeder = threading.Thread(target=feed, args=(child.stdin,), name="smrep-events", daemon=True)
    feeder.start()
    simulator.listeners.append(listen)
    try:
        yield
    finally:
        simulator.listeners.remove(listen)
        lines.put(None)
        feeder.join()
        child.wait()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block signals for us, and for a child started meanwhile until it handles them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(child: subprocess.Popen[bytes], number: int) -> None:
    """Forward a signal that the terminal may have sent already, and make sure that the process ends."""
    child.send_signal(number)
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        child.kill()
        child.wait()


EVERY_S = 1.0
"""Seconds between writes of changed state; a killed sandbox loses that much."""
SHARE = 4.0
"""Minimum pause after a write, as a multiple of its duration, so that a large state slows no call."""


class StateFile:
    """State file with a single writer: left untouched once someone else writes it."""

    def __init__(self, path: str) -> None:
        """Keep the path without reading or creating it."""
        self._path = path
        self._text: str | None = None
        self._last_stamp: tuple[int, ...] | None = None

    def read(self, simulator: Simulator) -> bool:
        """Load the saved state into a new simulator; return whether there is one.

        Raises:
            UsageError: it is not a sandbox's state, or cannot be read.

        """
        from smrep.sandbox.simulator.snapshot import parse_snapshot

        try:
            self._last_stamp = self._stamp()
            if self._last_stamp is None:
                return False
            simulator.restore(parse_snapshot(Path(self._path).read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(f"--state {self._path}: {error.strerror}", "name a file that a sandbox wrote") from error
        except ValueError as error:
            raise UsageError(
                f"--state {self._path} is not the state of a sandbox: {error}",
                "name another file; this one was not changed",
            ) from error
        return True

    @contextlib.contextmanager
    def kept_up(self, simulator: Simulator) -> Iterator[None]:
        """Write the state now, on changes, and at the end.

        Raises:
            OSError: the first write fails.
            OutputError: the last write fails.

        """
        check_folder(self._path)
        self._write(simulator)
        ending = threading.Event()
        writer = threading.Thread(target=self._write_on, args=(simulator, ending), name="smrep-state", daemon=True)
        writer.start()
        try:
            yield
        finally:
            ending.set()
            writer.join()
            try:
                self._write(simulator)
            except OSError as error:
                message = f"the sandbox's state could not be written to {self._path}: {error.strerror}"
                raise OutputError(message, "changes since the last write are lost") from error

    def _write_on(self, simulator: Simulator, ending: threading.Event) -> None:
        """Write changes until the end; report a failed write once, and retry."""
        seen, is_reported, pause = -1, False, EVERY_S
        while not ending.wait(pause):
            calls = len(simulator.log)  # only a call changes the state, or triggers what is due
            if calls == seen:
                continue
            begun = time.monotonic()
            try:
                self._write(simulator)
            except OSError as error:
                if not is_reported:
                    click.echo(f"warning: --state {safe(self._path)} cannot be written: {error.strerror}", err=True)
                is_reported = True
            else:
                seen = calls
            pause = max(EVERY_S, SHARE * (time.monotonic() - begun))

    def _write(self, simulator: Simulator) -> None:
        from smrep.sandbox.simulator.snapshot import format_snapshot

        text = format_snapshot(simulator.take_snapshot())
        stamp = self._stamp()
        if stamp not in (None, self._last_stamp):
            raise OSError(errno.EEXIST, "another program has written to it since")
        if stamp is not None and text == self._text:
            return
        with replacing(self._path) as file:
            file.write(text)
        self._text, self._last_stamp = text, self._stamp()

    def _stamp(self) -> tuple[int, ...] | None:
        """Return a stamp that reveals a file written by another, None if there is no file.

        Raises:
            OSError: it is not a regular file, or cannot be read.

        """
        try:
            status = os.stat(self._path)  # noqa: PTH116 - its links are followed as `replacing` does
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", self._path)
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
