"""IAM's limits for policies, and splits a policy to keep them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

MANAGED_POLICY_MAX = 6144
"""The longest managed policy in characters, without white space. Source: IAM quotas, 'managed policy'."""

POLICIES_PER_ROLE = 10
"""The managed policies that a role holds, unless AWS raises that quota. Source: IAM quotas."""


def size(policy: Mapping[str, object]) -> int:
    """Return the policy's length by IAM's rules; white space inside a text counts too."""
    return len(json.dumps(policy, separators=(",", ":")))


def split(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return policies that together grant the same, each within the size of a managed policy."""
    parts: list[list[dict[str, Any]]] = [[]]
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        while resources:
            count = _fitting({**policy, "Statement": parts[-1]}, statement, resources)
            if count:
                parts[-1].append({**statement, "Resource": resources[:count]})
                resources = resources[count:]
            else:
                parts.append([])
    return [{**policy, "Statement": part} for part in parts]


def _fitting(part: Mapping[str, Any], statement: Mapping[str, object], resources: Sequence[str]) -> int:
    """Return how many of the statement's resources fit beside the part's statements; one always fits by itself."""

    def size_with(count: int) -> int:
        return size({**part, "Statement": [*part["Statement"], {**statement, "Resource": resources[:count]}]})

    count = bisect_right(range(1, min(len(resources), MANAGED_POLICY_MAX) + 1), MANAGED_POLICY_MAX, key=size_with)
    return count if part["Statement"] else max(count, 1)
