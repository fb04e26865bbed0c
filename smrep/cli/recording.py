"""The failover record of a run: read before anything is asked, written to as it goes."""

from __future__ import annotations

from contextlib import ExitStack

from smrep.cli.app import App
from smrep.cli.fleet import check_writable
from smrep.errors import UsageError
from smrep.model import SecretId
from smrep.output.recording import Book
from smrep.rules.asked import account_in, check_account
from smrep.rules.record import Pair


def the_record(app: App, path: str, pair: Pair | None, stack: ExitStack) -> Book:
    """Return the record, this run's own until the stack ends, unless the run is dry.

    Raises:
        UsageError: it can't be read or written, is of other Regions or of another account, or another run has it.

    """
    check_writable("--record", path)
    book = Book.opened(path, app.clock.now, writes=not app.dry_run)
    stack.callback(book.close)
    record = book.known
    if record.pair is not None and pair not in (None, record.pair):
        raise UsageError(
            f"--record {path} is of a failover from {record.pair.source} to {record.pair.target}; nothing was sent",
            "name another file for this one",
            code="RecordError",
        )
    for number in record.torn:
        app.messages.warning(f"line {number} of {path} was cut off, as by a run that was killed, and is left out")
    for arn in record.entries:
        check_account(account_in(SecretId(arn)), app.options.expect_account, f"{path} is of {arn}, which")
    if pair is not None:
        book.is_of(pair)
    return book
