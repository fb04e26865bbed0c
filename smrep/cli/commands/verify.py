"""`smrep verify`: prove that each replica holds the current version."""

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
    smrep verify prod/db
    smrep verify prod/db -r us-west-2=alias/dr --timeout 2m
    smrep verify - -o json < names.txt"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to verify (default: all), and its expected KMS key", keys=True)
@options.timeout
@options.shared
def verify(choice: options.Choice, regions: Any, *, timeout_s: float, shared: options.SharedOptions) -> int:
    """Prove that each replica holds the current version.

    smrep compares both sides without reading a value: the ARN suffix, the primary Region, the versions under AWSCURRENT
    and AWSPREVIOUS, and the key of every version. It waits for a version that is late. The exit code is 5 if something
    differs.
    """
    with Run("verify", shared, timeout_s) as run:
        wanted = targets(regions, None)
        addresses = select(run, choice, [target.region for target in wanted])
        if not addresses:
            raise UsageError("no secrets to verify", "name at least one")

        from smrep.service import verify as service

        request = service.VerifyRequest(addresses, wanted, shared.expect_account, selected=choice.is_made)
        run.finish(service.verify(run.connect(), request, run.state))
    return run.exit_code
