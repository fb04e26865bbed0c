"""The process: arguments in, exit code out, every way in which a process can end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

BROKEN_PIPE = 141


def main() -> None:
    """Run smrep as a process and exit.

    Raises:
        SystemExit: always.

    """
    from smrep.cli.conduct import Terminated
    from smrep.cli.entry import run

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    gc.set_threshold(50_000)  # a short process that loads much: a tenth of its CPU went into looking for garbage
    signal.signal(signal.SIGTERM, terminate)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that Python's own flush at the end has somewhere to go
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Terminated:
        code = 128 + signal.SIGTERM
    sys.exit(code)


if __name__ == "__main__":
    main()
