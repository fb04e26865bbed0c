"""How a run ends: its outcome, and the words for one that ran out of time or was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import Outcome
from smrep.model import Target
from smrep.regions import Region
from smrep.report import Action, RegionReport, SecretReport, Trouble
from smrep.rules.commands import duration, spell
from smrep.rules.settle import worst


def end(secrets: Iterable[SecretReport], trouble: Trouble | None) -> Outcome:
    """Return the outcome of the run: the worst of the secrets' and of the run's own trouble."""
    outcomes = [secret.outcome for secret in secrets]
    return worst([*outcomes, trouble.outcome] if trouble else outcomes)


def is_open(row: RegionReport) -> bool:
    """Tell whether the Region is not settled."""
    return row.outcome in (Outcome.PENDING, Outcome.ACCEPTED)


def is_under_way(row: RegionReport) -> bool:
    """Tell whether AWS is at work on an open Region, as far as is known: it took our request, or was at it before."""
    return is_open(row) and (row.changed or row.action in (None, Action.KEEP))


def timed_out(secrets: Sequence[SecretReport], timeout_s: float, elapsed_s: float) -> Trouble | None:
    """Return the trouble that names every Region still open when the deadline passed, None where none is."""
    rows = [(secret, row) for secret in secrets for row in secret.replicas if row.outcome is Outcome.PENDING]
    if not rows or elapsed_s < timeout_s:
        return None
    names = ", ".join(f"{secret.name} {row.region} ({_state(row)})" for secret, row in rows)
    longer = duration(max(2 * timeout_s, 60.0))
    return Trouble(
        "Timeout",
        f"still open after {duration(timeout_s)}: {names}",
        go_on(secrets, ("--timeout", longer)),
        None,
        Outcome.PENDING,
    )


def stopped(secrets: Sequence[SecretReport], *, sent: bool) -> Trouble:
    """Return what an interrupt leaves behind, with the commands that go on from there."""
    rows = [row for secret in secrets for row in secret.replicas]
    if any(is_under_way(row) for row in rows) or not any(is_open(row) for row in rows):
        message = "stopped waiting; AWS goes on replicating" if sent else "stopped; nothing was sent"
    elif sent:
        message = "stopped; AWS may or may not have taken the request"
    else:
        message = "stopped; nothing was sent"
    return Trouble("Interrupted", message, go_on(secrets) if sent else None, None, Outcome.INTERRUPTED)


def go_on(secrets: Iterable[SecretReport], flags: Sequence[str] = ()) -> str | None:
    """Return the commands that go on with what is open, None where nothing is.

    `wait` for what AWS is at work on; `replicate`, which looks first, for what it is not known to have taken. Secrets
    share a command where they share the primary's Region and what is open.
    """
    together: dict[tuple[str, Region | None, tuple[Target, ...], bool], list[str]] = {}
    for secret in secrets:
        waiting = tuple(Target(row.region) for row in secret.replicas if is_under_way(row))
        unsent = [row for row in secret.replicas if is_open(row) and not is_under_way(row)]
        again = tuple(Target(row.region, row.wanted_key) for row in unsent)
        force = any(row.action is Action.OVERWRITE for row in unsent)
        for command, targets, forced in (("wait", waiting, False), ("replicate", again, force)):
            if targets:
                together.setdefault((command, secret.primary_region, targets, forced), []).append(secret.name)
    return (
        "; ".join(
            spell(
                command,
                names,
                primary_region=home,
                targets=targets,
                flags=(*flags, "--force-overwrite") if forced else flags,
            )
            for (command, home, targets, forced), names in together.items()
        )
        or None
    )


def _state(row: RegionReport) -> str:
    if not is_under_way(row):
        return "not known to be sent"
    return row.status or "not listed"
