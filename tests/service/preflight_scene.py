"""What the tests of the checks before a request share: a primary under a key, and what was sent in the end."""

from __future__ import annotations

from fakes import World


def regions_sent(world: World) -> list[str]:
    return [each["Region"] for call in world.sent() for each in call["AddReplicaRegions"]]


def primary_under(world: World, key: str) -> str:
    return world.create(KmsKeyId=key)
