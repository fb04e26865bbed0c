"""Commands on a machine with few threads to give, or little memory: they do all, and count what AWS took."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import pytest
from cli.failover_sandbox import HOME, OVER, STOP, WEST, Make, lose, promoted, replicated
from few_threads import few_threads
from fixtures import BIN

NAMES = tuple(f"prod/{number:02}" for number in range(26))
MANIFEST = json.dumps({"schema": 1, "replicate": [{"name": "all", "prefix": "new/", "regions": [WEST]}]})


@pytest.mark.parametrize(
    "most", [0, 1, 23, 24, *(pytest.param(most, marks=pytest.mark.exhaustive) for most in (2, 6, 14, 25))]
)
def test_failover_promotes_all_with_the_threads_that_there_are(make_sandbox: Make, tmp_path: Path, most: int) -> None:
    sandbox = replicated(make_sandbox, *NAMES)
    lose(sandbox, HOME)
    with few_threads(most) as threads:
        done = sandbox.smrep(*OVER, "--all", "--yes", "--record", str(tmp_path / "dr.jsonl"), "--json")
    assert done.code == 0, done.err
    assert sorted(promoted(sandbox)) == sorted(NAMES)
    assert len(sandbox.log(STOP)) == len(NAMES)
    rows = [row for secret in done.document["secrets"] for row in secret["replicas"]]
    assert [row["changed"] for row in rows] == [True] * len(NAMES)
    assert (threads.refused > 0) == (most < 24)


COMMANDS: dict[str, tuple[str, ...]] = {
    "replicate": ("replicate", "new/a", "new/b", "-r", f"{WEST},eu-west-1", "--verify"),
    "status": ("status", "prod/00", "prod/01", "-r", WEST),
    "verify": ("verify", "prod/00", "prod/01"),
    "doctor": ("doctor", "new/a", "-r", WEST),
    "remove": ("remove", "prod/00", "prod/01", "-r", WEST, "--yes"),
    "promote": ("promote", "prod/00", "-r", WEST, "--yes"),
    "audit": ("audit", "-r", WEST, "--prefix", "prod/"),
    "apply": ("apply", "-f", "-", "--yes"),
    "export": ("export", "--all"),
}


@pytest.mark.parametrize("most", [0, 1])
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_ends_as_it_does_with_threads(make_sandbox: Make, command: str, most: int) -> None:
    ends = []
    for limit in (most, 100):
        sandbox = replicated(make_sandbox, *NAMES[:3])
        with sandbox.simulator.undisturbed():
            sandbox.create("new/a")
            sandbox.create("new/b")
        with few_threads(limit):
            done = sandbox.smrep(*COMMANDS[command], "-o", "text", stdin=MANIFEST)
        ends.append((done.code, sorted(row[:3] for row in done.rows)))
    assert ends[0] == ends[1]
    assert ends[0][0] == 0


@pytest.mark.process
@pytest.mark.parametrize("kib", [200_000, 400_000, 500_000, 800_000])
def test_failover_promotes_all_with_the_memory_that_there_is(make_sandbox: Make, tmp_path: Path, kib: int) -> None:
    sandbox = replicated(make_sandbox, *NAMES)
    lose(sandbox, HOME)
    done = subprocess.run(
        [BIN / "smrep", *OVER, "--all", "--yes", "--record", tmp_path / "dr.jsonl", "-o", "text"],
        env=sandbox.env,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1024 * kib, 1024 * kib)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(sandbox.log(STOP)) == len(NAMES)
