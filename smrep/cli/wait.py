"""`smrep wait`: wait for replica Regions, start nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.options import CONTEXT, Shared, shared, timeout
from smrep.cli.params import Regions, targets
from smrep.rules.closing import stopped


@click.command(context_settings=CONTEXT)
@click.argument("secrets", metavar="SECRET...", nargs=-1, required=True)
@click.option(
    "-r",
    "--region",
    "regions",
    type=Regions(keys=False),
    multiple=True,
    metavar="REGION",
    help="Replica Region to wait for (default: all); repeatable, or with commas.",
)
@timeout
@shared
def wait(secrets: tuple[str, ...], regions: Any, *, timeout_s: float, **options: Any) -> None:
    """Wait until the Regions are in sync; start nothing.

    SECRET is a name or an ARN, of the primary or of a replica; - reads them from standard input, one a line.
    """
    app = App("wait", Shared(**options), timeout_s)

    def work(app: App) -> Iterator[None]:
        wanted = tuple(each.region for each in targets(regions, None))
        where = app.find_home(secrets, wanted)

        from smrep.service.awaiting import Awaiting
        from smrep.service.status import Asked

        asked = Asked(where.addresses, wanted, app.options.expect_account)
        run = Awaiting(app.connect(), app.clock, app.deadline, asked)
        app.secrets = run.secrets
        app.interrupted = lambda: stopped(run.secrets(), app.options.connection, sent=True)
        yield from run.act()

    conduct(app, work)
