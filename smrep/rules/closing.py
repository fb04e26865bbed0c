"""How a run ends: its outcome, and the words for one that ran out of time or was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import Outcome
from smrep.model import SecretReport, Target, Trouble
from smrep.rules.commands import duration, spell
from smrep.rules.settle import worst


def end(secrets: Iterable[SecretReport], trouble: Trouble | None) -> Outcome:
    """Return the outcome of the run.

    A wrong command line, an interrupt and a fault of ours stand for the whole run; else the worst of the secrets and
    of the run's own trouble counts.
    """
    if trouble and trouble.outcome in (Outcome.BUG, Outcome.USAGE, Outcome.INTERRUPTED):
        return trouble.outcome
    outcomes = [secret.outcome for secret in secrets]
    return worst([*outcomes, trouble.outcome] if trouble else outcomes)


def still_open(secrets: Iterable[SecretReport]) -> list[tuple[SecretReport, Target, str]]:
    """Return each Region that is not settled, with AWS's word for it."""
    return [
        (secret, Target(row.region), row.status or "not listed")
        for secret in secrets
        for row in secret.replicas
        if row.outcome in (Outcome.PENDING, Outcome.ACCEPTED)
    ]


def timed_out(
    secrets: Sequence[SecretReport], timeout_s: float, elapsed_s: float, flags: Sequence[str] = ()
) -> Trouble | None:
    """Return the trouble that names every Region still open when the deadline passed, None where none is.

    `flags` are repeated in the command that the hint names.
    """
    rows = [each for each in still_open(secrets) if each[0].outcome is not Outcome.ACCEPTED]
    if not rows or elapsed_s < timeout_s:
        return None
    names = ", ".join(f"{secret.name} {target.region} ({word})" for secret, target, word in rows)
    longer = duration(max(2 * timeout_s, 60.0))
    return Trouble(
        "Timeout",
        f"still open after {duration(timeout_s)}: {names}",
        f"AWS goes on; wait longer: {resume(secrets, (*flags, '--timeout', longer))}",
        None,
        Outcome.PENDING,
    )


def resume(secrets: Iterable[SecretReport], flags: Sequence[str] = ()) -> str:
    """Return the command that waits on for what is open: one per primary Region."""
    rows = still_open(secrets)
    commands = []
    for home in dict.fromkeys(secret.primary_region for secret, _, _ in rows):
        here = [(secret, target) for secret, target, _ in rows if secret.primary_region == home]
        names = list(dict.fromkeys(secret.name for secret, _ in here))
        targets = list(dict.fromkeys(target for _, target in here))
        commands.append(spell("wait", names, primary_region=home, targets=targets, flags=flags))
    return "; ".join(commands)


def stopped(secrets: Sequence[SecretReport], flags: Sequence[str], *, sent: bool) -> Trouble:
    """Return what an interrupt leaves behind, with the command that waits on."""
    if not sent:
        return Trouble("Interrupted", "stopped; nothing was sent to AWS", None, None, Outcome.INTERRUPTED)
    again = resume(secrets, flags)
    return Trouble(
        "Interrupted",
        "stopped waiting; AWS goes on replicating",
        again or None,
        None,
        Outcome.INTERRUPTED,
    )
