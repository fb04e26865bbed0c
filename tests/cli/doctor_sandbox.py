"""Runs `smrep doctor` against a sandbox, which must see reads only, never of a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cli import replicated_sandbox
from fixtures import Done, Sandbox
from service import doctor_scene

Make = Callable[..., Sandbox]
WEST = "us-west-2"
ROLE = "arn:aws:iam::123456789012:role/team/app"
READ = "secretsmanager:GetSecretValue"
READS = doctor_scene.READS | {"AssumeRole", "DescribeRegions"}


def replicated(make: Make, *regions: str, name: str = "prod/db", **more: Any) -> Sandbox:
    """Return a sandbox with a replicated secret and `alias/dr` in its Regions, and nothing logged yet."""
    return replicated_sandbox.replicated(make, *regions, names=(name,), aliases=("alias/dr",), **more)


def doctor(sandbox: Sandbox, *words: str, **env: str | None) -> Done:
    """Run it; whatever it finds, it only ever looks, and never at a value."""
    sandbox.simulator.log.clear()
    done = sandbox.smrep("doctor", *words, **env)
    assert {call.operation for call in sandbox.simulator.log} <= READS
    assert "s3cret" not in done.out + done.err
    return done


def allow(sandbox: Sandbox, *actions: str) -> None:
    sandbox.simulator.put_role(ROLE, {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})
