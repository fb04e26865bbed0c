"""The way in: `smrep`, and `python -m smrep`."""

import gc
import signal
import sys
from collections.abc import Sequence


def main() -> None:
    """Run smrep as a process and exit; little is loaded up to here, so that an early Ctrl-C is met by us.

    Raises:
        SystemExit: always.

    """
    try:
        code = process(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def process(words: Sequence[str]) -> int:
    """Run the words as a command and return the exit code of the process."""
    from smrep.cli.signals import BROKEN_PIPE, answer_signals_with, drop, flush_streams, install_handlers, stopped_by
    from smrep.errors import Terminated

    gc.set_threshold(20_000)  # with 700, a tenth of the CPU of a short process; with more, a fleet's memory
    try:
        install_handlers()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = _run(words)
    except BrokenPipeError:
        code = BROKEN_PIPE
    except (KeyboardInterrupt, Terminated) as error:
        drop(sys.stdout)  # it may be what hangs
        code = stopped_by(error)
    code = flush_streams(code)
    answer_signals_with(signal.SIG_IGN)  # else one that comes while Python ends would end it raw
    gc.freeze()  # else Python looks three times through all that was loaded, to free what ends with the process anyway
    return code


def _run(words: Sequence[str]) -> int:
    from smrep.errors import Terminated

    try:
        from smrep.cli.main import run
    except (KeyboardInterrupt, Terminated) as error:
        from smrep.cli.main import report_early_signal

        return report_early_signal(words, error)
    return run(words)


if __name__ == "__main__":
    main()
