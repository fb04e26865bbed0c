"""What ListSecrets goes on showing: secrets as they were before their last changes."""

from __future__ import annotations

import re
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smrep.sandbox.simulator.account_state import Secret, World


@dataclass(frozen=True, slots=True)
class Past:
    """What bore a name in a Region before a change at the time `until`; `None`: nothing did."""

    until: float
    secret: Secret | None


@dataclass(slots=True)
class Memory:
    """The recent past of each Region's names, oldest first; what has not changed lately is not in it."""

    _pasts: dict[str, dict[str, deque[Past]]] = field(default_factory=dict)

    def add(self, region: str, name: str, past: Past) -> None:
        """Keep what bore `name` in `region` until now."""
        self._pasts.setdefault(region, {}).setdefault(name, deque()).append(past)

    def all(self) -> Iterator[tuple[str, str, Past]]:
        """Yield each past with its Region and name, those of a name oldest first."""
        for region, names in self._pasts.items():
            for name, pasts in names.items():
                yield from ((region, name, past) for past in pasts)

    def at(self, region: str, moment: float) -> dict[str, Secret | None]:
        """Return the names that have changed since `moment`, with what bore them then; forget all older ones.

        A change at `moment` itself had already been made.
        """
        found: dict[str, Secret | None] = {}
        pasts = self._pasts.get(region, {})
        for name, changes in list(pasts.items()):
            while changes and changes[0].until <= moment:
                changes.popleft()
            if changes:
                found[name] = changes[0].secret
            else:
                del pasts[name]
        return found


@contextmanager
def remembering(world: World, secret_id: str | None, at: float) -> Iterator[None]:
    """Open a span in which a secret may change, in any Region, as of the time `at`; ListSecrets hears of it later.

    Without `Faults.listing_lag_s` nothing is kept, and ListSecrets knows at once.
    """
    if secret_id is None or not world.faults.listing_lag_s:
        yield
        return
    names = names_meant(secret_id)
    before = {(region, name): _row(world.held(region, name)) for region in world.secrets for name in names}
    try:
        yield
    finally:
        for region in world.secrets:
            for name in names:
                old = before.get((region, name))
                if old != world.held(region, name):
                    world.memory.add(region, name, Past(at, old))


def _row(secret: Secret | None) -> Secret | None:
    return None if secret is None else replace(secret)


def names_meant(secret_id: str) -> set[str]:
    """Return the names that a SecretId may mean: an ARN can end in a suffix, or in the name itself."""
    last = secret_id.rpartition(":secret:")[2] if secret_id.startswith("arn:") else secret_id
    return {last, re.sub(r"-[A-Za-z0-9]{6}$", "", last)}
