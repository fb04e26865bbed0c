"""`smrep status`: show each Region's replication state, once or repeatedly."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import select

EXAMPLES = """\b
Examples:
    smrep status prod/db
    smrep status prod/db -r us-west-2 -o json
    smrep status prod/db --watch"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to report (default: all)")
@click.option("--watch", is_flag=True, help="Check again every two seconds until interrupted.")
@options.shared
def status(choice: options.Choice, regions: Any, *, watch: bool, shared: options.SharedOptions) -> int:
    """Show the replication state of each Region.

    SECRET is a name or an ARN, of the primary or of a replica; - reads them from standard input, one a line.
    """
    with Run("status", shared) as run:
        wanted = tuple(target.region for target in targets(regions, None))
        addresses = select(run, choice, wanted)

        from smrep.service import status as service

        request, aws = service.StatusRequest(addresses, wanted, shared.expect_account), run.connect()
        run.finish(service.watch(aws, request, run.state) if watch else service.status(aws, request))
    return run.exit_code
