"""`smrep rekey`: change a replica's KMS key while keeping the replica."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import budget
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import select
from smrep.errors import UsageError
from smrep.rules.primary_region import check_regions

EXAMPLES = """\b
Examples:
    smrep rekey prod/db -r us-west-2=alias/dr
    smrep rekey prod/db -r us-west-2,eu-west-1 --kms-key alias/dr
    smrep rekey prod/db -r us-west-2=alias/dr --recreate"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Region of the replica, and its new KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="New key for the Regions that name none.")
@click.option(
    "--recreate",
    is_flag=True,
    help="Remove the replica and add it again: the Region has no secret for a minute or more.",
)
@options.rate(20)
@options.timeout
@click.option("-n", "--dry-run", is_flag=True, help="Show what smrep would send, and send nothing.")
@click.option("--no-preflight", is_flag=True, help="Skip the check of the new key.")
@click.option("--yes", is_flag=True, help="Confirm --recreate or a plan without a question.")
@options.shared
def rekey(
    choice: options.Choice,
    regions: Any,
    *,
    kms_key: str | None,
    recreate: bool,
    rate: float,
    timeout_s: float,
    dry_run: bool,
    no_preflight: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Change a replica's KMS key in place, and prove it for every version.

    SECRET is the primary's name or ARN; - reads them from standard input, one a line. alias/aws/secretsmanager is the
    AWS managed key.
    """
    with Run("rekey", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = targets(regions, kms_key)
        for target in wanted:
            if target.kms_key is None:
                raise UsageError(f"the new key for {target.region} is missing", f"-r {target.region}=alias/NAME")
        replicas = [target.region for target in wanted]
        paced = budget(rate)
        if recreate and choice.is_made:
            raise UsageError("--recreate takes one secret at a time", "name it")
        addresses = select(run, choice, replicas)
        if recreate and len(addresses) > 1:
            raise UsageError("--recreate takes one secret at a time", "name one of them")
        check_regions((address.region for address in addresses), replicas)

        from smrep.service import rekey as service

        flags = options.typed("timeout_s", "dry_run", "no_preflight", "rate")
        request = service.RekeyRequest(
            addresses,
            wanted,
            recreate=recreate,
            preflight=not no_preflight,
            expect_account=shared.expect_account,
            flags=flags,
            selected=choice.flags,
            rate=paced,
        )
        run.finish(service.rekey(run.connect(), request, run.state))
    return run.exit_code
