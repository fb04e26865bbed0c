"""What a drill needs of this machine: a sandbox on loopback, a folder for its record, and the processes it starts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

from smrep.cli.app import App
from smrep.cli.process import ENDING, number_of
from smrep.errors import ConfigurationError, Terminated
from smrep.files import appending
from smrep.rules.record import Pair
from smrep.rules.rehearsal import third_region

if TYPE_CHECKING:
    from smrep.sandbox.faults import Faults
    from smrep.service.drilling import Drill

RECORD = "dr.jsonl"
"""The failover record, in a folder that is gone afterwards."""
PATIENCE_S = 5.0
"""How long a process that was told to end may take."""
_STDERR = 2


@contextmanager
def rehearsing(app: App, pair: Pair, count: int, faults: Faults, log: str | None) -> Iterator[Drill]:
    """Yield a drill whose sandbox serves, with so many secrets in it; close it all afterwards.

    Raises:
        ConfigurationError: it can't be served, or nothing can be written where it must be.

    """
    from smrep.cli.sandbox import environment
    from smrep.sandbox.server import SandboxServer
    from smrep.sandbox.simulator import Simulator
    from smrep.sandbox.stage import staged
    from smrep.service.drilling import Drill

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
        yield Drill(stage, pair, RECORD, lambda words: run(words, env, folder, app))


def run(words: Sequence[str], env: Mapping[str, str], folder: str, app: App) -> int:
    """Run smrep with these words as a process of its own, and return its exit code as a shell would.

    All that it prints goes to standard error, since standard output is for our own result; with --quiet, what it
    prints is shown only where it does not end with 0. A signal that ends us ends it first.
    """
    env = {name: value for name, value in env.items() if name != "SMREP_OUTPUT"}
    with tempfile.TemporaryFile(dir=folder) as kept:
        shown: IO[bytes] | int = kept if app.options.quiet or app.stderr is None else _STDERR
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
                app.messages.detail(line.expandtabs(4))
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
