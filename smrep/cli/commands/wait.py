"""`smrep wait`: wait for replica Regions, start nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.params import targets
from smrep.errors import UsageError
from smrep.rules.hints import spell
from smrep.rules.run_outcome import stopped_waiting

EXAMPLES = """\b
Examples:
    smrep wait prod/db -r us-west-2 --timeout 10m"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to wait for (default: all)")
@options.timeout
@options.shared
def wait(secrets: tuple[str, ...], regions: Any, *, timeout_s: float, **more: Any) -> None:
    """Wait until the Regions are in sync; start nothing.

    SECRET is a name or an ARN, of the primary or of a replica; - reads them from standard input, one a line.
    """
    app = App("wait", options.Shared(**more), timeout_s)

    def work(app: App) -> Iterator[None]:
        named = targets(regions, None)
        wanted = tuple(each.region for each in named)
        where = app.find_home(secrets, wanted)
        if not where.addresses:
            raise UsageError("there is nothing to wait for", "wait ends well only if there was something to wait for")

        from smrep.service.status import Asked
        from smrep.service.wait import Awaiting

        asked = Asked(where.addresses, wanted, app.options.expect_account)
        run = Awaiting(app.connect(), app.clock, app.deadline, asked, app.show)
        app.secrets, app.looks_last = run.secrets, True
        names = list(dict.fromkeys(each.secret_id for each in where.addresses))
        again = spell("wait", names, primary_region=where.region, targets=named)
        app.interrupted = lambda: stopped_waiting(run.secrets(), again)
        yield from run.act()

    conduct(app, work)
