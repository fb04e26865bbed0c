"""Sandboxes in processes of their own, and what a whole process costs that runs against one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
SMREP, AWS = str(BIN / "smrep"), str(BIN / "aws")
HOME, REPLICAS = "us-east-1", ("us-west-2", "eu-west-1")


def name_of(number: int) -> str:
    """Return the name of one secret of every sandbox here."""
    return f"app/{number:05d}/db"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, those included that it started itself."""

    cpu_s: float
    """User and system."""
    wall_s: float
    peak_kb: int
    """The most memory that one of its processes had at once."""
    files: int = 0
    """The most files that were seen open at once."""
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A sandbox that serves."""

    url: str
    log: Path
    folder: Path
    """For what a run wants to leave there."""

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of a command."""
        return {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": HOME,
            "AWS_DEFAULT_REGION": HOME,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def run(self, command: Sequence[str], *, wanted: int = 0, env: Mapping[str, str] | None = None) -> Cost:
        """Run a command without output; end everything where it does not end as wanted.

        The kernel counts a process that starts another one with that one's memory up to the start, so what runs this
        has to stay small itself.
        """
        words = self.folder / "stderr.txt"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        quiet = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(words), flags, 0o600),
        ]
        started = time.perf_counter()
        pid = os.posix_spawn(command[0], list(command), {**self.env, **(env or {})}, file_actions=quiet)
        peaks, over = {"fd": 0, "task": 0}, threading.Event()
        watch = threading.Thread(target=_watch, args=(pid, peaks, over))
        watch.start()
        _, status, usage = os.wait4(pid, 0)
        wall_s = time.perf_counter() - started
        over.set()
        watch.join()
        if (code := os.waitstatus_to_exitcode(status)) != wanted:
            raise SystemExit(f"{' '.join(command)[:200]} ended with {code}, not {wanted}:\n{words.read_text()[-2000:]}")
        return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss, peaks["fd"], peaks["task"])

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what the sandbox wrote down of each call, from a size of its log on."""
        with self.log.open(encoding="utf-8") as lines:
            lines.seek(since)
            return [json.loads(line) for line in lines]

    @property
    def size(self) -> int:
        """The size of the log now."""
        return self.log.stat().st_size


def _watch(pid: int, peaks: dict[str, int], over: threading.Event) -> None:
    """Keep the most open files and threads that the process has at once."""
    while not over.wait(0.02):
        for kind, most in peaks.items():
            with suppress(OSError):  # it has ended
                peaks[kind] = max(most, len(os.listdir(f"/proc/{pid}/{kind}")))  # noqa: PTH208


def account_of(number: int) -> str:
    """Return the id of one account of several."""
    return str(100_000_000_000 + number)


@contextmanager
def sandbox(secrets: int, *options: str, replicas: Sequence[str] = REPLICAS, accounts: int = 0) -> Iterator[Place]:
    """Yield a sandbox with so many secrets, each in those Regions; with accounts, so many in each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        estate, log = folder / "estate.json", folder / "calls.jsonl"
        owners = [{"account": account_of(number)} for number in range(accounts)] or [{}]
        entries = (
            json.dumps({"name": name_of(number), "replicas": list(replicas), **owner})
            for owner in owners
            for number in range(secrets)
        )
        with estate.open("w", encoding="utf-8") as file:
            file.write("[")
            for number, entry in enumerate(entries):
                file.write(f",{entry}" if number else entry)
            file.write("]")
        command = [SMREP, "sandbox", "start", "--seed", str(estate), "--log", str(log), *options]
        server = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        )
        stack.callback(server.send_signal, signal.SIGINT)
        assert server.stdout is not None  # noqa: S101 - as was asked for
        exported = dict(line.removeprefix("export ").strip().partition("=")[::2] for line in _until_url(server.stdout))
        yield Place(exported["AWS_ENDPOINT_URL"], log, folder)


def manifest(place: Place, *, prefix: str = "app/", accounts: int = 0) -> str:
    """Write a manifest that wants all secrets in both Regions, of so many accounts; return its path."""
    path = place.folder / "dr.toml"
    regions = ", ".join(f'"{region}"' for region in REPLICAS)
    roles = "".join(
        f'[[account]]\nrole_arn = "arn:aws:iam::{account_of(number)}:role/smrep"\n' for number in range(accounts)
    )
    rule = f'schema = 1\n[[replicate]]\nprefix = ["{prefix}"]\nregions = [{regions}]\n'
    path.write_text(rule + roles, encoding="utf-8")
    return str(path)


def _until_url(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if "AWS_ENDPOINT_URL=" in line:
            return
    raise SystemExit("the sandbox did not start")
