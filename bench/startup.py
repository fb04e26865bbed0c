"""What one command costs beside a minimal boto3 script and the AWS CLI: CPU time of whole processes, run in turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from figures import Figure, middle, ratio, spread
from runs import AWS, SMREP, name_of, sandbox

_SECRET = name_of(0)
_MINIMAL = f"import boto3; print(boto3.client('secretsmanager').describe_secret(SecretId={_SECRET!r})['Name'])"
_STATUS, _SCRIPT, _AWS = "smrep status -o json", "a minimal boto3 script", "aws describe-secret"
_HELP, _CLICK = "smrep --help", "python -c 'import click'"
_COMMANDS = {
    _STATUS: [SMREP, "status", _SECRET, "-o", "json"],
    _SCRIPT: [sys.executable, "-c", _MINIMAL],
    _AWS: [AWS, "secretsmanager", "describe-secret", "--secret-id", _SECRET],
    _HELP: [SMREP, "--help"],
    _CLICK: [sys.executable, "-c", "import click"],
}
_RATIOS = (
    (_STATUS, "floor", _SCRIPT, 1.15),
    (_STATUS, "peer", _AWS, 0.7),
    (_HELP, "floor", _CLICK, 2.0),
)


def startup(turns: int) -> Iterator[Figure]:
    """Measure what a command costs that describes one replicated secret, and `--help`."""
    with sandbox(1) as place:
        for command in _COMMANDS.values():
            place.run(command)  # warms the file cache and compiles what is not compiled yet
        runs = [{name: place.run(command).cpu_s for name, command in _COMMANDS.items()} for _ in range(turns)]
    for name in _COMMANDS:
        spent = [1000 * run[name] for run in runs]
        yield Figure(name, "CPU", middle(spent), "ms", None, spread(spent, 0))
    for ours, kind, theirs, most in _RATIOS:
        yield ratio(ours, "CPU", f"{kind}: {theirs}", [(run[ours], run[theirs]) for run in runs], most)
