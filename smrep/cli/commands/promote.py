"""`smrep promote`: make a replica a standalone secret."""

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
    smrep promote prod/db -r us-west-2
    smrep promote prod/db -r us-west-2 --yes -o json"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Region of the replica", holds_secrets=True, required=True)
@options.changing("Wait until the secret is seen to stand alone (default: wait).", "the promotion")
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
    """Make the replica in a Region a standalone secret that can be written and rotated there.

    Its name, ARN and key stay; nothing leads back. Only that Region is called: the primary's may be down. The old
    primary is asked once afterwards what it lists still, and its silence fails nothing.
    """
    with Run("promote", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = [target.region for target in targets(regions, None)]
        if len(wanted) != 1:
            raise UsageError("a promotion is of one Region at a time", f"-r {wanted[0]}")
        (region,) = wanted
        secret_ids = run.secrets_in(secrets, region)

        from smrep.service import promote as service

        flags = options.typed("timeout_s", "wait", "dry_run")
        request = service.PromoteRequest(secret_ids, region, shared.primary_region, wait, shared.expect_account, flags)
        run.finish(service.promote(run.connect(region), request, run.state))
    return run.exit_code
