"""From the words typed to a command, and from what goes wrong before one runs to a report."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from smrep.cli import root
from smrep.cli.basics import COMPLETE, CONDUCTED, WORDS
from smrep.cli.process import stopping
from smrep.errors import Outcome, Terminated

if TYPE_CHECKING:
    from smrep.service.ports import Clock


def run(words: Sequence[str], clock: Clock | None = None) -> int:
    """Run the command that the words name and return its exit code; its time is the machine's unless a clock is given.

    Not by click's own `main`, which makes exit code 1 of an interrupt and of a broken pipe.

    Raises:
        BrokenPipeError: nobody reads the result any more.
        KeyboardInterrupt: before a command could take it in hand.

    """
    started = time.monotonic()
    if COMPLETE in os.environ:
        return _complete(os.environ[COMPLETE], words)
    context: click.Context | None = None
    try:
        with root.make_context("smrep", list(words), obj=clock) as context:
            context.meta[WORDS] = words
            root.invoke(context)
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
        signal = stopping(error)
        if signal and context and CONDUCTED in context.meta:  # it tells, or has told, how it ended
            raise signal from None
        from smrep.cli.refusing import cut_short, refused

        return cut_short(words, signal) if signal else refused(words, error, time.monotonic() - started)
    return 0


def _complete(instruction: str, words: Sequence[str]) -> int:
    """Answer a shell's completion script; what goes wrong is not said, for it would be said into a line being typed."""
    from smrep.cli.shells import answer

    try:
        text = answer(root, COMPLETE, instruction, words)
        click.echo(text, nl=bool(text))
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - see above
        return Outcome.FAILED.exit_code
    return 0
