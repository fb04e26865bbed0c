"""What one `smrep status` costs beside a minimal boto3 script and the AWS CLI: ratios of CPU time, measured in turn.

Every command is a whole process that describes the same replicated secret of a sandbox on loopback. They run in turn,
so that a machine that is slow for a while is slow for all; the medians of the ratios per turn are printed.

    python bench/startup.py [TURNS]
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from pathlib import Path

from smrep.sandbox.seed import sample_estate, seed
from smrep.sandbox.server import SandboxServer
from smrep.sandbox.simulator import Simulator

SECRET = "app/0000/db"
MINIMAL = f"import boto3; print(boto3.client('secretsmanager').describe_secret(SecretId={SECRET!r})['Name'])"
BIN = Path(sys.executable).parent
COMMANDS = {
    "smrep status -o json": [str(BIN / "smrep"), "status", SECRET, "-o", "json"],
    "boto3, minimal script": [sys.executable, "-c", MINIMAL],
    "aws describe-secret": [str(BIN / "aws"), "secretsmanager", "describe-secret", "--secret-id", SECRET],
    "smrep --help": [str(BIN / "smrep"), "--help"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
}
RATIOS = (
    ("smrep status -o json", "boto3, minimal script", 1.15),
    ("smrep status -o json", "aws describe-secret", 0.7),
    ("smrep --help", "python -c 'import click'", 2.0),
)


def cpu_s(command: list[str], env: dict[str, str]) -> float:
    """Return the user and system seconds of one run, which must succeed."""
    quiet = [
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    pid = os.posix_spawn(command[0], command, env, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


def main(turns: int) -> None:
    """Measure and print."""
    simulator = Simulator(now=time.time, rng=random.Random(1))  # noqa: S311 - names, not secrets
    seed(simulator, [{**each, "replicas": ["us-west-2", "eu-west-1"]} for each in sample_estate(1)])
    (secret,) = simulator.call("secretsmanager", "ListSecrets", "us-east-1", {})["SecretList"]
    if secret["Name"] != SECRET:
        raise SystemExit(f"the sample estate has changed: {secret['Name']}")
    with SandboxServer(simulator) as server:
        env = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": server.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        for command in COMMANDS.values():
            cpu_s(command, env)  # warms the file cache and compiles what is not compiled yet
        runs = [{name: cpu_s(command, env) for name, command in COMMANDS.items()} for _ in range(turns)]
    for name in COMMANDS:
        print(f"{name:26} {1000 * statistics.median(run[name] for run in runs):7.0f} ms CPU")
    for ours, theirs, limit in RATIOS:
        ratios = sorted(run[ours] / run[theirs] for run in runs)
        wanted = f"  (wanted: at most {limit})" if limit else ""
        print(
            f"{ours} / {theirs}: {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}, {turns} turns){wanted}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
