"""What every command line has, help among them: it loads click and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from smrep import __version__

F = TypeVar("F", bound=Callable[..., Any])

COMPLETE = "_SMREP_COMPLETE"
"""The variable by which a shell's completion script asks for candidates."""
CONDUCTED = "smrep.conducted"
"""What a context's meta has where a command has taken its run in hand, and will tell how it ends."""
WORDS = "smrep.words"
"""What a context's meta has of the command line as it was typed."""
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def version(command: F) -> F:
    """Add -V/--version."""
    return click.version_option(__version__, "-V", "--version", prog_name="smrep", message="%(prog)s %(version)s")(
        command
    )
