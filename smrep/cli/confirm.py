"""Asking before something is destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smrep.cli.app import App
from smrep.errors import UsageError
from smrep.output.colour import is_terminal
from smrep.rules.plan import Overwrite
from smrep.rules.preflight import portrait

if TYPE_CHECKING:  # the service is loaded when a command runs
    from smrep.service.replication import Replication


def show(app: App, victims: Sequence[Overwrite]) -> None:
    """Show what would be destroyed."""
    for step in victims:
        app.messages.warning(f"to be destroyed for good in {step.target.region}: {portrait(step.victim)}")


def confirm(app: App, run: Replication, *, yes: bool) -> None:
    """Have the secret's name typed, or the count where there are several names, before something is destroyed.

    Raises:
        UsageError: the answer was another one, or nobody can answer.

    """
    names = tuple(dict.fromkeys(step.victim.name for step in run.victims))
    if yes or not names:
        return
    if app.options.no_input or app.stdin_is_taken or not (is_terminal(app.stdin) and is_terminal(app.stderr)):
        raise UsageError(
            "overwriting needs a confirmation, and nobody can answer; nothing was sent",
            f"--yes answers it: {run.command('--yes')}",
            code="ConfirmationNeeded",
        )
    expected = names[0] if len(names) == 1 else str(len(names))
    what = "the secret's name" if len(names) == 1 else "the number of secrets"
    assert app.stdin is not None  # noqa: S101 - a terminal, as was checked
    assert app.stderr is not None  # noqa: S101
    asked_at = app.clock.monotonic()
    app.stderr.write(f"type {what} to go on: ")
    app.stderr.flush()
    if app.stdin.readline().strip() != expected:
        raise UsageError("not confirmed; nothing was sent", f"the answer is {expected}", code="NotConfirmed")
    run.deadline += app.clock.monotonic() - asked_at  # thinking is not waiting
