"""Former states of secrets, which a lagging ListSecrets still shows."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from smrep.sandbox.simulator.stored_secret import StoredSecret


@dataclass(frozen=True, slots=True)
class Past:
    """The secret with a name in a Region before a change at `until`; `None` if there was none."""

    until: float
    secret: StoredSecret | None


@dataclass(slots=True)
class RecentChanges:
    """Recent former states by Region and name, oldest first."""

    _pasts: dict[str, dict[str, deque[Past]]] = field(default_factory=dict)

    def add(self, region: str, name: str, past: Past) -> None:
        """Store a former state of `name` in `region`."""
        self._pasts.setdefault(region, {}).setdefault(name, deque()).append(past)

    def list_all(self) -> Iterator[tuple[str, str, Past]]:
        """Yield each former state with its Region and name, oldest first for a name."""
        for region, names in self._pasts.items():
            for name, pasts in names.items():
                yield from ((region, name, past) for past in pasts)

    def find_changed(self, region: str, moment: float) -> dict[str, StoredSecret | None]:
        """Return the names that have changed since `moment`, with their secrets then; forget older states.

        A change at `moment` itself counts as done.
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
    """Return the possible names in a SecretId: an ARN may end with or without a suffix."""
    last = secret_id.rpartition(":secret:")[2] if secret_id.startswith("arn:") else secret_id
    return {last, re.sub(r"-[A-Za-z0-9]{6}$", "", last)}
