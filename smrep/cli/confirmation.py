"""Show a plan for many secrets, and ask whether to carry it out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from smrep.cli.signals import typed_line
from smrep.errors import UsageError
from smrep.output.safe import safe
from smrep.output.summary_line import is_idle, plan_counts
from smrep.output.terminal import Terminal, is_terminal
from smrep.rules.fleet.plan_counts import tally
from smrep.rules.hints import step
from smrep.service.run_state import Plan, Tracked

if TYPE_CHECKING:
    from smrep.rules.recovery.recovery_summary import SheetLine

NOT_CONFIRMED = "NotConfirmed"
"""Code of a run that a person stopped at the question: the plan was just shown, so no table repeats it."""


def show_sheet(lines: Sequence[SheetLine], stderr: TextIO | None, paper: Terminal) -> None:
    """Print the go/no-go sheet."""
    from smrep.output.tables.plan_table import render_sheet

    _write(render_sheet(lines, paper), stderr)


def show_plan(tracked: Tracked, rate: float, stderr: TextIO | None, paper: Terminal) -> None:
    """Print a table of what smrep would do to many secrets, at `rate` requests per second."""
    from smrep.output.tables.plan_table import render_plan

    secrets = tracked.reports()
    counts = tracked.summary or tally(secrets, 0, 0)
    if not is_idle(counts):  # else the result says so
        _write(render_plan(secrets, plan_counts(counts), paper, rate), stderr)


def _write(text: str, stderr: TextIO | None) -> None:
    if stderr is not None:
        with suppress(OSError):  # nobody reads it
            stderr.write(text)
            stderr.flush()


def ask(names: Sequence[str], plan: Plan, stdin: TextIO | None, stderr: TextIO | None) -> None:
    """Ask for a yes, or where something is destroyed, for the only name or the count of several.

    Raises:
        UsageError: the answer is another one, or nobody can answer.

    """
    if not (is_terminal(stdin) and is_terminal(stderr)):
        raise UsageError(
            f"{plan.activity} requires confirmation, and nobody can answer; nothing was sent",
            step("to confirm it", plan.command("--yes")),
            code="ConfirmationNeeded",
        )
    accepted, question = ["y", "yes"], "Continue? [y/N] "
    if plan.destroys:
        accepted = [names[0] if len(names) == 1 else str(len(names))]
        question = f"Type {safe(accepted[0])} to continue: "
    answer = typed_line(question, stdin, stderr).strip()
    if (answer if plan.destroys else answer.lower()) not in accepted:
        raise UsageError("not confirmed; nothing was sent", code=NOT_CONFIRMED)
