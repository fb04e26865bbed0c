"""`smrep promote`: make a replica a standalone secret."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import UsageError

EXAMPLES = """\b
Examples:
    smrep promote prod/db -r us-west-2
    smrep promote prod/db -r us-west-2 --yes -o json"""


@command(epilog=EXAMPLES)
@click.argument("secrets", metavar="SECRET...", nargs=-1, required=True)
@options.regions("Region of the replica", holds_secrets=True, required=True)
@options.changing("Wait until the secret is standalone (default: wait).", "the promotion")
@options.shared
def promote(
    secrets: tuple[str, ...],
    regions: Any,
    *,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Make a replica a standalone secret.

    You can then write and rotate the secret in its Region; its name, ARN and key stay the same. A promotion cannot be
    undone. It calls only that Region, so the primary's may be down. Afterwards smrep asks the old primary once which
    replicas it still lists; no answer is not a failure.
    """
    with Run("promote", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = [target.region for target in targets(regions, None)]
        if len(wanted) != 1:
            raise UsageError("promote takes one Region at a time", f"-r {wanted[0]}")
        (region,) = wanted
        secret_ids = run.secrets_in(secrets, region)

        from smrep.service import promote as service

        flags = options.typed("timeout_s", "wait", "dry_run")
        request = service.PromoteRequest(secret_ids, region, shared.primary_region, wait, shared.expect_account, flags)
        run.finish(service.promote(run.connect(region), request, run.state))
    return run.exit_code
