"""What stands in a replication's way by its name, and what forcing does to it; all of it is the run's own."""

from __future__ import annotations

from live.question_run import QuestionRun, Unsettled, phrase


def name_conflict(q: QuestionRun) -> str:
    """Replicate onto a secret of the same name, then remove the Region, and look whether that secret lives on."""
    name = q.secret()
    q.secret(q.target, name=name)
    before = q.copy(name, q.target)
    q.replicate(name, q.target)
    settled = q.settled(name, q.target)
    answer = q.remove(name, q.target)
    changes = q.watch(
        "the namesake", lambda: q.copy(name, q.target), q.settings.watch_s / 2, until=lambda view: view == "not found"
    )
    fate = "lives on" if changes[-1][1] == before else "is not what it was"
    return f"{phrase(settled)}; removing it: {answer.text}; the namesake {fate}"


def force_onto_deleted(q: QuestionRun) -> str:
    """Force a replica onto a secret that is scheduled for deletion; without force first."""
    name = q.secret()
    q.secret(q.target, name=name)
    deleted = q.call("DeleteSecret", q.target, SecretId=name, RecoveryWindowInDays=7)
    if not deleted.ok:
        raise Unsettled(f"DeleteSecret: {deleted.text}")
    plain = q.replicate(name, q.target)
    without = phrase(q.settled(name, q.target)) if plain.ok else plain.text
    q.remove(name, q.target)
    return f"without force: {without}; with force: {_forced(q, name)}"


def force_onto_primary(q: QuestionRun) -> str:
    """Force a replica onto a namesake that has a replica of its own in a third Region."""
    q.need(len(q.settings.replicas) > 1, "needs a third Region in --regions")
    third = q.settings.replicas[1]
    name = q.secret()
    q.secret(q.target, name=name)
    wanted = [{"Region": third}]
    q.call("ReplicateSecretToRegions", q.target, SecretId=name, AddReplicaRegions=wanted)
    q.watch(
        "the namesake's replica",
        lambda: q.copy(name, third),
        q.settings.patience_s,
        until=lambda view: isinstance(view, dict),
    )
    told = _forced(q, name)
    q.note(region=third, copy=q.copy(name, third))
    return told


def _forced(q: QuestionRun, name: str) -> str:
    before = q.copy(name, q.target)
    answer = q.replicate(name, q.target, force=True)
    if not answer.ok:
        return answer.text
    settled = q.settled(name, q.target)
    after = q.copy(name, q.target)
    q.note(region=q.target, copy_before=before, copy_after=after)
    return f"{phrase(settled)}; what stood there {'stays' if after == before else 'is overwritten'}"
