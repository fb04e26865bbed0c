"""How long a removal takes, and what becomes of a promoted replica and of its old primary's list."""

from __future__ import annotations

from typing import Any

from live.question_run import QuestionRun, Unsettled, course, is_settled, never


def removal_time(q: QuestionRun) -> str:
    """Remove all replicas and watch them go."""
    regions = q.settings.replicas
    name = q.replicated(*regions)
    answer = q.remove(name, *regions)
    if not answer.ok:
        return answer.text
    changes = q.watch(
        "the replicas",
        lambda: {region: q.copy(name, region) for region in regions},
        q.settings.patience_s,
        until=lambda view: all(each == "not found" for each in view.values()),
    )
    gone: dict[str, float | None] = {}
    for region in regions:
        when = [at_s for at_s, view in changes if view[region] == "not found"]
        gone[region] = when[0] if when else None
    q.figures["removal_s"] = gone
    after = q.account.describe(name, q.home).body
    kept = "still names" if after.get("PrimaryRegion") else "no longer names"
    told = ", ".join(f"{region} {'not gone' if at_s is None else f'{at_s:.1f} s'}" for region, at_s in gone.items())
    return f"gone after: {told}; the primary {kept} PrimaryRegion"


def promoted_view(q: QuestionRun) -> str:
    """Promote a replica and watch what the old primary lists."""
    name = _promoted(q)
    changes = q.watch("the old primary's list", lambda: q.listed(name, q.target), until=never)
    return f"the old primary lists {course(changes)}"


def promoted_removed(q: QuestionRun) -> str:
    """Remove the Region of a promoted replica, our own, and watch whether the promoted secret lives on."""
    name = _promoted(q)
    before = q.copy(name, q.target)  # its ARN is known before anything can happen to it
    answer = q.remove(name, q.target)
    changes = q.watch("the promoted secret", lambda: q.copy(name, q.target), until=lambda view: view == "not found")
    last = changes[-1][1]
    same = isinstance(last, dict) and last.get("ARN") == before.get("ARN")
    fate = "is still there, untouched" if same and last == before else "has changed" if same else "is gone"
    return f"{answer.text}; the promoted secret {fate} after {q.seen[-1]['after_s']:.1f} s"


def promoted_replicated(q: QuestionRun) -> str:
    """Replicate again to the Region of a promoted replica."""
    name = _promoted(q)
    first = q.listed(name, q.target)
    answer = q.replicate(name, q.target)
    changes = q.watch(
        "the old primary's list",
        lambda: q.listed(name, q.target),
        until=lambda view: view != first and is_settled(view),
    )
    return f"{answer.text}; the old primary lists {course(changes)}; there stands {_standing(q.copy(name, q.target))}"


def _promoted(q: QuestionRun) -> str:
    name = q.replicated()
    answer = q.call("StopReplicationToReplica", q.target, SecretId=name)
    if not answer.ok:
        raise Unsettled(f"StopReplicationToReplica: {answer.text}")
    alone = q.watch(
        "the promoted secret",
        lambda: q.copy(name, q.target),
        q.settings.patience_s,
        until=lambda view: isinstance(view, dict) and "PrimaryRegion" not in view,
    )
    q.figures["promotion_s"] = alone[-1][0]
    return name


def _standing(view: Any) -> str:
    if not isinstance(view, dict):
        return str(view)
    return "a replica" if "PrimaryRegion" in view else "a secret of its own"
