"""`smrep retry`: retry only the failed Regions."""

from __future__ import annotations

from typing import Any

from smrep.cli import options
from smrep.cli.commands.replicate import ReplicateOptions, replicate_options, run_replication
from smrep.cli.params import targets
from smrep.cli.root import command

EXAMPLES = """\b
Examples:
    smrep retry prod/db
    smrep retry prod/db -r us-west-2=alias/dr
    smrep retry prod/db -r us-west-2 --force-overwrite"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Region to retry (default: all failed ones), and another KMS key for it", keys=True)
@replicate_options
@options.shared
def retry(
    choice: options.Choice,
    regions: Any,
    chosen: ReplicateOptions,
    shared: options.SharedOptions,
) -> int:
    """Retry the failed Regions, and no others.

    SECRET is a name or an ARN; - reads them from standard input, one a line. smrep says why each Region failed before.
    It adds no Region, and keeps each key unless you name another one.
    """
    return run_replication("retry", choice, lambda: targets(regions, None), chosen, shared)
