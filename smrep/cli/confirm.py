"""How a command that changes something runs: plan, show what is at stake, have it confirmed, act."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TextIO

from smrep.cli.app import App
from smrep.errors import UsageError
from smrep.output.terminal import is_terminal
from smrep.report import SecretReport
from smrep.rules.run_outcome import stopped

SIGNALS_HEEDED_S = 0.5
"""At the latest so long after a signal, a question ends."""


class Change(Protocol):
    """One run of a command that changes something in AWS."""

    deadline: float

    def plan(self) -> None:
        """Look and decide; changes nothing in AWS."""
        ...

    def act(self) -> Iterator[None]:
        """Do what was decided, yielding as news come in."""
        ...

    def secrets(self, *, dry_run: bool = False) -> tuple[SecretReport, ...]:
        """Return every secret as it stands."""
        ...

    def command(self, *more: str) -> str:
        """Return this run as a command to type again, with more flags."""
        ...

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        ...

    @property
    def doing(self) -> str:
        """What AWS goes on with where this run is interrupted."""
        ...

    @property
    def stakes(self) -> tuple[tuple[str, str], ...]:
        """What must be confirmed: the secret's name, and what is lost."""
        ...


def carry_out(app: App, run: Change, what: str, *, yes: bool) -> Iterator[None]:
    """Plan, say what is at stake, have it confirmed unless `yes`, and act; `what` is being confirmed.

    Raises:
        UsageError: it was not confirmed, or nobody can answer.

    """
    app.secrets = lambda: run.secrets(dry_run=app.dry_run)
    app.interrupted = lambda: stopped(run.secrets(), sent=run.was_sent, doing=run.doing)
    run.plan()
    app.announce()
    for _, danger in run.stakes:
        app.messages.warning(danger)
    if app.dry_run:
        app.messages.note("dry run: nothing was sent")
        return
    _confirm(app, run, what, yes=yes)
    app.secrets = run.secrets
    yield from run.act()


def _confirm(app: App, run: Change, what: str, *, yes: bool) -> None:
    """Have the secret's name typed, or the count where there are several names, before it is done."""
    names = tuple(dict.fromkeys(name for name, _ in run.stakes))
    if not yes:
        ask(app, names, what, lambda: run.command("--yes"))
    run.deadline += app.thought_s


def ask(app: App, names: Sequence[str], what: str, command: Callable[[], str]) -> None:
    """Have the one name typed, or the count of several; how long that took is not waiting, and is remembered.

    Raises:
        UsageError: it was not confirmed, or nobody can answer; `command` is the one that needs no answer.

    """
    if not names:
        return
    if app.options.no_input or app.stdin_is_taken or not (is_terminal(app.stdin) and is_terminal(app.stderr)):
        raise UsageError(
            f"{what} needs a confirmation, and nobody can answer; nothing was sent",
            f"--yes answers it: {command()}",
            code="ConfirmationNeeded",
        )
    expected = names[0] if len(names) == 1 else str(len(names))
    answer = "the secret's name" if len(names) == 1 else "the number of secrets that will be changed"
    asked_at = app.clock.monotonic()
    if typed_line(f"type {answer} to go on: ", app.stdin, app.stderr).strip() != expected:
        raise UsageError("not confirmed; nothing was sent", f"the answer is {expected}", code="NotConfirmed")
    app.thought_s = app.clock.monotonic() - asked_at  # thinking is not waiting


def typed_line(question: str, stdin: TextIO | None, stderr: TextIO | None) -> str:
    """Ask on the terminal and return the line that was typed, with its line end; empty at the end of all input.

    A signal does not end a read that has not quite begun, nor one in another thread: whoever pressed Ctrl-C would have
    to press Enter too. So the line is read only once it is there.
    """
    assert stdin is not None  # noqa: S101 - a terminal, as was checked
    assert stderr is not None  # noqa: S101
    stderr.write(question)
    stderr.flush()
    while not select.select([stdin], [], [], SIGNALS_HEEDED_S)[0]:
        pass
    return stdin.readline()
