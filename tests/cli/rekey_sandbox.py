"""A sandbox with a replica and a second key for it, and the writes that reached it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cli import replicated_sandbox
from fixtures import Sandbox
from service import rekey_scene

from smrep.sandbox.simulator.simulated_aws import ApiError

Make = Callable[..., Sandbox]
WEST = "us-west-2"
NEW = f"{WEST}=alias/new"
READS = rekey_scene.READS | {"GetCallerIdentity"}


def replicated(make: Make, *regions: str, **more: Any) -> Sandbox:
    """Return a sandbox with a replicated secret, `alias/new` and `alias/old` in its Regions, and nothing logged yet."""
    return replicated_sandbox.replicated(make, *regions, aliases=("alias/new", "alias/old"), **more)


def writes(sandbox: Sandbox) -> list[str]:
    return [call.operation for call in sandbox.simulator.log if call.operation not in READS]


def value_in(sandbox: Sandbox, region: str = WEST) -> str | None:
    try:
        return str(sandbox.call("GetSecretValue", region, SecretId="prod/db")["SecretString"])
    except ApiError:
        return None
