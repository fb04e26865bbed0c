"""A sandbox with replicated secrets, for commands that change or check replicas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures import Sandbox

Make = Callable[..., Sandbox]


def replicated(
    make: Make,
    *regions: str,
    names: tuple[str, ...] = ("prod/db",),
    key: str | None = None,
    aliases: tuple[str, ...] = (),
    **faults: Any,
) -> Sandbox:
    """Return a sandbox in which the secrets are replicated, removals take no time, and nothing is logged yet.

    The Regions are us-west-2 alone unless others are named; each has a key of its own behind each of the aliases.
    """
    sandbox = make(**{"removal_delay_s": 0.0, **faults})
    with sandbox.simulator.undisturbed():
        for region in regions or ("us-west-2",):
            for alias in aliases:
                sandbox.key(alias, region)
        for name in names:
            sandbox.create(name)
            added = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or ("us-west-2",)]
            sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=added)
    return sandbox
