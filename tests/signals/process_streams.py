"""smrep's process function in this process on real file descriptors: pipes, devices, closed ones."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from unittest import mock

from fixtures import Sandbox

from smrep.__main__ import process
from smrep.cli.signals import ENDING

CLOSED, BROKEN, FULL = "closed", "broken pipe", "/dev/full"
"""Where a stream can lead that takes nothing."""


def run(
    sandbox: Sandbox,
    *words: str,
    out: Path | str,
    err: Path | str = os.devnull,
    stdin: TextIO | None = None,
    **env: str,
) -> int:
    """Run the words as a process of its own would, with its streams leading there; return the exit code."""
    handlers = {number: signal.getsignal(number) for number in ENDING}
    threshold, unraisable = gc.get_threshold(), sys.unraisablehook
    with (
        _stream(out) as stdout,
        _stream(err) as stderr,
        mock.patch.dict(os.environ, {**sandbox.env, **env}, clear=True),
    ):
        try:
            with mock.patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr):
                return process(words)
        finally:
            gc.set_threshold(*threshold)
            gc.unfreeze()  # a process ends then, this one goes on
            sys.unraisablehook = unraisable
            for number, handler in handlers.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _stream(where: Path | str) -> Iterator[TextIO | None]:
    """Yield a text stream as Python makes one for a process: with a buffer, and without for standard error."""
    if where == CLOSED:
        yield None
        return
    if where == BROKEN:
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    stream = io.TextIOWrapper(os.fdopen(writer, "wb"), "utf-8", "strict")
    try:
        yield stream
    finally:
        with contextlib.suppress(OSError):
            stream.close()
