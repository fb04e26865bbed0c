"""What ListSecrets goes on showing: secrets as they were before their last changes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from smrep.sandbox.simulator.stored_secret import StoredSecret


@dataclass(frozen=True, slots=True)
class Past:
    """What bore a name in a Region before a change at the time `until`; `None`: nothing did."""

    until: float
    secret: StoredSecret | None


@dataclass(slots=True)
class RecentChanges:
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

    def at(self, region: str, moment: float) -> dict[str, StoredSecret | None]:
        """Return the names that have changed since `moment`, with what bore them then; forget all older ones.

        A change at `moment` itself had already been made.
        """
        secrets: dict[str, StoredSecret | None] = {}
        pasts = self._pasts.get(region, {})
        for name, changes in list(pasts.items()):
            while changes and changes[0].until <= moment:
                changes.popleft()
            if changes:
                secrets[name] = changes[0].secret
            else:
                del pasts[name]
        return secrets


def parse_secret_names(secret_id: str) -> set[str]:
    """Return the names that a SecretId may mean: an ARN can end in a suffix, or in the name itself."""
    last = secret_id.rpartition(":secret:")[2] if secret_id.startswith("arn:") else secret_id
    return {last, re.sub(r"-[A-Za-z0-9]{6}$", "", last)}
