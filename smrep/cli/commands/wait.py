"""`smrep wait`: wait for replica Regions without starting anything."""

from __future__ import annotations

from typing import Any

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import select
from smrep.errors import UsageError

EXAMPLES = """\b
Examples:
    smrep wait prod/db -r us-west-2 --timeout 10m"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to wait for (default: all)")
@options.timeout
@options.shared
def wait(choice: options.Choice, regions: Any, *, timeout_s: float, shared: options.SharedOptions) -> int:
    """Wait until the Regions are in sync; change nothing.

    SECRET is a name or an ARN, of the primary or of a replica; - reads them from standard input, one a line.
    """
    with Run("wait", shared, timeout_s) as run:
        wanted = tuple(target.region for target in targets(regions, None))
        addresses = select(run, choice, wanted)
        if not addresses:
            raise UsageError("no secrets to wait for", "name at least one")

        from smrep.service import wait as service

        request = service.WaitRequest(addresses, wanted, shared.expect_account, selected=choice.is_made)
        run.finish(service.wait(run.connect(), request, run.state))
    return run.exit_code
