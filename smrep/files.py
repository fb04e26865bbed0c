"""Files that smrep makes: for their owner's eyes only."""

from __future__ import annotations

import os
from typing import TextIO

OWN = 0o600
"""The mode of a file that smrep makes: its owner reads and writes it, and nobody else."""


def appending(path: str) -> TextIO:
    """Return a file to append to; where there is none yet, it is made with mode 0600, whatever the umask.

    One that is there keeps its mode; a link that leads to it is followed. Nothing is made at the far end of a link.

    Raises:
        OSError: it can't be made or written to.

    """
    flags = os.O_WRONLY | os.O_APPEND
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, OWN)
        os.fchmod(descriptor, OWN)  # a umask can take from the mode even what is the owner's
    except FileExistsError:
        descriptor = os.open(path, flags)
    return os.fdopen(descriptor, "a", encoding="utf-8")
