"""Run a command line, and report errors that occur before a command takes over."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from smrep.cli.root import COMMANDS, COMPLETE, CONDUCTED, SESSIONS, WORDS, root
from smrep.cli.signals import find_signal, stopped_by
from smrep.errors import Outcome, OutputError, SmrepError, Terminated

if TYPE_CHECKING:
    from smrep.aws.session import Session, Settings
    from smrep.report import Problem
    from smrep.service.ports import Clock


def run(words: Sequence[str], clock: Clock | None = None, sessions: dict[Settings, Session] | None = None) -> int:
    """Run the command and return its exit code; uses the machine's time unless a clock is given.

    `sessions` keeps open connections to AWS from one run to the next.

    Does not use click's `main`, which turns an interrupt or a broken pipe into exit code 1.

    Raises:
        BrokenPipeError: nobody reads the result any more.
        KeyboardInterrupt: interrupted before a command took over.

    """
    started = time.monotonic()
    if COMPLETE in os.environ:
        return _complete(os.environ[COMPLETE], words)
    context: click.Context | None = None
    try:
        with root.make_context("smrep", list(words), obj=clock) as context:
            context.meta[WORDS] = words
            if sessions is not None:
                context.meta[SESSIONS] = sessions
            code = root.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else Outcome.BUG.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, Terminated, Exception) as error:  # noqa: BLE001 - no traceback reaches a user
        signal = find_signal(error)
        if signal and context and CONDUCTED in context.meta:  # the run reports its own end
            raise signal from None

        return (
            report_early_signal(words, signal)
            if signal
            else report_early_error(words, error, time.monotonic() - started)
        )
    return code if isinstance(code, int) else 0


def _complete(instruction: str, words: Sequence[str]) -> int:
    """Answer a completion script; errors stay silent, to keep them out of the line being typed."""
    from smrep.cli.shell_completion import answer

    try:
        text = answer(root, COMPLETE, instruction, words)
        click.echo(text, nl=bool(text))
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - see above
        return Outcome.FAILED.exit_code
    return 0


def report_early_error(words: Sequence[str], error: BaseException, elapsed_s: float) -> int:
    """Report any error; return its exit code."""
    from smrep.report import Problem

    if isinstance(error, click.ClickException):
        return _refuse(words, _from_click(words, error), elapsed_s)
    if isinstance(error, SmrepError):
        return _refuse(words, Problem.of(error), elapsed_s)
    if isinstance(error, OSError):  # help or a completion script, written to a full disk
        return _refuse(words, Problem.of(OutputError(f"the output could not be written: {error.strerror}")), 0.0)
    from smrep.report import bug

    return _refuse(words, bug(error), elapsed_s)


def report_early_signal(words: Sequence[str], error: BaseException) -> int:
    """Report a signal that arrived before a command took over; return the exit code."""
    from smrep.report import Problem

    trouble = Problem("Interrupted", "stopped; nothing was sent", None, None, Outcome.INTERRUPTED)
    return _refuse(words, trouble, 0.0, stopped_by(error))


def wanted_json(words: Sequence[str], env: Mapping[str, str]) -> str | None:
    """Return the requested JSON format, if any, even if the words cannot be parsed."""
    words = words[: words.index("--")] if "--" in words else words
    typed = None
    is_json = False
    for word, following in zip(words, [*words[1:], ""], strict=False):
        bundled = re.match(r"-[qnhV]*o(.*)", word)
        if word == "--output" or (bundled and not bundled[1]):
            typed = following
        elif word.startswith("--output="):
            typed = word.removeprefix("--output=")
        elif bundled:
            typed = bundled[1].removeprefix("=")
        elif word == "--json":
            return "json"
        elif word == "--query" or word.startswith("--query="):
            is_json = True
    chosen = env.get("SMREP_OUTPUT") if typed is None else typed
    if is_json and chosen != "text" and typed != "ndjson":
        return "json"
    return chosen if chosen in ("json", "ndjson") else None


def _from_click(words: Sequence[str], error: click.ClickException) -> Problem:
    """Return click's error in smrep's style: lower case, no full stop, with the help to read."""
    from smrep.report import Problem
    from smrep.rules.hints import step

    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if context and param and context.get_parameter_source(param.name) is click.core.ParameterSource.ENVIRONMENT:
        message = f"{param.envvar}: {message}"
    typed = " ".join(("smrep", *(word for word in words[:1] if word in COMMANDS)))  # if click does not know the command
    path = context.command_path if context else typed
    return Problem("UsageError", message, step("see its help", f"{path} --help"), None, Outcome.USAGE)


def _refuse(words: Sequence[str], trouble: Problem, elapsed_s: float, exit_code: int | None = None) -> int:
    """Report a run that could not start; return its exit code."""
    from smrep.output import github
    from smrep.output.formats import FORMATS
    from smrep.output.terminal import Messages, Terminal, wants_color
    from smrep.report import RunReport

    report = RunReport(
        command=next((word for word in words if word in COMMANDS), None),
        outcome=trouble.outcome,
        exit_code=trouble.outcome.exit_code if exit_code is None else exit_code,
        started_at=datetime.now(UTC),
        elapsed_s=elapsed_s,
        error=trouble,
    )
    name = wanted_json(words, os.environ)
    if name and sys.stdout is not None and trouble.code != OutputError.__name__:
        with contextlib.suppress(OSError):  # standard error has the reason too
            sys.stdout.writelines(FORMATS[name](report, Terminal()))
    color = sys.stderr is not None and wants_color("auto", sys.stderr, os.environ)
    messages = Messages(sys.stderr, color)
    messages.trouble(trouble)
    github.publish(report, messages, os.environ)
    return report.exit_code
