"""The failover record as a file: read whole, then appended to line by line, each on its way before the next step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from smrep.errors import UsageError
from smrep.files import appending
from smrep.output.ledger import Ledger
from smrep.rules.record import Pair, Record, header, read


def load(path: str) -> Record:
    """Return the record in a file, an empty one where there is none yet.

    Raises:
        UsageError: it can't be read, or is no record.

    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--record {path} could not be read: {why}", code="RecordError") from error
    return read(text.split("\n"), f"--record {path}")


def opened(path: str, pair: Pair, known: Record, now: Callable[[], datetime]) -> Ledger:
    """Return the record to append to; a new one, with mode 0600, begins with its two Regions.

    Raises:
        UsageError: it can't be written.
        OutputError: not even its first line could be.

    """
    try:
        record = Ledger(appending(path, whole_lines=True), path, now, "record")
    except OSError as error:
        raise UsageError(f"--record {path} can't be written: {error.strerror}; nothing was sent") from error
    if known.pair is None:
        record.write(header(pair))
    return record
