"""What `smrep sandbox` does on this machine: serve, keep its state in a file, run commands against it."""

from __future__ import annotations

import contextlib
import errno
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
from typing import IO, TYPE_CHECKING

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
"""The failover record, in a folder that is gone afterwards."""
PATIENCE_S = 5.0
"""How long a process that was told to end may take."""
_STDERR = 2


def environment(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which every AWS client talks to the sandbox and to nothing else."""
    kept = {
        name: value
        for name, value in env.items()
        if not name.startswith(("AWS_", "BOTO_CONFIG", "SMREP_PRIMARY_REGION", "SMREP_EXPECT_ACCOUNT"))
        and not (name.lower().endswith("_proxy") and "@" in value)  # a password is in it
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
    for name in ("NO_PROXY", "no_proxy"):  # the lower-case one wins where both are set
        kept[name] = ",".join(filter(None, [env.get(name), "127.0.0.1"]))
    return kept


@contextmanager
def rehearsing(messages: Messages, pair: RegionPair, count: int, faults: Faults, log: str | None) -> Iterator[Drill]:
    """Yield a drill whose sandbox serves, with so many secrets in it; close it all afterwards.

    Raises:
        ConfigurationError: it can't be served, or nothing can be written where it must be.

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
            raise ConfigurationError(f"the sandbox can't start: {error}", "name another --log") from error
        regions = (pair.source, pair.target, third_region(pair))
        stage = stack.enter_context(staged(simulator, count, regions, time.sleep))
        env = environment(server.url, os.environ)
        yield Drill(stage, pair, RECORD, lambda words: run(words, env, folder, messages))


def run(words: Sequence[str], env: Mapping[str, str], folder: str, messages: Messages) -> int:
    """Run smrep with these words as a process of its own, and return its exit code as a shell would.

    All that it prints goes to standard error, since standard output is for our own result; with --quiet, what it
    prints is shown only where it does not end with 0. A signal that ends us ends it first.
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
def _signals_held() -> Iterator[None]:
    """Hold signals back from us, and from a process that is started meanwhile until it heeds them itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(child: subprocess.Popen[bytes], number: int) -> None:
    """Tell a process to end, as a terminal has perhaps told it already, and see to it that it does."""
    child.send_signal(number)
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        child.kill()
        child.wait()


EVERY_S = 1.0
"""How often what has changed is written down: as much as a sandbox that is killed loses."""
SHARE = 4.0
"""How much longer than a writing the pause after it is at least: of a large state more is lost, and no call slow."""


class StateFile:
    """One file, which nobody else writes to: as soon as somebody has, it is left as it is."""

    def __init__(self, path: str) -> None:
        """Take the path; nothing is read or made yet."""
        self._path = path
        self._text: str | None = None
        self._left: tuple[int, ...] | None = None

    def read(self, simulator: Simulator) -> bool:
        """Let a new simulator go on from what the file keeps; return whether there is one.

        Raises:
            UsageError: it is no state of a sandbox, or can't be read.

        """
        from smrep.sandbox.simulator.snapshot import parse_snapshot

        try:
            self._left = self._stamp()
            if self._left is None:
                return False
            simulator.restore(parse_snapshot(Path(self._path).read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(
                f"--state {self._path}: {error.strerror}", "name a file that a sandbox has kept"
            ) from error
        except ValueError as error:
            raise UsageError(
                f"--state {self._path} keeps no state of a sandbox: {error}",
                "name another file; this one stays as it is",
            ) from error
        return True

    @contextlib.contextmanager
    def kept_up(self, simulator: Simulator) -> Iterator[None]:
        """Write the state now, while it changes, and at the end.

        Raises:
            OSError: it can't be written to begin with.
            OutputError: it can't be written at the end.

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
                raise OutputError(message, "what it held since is lost") from error

    def _write_on(self, simulator: Simulator, ending: threading.Event) -> None:
        """Write what calls have changed until the end; what can't be written is told once, and tried again."""
        seen, told, pause = -1, False, EVERY_S
        while not ending.wait(pause):
            calls = len(simulator.log)  # only a call changes what is held, and lets happen what is due
            if calls == seen:
                continue
            begun = time.monotonic()
            try:
                self._write(simulator)
            except OSError as error:
                if not told:
                    click.echo(f"warning: --state {safe(self._path)} can't be written: {error.strerror}", err=True)
                told = True
            else:
                seen = calls
            pause = max(EVERY_S, SHARE * (time.monotonic() - begun))

    def _write(self, simulator: Simulator) -> None:
        from smrep.sandbox.simulator.snapshot import format_snapshot

        text = format_snapshot(simulator.take_snapshot())
        found = self._stamp()
        if found not in (None, self._left):
            raise OSError(errno.EEXIST, "something else has written to it since")
        if found is not None and text == self._text:
            return
        with replacing(self._path) as file:
            file.write(text)
        self._text, self._left = text, self._stamp()

    def _stamp(self) -> tuple[int, ...] | None:
        """Return what tells the file from one that another has written, None where there is none.

        Raises:
            OSError: it is no file, or can't be looked at.

        """
        try:
            found = os.stat(self._path)  # noqa: PTH116 - its links are followed as `replacing` does
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", self._path)
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
