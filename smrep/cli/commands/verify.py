"""`smrep verify`: prove that each replica holds the current version."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError

EXAMPLES = """\b
Examples:
    smrep verify prod/db
    smrep verify prod/db -r us-west-2=alias/dr --timeout 2m
    smrep verify - -o json < names.txt"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to verify (default: all), and the key that is expected there", keys=True)
@options.timeout
@options.shared
def verify(secrets: tuple[str, ...], regions: Any, *, timeout_s: float, shared: options.SharedOptions) -> int:
    """Prove that each replica holds the current version, without reading a value.

    Both sides are looked at: the same ARN suffix, our primary, the same versions under AWSCURRENT and AWSPREVIOUS,
    every version under the expected key. A version that lags is waited for. Where something differs, exit code 5.
    """
    with Run("verify", shared, timeout_s) as run:
        wanted = targets(regions, None)
        addresses = run.locate(secrets, [target.region for target in wanted]).addresses
        if not addresses:
            raise UsageError("there is nothing to verify", "verify ends well only if there was something to prove")

        from smrep.service import verify as service

        request = service.VerifyRequest(addresses, wanted, shared.expect_account)
        run.finish(service.verify(run.connect(), request, run.state))
    return run.exit_code
