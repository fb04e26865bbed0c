"""`smrep retry`: retry only the failed Regions."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.commands.replicate import ReplicateOptions, replicate_options, run_replication
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT

EXAMPLES = """\b
Examples:
    smrep retry prod/db
    smrep retry prod/db -r us-west-2=alias/dr
    smrep retry prod/db -r us-west-2 --force-overwrite"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Region to try again (default: all that Failed), and another KMS key for it", keys=True)
@replicate_options
@options.shared
def retry(secrets: tuple[str, ...], regions: Any, chosen: ReplicateOptions, shared: options.SharedOptions) -> int:
    """Try the Failed Regions again, say why each had failed and what came of it.

    SECRET is a name or an ARN; - reads them from standard input, one a line. Regions that are in sync are left alone;
    no Region is added. A key is kept unless another one is named.
    """
    return run_replication("retry", secrets, lambda: targets(regions, None), chosen, shared)
