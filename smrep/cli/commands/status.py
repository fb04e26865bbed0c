"""`smrep status`: the replication state of each Region, now or on and on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.params import targets
from smrep.errors import Outcome
from smrep.report import Trouble

EXAMPLES = """\b
Examples:
    smrep status prod/db
    smrep status prod/db -r us-west-2 -o json
    smrep status prod/db --watch"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to report (default: all)")
@click.option("--watch", is_flag=True, help="Look again every two seconds until interrupted.")
@options.shared
def status(secrets: tuple[str, ...], regions: Any, *, watch: bool, **more: Any) -> None:
    """Show the replication state of each Region as AWS reports it now.

    SECRET is a name or an ARN, of the primary or of a replica; - reads them from standard input, one a line.
    """
    app = App("status", options.Shared(**more))

    def work(app: App) -> Iterator[None]:
        wanted = tuple(each.region for each in targets(regions, None))
        where = app.find_home(secrets, wanted)

        from smrep.service import status as service

        asked = service.Asked(where.addresses, wanted, app.options.expect_account)
        aws = app.connect()
        if not watch:
            found = service.status(aws, asked)
            app.secrets = lambda: found
            return
        app.interrupted = lambda: Trouble("Interrupted", "stopped watching", None, None, Outcome.INTERRUPTED)
        for snapshot in service.watch(aws, asked, app.clock):
            app.secrets = lambda snapshot=snapshot: snapshot  # type: ignore[misc]
            yield

    conduct(app, work)
