"""The way in: `smrep`, and `python -m smrep`."""

import sys


def main() -> None:
    """Run smrep as a process and exit; little is loaded up to here, so that an early Ctrl-C is met by us.

    Raises:
        SystemExit: always.

    """
    try:
        from smrep.cli.process import process

        code = process(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
