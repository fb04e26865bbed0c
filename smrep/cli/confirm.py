"""Asking before something is destroyed or cut off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from smrep.cli.app import App
from smrep.errors import UsageError
from smrep.output.colour import is_terminal


class Confirmed(Protocol):
    """A run that waits for a confirmation before it acts."""

    deadline: float

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        ...


def confirm(app: App, run: Confirmed, secrets: Iterable[str], doing: str, *, yes: bool) -> None:
    """Have the secret's name typed, or the count where there are several names, before it is done.

    Raises:
        UsageError: the answer was another one, or nobody can answer.

    """
    names = tuple(dict.fromkeys(secrets))
    if yes or not names:
        return
    if app.options.no_input or app.stdin_is_taken or not (is_terminal(app.stdin) and is_terminal(app.stderr)):
        raise UsageError(
            f"{doing} needs a confirmation, and nobody can answer; nothing was sent",
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
