"""`smrep replicate`: add replica Regions, wait until each is in sync, say so per Region."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import basics, options
from smrep.cli.replicating import acting, replicating

EXAMPLES = """\b
Examples:
    smrep replicate prod/db -r us-west-2
    smrep replicate prod/db -r us-west-2=alias/dr,eu-west-1 --timeout 10m --verify
    smrep replicate - -r us-west-2 -o name < names.txt"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region, and its KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@acting
@options.shared
def replicate(secrets: tuple[str, ...], regions: Any, kms_key: str | None, **more: Any) -> None:
    """Add replica Regions to secrets, wait until each is in sync, say so per Region.

    SECRET is a name or an ARN; - reads them from standard input, one a line. What is in sync already is left alone;
    Regions that Failed before are tried again.
    """
    replicating("replicate", secrets, regions, kms_key, more)
