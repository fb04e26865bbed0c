"""What a call says where it has nothing left to do, or nothing to do it to."""

from __future__ import annotations

from live.mask import MISSING_KEY
from live.question_run import QuestionRun, course, entries, is_failed, is_settled, never, phrase


def repeat_in_sync(q: QuestionRun) -> str:
    """Ask again for a Region that is in sync."""
    return _repeat(q, q.replicated(), None)


def repeat_in_progress(q: QuestionRun) -> str:
    """Ask again at once, most likely before the first request is done."""
    name = q.secret()
    q.replicate(name, q.target)
    return _repeat(q, name, None)


def repeat_other_key(q: QuestionRun) -> str:
    """Ask for another key: one that may be used, where one was given, else one that does not exist."""
    key = dict(q.settings.keys).get(q.target, MISSING_KEY)
    return _repeat(q, q.replicated(), key)


def _repeat(q: QuestionRun, name: str, key: str | None) -> str:
    before = q.copy(name, q.target)
    answer = q.replicate(name, q.target, key=key)
    changes = q.watch("the list", lambda: q.listed(name, q.target), q.settings.watch_s / 4, until=never)
    after = q.copy(name, q.target)
    q.note(copy_before=before, copy_after=after)
    said = answer.text if not answer.ok else f"accepted as {phrase(entries(answer, q.target))}"
    keys = [each.get("KmsKeyId") for _, view in changes[-1:] for each in view]
    return f"{said}; the list shows {course(changes)}; under {keys[-1] if keys else 'no key'}"


def repeat_failed(q: QuestionRun) -> str:
    """Ask again for a Region that has Failed, without removing it, and with what it takes."""
    name = q.secret()
    q.replicate(name, q.target, key=MISSING_KEY)
    first = q.settled(name, q.target)
    q.need(is_failed(first), f"nothing failed: {phrase(first)}")
    answer = q.replicate(name, q.target)
    changes = q.watch(
        "the list", lambda: q.listed(name, q.target), until=lambda view: view != first and is_settled(view)
    )
    return f"{answer.text}; the list shows {course(changes)}"


def remove_no_replica(q: QuestionRun) -> str:
    """Remove a Region that is no replica: of a secret that never had one, and of one that has others."""
    never_had = q.remove(q.secret(), q.target)
    others = q.settings.replicas[1:]
    if not others:
        return never_had.text
    return f"never replicated: {never_had.text}; with another replica: {q.remove(q.replicated(), others[0]).text}"


def remove_twice(q: QuestionRun) -> str:
    """Remove a Region again while its replica is on its way out."""
    name = q.replicated()
    first = q.remove(name, q.target)
    return f"{first.text}; again: {q.remove(name, q.target).text}"


def stop_no_replica(q: QuestionRun) -> str:
    """Promote what is no replica: a secret that never had one, and a primary."""
    alone = q.call("StopReplicationToReplica", q.home, SecretId=q.secret())
    primary = q.call("StopReplicationToReplica", q.home, SecretId=q.replicated())
    return f"standalone: {alone.text}; primary: {primary.text}"


def delete_with_failed_entry(q: QuestionRun) -> str:
    """Delete a primary whose only Region has Failed."""
    name = q.secret()
    q.replicate(name, q.target, key=MISSING_KEY)
    settled = q.settled(name, q.target)
    q.need(is_failed(settled), f"nothing failed: {phrase(settled)}")
    return q.call("DeleteSecret", q.home, SecretId=name, RecoveryWindowInDays=7).text
