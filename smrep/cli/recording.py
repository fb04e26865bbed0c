"""The failover record of a run: read before anything is asked, written to as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from smrep.cli.app import App
from smrep.cli.fleet import check_writable
from smrep.errors import UsageError
from smrep.model import SecretId
from smrep.output.recording import load, opened
from smrep.rules.asked import account_in, check_account
from smrep.rules.record import Pair, Record


def known_record(app: App, path: str, pair: Pair | None) -> Record:
    """Return what the record holds up to now.

    Raises:
        UsageError: it can't be read or written, is of other Regions, or of another account than expected.

    """
    check_writable("--record", path)
    record = load(path)
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
    return record


def written(app: App, path: str, pair: Pair, known: Record, stack: ExitStack) -> Callable[[Mapping[str, Any]], None]:
    """Return what appends a line to the record, open until the run ends.

    Raises:
        UsageError, OutputError: it can't be written.

    """
    ledger = opened(path, pair, known, app.clock.now)
    stack.callback(ledger.close)
    return ledger.write


def nothing_written(_: Mapping[str, Any]) -> None:
    """Write nothing down, of a run that does nothing."""
