"""The outcome of a run, and the problems of one that timed out or was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import Outcome
from smrep.model import IN_SYNC, Target
from smrep.regions import Region
from smrep.report import Action, Kind, Problem, RegionReport, SecretReport, without_healthy
from smrep.rules.hints import duration, format_command, step
from smrep.rules.replication.replica_state import worst


def run_outcome(secrets: Sequence[SecretReport], trouble: Problem | None) -> Outcome:
    """Return the worst outcome of the secrets and of the run's own problem."""
    outcomes = [secret.outcome for secret in without_healthy(secrets)]
    return worst([*outcomes, trouble.outcome] if trouble else outcomes)


def is_open(row: RegionReport) -> bool:
    """Return whether the Region is pending or only accepted."""
    return row.outcome in (Outcome.PENDING, Outcome.ACCEPTED)


def is_under_way(row: RegionReport) -> bool:
    """Return whether AWS is known to work on an open Region, for our request or an earlier one."""
    leaving = row.action is Action.REMOVE and any(finding.kind is Kind.REMOVING for finding in row.findings)
    return is_open(row) and (row.changed or leaving or row.action in (None, Action.KEEP))


def timed_out(
    secrets: Sequence[SecretReport], timeout_s: float, elapsed_s: float, command: str | None = None
) -> Problem | None:
    """Return the problem that names every Region still open at the end, None without any.

    Before the deadline, names only Regions without an error or findings: waiting longer could not help.
    `command` is the current one: a command that only reads is suggested again.
    """
    over = elapsed_s >= timeout_s
    rows = [
        (secret, row)
        for secret in without_healthy(secrets)
        for row in secret.replicas
        if row.outcome is Outcome.PENDING and (over or not (row.error or row.findings))
    ]
    if not rows:
        return None
    names = ", ".join(f"{secret.name} {row.region} ({_state(row)})" for secret, row in rows)
    more_time = ("--timeout", duration(max(2 * timeout_s, 60.0))) if over else ()
    return Problem(
        "Timeout" if over else "StillOpen",
        f"not finished after {duration(timeout_s if over else round(elapsed_s))}: {names}",
        resume_commands(secrets, more_time, looking="verify" if command == "verify" else "wait"),
        None,
        Outcome.PENDING,
    )


def interruption(secrets: Sequence[SecretReport], *, sent: bool, doing: str = "replicating") -> Problem:
    """Return the problem of an interrupted run, with the commands to resume."""
    rows = [row for secret in secrets for row in secret.replicas]
    under_way = any(is_under_way(row) for row in rows)
    if sent and rows and not any(is_open(row) for row in rows):
        message = "stopped; every request had already finished"
    elif under_way:
        message = f"stopped waiting; AWS goes on {doing}"
    else:
        message = "stopped; AWS may or may not have received the request" if sent else "stopped; nothing was sent"
    return Problem(
        "Interrupted", message, resume_commands(secrets) if sent or under_way else None, None, Outcome.INTERRUPTED
    )


def interrupted_wait(secrets: Sequence[SecretReport], again: str) -> Problem:
    """Return the problem of an interrupted `wait`; `again` is the command to repeat if AWS had not answered."""
    if secrets:
        return interruption(secrets, sent=True)
    hint = step("to resume", again)
    return Problem("Interrupted", "stopped waiting; AWS had not answered yet", hint, None, Outcome.INTERRUPTED)


def interrupted_read() -> Problem:
    """Return the problem of an interrupted command that changes nothing."""
    return Problem("Interrupted", "stopped; nothing was changed", None, None, Outcome.INTERRUPTED)


_RESUMING_COMMANDS = {Action.REMOVE: "remove", Action.REKEY: "rekey", Action.PROMOTE: "promote"}
"""Actions that their own command resumes, since it checks the state first."""


_UNDONE = {Action.REMOVE: "not gone yet", Action.REKEY: "new key not seen yet", Action.PROMOTE: "still a replica"}


def resume_commands(secrets: Iterable[SecretReport], flags: Sequence[str] = (), looking: str = "wait") -> str | None:
    """Return the hint to resume what is open, None if nothing is.

    `looking` is the command for Regions that AWS works on. `replicate`, which checks first, is for requests that AWS
    may not have accepted. Secrets share a command if they share the primary's Region and the open targets.
    """
    together: dict[tuple[str, Region | None, tuple[Target, ...], tuple[str, ...]], list[str]] = {}
    for secret in secrets:
        for (command, forcing), targets in _open_targets(secret, looking).items():
            home = None if command == "promote" else secret.primary_region
            name = secret.arn if secret.by_arn and secret.arn else secret.name
            together.setdefault((command, home, tuple(targets), forcing), []).append(name)
    commands = [
        format_command(command, names, primary_region=home, targets=targets, flags=(*flags, *forcing))
        for (command, home, targets, forcing), names in together.items()
    ]
    return step("to resume", *commands) if commands else None


def _open_targets(secret: SecretReport, looking: str) -> dict[tuple[str, tuple[str, ...]], list[Target]]:
    """Return a secret's open targets, by the command that resumes them and its flags for overwriting."""
    targets: dict[tuple[str, tuple[str, ...]], list[Target]] = {}
    rows = [row for row in secret.replicas if is_open(row)]
    unsent = [row for row in rows if row.action is Action.OVERWRITE and not is_under_way(row)]
    arns = (word for row in unsent if row.overwrites for word in ("--overwrite-arn", row.overwrites))
    forcing = ("--force-overwrite", *arns) if unsent else ()
    for row in rows:
        target = Target(row.region, row.wanted_key)
        resume = _RESUMING_COMMANDS.get(row.action or Action.KEEP)
        flags: tuple[str, ...] = ()
        if row.action is Action.REKEY and row.arn is None and (row.changed or row.error is None):
            command = "replicate"  # removed to be recreated, or possibly so
        elif resume:
            command = resume
            target = target if row.action is Action.REKEY else Target(row.region)
        elif is_under_way(row) and (row.status == IN_SYNC or row.action is Action.OVERWRITE):
            command = "verify"  # a listed status proves nothing, only a check of both sides does
        elif is_under_way(row):
            command = looking
            target = target if looking == "verify" else Target(row.region)
        else:
            command, flags = "replicate", forcing
        targets.setdefault((command, flags), []).append(target)
    return targets


def _state(row: RegionReport) -> str:
    if not is_under_way(row):
        return "not sent" if row.error and row.error.code == "NotSent" else "perhaps not sent"
    if row.action is Action.REKEY and row.arn is None:
        return "removed, not recreated yet"
    return _UNDONE.get(row.action or Action.KEEP) or row.status or "not listed"
