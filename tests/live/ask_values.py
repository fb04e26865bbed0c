"""How long a new value takes to reach the replicas, what shows meanwhile, and whether the list follows a new key."""

from __future__ import annotations

import time
from typing import Any

from live.account import looks
from live.question_run import QuestionRun, Unsettled, phrase

UPDATES = 5


def value_updates(q: QuestionRun) -> str:
    """Put several values, one after the other; see when each replica has it, and what the list shows meanwhile."""
    regions = q.settings.replicas
    name = q.replicated(*regions)
    statuses: set[str] = set()
    lags: dict[str, list[float | None]] = {region: [] for region in regions}
    for _ in range(UPDATES):
        answer = q.account.put(name, q.home)
        if not answer.ok:
            raise Unsettled(f"PutSecretValue: {answer.text}")
        begun = time.monotonic()
        arrived: dict[str, float] = {}
        for _gone_s in looks(q.settings.patience_s):
            for region in regions:
                statuses.update(phrase([each]) for each in q.listed(name, region))
                if region not in arrived and _is_current(q, name, region, answer.body["VersionId"]):
                    arrived[region] = time.monotonic() - begun
            if len(arrived) == len(regions):
                break
        q.note(put="a new value", arrived_s=dict(arrived))
        for region in regions:
            lags[region].append(arrived.get(region))
    q.figures["lag_s"] = lags
    q.figures["listed_meanwhile"] = sorted(statuses)
    told = ", ".join(f"{region} {_range(each)}" for region, each in lags.items())
    return f"lag of {UPDATES} updates: {told}; the list showed {' and '.join(sorted(statuses))}"


def _is_current(q: QuestionRun, name: str, region: str, version: str) -> bool:
    stages: dict[str, Any] = q.account.describe(name, region).body.get("VersionIdsToStages", {})
    return "AWSCURRENT" in stages.get(version, ())


def _range(lags: list[float | None]) -> str:
    seen = sorted(lag for lag in lags if lag is not None)
    missed = f", {len(lags) - len(seen)} never seen" if len(seen) < len(lags) else ""
    return f"{seen[0]:.1f} to {seen[-1]:.1f} s{missed}" if seen else "never seen"


def list_follows_key(q: QuestionRun) -> str:
    """Give the replica another key in its own Region, or the default key again, and watch the primary's list."""
    key = dict(q.settings.keys).get(q.target)
    name = q.replicated()
    first = [each.get("KmsKeyId") for each in q.listed(name, q.target)]
    answer = q.call("UpdateSecret", q.target, SecretId=name, KmsKeyId=key or "alias/aws/secretsmanager")
    if key is None:
        return f"the default key again: {answer.text}; whether the list follows another needs --live-kms-key"
    if not answer.ok:
        return answer.text
    changes = q.watch(
        "the list's key",
        lambda: [each.get("KmsKeyId") for each in q.listed(name, q.target)],
        until=lambda keys: keys != first,
    )
    q.note(copy=q.copy(name, q.target))
    follows = f"follows after {changes[-1][0]:.1f} s" if len(changes) > 1 else "does not follow"
    return f"{answer.text}; the primary's list {follows}"
