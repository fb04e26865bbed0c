"""How a run ends: its outcome, and the words for one that ran out of time or was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import Outcome
from smrep.model import IN_SYNC, Target
from smrep.regions import Region
from smrep.report import Action, Kind, Problem, RegionReport, SecretReport
from smrep.rules.hints import duration, format_command
from smrep.rules.replication.replica_state import worst


def run_outcome(secrets: Iterable[SecretReport], trouble: Problem | None) -> Outcome:
    """Return the outcome of the run: the worst of the secrets' and of the run's own trouble."""
    outcomes = [secret.outcome for secret in secrets]
    return worst([*outcomes, trouble.outcome] if trouble else outcomes)


def is_open(row: RegionReport) -> bool:
    """Tell whether the Region is not settled."""
    return row.outcome in (Outcome.PENDING, Outcome.ACCEPTED)


def is_under_way(row: RegionReport) -> bool:
    """Tell whether AWS is at work on an open Region, as far as is known: it took our request, or was at it before."""
    leaving = row.action is Action.REMOVE and any(each.kind is Kind.REMOVING for each in row.findings)
    return is_open(row) and (row.changed or leaving or row.action in (None, Action.KEEP))


def timed_out(
    secrets: Sequence[SecretReport], timeout_s: float, elapsed_s: float, command: str | None = None
) -> Problem | None:
    """Return the trouble that names every Region still open at the end, None where none is.

    Before the deadline, only a Region of which nothing else is said: it was waited for as long as that made sense.
    `command` is the one that ran: one that only looks is typed again.
    """
    over = elapsed_s >= timeout_s
    rows = [
        (secret, row)
        for secret in secrets
        for row in secret.replicas
        if row.outcome is Outcome.PENDING and (over or not (row.error or row.findings))
    ]
    if not rows:
        return None
    names = ", ".join(f"{secret.name} {row.region} ({_state(row)})" for secret, row in rows)
    more_time = ("--timeout", duration(max(2 * timeout_s, 60.0))) if over else ()
    return Problem(
        "Timeout" if over else "StillOpen",
        f"still open after {duration(timeout_s if over else round(elapsed_s))}: {names}",
        resume_commands(secrets, more_time, looking="verify" if command == "verify" else "wait"),
        None,
        Outcome.PENDING,
    )


def interruption(secrets: Sequence[SecretReport], *, sent: bool, doing: str = "replicating") -> Problem:
    """Return what an interrupt leaves behind, with the commands that go on from there."""
    rows = [row for secret in secrets for row in secret.replicas]
    under_way = any(is_under_way(row) for row in rows)
    if sent and rows and not any(is_open(row) for row in rows):
        message = "stopped; all that was sent has ended already"
    elif under_way:
        message = f"stopped waiting; AWS goes on {doing}"
    else:
        message = "stopped; AWS may or may not have taken the request" if sent else "stopped; nothing was sent"
    return Problem(
        "Interrupted", message, resume_commands(secrets) if sent or under_way else None, None, Outcome.INTERRUPTED
    )


def stopped_waiting(secrets: Sequence[SecretReport], again: str) -> Problem:
    """Return what an interrupt of `wait` leaves behind; `again` is the command, where AWS has not answered yet."""
    if secrets:
        return interruption(secrets, sent=True)
    return Problem("Interrupted", "stopped waiting; AWS had not answered yet", again, None, Outcome.INTERRUPTED)


def stopped_looking() -> Problem:
    """Return what an interrupt of a command that changes nothing leaves behind."""
    return Problem("Interrupted", "stopped looking; nothing was changed", None, None, Outcome.INTERRUPTED)


_AGAIN = {Action.REMOVE: "remove", Action.REKEY: "rekey", Action.PROMOTE: "promote"}
"""Actions whose own command goes on with them, since it looks first."""


_UNDONE = {Action.REMOVE: "not gone yet", Action.REKEY: "new key not seen yet", Action.PROMOTE: "still a replica"}


def resume_commands(secrets: Iterable[SecretReport], flags: Sequence[str] = (), looking: str = "wait") -> str | None:
    """Return the commands that go on with what is open, None where nothing is.

    `looking` is the command for what AWS is at work on; `replicate`, which looks first, is for what it is not known to
    have taken. Secrets share a command where they share the primary's Region and what is open.
    """
    together: dict[tuple[str, Region | None, tuple[Target, ...], tuple[str, ...]], list[str]] = {}
    for secret in secrets:
        for (command, forcing), targets in _open_targets(secret, looking).items():
            home = None if command == "promote" else secret.primary_region
            name = secret.arn if secret.by_arn and secret.arn else secret.name
            together.setdefault((command, home, tuple(targets), forcing), []).append(name)
    return (
        "; ".join(
            format_command(
                command,
                names,
                primary_region=home,
                targets=targets,
                flags=(*flags, *forcing),
            )
            for (command, home, targets, forcing), names in together.items()
        )
        or None
    )


def _open_targets(secret: SecretReport, looking: str) -> dict[tuple[str, tuple[str, ...]], list[Target]]:
    """Return what is open of a secret, by the command that goes on with it and the flags that let it overwrite."""
    found: dict[tuple[str, tuple[str, ...]], list[Target]] = {}
    rows = [row for row in secret.replicas if is_open(row)]
    unsent = [row for row in rows if row.action is Action.OVERWRITE and not is_under_way(row)]
    arns = (word for row in unsent if row.overwrites for word in ("--overwrite-arn", row.overwrites))
    forcing = ("--force-overwrite", *arns) if unsent else ()
    for row in rows:
        target = Target(row.region, row.wanted_key)
        own = _AGAIN.get(row.action or Action.KEEP)
        flags: tuple[str, ...] = ()
        if row.action is Action.REKEY and row.arn is None and (row.changed or row.error is None):
            command = "replicate"  # it was taken away to be made anew, or may have been
        elif own:
            command = own
            target = target if row.action is Action.REKEY else Target(row.region)
        elif is_under_way(row) and (row.status == IN_SYNC or row.action is Action.OVERWRITE):
            command = "verify"  # what is listed is no proof of it, only a look on both sides is
        elif is_under_way(row):
            command = looking
            target = target if looking == "verify" else Target(row.region)
        else:
            command, flags = "replicate", forcing
        found.setdefault((command, flags), []).append(target)
    return found


def _state(row: RegionReport) -> str:
    if not is_under_way(row):
        return "not known to be sent"
    if row.action is Action.REKEY and row.arn is None:
        return "taken away, not made anew yet"
    return _UNDONE.get(row.action or Action.KEEP) or row.status or "not listed"
