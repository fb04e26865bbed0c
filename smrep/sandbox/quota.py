"""The shared write quota of Secrets Manager, counted per Region over the last second."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from smrep.sandbox.errors import ApiError

SHARED_GROUP = frozenset(
    {
        "PutSecretValue",
        "RemoveRegionsFromReplication",
        "ReplicateSecretToRegions",
        "StopReplicationToReplica",
        "UpdateSecret",
        "UpdateSecretVersionStage",
    }
)
"""The operations that share one quota per Region and account. Source: aws-behavior.md 5."""
_SECOND = 1.0


@dataclass(slots=True)
class WriteQuota:
    """Counts the calls of the shared group; a call that is refused does not count."""

    _taken: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, region: str, operation: str, limit: int | None, at: float) -> None:
        """Count one call. Raises: ApiError (ThrottlingException, HTTP 400) beyond `limit` a second."""
        if limit is None or operation not in SHARED_GROUP:
            return
        taken = self._taken[region]
        while taken and taken[0] <= at - _SECOND:
            taken.popleft()
        if len(taken) >= limit:
            raise ApiError("ThrottlingException", "Rate exceeded")
        taken.append(at)
