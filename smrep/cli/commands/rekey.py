"""`smrep rekey`: change a replica's KMS key while keeping the replica."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.rules.primary_region import check_regions

EXAMPLES = """\b
Examples:
    smrep rekey prod/db -r us-west-2=alias/dr
    smrep rekey prod/db -r us-west-2,eu-west-1 --kms-key alias/dr
    smrep rekey prod/db -r us-west-2=alias/dr --recreate"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.argument("secret", metavar="SECRET")
@options.regions("Region of the replica, and its new key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="New key for the Regions that name none.")
@click.option(
    "--recreate",
    is_flag=True,
    help="Take the replica away and make it anew: the Region has no secret for a minute or more.",
)
@options.timeout
@click.option("-n", "--dry-run", is_flag=True, help="Look, say what would be sent, send nothing.")
@click.option("--no-preflight", is_flag=True, help="Do not look at the new key first.")
@click.option("--yes", is_flag=True, help="Answer the confirmation of --recreate.")
@options.shared
def rekey(
    secret: str,
    regions: Any,
    *,
    kms_key: str | None,
    recreate: bool,
    timeout_s: float,
    dry_run: bool,
    no_preflight: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Put replicas under another KMS key, in place, and prove it by reading back, old versions included.

    SECRET is the primary's name or ARN. alias/aws/secretsmanager goes back to AWS's own key.
    """
    with Run("rekey", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = targets(regions, kms_key)
        for target in wanted:
            if target.kms_key is None:
                raise UsageError(f"the new key for {target.region} is missing", f"-r {target.region}=alias/NAME")
        replicas = [target.region for target in wanted]
        addresses = run.locate([secret], replicas).addresses
        if len(addresses) != 1:
            raise UsageError("rekey takes one secret at a time", "smrep rekey --help")
        check_regions([addresses[0].region], replicas)

        from smrep.service import rekey as service

        flags = options.typed("timeout_s", "dry_run", "no_preflight")
        request = service.RekeyRequest(
            addresses[0],
            wanted,
            recreate=recreate,
            preflight=not no_preflight,
            expect_account=shared.expect_account,
            flags=flags,
        )
        run.finish(service.rekey(run.connect(), request, run.state))
    return run.exit_code
